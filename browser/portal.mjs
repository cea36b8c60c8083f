// What an applicant does on the portal, and what the wallet then does.

import assert from "node:assert/strict";

export const STUDENT = {
  given_name: "Erika",
  family_name: "Mustermann",
  birth_date: "2003-08-12",
  student_id: "20260815",
};

/** Fills in what the form of the student card asks for. */
export async function fillStudentCard(page) {
  for (const [name, value] of Object.entries(STUDENT)) await page.fill(`[name=${name}]`, value);
}

/** Applies for a student card that nobody has to approve; the address of the page that follows. */
export async function apply(page, issuer) {
  await page.goto(issuer.page("apply/student_card"));
  await fillStudentCard(page);
  await page.click("main button[type=submit]");
  await inState(page, "waiting");
  return page.url();
}

/** Waits until the page is in a state. */
export function inState(page, state, timeout) {
  return page.waitForSelector(`main[data-state=${state}]`, { timeout });
}

/** The transaction code that the page shows, as demonstrations do. */
export async function txCode(page) {
  return (await page.textContent(".digits")).replace(/\D/g, "");
}

/** A code of the same form that is not the one. */
export function wrong(code) {
  return code.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
}

/** The credentials that a wallet got for a link or a picture. */
export async function receive(wallet, offer, ...options) {
  const { code, stdout, stderr } = await wallet.receive(offer, ...options);
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout).credentials;
}

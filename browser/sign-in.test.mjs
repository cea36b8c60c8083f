// Signing in for a wallet: the issuer's pages, the wallet's page beside them, and what comes later.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNT, serveWallet, startIssuer } from "./bestow.mjs";
import { assertGood, assertQuiet, hasFocus, shown, startBrowser, tabTo } from "./chromium.mjs";
import { cardNames, pasteLink, stored } from "./wallet.mjs";

const INTERVAL_MILLISECONDS = 1_000;

/** A type that an officer approves once a wallet has asked for it. */
const DEFERRED = { approval: "deferred", tx_code: false, letter: false };

let browser, issuer, wallet, page;

before(async () => {
  const portal = { interval: INTERVAL_MILLISECONDS / 1_000 };
  issuer = await startIssuer({ signIn: true, types: { diploma: DEFERRED }, portal });
  wallet = await serveWallet(issuer.trust);
  browser = await startBrowser();
  page = await browser.open();
  await page.goto(wallet.url);
  await shown(page, "#add-first");
});

after(async () => {
  await browser?.stop();
  await wallet?.stop();
  await issuer?.stop();
});

/** From the link to the issuer's page in the other window. */
async function beginSignIn() {
  const { uri } = await issuer.offer("student_card", "--grants", "authorization_code");
  await pasteLink(page, uri);
  await page.click("#agree");
  await page.getByRole("button", { name: "Go on to sign in" }).click();
  await shown(page, "#sign-in-link");
  assert.equal(await page.locator("#sign-in-host").textContent(), issuer.host);
  const opened = page.context().waitForEvent("page");
  await page.click("#sign-in-link");
  const window = await opened;
  await window.getByLabel("Password").waitFor();
  return window;
}

async function signIn(window, password) {
  await window.getByLabel("Password").fill(password);
  await window.getByRole("button", { name: "Sign in" }).click();
}

test("a person signs in, sees who gets what, allows it, and has the card", async () => {
  const window = await beginSignIn();
  await assertGood(page);
  await assertGood(window);
  assert.match(await window.locator("main").textContent(), /Bestow Wallet/);
  assert.equal(new URL(window.url()).search, "", "the request stands in no address bar");

  await window.getByLabel("Account").fill(ACCOUNT.name);
  await signIn(window, "wrong");
  const problems = window.getByRole("alert");
  await problems.waitFor();
  assert.ok(await hasFocus(problems), "who cannot see it is told");
  assert.equal(await window.getByLabel("Account").inputValue(), ACCOUNT.name);
  assert.equal(await window.getByLabel("Password").inputValue(), "");
  await assertGood(window, 403);

  await tabTo(window, "#password");
  await window.keyboard.type(ACCOUNT.password);
  await window.keyboard.press("Enter");
  await window.waitForSelector("main[data-state=consent]");
  const consent = await window.locator("main").textContent();
  for (const said of ["Bestow Wallet", ACCOUNT.name, "Student Card", "Given name", "Erika"]) {
    assert.ok(consent.includes(said), `${said} is missing in ${consent}`);
  }
  await assertGood(window);

  await page.click("#signed-in");
  await page.getByText("has not come back yet").waitFor();
  await assertGood(page, 409);
  await window.getByRole("button", { name: "Allow", exact: true }).click();
  await window.getByText("Thank you").waitFor();
  await assertGood(window);
  await window.close();
  await page.click("#signed-in");
  await shown(page, "#keep");
  await page.click("#keep");
  await shown(page, "#added");
  assert.deepEqual(await cardNames(page), ["Student Card"]);
  assertQuiet(page, 409);
});

test("who says no gives nothing away, and the wallet says so", async () => {
  const window = await beginSignIn();
  await window.getByRole("button", { name: "Cancel" }).click();
  await window.getByText("Thank you").waitFor();
  await window.close();
  const before = (await stored(page)).length;
  await page.click("#signed-in");
  await shown(page, "#step-error .problem, #step-error [role=alert]");
  assert.equal((await stored(page)).length, before);
  await assertGood(page, 400);
});

test("a page of a sign-in that is over leads nowhere, and says what to do", async () => {
  const window = await beginSignIn();
  const address = window.url();
  await window.getByRole("button", { name: "Cancel" }).click();
  await window.getByText("Thank you").waitFor();
  const { status } = await window.goto(address).then((answer) => ({ status: answer.status() }));
  assert.ok(status >= 400 && status < 500, `${status}`);
  assert.match(await window.locator("main").textContent(), /wallet/i);
  await assertGood(window, status);
  await window.close();
});

test("the sign-in speaks the reader's language", async () => {
  const window = await beginSignIn();
  const german = await browser.open({ locale: "de-DE" });
  await german.goto(window.url());
  await german.getByLabel("Passwort").waitFor();
  assert.equal(await german.locator("html").getAttribute("lang"), "de");
  await assertGood(german);
  await german.context().close();
  await window.close();
});

test("what an officer has to approve waits on the list, and comes when it is asked for", async () => {
  const { uri } = await issuer.offer("diploma");
  await page.goto(`${wallet.origin}/#cards`);
  await pasteLink(page, uri);
  await page.click("#agree");
  await shown(page, "#redeem");
  await page.click("#redeem");
  await page.getByText("Still to come").or(page.getByText(/not ready/i)).first().waitFor();
  await assertGood(page);
  await page.click("#nav-cards");
  const again = page.getByRole("button", { name: "Ask again for Diploma" });
  await again.waitFor();
  await assertGood(page);

  const { deferrals } = await issuer.deferred("list");
  assert.equal(deferrals.length, 1);
  await issuer.deferred("approve", deferrals[0].id);
  await page.waitForTimeout(INTERVAL_MILLISECONDS);
  await again.click();
  await shown(page, "#keep");
  await assertGood(page);
  await page.click("#keep");
  await shown(page, "#added");
  assert.ok((await cardNames(page)).includes("Diploma"));
  assert.equal(await page.locator("#pending").isVisible(), false);
  assertQuiet(page);
});

// The portal without JavaScript, and the letter: everything that an applicant needs is there.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { createWallet, temporaryFolder } from "../interop/bestow.mjs";
import { HELP_LINE, ISSUER_NAME, SELF_SERVICE, startIssuer } from "./bestow.mjs";
import { assertQuiet, startBrowser } from "./chromium.mjs";
import { apply, inState, receive, STUDENT, txCode, wrong } from "./portal.mjs";

const RELOAD_SECONDS = 15;
const program = promisify(execFile);

let browser, issuer, wallet, folder;

before(async () => {
  folder = await temporaryFolder();
  issuer = await startIssuer({ types: { student_card: SELF_SERVICE } });
  wallet = await createWallet(...issuer.trust);
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
  await issuer?.stop();
  await wallet?.remove();
  await rm(folder, { recursive: true });
});

const open = () => browser.open({ javaScriptEnabled: false });

test("a form comes back with what was typed, and the errors lead to the fields", async () => {
  const page = await open();
  await page.goto(issuer.page(""));
  await page.getByRole("link", { name: "Apply for Student Card" }).click();
  await page.getByLabel("Given name").fill(STUDENT.given_name);
  await page.getByRole("button", { name: "Send application" }).click();
  await page.getByRole("link", { name: "Family name: Please fill this in." }).click();
  assert.equal(new URL(page.url()).hash, "#field-family-name");
  assert.equal(await page.getByLabel("Given name").inputValue(), STUDENT.given_name);
  assertQuiet(page, 422);
  await page.context().close();
});

test("the page loads itself again until the card is issued", async () => {
  const page = await open();
  await apply(page, issuer);
  assert.equal(await page.getByRole("button", { name: "Copy link" }).count(), 0);
  const picture = join(folder, "screen.png");
  await writeFile(picture, await page.locator(".tile").screenshot());
  const code = await txCode(page);
  await wallet.receive(picture, "--tx-code", wrong(code));
  await page.reload();
  await inState(page, "opened");
  await receive(wallet, picture, "--tx-code", code);
  await inState(page, "issued", (RELOAD_SECONDS + 5) * 1000);
  assertQuiet(page);
  await page.context().close();
});

test("a fresh QR code is a button away", async () => {
  const page = await open();
  await apply(page, issuer);
  const link = await page.locator("#link").textContent();
  await page.getByRole("button", { name: "Get a new QR code" }).click();
  const fresh = await page.textContent(`#link:not(:text-is("${link}"))`);
  await receive(wallet, fresh, "--tx-code", await txCode(page));
  assertQuiet(page);
  await page.context().close();
});

test("the letter has all that the applicant needs, its code on a sheet of its own", async () => {
  const page = await open();
  const application = await apply(page, issuer);
  const letter = join(folder, "letter.pdf");
  const answer = await page.request.get(`${application}/letter.pdf`);
  assert.equal(answer.headers()["content-type"], "application/pdf");
  await writeFile(letter, await answer.body());
  const { stdout: facts } = await program("pdfinfo", [letter]);
  assert.match(facts, /^Page size:.*A4/m);
  assert.match(facts, /^Pages:\s+3$/m, "a sheet printed on both sides, and one for the code");

  const code = await txCode(page);
  const [front, back, sheet] = (await words(letter)).split("\f");
  for (const said of [ISSUER_NAME, "Student Card", HELP_LINE]) {
    assert.ok(front.includes(said), `${said} is missing in\n${front}`);
  }
  const shows = (text) => text.replace(/\s/g, "").includes(code);
  assert.ok(!shows(front) && !shows(back), "the code is on the sheet of the QR code");
  assert.ok(shows(sheet), sheet);

  await program("pdftoppm", ["-r", "150", "-png", "-singlefile", letter, join(folder, "letter")]);
  await receive(wallet, join(folder, "letter.png"), "--tx-code", code);
  await page.context().close();
});

async function words(letter) {
  return (await program("pdftotext", ["-layout", letter, "-"])).stdout;
}

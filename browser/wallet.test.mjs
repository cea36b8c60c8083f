// The wallet's page: every way in, every question on the way, and what happens to cards later.

import assert from "node:assert/strict";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { temporaryFolder } from "../interop/bestow.mjs";
import { ISSUER_NAME, serveWallet, startIssuer } from "./bestow.mjs";
import {
  assertGood, assertQuiet, description, hasFocus, shown, startBrowser, tabTo,
} from "./chromium.mjs";
import { wrong } from "./portal.mjs";
import { agreeAndGet, cardNames, enter, keep, pasteLink, stored, transfer } from "./wallet.mjs";

let browser, issuer, wallet, folder, page;

before(async () => {
  folder = await temporaryFolder();
  issuer = await startIssuer();
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
  await rm(folder, { recursive: true });
});

/** An offer and the file with its QR code. */
async function offerWithPicture(id, kind) {
  const picture = join(folder, `${id}.${kind}`);
  const { tx_code: code } = await issuer.offer(id, "--tx-code", "--qr", picture);
  return { code, picture };
}

describe("the way in", () => {
  test("the token is gone from the address, and the empty wallet says what to do", async () => {
    assert.equal(page.url(), `${wallet.origin}/`);
    assert.equal(await page.locator("h1").textContent(), "Your wallet is empty");
    await assertGood(page);
    await page.reload();
    await shown(page, "#add-first");
  });

  test("the link opens once: another browser stays outside", async () => {
    const other = await browser.open();
    await other.goto(wallet.url);
    await other.getByRole("heading", { name: "This wallet is locked" }).waitFor();
    assert.equal(new URL(other.url()).hash, "");
    assert.ok(await other.locator("#nav").isHidden());
    await assertGood(other, 403);
    await other.context().close();
  });

  test("who has the cookie may follow the link again", async () => {
    const again = await page.context().newPage();
    await again.goto(wallet.url);
    await shown(again, "#add-first");
    await again.close();
  });
});

describe("the ways of an offer", () => {
  test("a link, with every question before the card is stored", async () => {
    const { uri } = await issuer.offer("course_ticket");
    await page.click("#nav-add");
    await page.click("#link-submit");
    const field = page.getByLabel("Link of the offer");
    assert.match(await description(field), /Paste the link of the offer first/);
    await assertGood(page);
    await pasteLink(page, uri);
    assert.equal(await page.locator("#host").textContent(), issuer.host);
    await assertGood(page);

    await page.click("#agree");
    await shown(page, "#redeem");
    assert.equal(
      await page.locator("#offer-lead").textContent(),
      `${ISSUER_NAME} (${issuer.host}) offers you this card.`,
    );
    await assertGood(page);
    await page.click("#redeem");
    await shown(page, "#keep");
    assert.match(await page.locator("#previews").textContent(), /Introduction to Cryptography/);
    assert.deepEqual(await stored(page), [], "it is stored before the holder said so");
    await assertGood(page);
    await keep(page);
    assert.deepEqual(await cardNames(page), ["Course Ticket"]);
    assert.equal(await page.locator("#added").textContent(), "Added: Course Ticket");
    await assertGood(page);
  });

  test("a file that is chosen, and a transaction code that is wrong at first", async () => {
    const { code, picture } = await offerWithPicture("diploma", "svg");
    await page.click("#nav-add");
    await page.getByLabel("A picture of the QR code").setInputFiles(picture);
    await shown(page, "#host");
    await page.click("#agree");
    const field = page.getByLabel("Transaction code");
    await field.fill(code.slice(1));
    await page.click("#redeem");
    assert.match(await description(field), /The code has 6 digits; you typed 5/);
    await field.fill(wrong(code));
    await page.click("#redeem");
    await page.getByText("The issuer did not accept this code").waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.match(await description(field), /did not accept this code/);
    assert.ok(await hasFocus(field));
    await assertGood(page, 502);
    await field.fill(code);
    await page.click("#redeem");
    await shown(page, "#keep");
    await keep(page);
    assert.ok((await cardNames(page)).includes("Diploma"));
    assertQuiet(page);
  });

  test("a picture that is dropped on any view", async () => {
    const { code, picture } = await offerWithPicture("student_card", "png");
    const carried = await transfer(page, {
      name: "qr.png", type: "image/png", bytes: await readFile(picture),
    });
    await page.dispatchEvent("main", "dragover", { dataTransfer: carried });
    await shown(page, "#drop-hint");
    await page.dispatchEvent("main", "drop", { dataTransfer: carried });
    await shown(page, "#host");
    await agreeAndGet(page, code);
    const before = (await stored(page)).length;
    await page.click("#discard");
    await shown(page, "#nav-add");
    assert.equal((await stored(page)).length, before, "what was thrown away is stored");
    assertQuiet(page);
  });

  test("a picture that is pasted", async () => {
    const { code, picture } = await offerWithPicture("student_card", "png");
    const carried = await transfer(page, {
      name: "qr.png", type: "image/png", bytes: await readFile(picture),
    });
    await page.evaluate((clipboardData) => {
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }, carried);
    await shown(page, "#host");
    await agreeAndGet(page, code);
    await keep(page);
    assert.ok((await cardNames(page)).includes("Student Card"));
    assertQuiet(page);
  });

  test("the keyboard alone leads from the link to the card", async (t) => {
    const { uri, tx_code: code } = await issuer.offer("diploma", "--tx-code");
    const own = await serveWallet(issuer.trust);
    t.after(own.stop);
    const page = await browser.open();
    await enter(page, own);
    await tabTo(page, "#add-first");
    await page.keyboard.press("Enter");
    await shown(page, "#link-form");
    await tabTo(page, "#link-text");
    await page.keyboard.insertText(uri);
    await tabTo(page, "#link-submit");
    await page.keyboard.press("Enter");
    await shown(page, "#host");
    await tabTo(page, "#agree");
    await page.keyboard.press("Enter");
    await shown(page, "#redeem");
    await tabTo(page, "#tx-code");
    await page.keyboard.type(`${code.slice(0, 3)} ${code.slice(3)}`);
    await page.keyboard.press("Enter");
    await shown(page, "#keep");
    await tabTo(page, "#keep");
    await page.keyboard.press("Enter");
    await shown(page, "#added");
    await tabTo(page, ".card-link");
    await page.keyboard.press("Enter");
    await shown(page, "#delete");
    await tabTo(page, "#raw summary");
    await page.keyboard.press("Enter");
    await page.getByText('"final_grade": 1.7').waitFor();
    assertQuiet(page);
    await page.context().close();
  });

  test("a host that the holder does not know is never asked", async () => {
    const { uri } = await issuer.offer("course_ticket");
    await pasteLink(page, uri);
    await page.click("#decline");
    await shown(page, "#cards");
    const answer = await issuer.administer("GET", "/admin/v1/offers?state=created&limit=100");
    const { offers } = await answer.json();
    assert.equal(offers.length, 1, "the offer was fetched");
    assertQuiet(page);
  });

  test("a reload in the middle goes on where it was", async () => {
    const { uri, tx_code: code } = await issuer.offer("diploma", "--tx-code");
    await pasteLink(page, uri);
    await page.reload();
    await shown(page, "#host");
    await page.click("#agree");
    await shown(page, "#tx-code");
    await page.reload();
    await page.getByLabel("Transaction code").fill(code);
    await page.click("#redeem");
    await shown(page, "#keep");
    await page.reload();
    await shown(page, "#discard");
    await page.click("#discard");
    await shown(page, "#cards");
    assertQuiet(page);
  });
});

describe("what is no offer", () => {
  const told = async (text) => {
    await page.locator("#add-error [role=alert]").filter({ hasText: text }).waitFor();
  };

  test("a link of another kind says so", async () => {
    await page.click("#nav-add");
    await page.getByLabel("Link of the offer").fill("https://example.org/");
    await page.click("#link-submit");
    await shown(page, "#add-error [role=alert] .problem-hint");
    await assertGood(page, 400);
  });

  test("a picture without a QR code says so, and one that is none too", async () => {
    const plain = await page.screenshot({ clip: { x: 0, y: 0, width: 200, height: 200 } });
    const choose = page.getByLabel("A picture of the QR code");
    await choose.setInputFiles({ name: "plain.png", mimeType: "image/png", buffer: plain });
    await told(/QR code/);
    const text = { name: "text.png", mimeType: "image/png", buffer: Buffer.from("text") };
    await choose.setInputFiles(text);
    await told(/PNG/);
    assertQuiet(page, 400);
  });

  test("without a camera the other ways are named", async () => {
    await page.click("#camera-start");
    await page.getByText("Use a picture or the link").waitFor();
    assert.ok(await page.locator("#camera-start").isVisible());
    assertQuiet(page);
  });

  test("a used offer is refused where the holder is", async () => {
    const { uri } = await issuer.offer("course_ticket");
    await pasteLink(page, uri);
    await agreeAndGet(page);
    await page.click("#discard");
    await pasteLink(page, uri);
    await page.click("#agree");
    await shown(page, "#step-error [role=alert], #redeem");
    if (await page.locator("#redeem").isVisible()) await page.click("#redeem");
    await shown(page, "#step-error [role=alert] .problem-hint");
    await assertGood(page, 502);
    await page.click("#nav-cards");
  });
});

describe("a card in the wallet", () => {
  let own, page;

  before(async () => {
    const offers = await Promise.all(
      ["student_card", "diploma"].map((id) => issuer.offer(id, "--tx-code")),
    );
    own = await serveWallet(issuer.trust, offers);
    page = await browser.open();
    await enter(page, own);
  });

  after(() => own?.stop());

  const open = async (name) => {
    await page.click("#nav-cards");
    await page.locator(".card-link").filter({ hasText: name }).click();
    await page.locator("h1").filter({ hasText: name }).waitFor();
  };

  test("its claims have labels, its issuer is verified", async () => {
    await open("Student Card");
    const all = (await page.locator(".claims > div").allTextContents()).join("\n");
    for (const said of ["Given nameErika", "Date of birth12 August 2003", "CityKöln"]) {
      assert.ok(all.includes(said), `${said} is missing in\n${all}`);
    }
    assert.match(await page.locator(".badge").textContent(), /^Verified\./);
    await assertGood(page);
  });

  test("it is shown as it was issued to who wants to see it", async () => {
    await open("Student Card");
    await page.click("#raw summary");
    await page.waitForSelector("#raw-text:not(:empty)");
    const claims = JSON.parse(await page.locator("#raw-claims").textContent());
    assert.equal(claims.family_name, "Mustermann");
    assert.match(await page.locator("#raw-text").textContent(), /^ey[\w-]+\.[\w-]+\.[\w-]+~/);
    await assertGood(page);
  });

  test("it is deleted only after a yes", async () => {
    await open("Diploma");
    await page.click("#delete");
    await shown(page, "#delete-dialog");
    assert.ok(await hasFocus(page.locator("#delete-cancel")));
    await assertGood(page);
    await page.keyboard.press("Escape");
    await page.click("#delete");
    await page.click("#delete-cancel");
    assert.equal((await stored(page)).length, 2);
    await page.click("#delete");
    await page.click("#delete-confirm");
    await shown(page, "#cards");
    assert.deepEqual(await cardNames(page), ["Student Card"]);
    assert.equal((await stored(page)).length, 1);
    await assertGood(page);
  });
});

test("an issuer that nobody vouches for needs a yes of its own", async (t) => {
  const own = await serveWallet(["--ca", issuer.ca]);
  t.after(own.stop);
  const { uri, tx_code: code } = await issuer.offer("student_card", "--tx-code");
  const page = await browser.open();
  await enter(page, own);
  await pasteLink(page, uri);
  await agreeAndGet(page, code);
  await shown(page, "#doubt");
  await assertGood(page);
  await page.click("#keep");
  await shown(page, "#accept-error");
  assert.deepEqual(await stored(page), []);
  await page.getByLabel("I know this issuer and want to keep the card nevertheless").check();
  await keep(page);
  assert.equal(await page.locator("#cards .badge").textContent(), "Not verified");
  await assertGood(page);
  await page.context().close();
});

test("a damaged card is named and can be deleted, and the others are there", async (t) => {
  const offers = [await issuer.offer("diploma", "--tx-code"), await issuer.offer("student_card", "--tx-code")];
  const own = await serveWallet(issuer.trust, offers);
  t.after(own.stop);
  const credentials = join(own.store, "credentials");
  const [file] = await readdir(credentials);
  await writeFile(join(credentials, file), "spoiled");
  const page = await browser.open();
  await page.goto(own.url);
  await shown(page, "#damaged");
  assert.equal((await cardNames(page)).length, 1);
  assert.equal(await page.locator("#damaged-list code").textContent(), file);
  await assertGood(page);
  await page.click("#damaged-list button");
  await shown(page, "#delete-dialog");
  await assertGood(page);
  await page.click("#delete-confirm");
  await page.waitForSelector("#damaged", { state: "hidden" });
  assert.equal((await cardNames(page)).length, 1);
  assert.deepEqual((await readdir(credentials)).includes(file), false);
  await assertGood(page);
  await page.context().close();
});

// The portal with JavaScript: from the list of cards to the receipt, and every page on the way.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { createWallet, temporaryFolder } from "../interop/bestow.mjs";
import { ISSUER_NAME, SELF_SERVICE, startIssuer } from "./bestow.mjs";
import {
  assertGood, assertQuiet, description, hasFocus, shown, startBrowser, tabTo,
} from "./chromium.mjs";
import { apply, fillStudentCard, inState, receive, STUDENT, txCode, wrong } from "./portal.mjs";
import { stranger } from "./stranger.mjs";

const ISSUED = "Your Student Card is in your wallet";
const TICKET_SECONDS = 30; // the shortest life of an offer

let browser, issuer, wallet, folder, expiring;

before(async () => {
  folder = await temporaryFolder();
  issuer = await startIssuer({
    types: {
      student_card: SELF_SERVICE,
      course_ticket: { approval: "at-once", offer_seconds: TICKET_SECONDS },
    },
  });
  wallet = await createWallet(...issuer.trust);
  browser = await startBrowser();
  expiring = await browser.open(); // its time runs out while other tests run
  await applyForTicket(expiring);
});

async function applyForTicket(page) {
  await page.goto(issuer.page("apply/course_ticket"));
  await page.getByLabel("Course").fill("Introduction to Cryptography");
  await page.getByLabel("Starts on").fill("2026-10-12");
  await page.getByRole("button", { name: "Send application" }).click();
  await inState(page, "waiting");
}

/** What a picture shows, decoded by the browser. */
function pixels(page, base64) {
  return page.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    return [...canvas.getImageData(0, 0, picture.width, picture.height).data];
  }, base64);
}

after(async () => {
  await browser?.stop();
  await issuer?.stop();
  await wallet?.remove();
  await rm(folder, { recursive: true });
});

describe("the way to the card", () => {
  test("the first page names every card and leads to its form", async () => {
    const page = await browser.open();
    await page.goto(issuer.page(""));
    const names = await page.locator("main h2").allTextContents();
    assert.deepEqual(names.sort(), ["Course Ticket", "Diploma", "Student Card"]);
    await assertGood(page);
    await page.getByRole("link", { name: "Apply for Student Card" }).click();
    await page.waitForURL(issuer.page("apply/student_card"));
    await page.context().close();
  });

  test("every field of the form has a label, and a picture may be added", async () => {
    const page = await browser.open();
    await page.goto(issuer.page("apply/student_card"));
    const labels = ["Given name", "Family name", "Date of birth", "Student number", "Photo"];
    for (const label of labels) await page.getByLabel(label).waitFor();
    await assertGood(page);
    await page.context().close();
  });

  test("errors are said at the top and at the field, and nothing typed is lost", async () => {
    const page = await browser.open();
    await page.goto(issuer.page("apply/student_card"));
    await page.getByLabel("Given name").fill("Zoë <b>");
    await page.getByLabel("Date of birth").fill("2003-08-12");
    await page.getByLabel("Photo").setInputFiles({
      name: "photo.gif", mimeType: "image/gif", buffer: Buffer.from("GIF89a"),
    });
    await page.getByRole("button", { name: "Send application" }).click();
    const summary = page.getByRole("alert");
    await summary.waitFor();
    assert.match(await page.title(), /^Error: /);
    assert.equal(await page.evaluate(() => document.activeElement.className), "problems");

    await summary.getByRole("link", { name: "Family name: Please fill this in." }).click();
    const family = page.getByLabel("Family name");
    assert.ok(await hasFocus(family));
    assert.equal(await family.getAttribute("aria-invalid"), "true");
    assert.match(await description(family), /Please fill this in\./);
    assert.equal(await page.getByLabel("Given name").inputValue(), "Zoë <b>");
    assert.equal(await page.getByLabel("Date of birth").inputValue(), "2003-08-12");
    await assertGood(page, 422);

    await fillStudentCard(page);
    await page.getByLabel("Photo").setInputFiles([]);
    await page.getByRole("button", { name: "Send application" }).click();
    await inState(page, "waiting");
    assertQuiet(page);
    await page.context().close();
  });

  test("the page follows the wallet that scanned the screen, by itself", async () => {
    const page = await browser.open();
    await apply(page, issuer);
    await inState(page, "waiting");
    await assertGood(page);
    await page.evaluate(() => { window.isSamePage = true; });
    const picture = join(folder, "screen.png");
    await writeFile(picture, await page.locator(".tile").screenshot());
    const code = await txCode(page);

    const refused = await wallet.receive(picture, "--tx-code", wrong(code));
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    await inState(page, "opened");
    await assertGood(page);

    const [card] = await receive(wallet, picture, "--tx-code", code);
    assert.equal(card.claims.family_name, STUDENT.family_name);
    await inState(page, "issued");
    assert.equal(await page.locator("h1").textContent(), ISSUED);
    assert.equal(await page.locator("#announcer").textContent(), ISSUED);
    assert.ok(await page.evaluate(() => window.isSamePage), "the page was loaded again");
    await assertGood(page);
    await page.reload();
    await inState(page, "issued");
    await page.context().close();
  });

  test("the picture, the link and the button for this device are the same offer", async () => {
    const page = await browser.open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await apply(page, issuer);
    const link = await page.locator("#link").textContent();
    assert.match(link, /^openid-credential-offer:\/\/\?/);
    const open = page.getByRole("link", { name: "Open in wallet" });
    assert.equal(await open.getAttribute("href"), link);
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByRole("button", { name: "Link copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "QR code as a picture" }).click();
    const picture = join(folder, "download.png");
    await (await downloading).saveAs(picture);
    await receive(wallet, picture, "--tx-code", await txCode(page));
    await inState(page, "issued");
    assertQuiet(page);
    await page.context().close();
  });

  test("a photo of the form is in the card", async () => {
    const page = await browser.open();
    await page.goto(issuer.page("apply/student_card"));
    const photo = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });
    await fillStudentCard(page);
    const file = { name: "me.png", mimeType: "image/png", buffer: photo };
    await page.getByLabel("Photo").setInputFiles(file);
    await page.getByRole("button", { name: "Send application" }).click();
    await inState(page, "waiting");
    const link = await page.locator("#link").textContent();
    const [card] = await receive(wallet, link, "--tx-code", await txCode(page));
    // It is encoded again on its way in: the pixels are the same, the bytes need not be.
    const [type, kept] = card.claims.photo.split(",");
    assert.equal(type, "data:image/png;base64");
    assert.deepEqual(await pixels(page, kept), await pixels(page, photo.toString("base64")));
    await page.context().close();
  });

  test("the keyboard alone leads from the first page to the QR code", async () => {
    const page = await browser.open();
    await page.goto(issuer.page(""));
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await tabTo(page, "a[href$='/apply/student_card']");
    await page.keyboard.press("Enter");
    await page.waitForURL(issuer.page("apply/student_card"));
    await tabTo(page, "[name=given_name]");
    await page.keyboard.type(STUDENT.given_name);
    await tabTo(page, "[name=family_name]");
    await page.keyboard.type(STUDENT.family_name);
    await tabTo(page, "[name=birth_date]");
    await page.keyboard.type("12082003");
    await tabTo(page, "[name=student_id]");
    await page.keyboard.type(STUDENT.student_id);
    await tabTo(page, "main button");
    await page.keyboard.press("Enter");
    await inState(page, "waiting");
    await tabTo(page, "#link");
    await tabTo(page, "form button");
    await page.context().close();
  });
});

describe("an offer that ends", () => {
  test("an expired one makes room for a fresh QR code", async () => {
    const page = expiring;
    await inState(page, "expired", (TICKET_SECONDS + 10) * 1000);
    assert.equal((await page.request.get(`${page.url()}/qr.png`)).status(), 404);
    await assertGood(page);
    await page.getByRole("button", { name: "Get a new QR code" }).click();
    await inState(page, "waiting");
    assert.match(await page.locator(".countdown").textContent(), /^0:[0-3]\d$/);
    await receive(wallet, await page.locator("#link").textContent());
    await inState(page, "issued");
    assertQuiet(page);
    await page.context().close();
  });

  test("a new QR code makes the old one worthless", async () => {
    const page = await browser.open();
    await apply(page, issuer);
    const link = await page.locator("#link").textContent();
    const code = await txCode(page);
    await page.getByRole("button", { name: "Get a new QR code" }).click();
    const fresh = await page.textContent(`#link:not(:text-is("${link}"))`);
    const late = await wallet.receive(link, "--tx-code", code);
    assert.equal(late.code, 3, late.stdout + late.stderr);
    await receive(wallet, fresh, "--tx-code", await txCode(page));
    await page.context().close();
  });

  test("five wrong transaction codes lock it, and a fresh one opens the way again", async () => {
    const page = await browser.open();
    await apply(page, issuer);
    const link = await page.locator("#link").textContent();
    const code = await txCode(page);
    for (let tries = 0; tries < 5; tries += 1) {
      await wallet.receive(link, "--tx-code", wrong(code));
    }
    await inState(page, "locked");
    await assertGood(page);
    await page.getByRole("button", { name: "Get a new QR code" }).click();
    await inState(page, "waiting");
    await page.context().close();
  });

  test("one that the issuer takes back is gone for good", async () => {
    const page = await browser.open();
    await apply(page, issuer);
    const answer = await issuer.administer("GET", "/admin/v1/offers?state=created&limit=100");
    const { offers } = await answer.json();
    const isCard = (offer) => offer.credential_configuration_ids.includes("student_card");
    for (const { id } of offers.filter(isCard)) {
      await issuer.administer("DELETE", `/admin/v1/offers/${id}`);
    }
    await inState(page, "withdrawn");
    assert.equal(await page.getByRole("button").count(), 0);
    await assertGood(page);
    await page.context().close();
  });
});

describe("an officer who decides", () => {
  const applyForDiploma = async (page) => {
    await page.goto(issuer.page("apply/diploma"));
    await page.getByLabel("Given name").fill(STUDENT.given_name);
    await page.getByLabel("Family name").fill(STUDENT.family_name);
    await page.getByLabel("Degree").fill("Bachelor of Science");
    await page.getByLabel("Field of study").fill("Computer Science");
    await page.getByLabel("Awarded on").fill("2026-07-15");
    await page.getByLabel("Final grade").fill("1.7");
    await page.getByRole("button", { name: "Send application" }).click();
    await inState(page, "received");
    return (await page.locator(".facts dd").nth(1).textContent()).trim();
  };

  test("approval brings the QR code to the open page, its code to the officer", async () => {
    const page = await browser.open();
    const number = await applyForDiploma(page);
    await assertGood(page);
    const waiting = await issuer.applications("waiting");
    assert.deepEqual(waiting.map(({ id }) => id), [number]);
    const { tx_code: code } = await issuer.decide("approve", number);
    await inState(page, "waiting");
    assert.equal(await page.locator(".digits").count(), 0, "the code is on the page");
    await assertGood(page);
    const link = await page.locator("#link").textContent();
    const [card] = await receive(wallet, link, "--tx-code", code);
    assert.equal(card.claims.final_grade, 1.7);
    await inState(page, "issued");
    await page.context().close();
  });

  test("a rejection is told on the page", async () => {
    const page = await browser.open();
    const number = await applyForDiploma(page);
    await issuer.decide("reject", number);
    await inState(page, "notice");
    assert.equal(await page.locator("h1").textContent(), "Your application was not approved");
    await assertGood(page);
    await page.context().close();
  });
});

describe("who must not get in", () => {
  test("a link that is not complete leads to nothing", async () => {
    const page = await browser.open();
    const application = await apply(page, issuer);
    const flipped = application.slice(0, -1) + (application.endsWith("A") ? "B" : "A");
    const parts = ["", "/qr.png", "/letter.pdf", "/events"].map((part) => flipped + part);
    for (const url of [...parts, issuer.page("applications/1"), issuer.page("apply/none")]) {
      assert.equal((await page.request.get(url)).status(), 404, url);
    }
    const answer = await page.goto(flipped);
    assert.equal(answer.status(), 404);
    await assertGood(page, 404);
    await page.context().close();
  });

  test("a form on a stranger's page sends nothing, even with the right token", async (t) => {
    const page = await browser.open();
    await page.goto(issuer.page("apply/student_card"));
    const token = await page.locator("[name=csrf]").inputValue();
    const before = (await issuer.applications("approved")).length;
    const fields = { csrf: token, ...STUDENT };
    const other = await stranger(issuer.page("apply/student_card"), fields);
    t.after(other.stop);
    await page.goto(other.url);
    const [answer] = await Promise.all([
      page.waitForResponse(issuer.page("apply/student_card")),
      page.getByRole("button").click(),
    ]);
    assert.equal(answer.status(), 403);
    assert.equal((await issuer.applications("approved")).length, before);
    await shown(page, "h1");
    await assertGood(page, 403);
    await page.context().close();
  });

  test("a stranger's page cannot show the portal in a frame", async (t) => {
    const page = await browser.open();
    const other = await stranger(issuer.page(""), {});
    t.after(other.stop);
    await page.goto(`${other.url}frame`);
    await page.waitForLoadState("networkidle");
    const frame = page.frames().find((one) => one !== page.mainFrame());
    assert.ok(!(await frame.content()).includes(ISSUER_NAME));
    await page.context().close();
  });
});

describe("other readers", () => {
  test("the pages speak the reader's language", async () => {
    const page = await browser.open({ locale: "de-DE" });
    await page.goto(issuer.page("apply/student_card"));
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    await page.getByLabel("Vorname").waitFor();
    await assertGood(page);
    await page.context().close();
  });

  test("an issuer below a path has all of it there", async (t) => {
    const own = await startIssuer({ path: "/cards/eu", types: { student_card: SELF_SERVICE } });
    t.after(own.stop);
    const page = await browser.open();
    await page.goto(own.url);
    await page.getByRole("link", { name: "Apply for Student Card" }).click();
    await fillStudentCard(page);
    await page.getByRole("button", { name: "Send application" }).click();
    await inState(page, "waiting");
    await page.getByRole("button", { name: "Get a new QR code" }).click();
    await inState(page, "waiting");
    assert.ok(page.url().startsWith(`${own.url}/applications/`));
    assertQuiet(page);
    await page.context().close();
  });

  test("who applies too often is told how long to wait", async (t) => {
    const own = await startIssuer({
      types: { student_card: SELF_SERVICE }, portal: { applications_per_hour: 1 },
    });
    t.after(own.stop);
    const page = await browser.open();
    await apply(page, own);
    await page.goto(own.page("apply/student_card"));
    await fillStudentCard(page);
    await page.getByRole("button", { name: "Send application" }).click();
    await page.getByRole("heading", { name: "Too many requests" }).waitFor();
    assert.match(await page.locator("main").textContent(), /Please wait \d+ seconds/);
    await assertGood(page, 429);
    await page.context().close();
  });
});

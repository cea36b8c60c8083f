// The issuer's own picture of a whole card, in a browser: drawn in the look that the person likes, and
// nothing but a picture.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { serveWallet, startIssuer } from "./bestow.mjs";
import { assertGood, assertQuiet, shown, startBrowser } from "./chromium.mjs";
import { agreeAndGet, enter, keep, pasteLink } from "./wallet.mjs";

const PICTURE = new URL("../docs/credential-types/student_card.svg", import.meta.url);
const GERMAN = '[[display]]\nname = "Studierendenausweis"';
/** One colour for each look, so that pixels tell which one is drawn. */
const SKIES = { light: ["#cfe8ff", [207, 232, 255]], dark: ["#101820", [16, 24, 32]] };
let browser, issuer, wallet, page;

before(async () => {
  issuer = await startIssuer({ edit: drawCards });
  const offers = [await issuer.offer("student_card"), await issuer.offer("course_ticket")];
  wallet = await serveWallet(issuer.trust, offers);
  browser = await startBrowser();
  page = await browser.open();
  await enter(page, wallet);
});

after(async () => {
  await browser?.stop();
  await wallet?.stop();
  await issuer?.stop();
});

async function drawCards(folder) {
  const credentials = join(folder, "credentials");
  const file = join(credentials, "student_card.toml");
  const svg = await readFile(PICTURE, "utf8");
  let templates = "";
  for (const [look, [sky]] of Object.entries(SKIES)) {
    await writeFile(join(credentials, `${look}.svg`), svg.replace('fill="url(#sky)"', `fill="${sky}"`));
    templates += `[[display.svg_templates]]\nfile = "${look}.svg"\ncolor_scheme = "${look}"\n`;
  }
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(GERMAN, templates + GERMAN));
}

const picture = () => page.locator(".card-pictured img");

/** The colour of the picture near its upper edge. */
async function sky() {
  await picture().evaluate((image) => image.decode());
  return picture().evaluate((image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [...context.getImageData(canvas.width / 2, 8, 1, 1).data.slice(0, 3)];
  });
}

test("a card is drawn as its issuer drew it, by day and by night", async () => {
  for (const [colorScheme, [, colour]] of Object.entries(SKIES)) {
    await page.emulateMedia({ colorScheme });
    await page.reload();
    await shown(page, ".card-pictured img");
    assert.deepEqual(await sky(), colour, colorScheme);
    assert.equal(await picture().getAttribute("alt"), "Student Card, Riverside University");
  }
  assert.equal(await page.locator("#cards .card-name").textContent(), "Course Ticket", "it has no picture");
  await assertGood(page);
});

test("its details say what it says, and the picture stands beside them", async () => {
  await page.locator(".card-link", { has: picture() }).click();
  await shown(page, "#delete");
  await shown(page, ".card-pictured img");
  assert.match(await page.locator(".claims").textContent(), /Erika/);
  await assertGood(page);
});

test("before it is kept, a card is seen as its issuer drew it", async () => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`${wallet.origin}/`);
  await shown(page, "#nav");
  await pasteLink(page, (await issuer.offer("student_card")).uri);
  await agreeAndGet(page);
  await shown(page, "#previews .card-pictured img");
  assert.deepEqual(await sky(), SKIES.dark[1]);
  await assertGood(page);
  await keep(page);
  await page.locator(".card-pictured").nth(1).waitFor();
  await page.locator(".card-link", { has: picture() }).first().click();
  await shown(page, "#delete");
});

test("opened by itself, the picture is still only a picture", async () => {
  const address = await picture().evaluate((image) => image.currentSrc);
  const alone = await page.context().newPage();
  const answer = await alone.goto(address, { referer: `${wallet.origin}/` });
  // The address is the page's own: who comes to it from elsewhere is not let in.
  assert.equal(answer.status(), 403);
  await alone.close();
  const policy = await page.evaluate(async (address) => (await fetch(address)).headers.get("content-security-policy"), address);
  assert.match(policy, /^default-src 'none'.*; sandbox$/);
});

test("where the picture cannot be drawn, the card looks as it does without", async () => {
  await page.route("**/picture?*", (route) => route.fulfill({ status: 200, contentType: "image/svg+xml", body: "<svg" }));
  await page.goto(`${wallet.origin}/`);
  await page.locator(".card-name", { hasText: "Student Card" }).first().waitFor();
  assert.equal(await page.locator(".card-pictured").count(), 0);
  await page.unroute("**/picture?*");
  assertQuiet(page);
});

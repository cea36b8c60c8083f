// From the QR code on the portal's screen, through a camera, to the card.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { temporaryFolder } from "../interop/bestow.mjs";
import { SELF_SERVICE, serveWallet, startIssuer } from "./bestow.mjs";
import { assertGood, assertQuiet, shown, startBrowser } from "./chromium.mjs";
import { apply, inState, txCode } from "./portal.mjs";
import { cameraFlags, film } from "./video.mjs";
import { agreeAndGet, cardNames, enter, keep } from "./wallet.mjs";

let browser, issuer, wallet, folder;

before(async () => {
  folder = await temporaryFolder();
  issuer = await startIssuer({ types: { student_card: SELF_SERVICE } });
  wallet = await serveWallet(issuer.trust);
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
  await wallet?.stop();
  await issuer?.stop();
  await rm(folder, { recursive: true });
});

test("the camera sees the code, and the card follows", async (t) => {
  const portal = await browser.open();
  await apply(portal, issuer);
  const video = join(folder, "camera.y4m");
  await film(portal, await portal.locator(".tile").screenshot(), video);

  const filming = await startBrowser(...cameraFlags(video));
  t.after(filming.stop);
  const page = await filming.open();
  await enter(page, wallet);
  await page.click("#nav-add");
  await page.click("#camera-start");
  await shown(page, "#host");
  assert.equal(await page.locator("#host").textContent(), issuer.host);
  await agreeAndGet(page, await txCode(portal));
  await keep(page);
  assert.deepEqual(await cardNames(page), ["Student Card"]);
  assertQuiet(page);
  await inState(portal, "issued");
  assertQuiet(portal);
});

test("the camera stops when the holder says so, or goes elsewhere", async (t) => {
  const portal = await browser.open();
  await portal.goto(issuer.page(""));
  const video = join(folder, "wall.y4m");
  const wall = await portal.screenshot({ clip: { x: 0, y: 0, width: 50, height: 50 } });
  await film(portal, wall, video);
  const other = await serveWallet();
  t.after(other.stop);
  const filming = await startBrowser(...cameraFlags(video));
  t.after(filming.stop);
  const page = await filming.open();
  await enter(page, other);
  await page.click("#nav-add");
  await page.click("#camera-start");
  await shown(page, "#camera-stop");
  await page.getByText("Hold the QR code inside the frame.").waitFor();
  await assertGood(page);
  const track = await filmed(page);
  await page.click("#camera-stop");
  await shown(page, "#camera-start");
  assert.equal(await track.evaluate((one) => one.readyState), "ended");

  await page.click("#camera-start");
  await shown(page, "#camera-stop");
  const next = await filmed(page);
  await page.click("#nav-cards");
  await shown(page, "#add-first");
  assert.equal(await next.evaluate((one) => one.readyState), "ended");
  assertQuiet(page);
});

/** What the camera sends while it is on. */
function filmed(page) {
  return page.evaluateHandle(() =>
    document.getElementById("camera-video").srcObject.getVideoTracks()[0]);
}

// Takes the pictures of the README anew: `npm run pictures`.

import { mkdir } from "node:fs/promises";

import { SELF_SERVICE, serveWallet, startIssuer } from "./bestow.mjs";
import { shown, startBrowser } from "./chromium.mjs";
import { apply, txCode } from "./portal.mjs";
import { agreeAndGet, enter, keep, pasteLink } from "./wallet.mjs";

const FOLDER = new URL("../docs/images/", import.meta.url).pathname;
const WINDOW = { width: 1200, height: 960 };

await mkdir(FOLDER, { recursive: true });
const issuer = await startIssuer({ types: { student_card: SELF_SERVICE } });
const wallet = await serveWallet(issuer.trust);
const browser = await startBrowser();

const portal = await browser.open({ viewport: WINDOW });
await apply(portal, issuer);
await portal.screenshot({ path: `${FOLDER}portal.png` });

const page = await browser.open({ viewport: WINDOW });
await enter(page, wallet);
await pasteLink(page, await portal.locator("#link").textContent());
await agreeAndGet(page, await txCode(portal));
await keep(page);
await page.click(".card-link");
await shown(page, "#delete");
await page.screenshot({ path: `${FOLDER}wallet.png` });

await browser.stop();
await wallet.stop();
await issuer.stop();

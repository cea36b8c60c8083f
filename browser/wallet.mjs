// What a holder does on the wallet's page.

import { shown } from "./chromium.mjs";

/** Opens the link of the terminal, to the first view. */
export async function enter(page, wallet) {
  await page.goto(wallet.url);
  await shown(page, "#nav");
}

/** Gives the page a link, up to the question whether to contact the issuer. */
export async function pasteLink(page, link) {
  await page.click("#nav-add");
  await page.getByLabel("Link of the offer").fill(link);
  await page.click("#link-submit");
  await shown(page, "#host");
}

/** From that question to the preview of the card. */
export async function agreeAndGet(page, code) {
  await page.click("#agree");
  await shown(page, "#redeem");
  if (code) await page.getByLabel("Transaction code").fill(code);
  await page.click("#redeem");
  await shown(page, "#keep");
}

/** From the preview to the list. */
export async function keep(page) {
  await page.click("#keep");
  await shown(page, "#added");
}

/** The names on the cards of the list. */
export function cardNames(page) {
  return page.locator("#cards .card-name").allTextContents();
}

/** What the wallet holds, whatever the page shows. */
export function stored(page) {
  return page.evaluate(async () => (await (await fetch("api/cards")).json()).cards);
}

/** A file as something that is dragged or pasted carries it. */
export function transfer(page, { name, type, bytes }) {
  return page.evaluateHandle(({ name, type, base64 }) => {
    const data = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([data], name, { type }));
    return carried;
  }, { name, type, base64: bytes.toString("base64") });
}

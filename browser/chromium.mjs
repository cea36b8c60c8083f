// Debian's Chromium, and what every page must satisfy in it.

import assert from "node:assert/strict";

import axe from "axe-core";
import { chromium } from "playwright-core";

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WAIT = 10_000;
const DESKTOP = { width: 1200, height: 900 };
/** WCAG 2.2, 1.4.10: a page flows into this width. */
const NARROW = { width: 320, height: 640 };

/** A browser of its own profile; every page that it opens is watched for complaints. */
export async function startBrowser(...flags) {
  const browser = await chromium.launch({ executablePath: PROGRAM, args: [...FLAGS, ...flags] });
  return {
    /** A new profile: no cookie, nothing stored. */
    open: async (options = {}) => watched(await browser.newContext({
      ignoreHTTPSErrors: true, // the certificate is of the issuer's development CA
      locale: "en-GB",
      viewport: DESKTOP,
      ...options,
    })),
    stop: () => browser.close(),
  };
}

async function watched(context) {
  context.setDefaultTimeout(WAIT);
  context.on("page", watch); // also the windows that a page opens
  return context.newPage();
}

function watch(page) {
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
}

/**
 * The browser had nothing to say about the page; an answer with a status that the test is about
 * does not count.
 */
export function assertQuiet(page, ...statuses) {
  const isMeant = (text) => statuses.some((status) => text.includes(`a status of ${status} `));
  const complaints = page.complaints.splice(0).filter((text) => !isMeant(text));
  assert.deepEqual(complaints, [], "the console complains");
}

/** No finding of axe in light and dark, and no scrolling sideways on a narrow screen. */
export async function assertGood(page, ...statuses) {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await findings(page), [], `axe, ${colorScheme}, ${page.url()}`);
  }
  await page.setViewportSize(NARROW);
  assert.deepEqual(await findings(page), [], `axe, narrow, ${page.url()}`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= NARROW.width, `${page.url()} is ${width} pixels wide`);
  await page.setViewportSize(DESKTOP);
  assertQuiet(page, ...statuses);
}

async function findings(page) {
  await page.evaluate(axe.source);
  const options = { runOnly: { type: "tag", values: RULES }, resultTypes: ["violations"] };
  const { violations } = await page.evaluate((options) => axe.run(document, options), options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}

/** Waits for an element that is there only in a state of the page. */
export function shown(page, selector) {
  return page.waitForSelector(selector, { state: "visible" });
}

/** What `aria-describedby` makes a screen reader say. */
export function description(field) {
  return field.evaluate((element) => {
    const ids = (element.getAttribute("aria-describedby") ?? "").split(" ");
    const parts = ids.map((id) => document.getElementById(id));
    return parts.map((part) => (part && !part.hidden ? part.textContent : "")).join(" ");
  });
}

export function hasFocus(field) {
  return field.evaluate((element) => element === document.activeElement);
}

/** Presses Tab until something has the focus, as who cannot use a mouse does. */
export async function tabTo(page, selector, most = 40) {
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press("Tab");
    const { found, marked } = await page.evaluate((selector) => {
      const { activeElement } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(activeElement);
      // Between the parts of a date the browser itself shows where the focus is.
      const marked = activeElement === document.body || activeElement.type === "date"
        || (outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0);
      return { found: activeElement.matches(selector), marked };
    }, selector);
    assert.ok(marked, `nobody sees where the focus is on the way to ${selector}`);
    if (found) return;
  }
  assert.fail(`the keyboard does not reach ${selector}`);
}

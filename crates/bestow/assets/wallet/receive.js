// Steps 5 to 19: the person agrees to a host, to an offer, to a card.

import * as api from "./api.js";
import { detail, face } from "./card.js";
import { announce, clear, element, focusHeading, sentence, show, tell, tellField, working } from "./page.js";

const KEPT = "flow";

/** A scan was good: its flow becomes the view, and survives a reload. */
export async function begin({ flow }) {
  sessionStorage.setItem(KEPT, flow);
  if (location.hash === "#offer") await showFlow();
  else location.hash = "#offer";
}

export async function showFlow() {
  const id = sessionStorage.getItem(KEPT);
  if (!id) return location.replace("#add");
  try {
    draw(await api.flow(id));
  } catch (problem) {
    failed(problem);
  }
}

function failed(problem) {
  sessionStorage.removeItem(KEPT);
  show("view-failed", "That did not work");
  tell(problem);
  focusHeading();
}

const VIEWS = {
  host: showHost,
  offer: showOffer,
  sign_in: showSignIn,
  preview: showPreview,
  waits: showWaits,
  kept: showKept,
};

function draw(flow) {
  VIEWS[flow.step](flow);
  showFindings(flow);
}

/** What went wrong, and what the issuer did until then. */
function report(problem) {
  tell(problem);
  showFindings(problem);
}

/** One step; a failure is told where the person is, because the offer is still good. */
async function step(flow, decision) {
  clear();
  try {
    draw(await api.goOn(flow.flow, decision));
  } catch (problem) {
    if (problem.code === "flow_gone") return failed(problem);
    report(problem);
  }
}

async function leave(flow, text) {
  sessionStorage.removeItem(KEPT);
  await api.decline(flow.flow).catch(() => {});
  announce(text);
  location.hash = "#cards";
}

/** What the host is there for, when it is not the one that the link names. */
const ROLES = {
  issuer: "The issuer of this offer is at",
  server: "This issuer has the codes of its offers redeemed at another host. Your code would go to",
};

function showHost(flow) {
  show("view-host", "Contact this host?");
  element("host").textContent = flow.host;
  if (ROLES[flow.role]) {
    element("host-lead").textContent = ROLES[flow.role];
    element("host-unsent").hidden = true;
  }
  const agree = element("agree");
  agree.addEventListener("click", () =>
    working(agree, "Asking …", async () => {
      element("host-unsent").hidden = true;
      await step(flow, { action: "agree", host: flow.host });
    }));
  element("decline").addEventListener("click", () => leave(flow, "Nothing was sent."));
  focusHeading();
}

function showOffer(flow) {
  show("view-offer", "Your new card");
  const one = flow.cards.length === 1;
  element("offer-title").textContent = one ? "Your new card" : "Your new cards";
  const issuer = flow.issuer ? `${flow.issuer} (${flow.host})` : flow.host;
  element("offer-lead").textContent = `${issuer} offers you ${one ? "this card" : "these cards"}.`;
  element("offered").append(...flow.cards.map(offered));
  if (flow.unsupported.length) {
    const left = element("unsupported");
    left.textContent = `Also offered, but in a form that this wallet cannot hold: ${flow.unsupported.join(", ")}`;
    left.hidden = false;
  }
  if (!one) element("redeem").textContent = "Get the cards";
  if (flow.tx_code) askCode(flow.tx_code);
  if (flow.sign_in) element("redeem").textContent = "Go on to sign in";
  element("redeem-form").addEventListener("submit", (event) => redeem(event, flow));
  element("decline").addEventListener("click", () => leave(flow, "The offer was not taken."));
  focusHeading();
}

/** For whoever runs the issuer: which draft it speaks, and what this wallet excused. */
function showFindings({ draft, findings = [] }) {
  if (!element("findings") || (!draft && !findings.length)) return;
  const spoken = draft ? `This issuer speaks draft ${draft} of OpenID4VCI` : "What this issuer does otherwise";
  element("draft").textContent = spoken;
  element("excused").replaceChildren(...findings.map((finding) =>
    Object.assign(document.createElement("li"), { textContent: sentence(finding) })));
  element("findings").hidden = false;
}

/** The other window is the issuer's; this one waits for the person to come back. */
function showSignIn(flow) {
  show("view-sign-in", "Sign in with the issuer");
  element("sign-in-host").textContent = flow.host;
  element("sign-in-link").href = flow.address;
  const done = element("signed-in");
  done.addEventListener("click", () =>
    working(done, "Getting it …", async () => {
      clear();
      try {
        draw(await api.goOn(flow.flow, { action: "redeem", tx_code: null }));
      } catch (problem) {
        if (problem.code === "flow_gone") return failed(problem);
        if (problem.code === "not_signed_in") return tell(problem);
        await again(problem, flow);
      }
    }));
  element("decline").addEventListener("click", () => leave(flow, "The offer was not taken."));
  focusHeading();
}

function offered(card) {
  const item = document.createElement("li");
  item.append(face(card));
  if (card.description) item.append(Object.assign(document.createElement("p"), { className: "hint", textContent: card.description }));
  return item;
}

/** OFFER-19 to OFFER-22 */
function askCode({ numeric, length, description, host }) {
  const field = element("tx-code");
  const size = length ? counted(length, numeric) : numeric ? "Digits only" : "";
  const source = description || "You got it from the issuer in another way than this offer, such as by letter or text message";
  element("tx-code-hint").textContent = [source, size].map(sentence).join(" ").trim();
  element("tx-code-host").textContent = `The code is sent to ${host} and to nobody else.`;
  field.inputMode = numeric ? "numeric" : "text";
  field.classList.toggle("digits", numeric);
  if (length) field.style.setProperty("--length", length);
  if (numeric) field.addEventListener("input", () => keepDigits(field));
  element("code-field").hidden = false;
}

function counted(length, numeric) {
  return `${length} ${numeric ? "digit" : "character"}${length === 1 ? "" : "s"}`;
}

/** Codes are often printed in groups: blanks and dashes do not count. */
function keepDigits(field) {
  const digits = field.value.replace(/\D/g, "");
  if (digits !== field.value) field.value = digits;
}

/** What is wrong with the code before anybody is asked, so that a slip costs no attempt. */
function slip(code, tx) {
  if (!code) return "Type the transaction code.";
  if (tx.length && [...code].length !== tx.length) {
    return `The code has ${counted(tx.length, tx.numeric)}; you typed ${[...code].length}.`;
  }
  return "";
}

async function redeem(event, flow) {
  event.preventDefault();
  clear();
  const field = element("tx-code");
  const error = element("tx-code-error");
  const code = field.value.trim();
  if (flow.tx_code) {
    const wrong = slip(code, flow.tx_code);
    tellField(field, error, wrong);
    if (wrong) return;
  }
  const decision = { action: "redeem", tx_code: flow.tx_code ? code : null };
  await working(element("redeem"), "Getting it …", async () => {
    try {
      const next = await whenReady(flow, decision);
      if (next) draw(next);
    } catch (problem) {
      if (problem.code === "flow_gone") return failed(problem);
      if (!problem.retype) return again(problem, flow);
      tellField(field, error, `${sentence(problem.message)} ${sentence(problem.hint)}`);
      field.select();
    }
  });
}

/** Longest that this page asks again for an issuer that is not ready. */
const WAIT_SECONDS_MAX = 600;

/** Some issuers of drafts make an offer before it can be taken: the same is asked again, until the person goes. */
async function whenReady(flow, decision) {
  const heading = element("offer-title");
  for (let waited = 0; ; ) {
    try {
      return await api.goOn(flow.flow, decision);
    } catch (problem) {
      const seconds = problem.askAgainAfter;
      if (!seconds || waited + seconds > WAIT_SECONDS_MAX) throw problem;
      tell({ ...problem, message: "the issuer is not ready yet", hint: `this page asks it again in ${seconds} seconds` });
      await new Promise((done) => setTimeout(done, seconds * 1000));
      waited += seconds;
      if (!heading.isConnected) return null;
      clear();
    }
  }
}

/** After a failure the code may be spent already; the wallet knows, so the view is drawn anew. */
async function again(problem, flow) {
  try {
    draw(await api.flow(flow.flow));
  } finally {
    report(problem);
  }
}

function showPreview(flow) {
  show("view-preview", "Is this right?");
  element("previews").append(...flow.cards.map(preview));
  if (flow.failures.length) {
    const told = flow.failures.map(({ id, message }) =>
      Object.assign(document.createElement("li"), { textContent: `${id}: ${message}` }));
    element("failure-list").append(...told);
    element("failures").hidden = false;
  }
  if (flow.doubt) {
    element("doubt-text").textContent = sentence(flow.doubt);
    element("doubt").hidden = false;
  }
  element("keep-form").addEventListener("submit", (event) => keep(event, flow));
  element("discard").addEventListener("click", () => leave(flow, "Nothing was kept."));
  focusHeading();
}

function preview(card) {
  const drawn = detail(card);
  const title = Object.assign(document.createElement("h2"), { className: "preview-title", textContent: card.face.name });
  const section = document.createElement("section");
  section.append(title, drawn);
  for (const heading of drawn.querySelectorAll("h2")) {
    const smaller = Object.assign(document.createElement("h3"), { textContent: heading.textContent });
    heading.replaceWith(smaller);
  }
  return section;
}

async function keep(event, flow) {
  event.preventDefault();
  const box = element("accept-unverified");
  const error = element("accept-error");
  const missing = Boolean(flow.doubt) && !box.checked;
  tellField(box, error, missing ? "Tick the box to keep it, or throw it away." : "");
  if (missing) return;
  await working(element("keep"), "Storing …", () =>
    step(flow, { action: "keep", accept_unverified_issuer: Boolean(flow.doubt) }));
}

/** VCI §9: the wallet has what it needs to fetch it later. */
function showWaits(flow) {
  sessionStorage.removeItem(KEPT);
  announce(`Not ready yet: ${flow.cards.map((card) => card.name).join(", ")}`);
  location.replace("#cards");
}

function showKept(flow) {
  sessionStorage.removeItem(KEPT);
  const names = flow.cards.map((card) => card.name).join(", ");
  announce(`Added: ${names}`);
  sessionStorage.setItem("added", names);
  location.replace("#cards");
}

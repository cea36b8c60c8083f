// The wallet's page: who is let in, which view is shown, the cards.

import * as api from "./api.js";
import { detail, face, isRefused } from "./card.js";
import { announce, copy, element, focusHeading, show, tell, working } from "./page.js";
import { begin, showFlow } from "./receive.js";
import { link, picture, showAdd } from "./scan.js";

const LOCKED = new Set(["no_session", "dead_token", "wrong_origin", "wrong_host"]);

/** The token leaves the address before anything else happens, and works once. */
async function open() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    // A link opened twice in this browser still has its cookie: the next question tells.
    await api.openWith(token).catch(() => {});
  }
  await route();
}

async function route() {
  const [view, id] = location.hash.slice(1).split("/");
  if (view === "main" && !element("loading")) return; // the link that skips to the content
  try {
    if (view === "offer") await showFlow();
    else if (view === "card" && id) await showCard(decodeURIComponent(id));
    else if (view === "add") await letIn().then(showAdd);
    else await showCards();
  } catch (problem) {
    if (LOCKED.has(problem.code)) return showLocked();
    show("view-failed", "That did not work");
    tell(problem.code ? problem : { code: "page", message: "the page has a fault", hint: "load it again" });
    focusHeading();
  }
  mark(view || "cards");
}

function showLocked() {
  element("nav").hidden = true;
  show("view-locked", "Locked");
  focusHeading();
}

/** Says in the navigation where the person is. */
function mark(view) {
  element("nav").hidden = false;
  for (const name of ["cards", "add"]) {
    if (view === name) element(`nav-${name}`).setAttribute("aria-current", "page");
    else element(`nav-${name}`).removeAttribute("aria-current");
  }
}

/** Asks for something that only who is let in gets. */
async function letIn() {
  return api.cards();
}

async function showCards() {
  const { cards, pending, damaged } = await letIn();
  if (!cards.length && !pending.length && !damaged.length) {
    show("view-empty");
    return focusHeading();
  }
  show("view-cards", "My cards");
  element("cards").append(...cards.map(lying));
  if (damaged.length) showDamaged(damaged);
  if (pending.length) showPending(pending);
  told();
  focusHeading();
}

/** What cannot be read any more has no name but that of its file. */
function showDamaged(damaged) {
  element("damaged").hidden = false;
  for (const id of damaged) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "danger", textContent: "Delete" });
    button.setAttribute("aria-label", `Delete the damaged file ${id}`);
    item.append(Object.assign(document.createElement("code"), { textContent: id }), " ", button);
    askBeforeDeleting(button, { id, name: "this damaged file" });
    element("damaged-list").append(item);
  }
}

/** VCI §9: asked for, and not made yet. */
function showPending(pending) {
  element("pending").hidden = false;
  for (const card of pending) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Ask again" });
    button.setAttribute("aria-label", `Ask again for ${card.name}`);
    button.addEventListener("click", () => working(button, "Asking …", () => askAgain(card)));
    item.append(`${card.name} (${card.host}) `, button);
    element("pending-list").append(item);
  }
}

async function askAgain(card) {
  try {
    const { flow, ask_at: at } = await api.askAgain(card.id);
    if (flow) return await begin({ flow });
    announce(`${card.name} is not ready. Ask again after ${new Date(at).toLocaleString()}.`);
  } catch (problem) {
    tell(problem);
  }
}

/** What was just added is said where the person looks. */
function told() {
  const names = sessionStorage.getItem("added");
  sessionStorage.removeItem("added");
  if (!names) return;
  const line = Object.assign(document.createElement("p"), { id: "added", className: "good-news", textContent: `Added: ${names}` });
  element("cards").before(line);
}

function lying(card) {
  const item = document.createElement("li");
  const way = document.createElement("a");
  way.href = `#card/${encodeURIComponent(card.id)}`;
  way.className = "card-link";
  way.append(face(card));
  item.append(way);
  if (!card.trust.is_verified) {
    item.append(Object.assign(document.createElement("p"), { className: "badge bad", textContent: "Not verified" }));
  }
  if (isRefused(card)) {
    item.append(Object.assign(document.createElement("p"), { className: "badge bad", textContent: card.status.text }));
  }
  return item;
}

async function showCard(id) {
  const card = await api.card(id);
  show("view-card", card.face.name);
  document.querySelector(".card-title").textContent = card.face.name;
  element("detail").append(detail(card));
  element("raw").addEventListener("toggle", () => showRaw(id), { once: true });
  if (card.face.status) offerToAsk(id);
  askBeforeDeleting(element("delete"), { id: card.face.id, name: `“${card.face.name}”` });
  focusHeading();
}

/** Nobody is asked before the person wants it: the issuer learns that the wallet asks. */
function offerToAsk(id) {
  element("status-question").hidden = false;
  element("ask-status").addEventListener("click", async () => {
    try {
      await api.askStatus(id);
      await showCard(id);
    } catch (problem) {
      tell(problem);
    }
  });
}

async function showRaw(id) {
  try {
    const { raw, claims } = await api.raw(id);
    element("raw-claims").textContent = JSON.stringify(claims, null, 2);
    element("raw-text").textContent = raw;
  } catch (problem) {
    tell(problem);
  }
}

/** One dialog for all buttons of a view that delete something. */
function askBeforeDeleting(button, what) {
  if (!element("delete-dialog")) element("main").append(copy("part-delete"));
  const dialog = element("delete-dialog");
  const confirm = element("delete-confirm");
  button.addEventListener("click", () => {
    element("delete-title").textContent = `Delete ${what.name}?`;
    confirm.onclick = () => working(confirm, "Deleting …", () => remove(what, dialog));
    element("delete-cancel").onclick = () => dialog.close();
    dialog.showModal();
    element("delete-cancel").focus();
  });
}

async function remove({ id, name }, dialog) {
  try {
    await api.remove(id);
    dialog.close();
    if (element("cards")) await showCards();
    else location.replace("#cards");
    announce(`Deleted: ${name}`);
  } catch (problem) {
    dialog.close();
    tell(problem);
  }
}

// A picture or link may be dropped or pasted in every view of somebody who is let in.

const isOpen = () => !element("nav").hidden;

async function take({ files, text }) {
  const file = [...files].find((one) => one.type.startsWith("image/"));
  const offer = text.trim();
  if (!file && !/^[a-z][a-z0-9+.-]*:/i.test(offer)) return;
  if (!element("add-error")) {
    history.pushState(null, "", "#add");
    showAdd();
    mark("add");
  }
  await (file ? picture(file) : link(offer));
}

function carries(transfer) {
  return Boolean(transfer) && [...transfer.types].some((type) => type === "Files" || type.startsWith("text/"));
}

const hint = element("drop-hint");

document.addEventListener("dragover", (event) => {
  if (!isOpen() || !carries(event.dataTransfer)) return;
  event.preventDefault();
  hint.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) hint.hidden = true;
});
document.addEventListener("drop", (event) => {
  hint.hidden = true;
  if (!isOpen() || !carries(event.dataTransfer)) return;
  event.preventDefault();
  take({ files: event.dataTransfer.files, text: event.dataTransfer.getData("text/plain") });
});
document.addEventListener("paste", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, textarea");
  const files = event.clipboardData?.files ?? [];
  if (!isOpen() || (isTyping && !files.length)) return;
  take({ files, text: isTyping ? "" : event.clipboardData.getData("text/plain") });
});

window.addEventListener("hashchange", route);
open();

// Shows one view at a time, moves the focus to its heading, and tells what happened.

export const element = (id) => document.getElementById(id);
export const copy = (id) => element(id).content.cloneNode(true);

let leave = [];

/** Replaces the view; what `onLeave` was given for the old one is done first. */
export function show(id, title) {
  for (const action of leave.splice(0)) action();
  element("main").replaceChildren(copy(id));
  document.title = title ? `${title} – Wallet` : "Wallet";
}

export function onLeave(action) {
  leave.push(action);
}

/** After the view is filled: screen readers begin at its heading. */
export function focusHeading() {
  element("main").querySelector("h1")?.focus();
  window.scrollTo(0, 0);
}

/** Said by screen readers, wherever the focus is. */
export function announce(text) {
  const status = element("status");
  status.textContent = "";
  setTimeout(() => { status.textContent = text; }, 50);
}

/** A capital, unless it begins with the name of a host. */
export function sentence(text) {
  if (!text) return "";
  const first = /^\p{Ll}+[\s,;]/u.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** What is wrong and what to do next, at its place in the view. */
export function tell(problem, place = "step-error") {
  const box = copy("part-problem");
  box.querySelector(".problem-message").textContent = sentence(problem.message);
  box.querySelector(".problem-hint").textContent = sentence(problem.hint);
  box.querySelector("code").textContent = problem.code;
  element(place)?.replaceChildren(box);
  element(place)?.scrollIntoView({ block: "nearest" });
}

export function clear(place = "step-error") {
  element(place)?.replaceChildren();
}

/** An error that belongs to a field: said, linked, and the field gets the focus. */
export function tellField(field, error, text) {
  error.textContent = text;
  error.hidden = !text;
  if (text) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    announce(text);
  } else {
    field.removeAttribute("aria-invalid");
  }
}

/** Marks a button while its work is done; a second press does nothing. */
export async function working(button, text, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const label = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = text;
  announce(text);
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  }
}

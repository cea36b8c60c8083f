// Draws cards. What they say comes from strangers: it becomes text and pictures, never markup.

import { copy } from "./page.js";

const INITIALS_MAX = 2;

/** What the person likes to look at, and the look of a picture that fits it; the first that holds counts. */
const LOOKS = [
  ["(prefers-contrast: more) and (prefers-color-scheme: dark)", "color_scheme=dark&contrast=high"],
  ["(prefers-contrast: more)", "color_scheme=light&contrast=high"],
  ["(prefers-color-scheme: dark)", "color_scheme=dark&contrast=normal"],
];
const LOOK = "color_scheme=light&contrast=normal";

/** The face of a card, as it lies in a wallet. */
export function face(card) {
  const drawn = copy("part-card").firstElementChild;
  drawn.style.setProperty("--card", card.background);
  drawn.style.setProperty("--card-text", card.text);
  drawn.style.setProperty("--card-shade", card.shade);
  if (card.lang) drawn.lang = card.lang;
  const find = (name) => drawn.querySelector(name);
  find(".card-issuer").textContent = card.issuer ?? card.host;
  find(".card-name").textContent = card.name;
  find(".card-initials").textContent = initials(card.issuer ?? card.host);
  if (card.logo) find(".card-initials").replaceWith(logo(card.logo));
  find(".card-foot").textContent = foot(card);
  if (card.picture) pictured(card, drawn);
  return drawn;
}

/** The issuer's own picture of the whole card; where the browser cannot draw it, the card looks as it does without. */
function pictured(card, drawn) {
  const plain = [...drawn.childNodes];
  const address = (look) => `api/${card.picture}?${look}`;
  const picture = document.createElement("picture");
  for (const [media, look] of LOOKS) picture.append(Object.assign(document.createElement("source"), { media, srcset: address(look) }));
  const image = Object.assign(document.createElement("img"), { alt: `${card.name}, ${card.issuer ?? card.host}` });
  image.addEventListener("error", () => {
    drawn.classList.remove("card-pictured");
    drawn.replaceChildren(...plain);
  });
  image.src = address(LOOK);
  picture.append(image);
  drawn.classList.add("card-pictured");
  drawn.replaceChildren(picture);
  // The picture was drawn for all days; whether the card is over, only the wallet knows.
  if (card.validity !== "valid") drawn.append(Object.assign(document.createElement("p"), { className: "card-state", textContent: foot(card) }));
}

function logo({ uri, alt }) {
  const image = document.createElement("img");
  image.className = "card-logo";
  image.alt = alt ?? "";
  image.src = uri;
  return image;
}

function initials(name) {
  const words = name.split(/[\s.:]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  return words.slice(0, INITIALS_MAX).map((word) => [...word][0].toUpperCase()).join("");
}

function foot(card) {
  if (card.validity === "expired") return `Expired on ${day(card.expires)}`;
  if (card.validity === "ends-soon") return `Ends soon: ${day(card.expires)}`;
  return card.expires ? `Valid until ${day(card.expires)}` : "";
}

/** A date as the reader writes it; anything else stays as it is. */
function day(text) {
  const date = new Date(`${text}T00:00:00Z`);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
  return isDay ? date.toLocaleDateString(undefined, { dateStyle: "long", timeZone: "UTC" }) : text;
}

/** A card with everything it says. */
export function detail(card) {
  const drawn = copy("part-detail").firstElementChild;
  drawn.querySelector(".detail-card").append(face(card.face));
  badge(drawn.querySelector(".badge"), card.face);
  const claims = drawn.querySelector(".claims");
  for (const claim of card.claims) fact(claims, claim.label, claimed(claim));
  if (card.more_claims) claims.after(more(card.more_claims));
  const about = drawn.querySelector(".about");
  for (const [label, text, name] of facts(card)) if (text) fact(about, label, document.createTextNode(text), name);
  return drawn;
}

/** An issuer may send more than anybody reads; the stored card has all of it. */
function more(count) {
  const text = `and ${count} more ${count === 1 ? "claim" : "claims"}`;
  return Object.assign(document.createElement("p"), { className: "hint", textContent: text });
}

/** Whether its issuer has said that it is no longer good, for now or for ever. */
export const isRefused = ({ status }) => Boolean(status) && !["valid", "unknown"].includes(status.value);

function badge(place, { trust, validity, status }) {
  place.classList.add(trust.is_verified ? "good" : "bad");
  const state = trust.is_verified ? "Verified" : "Not verified";
  place.textContent = `${state}. ${trust.text}`;
  if (isRefused({ status })) {
    place.after(Object.assign(document.createElement("p"), { className: "badge bad", textContent: `The issuer says: ${status.text}.` }));
  }
  if (validity !== "expired") return;
  place.after(Object.assign(document.createElement("p"), { className: "badge bad", textContent: "This card has expired." }));
}

function claimed({ label, text, picture, is_cut }) {
  if (picture) {
    const image = document.createElement("img");
    image.className = "photo";
    image.alt = label;
    image.src = picture;
    return image;
  }
  return document.createTextNode(is_cut ? `${text} …` : day(text));
}

function facts(card) {
  const { face, holder_key: key } = card;
  return [
    ["Issuer", face.issuer ?? face.host],
    ["Address of the issuer", face.issuer_id, "code"],
    ["Description", face.description],
    ["Received on", day(card.received)],
    ["Valid until", face.expires ? day(face.expires) : "No end is stated"],
    ["Status", face.status?.text],
    ["Bound to your key", key ? `${key.kid} (${key.binding})` : "No: whoever has the card can show it", key ? "code" : ""],
    ...(card.copies > 1 ? [["Copies", `${card.copies}, each bound to a key of its own`]] : []),
    ["Format", card.format, "code"],
    ["Type", card.types.join(", "), "code"],
  ];
}

function fact(list, label, value, name = "") {
  const row = document.createElement("div");
  const term = Object.assign(document.createElement("dt"), { textContent: label });
  const said = Object.assign(document.createElement("dd"), { className: name });
  said.append(value);
  row.append(term, said);
  list.append(row);
}

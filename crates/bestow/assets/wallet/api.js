// Questions to the wallet's own process; nothing is asked of anybody else.

export class Problem extends Error {
  constructor({ code, message, hint, retype, ask_again_after }, { draft, findings } = {}) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.retype = Boolean(retype);
    this.askAgainAfter = ask_again_after;
    this.draft = draft;
    this.findings = findings ?? [];
  }
}

const silent = { code: "not_running", message: "the wallet does not answer", hint: "look whether it still runs in the terminal" };

async function ask(method, path, body, type) {
  const headers = type ? { "content-type": type } : {};
  let answer;
  let said = null;
  try {
    answer = await fetch(`api/${path}`, { method, headers, body, cache: "no-store", credentials: "same-origin" });
    if (answer.status !== 204) said = await answer.json();
  } catch {
    throw new Problem(silent);
  }
  if (!answer.ok) throw new Problem(said?.error ?? silent, said ?? {});
  return said;
}

const json = (method, path, value) => ask(method, path, JSON.stringify(value), "application/json");
const name = encodeURIComponent;

export const openWith = (token) => json("POST", "session", { token });
export const scanText = (text) => json("POST", "scan/text", { text });
export const scanPicture = (file) => ask("POST", "scan/picture", file, "application/octet-stream");
export const scanFrame = (width, height, luma) =>
  ask("POST", `scan/frame?width=${width}&height=${height}`, luma, "application/octet-stream");
export const flow = (id) => ask("GET", `flows/${name(id)}`);
export const goOn = (id, decision) => json("POST", `flows/${name(id)}`, decision);
export const decline = (id) => ask("DELETE", `flows/${name(id)}`);
export const askAgain = (id) => ask("POST", `pending/${name(id)}`);
export const cards = () => ask("GET", "cards");
export const card = (id) => ask("GET", `cards/${name(id)}`);
export const askStatus = (id) => ask("POST", `cards/${name(id)}/status`);
export const raw = (id) => ask("GET", `cards/${name(id)}/raw`);
export const remove = (id) => ask("DELETE", `cards/${name(id)}`);

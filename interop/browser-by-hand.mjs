// A person with a browser, as far as our pages need one: a cookie, forms, no script.

/** Signs in at `address` and allows; gives back where the wallet is answered. */
export async function allow(address, { account, password, fetch }) {
  const browser = new Browser(fetch);
  const form = await browser.open(address);
  const question = await browser.send(form, { account, password, answer: "sign-in" });
  const answer = await browser.send(question, { answer: "allow" });
  if (!answer.leads) throw new Error(`not allowed: ${answer.status}`);
  return answer.leads;
}

class Browser {
  #fetch;
  #cookie = "";

  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** Follows redirects within the issuer; one that leads elsewhere ends the way. */
  async open(address, init = {}) {
    const headers = { cookie: this.#cookie, ...init.headers };
    const answer = await this.#fetch(address, { ...init, headers, redirect: "manual" });
    const [cookie] = answer.headers.getSetCookie();
    if (cookie) this.#cookie = cookie.split(";")[0];
    const location = answer.headers.get("location");
    if (!location) return { address, status: answer.status, text: await answer.text() };
    const next = new URL(location, address);
    if (next.origin !== new URL(address).origin) return { leads: next.href };
    return this.open(next.href);
  }

  send({ address, status, text }, fields) {
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1];
    if (!csrf) throw new Error(`no form at ${address}: ${status}\n${text}`);
    return this.open(address, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ csrf, ...fields }).toString(),
    });
  }
}

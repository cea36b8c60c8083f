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

/**
 * Signs in at the provider to which the page at `address` leads, consents there and here; gives back
 * where the wallet is answered. `seen` gets the text of our question.
 */
export async function allowElsewhere(address, { login, fetch, seen = () => {} }) {
  const browser = new Browser(fetch);
  const form = await browser.open(address);
  const question = await browser.through(`${form.address}/provider`, login);
  seen(question.text ?? "");
  const answer = question.leads ? question : await browser.send(question, { answer: "allow" });
  if (!answer.leads) throw new Error(`not allowed: ${answer.status}\n${answer.text}`);
  return answer.leads;
}

/** Goes through a provider's own pages to where it sends people back to, outside of itself. */
export async function passProvider(address, { login, fetch }) {
  const { leads } = await new Browser(fetch).through(address, login, false);
  return leads;
}

class Browser {
  #fetch;
  #cookies = new Map();

  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** Follows redirects within one server; one that leads elsewhere ends the way. */
  async open(address, init = {}) {
    const { origin } = new URL(address);
    const jar = this.#cookies.get(origin) ?? new Map();
    this.#cookies.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, ...init.headers };
    const answer = await this.#fetch(address, { ...init, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      jar.set(name, value);
    }
    const location = answer.headers.get("location");
    if (!location) return { address, status: answer.status, text: await answer.text() };
    const next = new URL(location, address);
    if (next.origin !== origin) return { leads: next.href };
    return this.open(next.href);
  }

  /**
   * Goes from `address` to a provider, answers its pages, and stops at the first page of another
   * server (`comesBack`: it is opened), or at an address that leads out of the provider.
   */
  async through(address, login, comesBack = true) {
    let page = await this.open(address);
    if (comesBack) page = await this.open(page.leads); // from us to the provider
    for (let pages = 0; page.leads === undefined; pages += 1) {
      if (pages > 5) throw new Error(`no end at ${page.address}`);
      page = await this.#answerProvider(page, login);
    }
    return comesBack ? this.open(page.leads) : page;
  }

  #answerProvider({ address, status, text }, login) {
    const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(text)?.[1];
    if (!action || !prompt) throw new Error(`no form at ${address}: ${status}\n${text}`);
    return this.open(new URL(action, address).href, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ prompt, login, password: "any" }).toString(),
    });
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

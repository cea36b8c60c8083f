// The door of the wallet's page: what other programs, pages and machines get.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { run } from "../interop/bestow.mjs";
import { serveWallet } from "./bestow.mjs";

let wallet, cookie;

before(async () => {
  wallet = await serveWallet();
});

after(() => wallet?.stop());

/** Asks with exactly these headers: `fetch` would write some of them itself. */
async function ask(method, path, headers = {}, body) {
  const asked = request(wallet.origin + path, { method, headers });
  asked.end(body && JSON.stringify(body));
  const [answer] = await once(asked, "response");
  const text = (await answer.toArray()).join("");
  const code = text.startsWith("{") ? JSON.parse(text).error?.code : undefined;
  return { status: answer.statusCode, headers: answer.headers, code };
}

const own = () => ({ origin: wallet.origin, "content-type": "application/json" });

async function assertRefused(code, ...question) {
  const answer = await ask(...question);
  assert.deepEqual({ status: answer.status, code: answer.code }, { status: 403, code });
  assert.equal(answer.headers["set-cookie"], undefined);
}

test("without the cookie there is no answer", async () => {
  await assertRefused("no_session", "GET", "/api/cards");
  await assertRefused("no_session", "POST", "/api/scan/text", own(), { text: "" });
});

test("a token that is a guess opens nothing, and costs the true one nothing", async () => {
  await assertRefused("dead_token", "POST", "/api/session", own(), { token: "guess" });
});

test("the token is not taken from another page", async () => {
  const { token } = wallet;
  const foreign = { ...own(), origin: "https://example.org" };
  await assertRefused("wrong_origin", "POST", "/api/session", foreign, { token });
  const nobody = { "content-type": "application/json" };
  await assertRefused("wrong_origin", "POST", "/api/session", nobody, { token });
});

test("the token becomes a cookie that scripts and other sites cannot use, once", async () => {
  const { token } = wallet;
  const answer = await ask("POST", "/api/session", own(), { token });
  assert.equal(answer.status, 204);
  const [set] = answer.headers["set-cookie"];
  assert.match(set, /; HttpOnly/);
  assert.match(set, /; SameSite=Strict/);
  [cookie] = set.split(";");
  await assertRefused("dead_token", "POST", "/api/session", own(), { token });
  assert.equal((await ask("GET", "/api/cards", { cookie })).status, 200);
});

test("the cookie is worth nothing under another name of this machine", async () => {
  for (const host of ["example.org", "127.0.0.1", "127.0.0.1:1", "localhost.example.org"]) {
    await assertRefused("wrong_host", "GET", "/api/cards", { cookie, host });
    await assertRefused("wrong_host", "GET", "/", { host });
  }
});

test("the cookie is worth nothing to another page, also of this machine", async () => {
  for (const origin of ["https://example.org", "null", "http://127.0.0.1:1"]) {
    await assertRefused("wrong_origin", "GET", "/api/cards", { cookie, origin });
    const headers = { ...own(), cookie, origin };
    await assertRefused("wrong_origin", "POST", "/api/scan/text", headers, { text: "" });
  }
  const site = { cookie, "sec-fetch-site": "same-site" };
  await assertRefused("wrong_origin", "GET", "/api/cards", site);
});

test("every answer forbids frames, foreign scripts and keeping", async () => {
  for (const path of ["/", "/assets/wallet.js", "/api/cards", "/nothing"]) {
    const { headers } = await ask("GET", path);
    assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe/);
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["referrer-policy"], "no-referrer");
  }
});

test("the page is served to this machine only", async () => {
  const { code, stderr } = await run("wallet", "serve", "--listen", "0.0.0.0:0");
  assert.equal(code, 2);
  assert.match(stderr, /loopback/);
});

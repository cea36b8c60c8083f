// People sign in at an OpenID Provider that we did not write, and its access tokens open our issuer.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import * as jose from "jose";
import { bestowBinary, createWallet, startIssuer, temporaryFolder } from "./bestow.mjs";
import { allowElsewhere, passProvider } from "./browser-by-hand.mjs";
import { holderKey } from "./keys.mjs";
import { PERSON, startProvider } from "./provider.mjs";
import { fetchTrusting } from "./trust.mjs";

bestowBinary();
const REDIRECT = "https://wallet.example/cb";
const CLIENTS = {
  bestow: `client_id = "bestow"\nname = "Bestow Wallet"\nredirect_uris = ["http://127.0.0.1/cb"]\n`,
  foreign: `client_id = "foreign"\nname = "Foreign Wallet"\nredirect_uris = ["${REDIRECT}"]\n`,
};
const SECRET = "a secret of the provider's, long enough";
const CLAIMS =
  'sign_in_claims = { given_name = "given_name", family_name = "family_name", ' +
  'birth_date = "birthdate", student_id = "student.number" }\n';
const running = [];

after(async () => {
  for (const one of running.reverse()) await one.stop();
});

/** An issuer and a provider that know each other; `section` is written into bestow.toml. */
async function world({ section, format, alg, wallets = [], signedRequests }) {
  let provider;
  const issuer = await startIssuer({
    clients: CLIENTS,
    edit: async (state) => {
      const config = join(state, "bestow.toml");
      const text = await readFile(config, "utf8");
      const url = /^url = "(.*)"$/m.exec(text)[1];
      const known = {
        client_id: "bestow-issuer",
        client_secret: SECRET,
        redirect_uris: [`${url}/sign-in/callback`],
      };
      const registered = [known, ...wallets];
      provider = await startProvider({ alg, format, resource: url, clients: registered, signedRequests });
      running.push(provider);
      await writeFile(join(state, "provider.secret"), SECRET, { mode: 0o600 });
      const [name, keys] = section(provider.issuer);
      const marked = new RegExp(`^\\[${name}\\]$`, "m");
      assert.match(text, marked);
      await writeFile(config, text.replace(marked, `[${name}]\n${keys}`));
      for (const [type, line] of [["student_card", CLAIMS], ["diploma", 'scope = "diploma"\n']]) {
        const file = join(state, "credentials", `${type}.toml`);
        await writeFile(file, line + (await readFile(file, "utf8")));
      }
    },
  });
  running.push(issuer);
  return { issuer, provider, fetch: fetchTrusting(issuer.caPem) };
}

const signIn = (issuer) => [
  "sign_in",
  `provider = "${issuer}"\nclient_id = "bestow-issuer"\nprovider_name = "Node Login"\n` +
    `client_secret_file = "provider.secret"\n`,
];

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

function pkce() {
  const verifier = base64url(randomBytes(32));
  return { verifier, challenge: base64url(createHash("sha256").update(verifier).digest()) };
}

async function credential({ issuer, fetch }, request, token, id, clientId) {
  const post = (path, init) => fetch(`${issuer.url}/${path}`, { method: "POST", ...init });
  const { c_nonce: nonce } = await (await post("nonce")).json();
  const key = await holderKey("ES256", "jwk");
  const now = Math.floor(Date.now() / 1000);
  const proof = await key.sign(
    { alg: "ES256", typ: "openid4vci-proof+jwt", jwk: key.publicJwk },
    { iss: clientId, aud: issuer.url, iat: now, nonce },
  );
  return post("credential", {
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ ...request(id), proofs: { jwt: [proof] } }),
  });
}

for (const alg of ["RS256", "PS256", "ES256", "EdDSA"]) {
  test(`a person signs in at oidc-provider, which signs with ${alg}`, async () => {
    const { issuer, fetch } = await world({ section: signIn, alg });
    const { verifier, challenge } = pkce();
    const detail = { type: "openid_credential", credential_configuration_id: "student_card" };
    const query = new URLSearchParams({
      response_type: "code",
      client_id: "foreign",
      redirect_uri: REDIRECT,
      state: "s",
      code_challenge: challenge,
      code_challenge_method: "S256",
      authorization_details: JSON.stringify([detail]),
    });
    let question = "";
    const seen = (text) => (question = text);
    const address = `${issuer.url}/authorize?${query}`;
    const back = await allowElsewhere(address, { login: PERSON.sub, fetch, seen });
    for (const shown of ["Grace Hopper", "Grace", "1906-12-09", "S-7"]) {
      assert.ok(question.includes(shown), `${shown}: ${question}`);
    }
    const code = new URL(back).searchParams.get("code");
    assert.ok(code, back);
    const answer = await fetch(`${issuer.url}/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: "foreign",
        redirect_uri: REDIRECT,
        code_verifier: verifier,
        code,
      }).toString(),
    });
    const tokens = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(tokens));
    const [{ credential_identifiers: [identifier] }] = tokens.authorization_details;
    const ask = () => ({ credential_identifier: identifier });
    const issued = await credential({ issuer, fetch }, ask, tokens.access_token, "", "foreign");
    const body = await issued.json();
    assert.equal(issued.status, 200, JSON.stringify(body));
    const [, ...disclosures] = body.credentials[0].credential.split("~");
    const said = disclosures.filter(Boolean).map((one) => JSON.parse(Buffer.from(one, "base64url")));
    assert.ok(said.some(([, name, value]) => name === "family_name" && value === "Hopper"));
  });
}

test("bestow wallet signs in at oidc-provider, for an offer", async () => {
  const { issuer, fetch } = await world({ section: signIn });
  const ca = join(await temporaryFolder(), "ca.pem");
  await writeFile(ca, issuer.caPem);
  const wallet = await createWallet("--ca", ca, "--trust-anchor", ca);
  const { uri } = await issuer.offer("diploma", "--grants", "authorization_code");
  const { code, stdout, stderr } = await wallet.receiveSigningIn(uri, async (address) => {
    const back = await allowElsewhere(address, { login: PERSON.sub, fetch });
    assert.match(back, /^http:\/\/127\.0\.0\.1:\d+\/cb\?/);
    assert.equal((await globalThis.fetch(back)).status, 200);
  });
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).credentials.length, 1);
  await wallet.remove();
});

const trusted = (format) => (server) => [
  "authorization_server",
  `issuer = "${server}"\nintrospection = ${format === "opaque"}\n` +
    `client_id = "bestow-issuer"\nclient_secret_file = "provider.secret"\n`,
];

// RFC 7523 and RFC 9101: a server that takes neither a wallet without its key nor a request without a
// signature.
test("bestow wallet proves itself to oidc-provider with its key, and signs what it asks for", async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await jose.exportJWK(publicKey)), kid: "own", alg: "ES256", use: "sig" };
  const registered = {
    client_id: "keyed-wallet",
    application_type: "native",
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    request_object_signing_alg: "ES256",
    redirect_uris: ["http://127.0.0.1/cb"],
    grant_types: ["authorization_code", "refresh_token"],
    jwks: { keys: [jwk] },
  };
  const section = trusted("jwt");
  const both = await world({ section, wallets: [registered], signedRequests: true });
  const { issuer, provider, fetch } = both;
  await issuer.account(`${provider.issuer}#${PERSON.sub}`, "", "diploma");
  const folder = await temporaryFolder();
  const [ca, key] = [join(folder, "ca.pem"), join(folder, "key.pem")];
  await writeFile(ca, issuer.caPem);
  await writeFile(key, await jose.exportPKCS8(privateKey), { mode: 0o600 });
  const wallet = await createWallet("--ca", ca, "--trust-anchor", ca, "--allow-http-loopback");
  const offer = {
    credential_issuer: issuer.url,
    credential_configuration_ids: ["diploma"],
    grants: { authorization_code: { authorization_server: provider.issuer } },
  };
  const link = `openid-credential-offer://?credential_offer=${encodeURIComponent(JSON.stringify(offer))}`;
  const known = ["--client-id", "keyed-wallet", "--client-key", key, "--client-key-id", "own"];
  const opened = [];
  const received = await wallet.receiveSigningIn(link, async (address) => {
    opened.push(...new URL(address).searchParams.keys());
    const back = await passProvider(address, { login: PERSON.sub, fetch });
    assert.equal((await globalThis.fetch(back)).status, 200);
  }, ...known);
  assert.equal(received.code, 0, received.stdout + received.stderr);
  assert.deepEqual(opened, ["client_id", "request_uri"], "it was pushed");
  assert.equal(JSON.parse(received.stdout).credentials.length, 1);

  const without = await wallet.receive(link, "--client-id", "keyed-wallet");
  assert.equal(JSON.parse(without.stdout).error.code, "client_key_needed");
  const other = join(folder, "other.pem");
  const { privateKey: foreign } = await jose.generateKeyPair("ES256", { extractable: true });
  await writeFile(other, await jose.exportPKCS8(foreign), { mode: 0o600 });
  const refused = await wallet.receive(link, "--client-id", "keyed-wallet", "--client-key", other);
  assert.equal(JSON.parse(refused.stdout).error.code, "invalid_client");
  await wallet.remove();
});

for (const format of ["jwt", "opaque"]) {
  test(`a token of oidc-provider opens our issuer: ${format}`, async () => {
    const section = trusted(format);
    const wallet = {
      client_id: "their-wallet",
      token_endpoint_auth_method: "none",
      redirect_uris: [REDIRECT],
    };
    const both = await world({ section, format, wallets: [wallet] });
    const { issuer, provider, fetch } = both;
    await issuer.account(`${provider.issuer}#${PERSON.sub}`, "", "diploma");
    const metadata = await fetch(`${issuer.url}/.well-known/openid-credential-issuer`);
    assert.deepEqual((await metadata.json()).authorization_servers, [issuer.url, provider.issuer]);
    const token = async (login) => {
      const { verifier, challenge } = pkce();
      const query = new URLSearchParams({
        response_type: "code",
        client_id: "their-wallet",
        redirect_uri: REDIRECT,
        scope: "openid diploma",
        resource: issuer.url,
        code_challenge: challenge,
        code_challenge_method: "S256",
      });
      const back = await passProvider(`${provider.issuer}/auth?${query}`, { login, fetch });
      const answer = await fetch(`${provider.issuer}/token`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({
          grant_type: "authorization_code",
          client_id: "their-wallet",
          redirect_uri: REDIRECT,
          code_verifier: verifier,
          code: new URL(back).searchParams.get("code"),
          resource: issuer.url,
        }).toString(),
      });
      const tokens = await answer.json();
      assert.equal(answer.status, 200, JSON.stringify(tokens));
      return tokens.access_token;
    };
    const ask = (id) => ({ credential_configuration_id: id });
    const good = await token(PERSON.sub);
    const issued = await credential(both, ask, good, "diploma", "their-wallet");
    const body = await issued.json();
    assert.equal(issued.status, 200, JSON.stringify(body));
    assert.equal(body.credentials.length, 1);
    const other = await credential(both, ask, await token("somebody"), "diploma", "their-wallet");
    assert.equal(other.status, 403, "no account here");
    const forged = await credential(both, ask, `${good.slice(0, -4)}AAAA`, "diploma", "their-wallet");
    assert.equal(forged.status, 401);
  });
}

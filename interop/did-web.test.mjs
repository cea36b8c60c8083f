// Keys that stand on the holder's own website (did:web, VCI §F.1): wallets that we did not write, and
// ours, prove them to Bestow's issuer, which reads the document there.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, run, startIssuer, temporaryFolder } from "./bestow.mjs";
import { ALGORITHMS, holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import * as sphereon from "./sphereon-wallet.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { verifySdJwtVc } from "./verify.mjs";

bestowBinary();
let website, issuer, context;

before(async () => {
  const authority = await createAuthority();
  website = await startWebsite(authority.tls);
  issuer = await startIssuer({
    settings: { did_web_ca: '"holders.pem"', did_web_private_addresses: "true" },
    files: { "holders.pem": authority.caPem },
    edit: takeWebsites,
  });
  context = { credentialIssuer: issuer.url, caPem: issuer.caPem, fetch: fetchTrusting(issuer.caPem) };
  trustEverywhere(issuer.caPem);
});

after(async () => {
  website?.stop();
  await issuer?.stop();
});

/** A website with a document for each path. */
async function startWebsite(tls) {
  const documents = new Map();
  const server = https.createServer(tls, (request, response) => {
    const document = documents.get(request.url);
    response.writeHead(document ? 200 : 404, { "content-type": "application/json" });
    response.end(document && JSON.stringify(document));
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const root = `did:web:localhost%3A${server.address().port}`;
  return {
    did: (name) => `${root}:${name}`,
    publish: (name, document) => documents.set(`/${name}/did.json`, document),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function takeWebsites(folder) {
  const file = join(folder, "credentials", "student_card.toml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace('"did:key"]', '"did:key", "did:web"]'));
}

/** A key, and the document in which it stands for this. */
async function published(name, alg, relationship = "authentication") {
  const [key, id] = [await holderKey(alg, "jwk"), website.did(name)];
  const kid = `${id}#key-1`;
  const method = { id: kid, type: "JsonWebKey2020", controller: id, publicKeyJwk: key.publicJwk };
  website.publish(name, { id, verificationMethod: [method], [relationship]: [kid] });
  return { ...key, kid };
}

async function receive(wallet, key) {
  const { uri } = await issuer.offer("student_card");
  const session = await wallet.open(uri, { ...context, key });
  await session.authorize();
  return session.request([key]);
}

for (const wallet of [openid4vc, sphereon]) {
  for (const alg of ALGORITHMS) {
    test(`${wallet.name} receives student_card for a key of its website with ${alg}`, async () => {
      const key = await published(`${wallet.name}-${alg.toLowerCase()}`, alg);
      const [credential] = await receive(wallet, key);
      const { payload, claims } = await verifySdJwtVc(credential, context);
      assert.deepEqual(claims, await issuer.sample("student_card"));
      assert.deepEqual(payload.cnf, { kid: key.kid });
    });
  }

  test(`${wallet.name} is refused a key that its website has for something else`, async () => {
    const key = await published(`${wallet.name}-other`, "ES256", "keyAgreement");
    await assert.rejects(receive(wallet, key));
  });

  test(`${wallet.name} is refused a key that nobody publishes`, async () => {
    const key = await holderKey("ES256", "jwk");
    await assert.rejects(receive(wallet, { ...key, kid: `${website.did("nobody")}#key-1` }));
  });
}

test("bestow wallet receives student_card for a key of its website", async () => {
  const folder = await temporaryFolder();
  const [own, did] = [["--store", join(folder, "store")], website.did("bestow")];
  const made = await run("wallet", "did-document", did, ...own);
  assert.equal(made.code, 0, made.stderr);
  const document = JSON.parse(made.stdout);
  const [{ id: kid }] = document.verificationMethod;
  const { uri } = await issuer.offer("student_card");
  const ca = join(folder, "ca.pem");
  await writeFile(ca, issuer.caPem);
  const more = ["--ca", ca, "--trust-anchor", ca, "--yes", "--json", ...own];
  const key = `--key=${kid.slice(did.length + 1)}`;
  const early = await run("wallet", "receive", uri, "--did-web", did, key, ...more);
  assert.notEqual(early.code, 0, "it is not published yet");
  website.publish("bestow", document);
  const again = await issuer.offer("student_card");
  await new Promise((done) => setTimeout(done, 5500)); // a website is not asked all the time
  const received = await run("wallet", "receive", again.uri, "--did-web", did, key, ...more);
  assert.equal(received.code, 0, received.stderr);
  const listed = await run("wallet", "list", "--json", ...own);
  const [card] = JSON.parse(listed.stdout).credentials;
  const shown = await run("wallet", "show", card.id, "--raw", ...own);
  const { payload } = await verifySdJwtVc(shown.stdout.trim(), context);
  assert.deepEqual(payload.cnf, { kid });
});

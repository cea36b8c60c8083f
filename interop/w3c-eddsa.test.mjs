// W3C credentials that Bestow's issuer signs by Ed25519: Digital Bazaar's suites verify them.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as eddsaJcs2022 from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import { cryptosuite as eddsaRdfc2022 } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import jsigs from "jsonld-signatures";
import { bestowBinary, runWell, startIssuer } from "./bestow.mjs";
import { holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting } from "./trust.mjs";
import { assertSubject } from "./verify.mjs";

bestowBinary();
const SUITES = {
  degree_rdfc: ['format = "ldp_vc"', eddsaRdfc2022],
  // By a context with a name: one that is written out this suite takes for another than itself.
  degree_jcs: [
    'format = "ldp_vc"\ncanonicalization = "jcs"\ncontexts = ["https://issuer.example/degree"]',
    eddsaJcs2022.createVerifyCryptosuite(),
  ],
};
const OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
const BADGE = new URL("../docs/credential-types/open_badge.toml", import.meta.url);
const CONTEXTS = new URL("../crates/formats/contexts/", import.meta.url);
const V2 = "https://www.w3.org/ns/credentials/v2";
let issuer, context;

before(async () => {
  issuer = await startIssuer({ edit: signByEd25519 });
  context = { fetch: fetchTrusting(issuer.caPem) };
  // The new key is in use some seconds after it was made, so that all nodes have it.
  for (let tries = 0; tries < 40; tries++) {
    const { proof } = await receive("degree_jcs", await holderKey("EdDSA", "jwk"));
    if (proof.cryptosuite === "eddsa-jcs-2022") return;
    await sleep(500);
  }
  assert.fail("the new key does not come into use");
});

after(() => issuer?.stop());

async function signByEd25519(folder) {
  const text = await readFile(join(folder, "credentials", "diploma.toml"), "utf8");
  for (const [name, [format]] of Object.entries(SUITES)) {
    const file = join(folder, "credentials", `${name}.toml`);
    await writeFile(file, text.replace('format = "jwt_vc_json"', format));
  }
  await writeFile(join(folder, "credentials", "badge.toml"), await readFile(BADGE, "utf8"));
  const config = ["--config", join(folder, "bestow.toml")];
  await runWell("issuer", "keys", "rotate", "signing", "--algorithm", "EdDSA", "--now", ...config);
}

async function receive(configurationId, key) {
  const { uri } = await issuer.offer(configurationId);
  const session = await openid4vc.open(uri, context);
  await session.authorize();
  return (await session.request([key]))[0];
}

async function didDocument() {
  return (await context.fetch(`${issuer.url}/.well-known/did.json`)).json();
}

async function documentLoader(url) {
  const file = { [V2]: "credentials-v2.jsonld", [OPEN_BADGES]: "open-badges-3.0.3.jsonld" }[url];
  if (file) {
    const document = JSON.parse(await readFile(new URL(file, CONTEXTS), "utf8"));
    return { contextUrl: null, documentUrl: url, document };
  }
  const did = await didDocument();
  const method = did.verificationMethod.find(({ id }) => id === url);
  const multikey = { "@context": "https://w3id.org/security/multikey/v1", ...method };
  const document = url === did.id ? did : method && multikey;
  if (!document) throw new Error(`${url} is not to be loaded`);
  return { contextUrl: null, documentUrl: url, document };
}

async function verify(credential, cryptosuite) {
  const suite = new DataIntegrityProof({ cryptosuite });
  const purpose = new jsigs.purposes.AssertionProofPurpose({ controller: await didDocument() });
  return jsigs.verify(structuredClone(credential), { suite, purpose, documentLoader });
}

for (const [name, [, cryptosuite]] of Object.entries(SUITES)) {
  test(`Digital Bazaar verifies an ldp_vc by ${cryptosuite.name}, and finds each change`, async () => {
    const key = await holderKey("EdDSA", "jwk");
    const credential = await receive(name, key);
    assert.equal(credential.proof.cryptosuite, cryptosuite.name);
    const { verified, error } = await verify(credential, cryptosuite);
    assert.ok(verified, error);
    const { id, ...claims } = credential.credentialSubject;
    assert.deepEqual(claims, await issuer.sample(name));
    await assertSubject(id, key);
    const changes = [
      (changed) => (changed.credentialSubject.degree = "Master of Science"),
      (changed) => (changed.validUntil = "2099-01-01T00:00:00Z"),
      (changed) => (changed.proof.created = "2020-01-01T00:00:00Z"),
    ];
    for (const change of changes) {
      const changed = structuredClone(credential);
      change(changed);
      assert.ok(!(await verify(changed, cryptosuite)).verified);
    }
  });
}

test("Digital Bazaar verifies an Open Badge of ours by eddsa-rdfc-2022", async () => {
  const credential = await receive("badge", await holderKey("EdDSA", "jwk"));
  assert.equal(credential.proof.cryptosuite, "eddsa-rdfc-2022");
  const { verified, error } = await verify(credential, eddsaRdfc2022);
  assert.ok(verified, error);
  credential.credentialSubject.achievement.name = "Solo";
  assert.ok(!(await verify(credential, eddsaRdfc2022)).verified);
});

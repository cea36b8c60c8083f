// Credentials by bbs-2023, which builds with that feature alone have: so this is no test file that
// `node --test` finds by itself. `cargo xtask bbs` builds such a program and runs it.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as bbs2023 from "@digitalbazaar/bbs-2023-cryptosuite";
import * as Bls12381Multikey from "@digitalbazaar/bls12-381-multikey";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import jsigs from "jsonld-signatures";
import { run, runWell, startIssuer, temporaryFolder } from "./bestow.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting } from "./trust.mjs";

const V2 = "https://www.w3.org/ns/credentials/v2";
const CONTEXTS = new URL("../crates/formats/contexts/", import.meta.url);
const PASS = `
format = "ldp_vc"
cryptosuite = "bbs-2023"
types = ["VerifiableCredential", "Pass"]
validity_days = 30
key_binding = false
status_list = false
[[display]]
name = "Pass"
locale = "en"
[[claims]]
path = ["zone"]
type = "string"
disclosure = "always"
example = "A"
[[claims]]
path = ["holder"]
type = "object"
[[claims]]
path = ["holder", "name"]
type = "string"
example = "Ada"
[[claims]]
path = ["holder", "is_adult"]
type = "boolean"
example = true
[[claims]]
path = ["home"]
type = "object"
[[claims]]
path = ["home", "city"]
type = "string"
example = "Riverside"
`;
const IS_ADULT = "/credentialSubject/holder/is_adult";
let issuer, context, folder;

before(async () => {
  folder = await temporaryFolder();
  issuer = await startIssuer({ edit: addType });
  context = { fetch: fetchTrusting(issuer.caPem) };
  await writeFile(join(folder, "ca.pem"), issuer.caPem);
});

after(() => issuer?.stop());

/** The key of a new kind of type is made by the command that follows each change of the folder. */
async function addType(state) {
  await writeFile(join(state, "credentials", "pass.toml"), PASS);
  await runWell("issuer", "migrate", "--config", join(state, "bestow.toml"));
}

async function receive() {
  const { uri } = await issuer.offer("pass");
  const session = await openid4vc.open(uri, context);
  await session.authorize();
  return (await session.request([]))[0];
}

async function didDocument() {
  return (await context.fetch(`${issuer.url}/.well-known/did.json`)).json();
}

const documentOf = (documentUrl, document) => ({ contextUrl: null, documentUrl, document });

/** The context of the W3C from its file, a DID and its keys from `controller`, nothing from elsewhere. */
function loaderOf(controller) {
  return async (url) => {
    if (url === V2) {
      const text = await readFile(new URL("credentials-v2.jsonld", CONTEXTS), "utf8");
      return documentOf(url, JSON.parse(text));
    }
    if (url === controller.id) return documentOf(url, controller);
    const method = controller.verificationMethod.find(({ id }) => id === url);
    if (!method) throw new Error(`${url} is not to be loaded`);
    return documentOf(url, { "@context": "https://w3id.org/security/multikey/v1", ...method });
  };
}

const suiteOf = (cryptosuite, more) => new DataIntegrityProof({ cryptosuite, ...more });

async function theyDerive(credential, selectivePointers, controller) {
  return jsigs.derive(structuredClone(credential), {
    suite: suiteOf(bbs2023.createDiscloseCryptosuite({ selectivePointers })),
    purpose: new jsigs.purposes.AssertionProofPurpose(),
    documentLoader: loaderOf(controller),
  });
}

async function theyVerify(disclosed, controller) {
  return jsigs.verify(structuredClone(disclosed), {
    suite: suiteOf(bbs2023.createVerifyCryptosuite()),
    purpose: new jsigs.purposes.AssertionProofPurpose({ controller }),
    documentLoader: loaderOf(controller),
  });
}

async function written(credential) {
  const file = join(folder, "credential.json");
  await writeFile(file, JSON.stringify(credential));
  return file;
}

async function weDerive(credential, ...pointers) {
  const chosen = pointers.flatMap((pointer) => ["--pointer", pointer]);
  return JSON.parse(await runWell("derive", await written(credential), ...chosen));
}

async function weVerify(credential) {
  const more = ["--ca", join(folder, "ca.pem"), "--allow-private-addresses", "--json"];
  const { code, stdout, stderr } = await run("verify", await written(credential), ...more);
  assert.ok([0, 5, 6].includes(code), stdout + stderr);
  return JSON.parse(stdout);
}

/** What verifiers must find wrong. */
const CHANGES = [
  (changed) => (changed.credentialSubject.holder.is_adult = false),
  (changed) => (changed.credentialSubject.zone = "B"),
  (changed) => (changed.validUntil = "2099-01-01T00:00:00Z"),
  (changed) => (changed.credentialSubject.more = "nobody signed this"),
];

const SHOWN = { zone: "A", holder: { is_adult: true } };

test("metadata name the suite, and the website publishes a key that they read", async () => {
  const metadata = `${issuer.url}/.well-known/openid-credential-issuer`;
  const { credential_configurations_supported: types } = await (await context.fetch(metadata)).json();
  assert.deepEqual(types.pass.credential_signing_alg_values_supported, ["bbs-2023"]);
  const { verificationMethod, assertionMethod } = await didDocument();
  const methods = verificationMethod.filter(({ publicKeyMultibase }) =>
    publicKeyMultibase.startsWith("zUC7"),
  );
  assert.equal(methods.length, 1);
  assert.ok(assertionMethod.includes(methods[0].id));
  const key = await Bls12381Multikey.from({ ...methods[0] });
  assert.equal(key.algorithm, Bls12381Multikey.ALGORITHMS.BBS_BLS12381_SHA256);
});

test("Digital Bazaar verifies what we derive, and finds each change", async () => {
  const base = await receive();
  assert.equal(base.proof.cryptosuite, "bbs-2023");
  const controller = await didDocument();
  const disclosed = await weDerive(base, IS_ADULT);
  assert.deepEqual(disclosed.credentialSubject, SHOWN);
  const { verified, error } = await theyVerify(disclosed, controller);
  assert.ok(verified, error);
  for (const change of CHANGES) {
    const changed = structuredClone(disclosed);
    change(changed);
    assert.ok(!(await theyVerify(changed, controller)).verified);
    assert.equal((await weVerify(changed)).verdict, "failed");
  }
  const all = await weDerive(base, "/credentialSubject");
  assert.ok((await theyVerify(all, controller)).verified);
});

test("Digital Bazaar derives from what we signed, and we verify it", async () => {
  const base = await receive();
  const controller = await didDocument();
  const disclosed = await theyDerive(base, [IS_ADULT], controller);
  assert.deepEqual(disclosed.credentialSubject, SHOWN);
  assert.ok((await theyVerify(disclosed, controller)).verified);
  assert.equal((await weVerify(disclosed)).verdict, "verified");
  for (const change of CHANGES) {
    const changed = structuredClone(disclosed);
    change(changed);
    assert.equal((await weVerify(changed)).verdict, "failed");
  }
});

test("we verify what Digital Bazaar signed, and derive from it what they verify", async () => {
  const algorithm = Bls12381Multikey.ALGORITHMS.BBS_BLS12381_SHA256;
  const key = await Bls12381Multikey.generateBbsKeyPair({ algorithm });
  const { publicKeyMultibase } = await key.export({ publicKey: true });
  const did = `did:key:${publicKeyMultibase}`;
  const id = `${did}#${publicKeyMultibase}`;
  const method = { id, type: "Multikey", controller: did, publicKeyMultibase };
  const controller = {
    "@context": ["https://www.w3.org/ns/did/v1"],
    id: did,
    verificationMethod: [method],
    assertionMethod: [id],
  };
  const signer = { ...key.signer(), id };
  const mandatoryPointers = ["/issuer", "/validFrom", "/validUntil", "/credentialSubject/zone"];
  const base = await jsigs.sign(
    {
      "@context": [V2, { "@vocab": "https://issuer.example/pass#" }],
      type: ["VerifiableCredential", "Pass"],
      issuer: did,
      validFrom: "2026-01-01T00:00:00Z",
      validUntil: "2036-01-01T00:00:00Z",
      credentialSubject: {
        zone: "A",
        holder: { name: "Ada", is_adult: true },
        home: { city: "Riverside" },
      },
    },
    {
      suite: suiteOf(bbs2023.createSignCryptosuite({ mandatoryPointers }), { signer }),
      purpose: new jsigs.purposes.AssertionProofPurpose(),
      documentLoader: loaderOf(controller),
    },
  );
  // Nobody vouches for such a DID; its signature is right all the same.
  assert.equal((await weVerify(base)).verdict, "issuer_not_verified");
  const disclosed = await weDerive(base, IS_ADULT);
  assert.deepEqual(disclosed.credentialSubject, SHOWN);
  const { verified, error } = await theyVerify(disclosed, controller);
  assert.ok(verified, error);
  const theirs = await theyDerive(base, [IS_ADULT], controller);
  assert.equal((await weVerify(theirs)).verdict, "issuer_not_verified");
  theirs.credentialSubject.zone = "B";
  assert.equal((await weVerify(theirs)).verdict, "failed");
});

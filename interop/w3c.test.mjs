// W3C credentials of Bestow's issuer: a foreign wallet receives them, and libraries that we did not
// write verify them.

import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import { cryptosuite as ecdsaRdfc2019 } from "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite";
import * as ecdsaSd2023 from "@digitalbazaar/ecdsa-sd-2023-cryptosuite";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";
import canonicalize from "canonicalize";
import { base58btc } from "multiformats/bases/base58";
import * as jose from "jose";
import jsigs from "jsonld-signatures";
import { bestowBinary, runWell, startIssuer, temporaryFolder } from "./bestow.mjs";
import { holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting } from "./trust.mjs";
import { assertSubject } from "./verify.mjs";

bestowBinary();
const TYPES = {
  degree_rdfc: 'format = "ldp_vc"',
  degree_jcs: 'format = "ldp_vc"\ncanonicalization = "jcs"',
  degree_sd: 'format = "ldp_vc"\ncryptosuite = "ecdsa-sd-2023"',
  degree_jwt: 'format = "vc+jwt"\nstatus = "bitstring"',
  degree_sd_jwt: 'format = "vc+sd-jwt"',
  degree_did_key: 'format = "ldp_vc"\nissuer_identity = "did:key"\nstatus_list = false',
  degree_did_jwk: 'format = "vc+jwt"\nissuer_identity = "did:jwk"',
};
const V2 = "https://www.w3.org/ns/credentials/v2";
const OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
const BADGE = new URL("../docs/credential-types/open_badge.toml", import.meta.url);
const CONTEXTS = new URL("../crates/formats/contexts/", import.meta.url);
let issuer, context;

before(async () => {
  issuer = await startIssuer({ edit: addTypes });
  context = { fetch: fetchTrusting(issuer.caPem) };
});

after(() => issuer?.stop());

/** The diploma, in the formats of version 2.0, and the Open Badge of the documentation. */
async function addTypes(folder) {
  const text = await readFile(join(folder, "credentials", "diploma.toml"), "utf8");
  for (const [name, format] of Object.entries(TYPES)) {
    const file = join(folder, "credentials", `${name}.toml`);
    await writeFile(file, text.replace('format = "jwt_vc_json"', format));
  }
  for (const [name, format] of Object.entries({ badge: "ldp_vc", badge_jwt: "vc+jwt" })) {
    const badge = (await readFile(BADGE, "utf8")).replace('format = "ldp_vc"', `format = "${format}"`);
    await writeFile(join(folder, "credentials", `${name}.toml`), badge);
  }
}

async function receive(configurationId, key) {
  return (await receiveWithOffer(configurationId, key)).credential;
}

async function receiveWithOffer(configurationId, key) {
  const { id, uri } = await issuer.offer(configurationId);
  const session = await openid4vc.open(uri, context);
  await session.authorize();
  return { id, credential: (await session.request([key]))[0] };
}

/** The document of the issuer's did:web. */
async function didDocument() {
  return (await context.fetch(`${issuer.url}/.well-known/did.json`)).json();
}

/** Contexts from files, the issuer's DID from its website, nothing else from anywhere. */
async function documentLoader(url) {
  const files = {
    [V2]: "credentials-v2.jsonld",
    [OPEN_BADGES]: "open-badges-3.0.3.jsonld",
  };
  if (files[url]) {
    const document = JSON.parse(await readFile(new URL(files[url], CONTEXTS), "utf8"));
    return { contextUrl: null, documentUrl: url, document };
  }
  const did = await didDocument();
  const method = did.verificationMethod.find(({ id }) => id === url);
  const multikey = { "@context": "https://w3id.org/security/multikey/v1", ...method };
  const document = url === did.id ? did : method && multikey;
  if (!document) throw new Error(`${url} is not to be loaded`);
  return { contextUrl: null, documentUrl: url, document };
}

async function verifyRdfc(credential) {
  const suite = new DataIntegrityProof({ cryptosuite: ecdsaRdfc2019 });
  const controller = await didDocument();
  const purpose = new jsigs.purposes.AssertionProofPurpose({ controller });
  return jsigs.verify(credential, { suite, purpose, documentLoader });
}

test("Digital Bazaar verifies an ldp_vc by ecdsa-rdfc-2019, and finds each change", async () => {
  const key = await holderKey("ES256", "jwk");
  const credential = await receive("degree_rdfc", key);
  assert.equal(credential.proof.cryptosuite, "ecdsa-rdfc-2019");
  const { verified, error } = await verifyRdfc(credential);
  assert.ok(verified, error);
  const { id, ...claims } = credential.credentialSubject;
  assert.deepEqual(claims, await issuer.sample("degree_rdfc"));
  await assertSubject(id, key);
  const changes = [
    (changed) => (changed.credentialSubject.degree = "Master of Science"),
    (changed) => (changed.validUntil = "2099-01-01T00:00:00Z"),
    (changed) => (changed.proof.created = "2020-01-01T00:00:00Z"),
    (changed) => (changed.credentialSubject.more = "nobody signed this"),
  ];
  for (const change of changes) {
    const changed = structuredClone(credential);
    change(changed);
    assert.ok(!(await verifyRdfc(changed)).verified);
  }
});

const suiteOf = (cryptosuite) => new DataIntegrityProof({ cryptosuite });

/** What a holder shows of a credential, as another library makes it. */
async function disclose(credential, selectivePointers, load) {
  const cryptosuite = ecdsaSd2023.createDiscloseCryptosuite({ selectivePointers });
  const purpose = new jsigs.purposes.AssertionProofPurpose();
  const suite = suiteOf(cryptosuite);
  return jsigs.derive(structuredClone(credential), { suite, purpose, documentLoader: load });
}

async function assertDisclosed(disclosed, controller, load) {
  const suite = suiteOf(ecdsaSd2023.createVerifyCryptosuite());
  const purpose = new jsigs.purposes.AssertionProofPurpose({ controller });
  const verdict = await jsigs.verify(disclosed, { suite, purpose, documentLoader: load });
  assert.ok(verdict.verified, verdict.error);
}

test("Digital Bazaar discloses what we signed by ecdsa-sd-2023, and we verify it", async () => {
  const credential = await receive("degree_sd", await holderKey("ES256", "did:jwk"));
  assert.equal(credential.proof.cryptosuite, "ecdsa-sd-2023");
  const disclosed = await disclose(credential, ["/credentialSubject/degree"], documentLoader);
  await assertDisclosed(disclosed, await didDocument(), documentLoader);
  const { degree } = await issuer.sample("degree_sd");
  assert.deepEqual(disclosed.credentialSubject, { id: credential.credentialSubject.id, degree });
  const folder = await temporaryFolder();
  const [file, ca] = ["disclosed.json", "ca.pem"].map((name) => join(folder, name));
  await writeFile(file, JSON.stringify(disclosed));
  await writeFile(ca, issuer.caPem);
  const more = ["--ca", ca, "--allow-private-addresses"];
  assert.match(await runWell("verify", file, ...more), /^verified$/m);
  disclosed.credentialSubject.degree = "Doctor of everything";
  await writeFile(file, JSON.stringify(disclosed));
  await assert.rejects(runWell("verify", file, ...more));
});

test("Digital Bazaar verifies what we disclose by ecdsa-sd-2023", async () => {
  const vectors = new URL("../crates/formats/tests/vectors/", import.meta.url);
  const ours = await readFile(new URL("ecdsa-sd-2023-ours.json", vectors), "utf8");
  const { base, selective, derived } = JSON.parse(ours);
  const method = {
    id: base.proof.verificationMethod,
    type: "Multikey",
    controller: base.issuer,
    publicKeyMultibase: base.issuer.slice("did:key:".length),
  };
  const controller = {
    "@context": ["https://www.w3.org/ns/did/v1"],
    id: base.issuer,
    assertionMethod: [method.id],
  };
  const load = async (url) => {
    const multikey = { "@context": "https://w3id.org/security/multikey/v1", ...method };
    const document = { [method.id]: multikey, [base.issuer]: controller }[url];
    return document ? { contextUrl: null, documentUrl: url, document } : documentLoader(url);
  };
  await assertDisclosed(derived, controller, load);
  const theirs = await disclose(base, selective, load);
  assert.deepEqual(theirs, derived);
});

/** An Open Badge (1EdTech, 3.0): what it holds has types that bring contexts of their own. */
const badge = (issuer) => ({
  "@context": [V2, OPEN_BADGES],
  id: "https://issuer.example/badges/1",
  type: ["VerifiableCredential", "OpenBadgeCredential"],
  issuer: { id: issuer, type: ["Profile"], name: "Example University" },
  validFrom: "2026-01-01T00:00:00Z",
  validUntil: "2126-01-01T00:00:00Z",
  name: "Teamwork",
  credentialSubject: {
    id: "did:example:1",
    type: ["AchievementSubject"],
    achievement: {
      id: "https://issuer.example/achievements/1",
      type: ["Achievement"],
      achievementType: "Badge",
      criteria: { narrative: "Worked with others." },
      description: "For those who work with others.",
      name: "Teamwork",
      tag: ["team", "work"],
    },
    result: [{ type: ["Result"], resultDescription: "urn:uuid:1", value: "A" }],
  },
});

/** What Open Badges 3.0 asks of a credential. */
function assertBadge(credential, issuerName) {
  assert.deepEqual(credential["@context"], [V2, OPEN_BADGES]);
  assert.deepEqual(credential.type, ["VerifiableCredential", "OpenBadgeCredential"]);
  assert.match(credential.id, /^urn:uuid:[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
  assert.equal(credential.issuer, issuerName);
  assert.equal(credential.name, "Teamwork");
  const { id, type, achievement } = credential.credentialSubject;
  assert.match(id, /^did:/);
  assert.deepEqual(type, ["AchievementSubject"]);
  assert.deepEqual(achievement.type, ["Achievement"]);
  const { id: named, name, description, criteria } = achievement;
  assert.ok([named, name, description, criteria.narrative].every((text) => text));
}

test("Digital Bazaar verifies an Open Badge of ours, and so do we", async () => {
  const credential = await receive("badge", await holderKey("ES256", "did:jwk"));
  assertBadge(credential, (await didDocument()).id);
  const { verified, error } = await verifyRdfc(structuredClone(credential));
  assert.ok(verified, error);
  const folder = await temporaryFolder();
  const [file, ca] = ["badge.json", "ca.pem"].map((name) => join(folder, name));
  await writeFile(ca, issuer.caPem);
  await writeFile(file, JSON.stringify(credential));
  const more = ["--ca", ca, "--allow-private-addresses"];
  assert.match(await runWell("verify", file, ...more), /^verified$/m);
  const changes = [
    (changed) => (changed.credentialSubject.achievement.name = "Solo"),
    (changed) => (changed.credentialSubject.achievement.tag = ["solo"]),
    (changed) => (changed.credentialSubject.type = ["Profile"]),
    (changed) => (changed.id = "urn:uuid:00000000-0000-4000-8000-000000000000"),
    (changed) => (changed.name = "Solo"),
  ];
  for (const change of changes) {
    const changed = structuredClone(credential);
    change(changed);
    assert.ok(!(await verifyRdfc(changed)).verified);
    await writeFile(file, JSON.stringify(changed));
    await assert.rejects(runWell("verify", file, ...more));
  }
});

test("jose verifies an Open Badge as vc+jwt", async () => {
  const compact = await receive("badge_jwt", await holderKey("ES256", "did:jwk"));
  const { payload } = await jose.jwtVerify(compact, publishedKey, { typ: "vc+jwt" });
  assertBadge(payload, issuer.url);
});

test("an Open Badge that Digital Bazaar signs is verified, and each change is found", async () => {
  const pair = await EcdsaMultikey.generate({ curve: "P-256" });
  const did = `did:key:${pair.publicKeyMultibase}`;
  Object.assign(pair, { id: `${did}#${pair.publicKeyMultibase}`, controller: did });
  const suite = new DataIntegrityProof({ signer: pair.signer(), cryptosuite: ecdsaRdfc2019 });
  const purpose = new jsigs.purposes.AssertionProofPurpose();
  const signed = await jsigs.sign(badge(did), { suite, purpose, documentLoader });
  const folder = await temporaryFolder();
  const [file, keys] = ["badge.json", "keys.json"].map((name) => join(folder, name));
  await writeFile(keys, JSON.stringify(await EcdsaMultikey.toJwk({ keyPair: pair })));
  await writeFile(file, JSON.stringify(signed));
  const more = ["--issuer-keys", keys, "--offline"];
  assert.match(await runWell("verify", file, ...more), /^verified$/m);
  const changes = [
    (changed) => (changed.credentialSubject.achievement.name = "Solo"),
    (changed) => (changed.credentialSubject.result[0].value = "B"),
    (changed) => (changed.issuer.name = "Another University"),
    (changed) => (changed.name = "Solo"),
  ];
  for (const change of changes) {
    const changed = structuredClone(signed);
    change(changed);
    await writeFile(file, JSON.stringify(changed));
    await assert.rejects(runWell("verify", file, ...more));
  }
});

test("an ldp_vc by ecdsa-jcs-2019 verifies with a foreign RFC 8785", async () => {
  await assertJcsProof(await receive("degree_jcs", await holderKey("EdDSA", "did:key")));
});

async function assertJcsProof({ proof, ...document }) {
  assert.equal(proof.cryptosuite, "ecdsa-jcs-2019");
  assert.deepEqual(proof["@context"], document["@context"]);
  const { proofValue, ...options } = proof;
  const digest = (value) => createHash("sha256").update(canonicalize(value)).digest();
  const message = Buffer.concat([digest(options), digest(document)]);
  const did = await didDocument();
  const method = did.verificationMethod.find(({ id }) => id === proof.verificationMethod);
  assert.ok(did.assertionMethod.includes(method.id));
  const multikey = await EcdsaMultikey.from({
    "@context": "https://w3id.org/security/multikey/v1",
    ...method,
  });
  const jwk = await EcdsaMultikey.toJwk({ keyPair: multikey });
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const signature = base58btc.decode(proofValue);
  assert.ok(verify("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature));
}

async function publishedKey(header) {
  const answer = await context.fetch(`${issuer.url}/.well-known/jwt-vc-issuer`);
  const { jwks } = await answer.json();
  return jose.importJWK(jwks.keys.find(({ kid }) => kid === header.kid), "ES256");
}

/** What VC-JOSE-COSE and VCDM 2.0 ask of a payload. */
function assertCredential(payload) {
  assert.equal(payload["@context"][0], V2);
  assert.equal(payload.type[0], "VerifiableCredential");
  assert.equal(payload.issuer, issuer.url);
  assert.ok(Date.parse(payload.validFrom) < Date.now() && Date.now() < Date.parse(payload.validUntil));
  assert.ok(!("vc" in payload) && !("vp" in payload));
}

test("jose verifies a vc+jwt", async () => {
  const key = await holderKey("ES256", "did:jwk");
  const compact = await receive("degree_jwt", key);
  const options = { typ: "vc+jwt", issuer: issuer.url };
  const { payload, protectedHeader } = await jose.jwtVerify(compact, publishedKey, options);
  assert.equal(protectedHeader.cty, "vc");
  assertCredential(payload);
  const { id, ...claims } = payload.credentialSubject;
  assert.deepEqual(claims, await issuer.sample("degree_jwt"));
  await assertSubject(id, key);
});

test("a key that is its issuer's name is all that Digital Bazaar and jose need", async () => {
  const key = await holderKey("ES256", "did:jwk");
  const credential = await receive("degree_did_key", key);
  const { issuer: did, proof } = credential;
  const publicKeyMultibase = did.slice("did:key:".length);
  assert.equal(proof.verificationMethod, `${did}#${publicKeyMultibase}`);
  const id = proof.verificationMethod;
  const method = { id, type: "Multikey", controller: did, publicKeyMultibase };
  const controller = {
    "@context": ["https://www.w3.org/ns/did/v1"],
    id: did,
    assertionMethod: [id],
  };
  const load = async (url) => {
    const multikey = { "@context": "https://w3id.org/security/multikey/v1", ...method };
    const document = { [id]: multikey, [did]: controller }[url];
    return document ? { contextUrl: null, documentUrl: url, document } : documentLoader(url);
  };
  const suite = new DataIntegrityProof({ cryptosuite: ecdsaRdfc2019 });
  const purpose = new jsigs.purposes.AssertionProofPurpose({ controller });
  const { verified, error } = await jsigs.verify(credential, { suite, purpose, documentLoader: load });
  assert.ok(verified, error);

  const ofKid = ({ kid }) => {
    const [, jwk] = kid.match(/^did:jwk:([\w-]+)#0$/);
    return jose.importJWK(JSON.parse(Buffer.from(jwk, "base64url")), "ES256");
  };
  const compact = await receive("degree_did_jwk", key);
  const { payload, protectedHeader } = await jose.jwtVerify(compact, ofKid, { typ: "vc+jwt" });
  assert.deepEqual([payload.iss, payload.issuer], Array(2).fill(protectedHeader.kid.split("#")[0]));
});

test("jose verifies a vc+sd-jwt, and its digests are those of its disclosures", async () => {
  const compact = await receive("degree_sd_jwt", await holderKey("ES256", "jwk"));
  const [jwt, ...disclosures] = compact.split("~").slice(0, -1);
  const { payload } = await jose.jwtVerify(jwt, publishedKey, { typ: "vc+sd-jwt" });
  assertCredential(payload);
  const shown = disclosures.map((text) => JSON.parse(Buffer.from(text, "base64url")));
  const claims = Object.fromEntries(shown.map(([, name, value]) => [name, value]));
  assert.deepEqual(claims, await issuer.sample("degree_sd_jwt"));
  const digests = disclosures.map((text) => createHash("sha256").update(text).digest("base64url"));
  assert.deepEqual(payload.credentialSubject._sd.toSorted(), digests.toSorted());
  assert.ok(payload.cnf.jwk);
});

/** What the list of each purpose says of a credential, as another library reads it. */
async function statuses(credential, loadList) {
  const { verified, results, error } = await checkStatus({
    credential,
    documentLoader: async (url) => ({ document: await loadList(url) }),
    verifyBitstringStatusListCredential: false, // of that, each test says how
  });
  assert.ok(verified, error);
  return Object.fromEntries(
    results.map(({ credentialStatus, status }) => [credentialStatus.statusPurpose, status]),
  );
}

/** Our list as `vc+jwt`, verified by jose. */
async function listOfJwt(url) {
  const answer = await context.fetch(url);
  assert.equal(answer.headers.get("content-type"), "application/vc+jwt");
  const { payload } = await jose.jwtVerify(await answer.text(), publishedKey, { typ: "vc+jwt" });
  assert.equal(payload.id, url);
  return payload;
}

/** Our list with a proof inside. */
async function listOfLdp(url) {
  const answer = await context.fetch(url);
  assert.equal(answer.headers.get("content-type"), "application/vc");
  const list = await answer.json();
  await assertJcsProof(list);
  return list;
}

for (const [type, loadList] of [["degree_jwt", listOfJwt], ["degree_rdfc", listOfLdp]]) {
  test(`Digital Bazaar finds the status of a ${type} in our Bitstring Status List`, async () => {
    const { id, credential } = await receiveWithOffer(type, await holderKey("ES256", "did:jwk"));
    const said = type === "degree_jwt" ? jose.decodeJwt(credential) : credential;
    assert.deepEqual(await statuses(said, loadList), { revocation: false, suspension: false });
    for (const [verb, revocation, suspension] of [
      ["suspend", false, true],
      ["reinstate", false, false],
      ["revoke", true, false],
    ]) {
      await issuer.setStatus(verb, id);
      await sleep(1000);
      assert.deepEqual(await statuses(said, loadList), { revocation, suspension }, verb);
    }
  });
}

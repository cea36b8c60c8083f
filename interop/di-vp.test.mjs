// Presentations as proofs of keys (VCI §F.2), by Digital Bazaar's libraries: Bestow's issuer takes
// those that they make, and they verify those that Bestow's wallet makes.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import { cryptosuite as ecdsaRdfc2019 } from "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import { cryptosuite as eddsaRdfc2022 } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import jsigs from "jsonld-signatures";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, startIssuer, temporaryFolder } from "./bestow.mjs";
import { sign } from "./credentials.mjs";
import { jwkOfDidUrl } from "./keys.mjs";
import { serve } from "./serve.mjs";
import { fetchTrusting } from "./trust.mjs";

bestowBinary();
const V2 = "https://www.w3.org/ns/credentials/v2";
const GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const CONTEXTS = new URL("../crates/formats/contexts/", import.meta.url);
const SUITES = {
  EdDSA: { cryptosuite: eddsaRdfc2022, generate: () => Ed25519Multikey.generate() },
  ES256: { cryptosuite: ecdsaRdfc2019, generate: () => EcdsaMultikey.generate({ curve: "P-256" }) },
};
let issuer, fetch;

before(async () => {
  issuer = await startIssuer({ edit: takePresentations });
  fetch = fetchTrusting(issuer.caPem);
});

after(() => issuer?.stop());

/** The diploma, for whoever presents a key. */
async function takePresentations(folder) {
  const diploma = await readFile(join(folder, "credentials", "diploma.toml"), "utf8");
  const degree = diploma.replace('format = "jwt_vc_json"', 'format = "ldp_vc"\ndi_vp_proofs = true');
  await writeFile(join(folder, "credentials", "degree.toml"), degree);
}

/** Contexts from files; a did:key stands for itself. */
async function documentLoader(url) {
  const document = await known(url);
  if (!document) throw new Error(`${url} is not to be loaded`);
  return { contextUrl: null, documentUrl: url, document };
}

async function known(url) {
  if (url === V2) return JSON.parse(await readFile(new URL("credentials-v2.jsonld", CONTEXTS), "utf8"));
  if (!url.startsWith("did:key:")) return undefined;
  const [did, fragment] = url.split("#");
  const publicKeyMultibase = did.slice("did:key:".length);
  const id = `${did}#${publicKeyMultibase}`;
  const method = { id, type: "Multikey", controller: did, publicKeyMultibase };
  if (fragment) return { "@context": "https://w3id.org/security/multikey/v1", ...method };
  const context = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"];
  return { "@context": context, id: did, verificationMethod: [method], authentication: [id] };
}

/** A key whose name is itself. */
async function keyOf(alg) {
  const pair = await SUITES[alg].generate();
  const { publicKeyMultibase } = await pair.export({ publicKey: true });
  pair.controller = `did:key:${publicKeyMultibase}`;
  pair.id = `${pair.controller}#${publicKeyMultibase}`;
  return pair;
}

/** Nothing is presented but the key. */
function present(alg, pair, { domain, challenge }) {
  const presentation = { "@context": [V2], type: ["VerifiablePresentation"], holder: pair.controller };
  const suite = new DataIntegrityProof({ signer: pair.signer(), cryptosuite: SUITES[alg].cryptosuite });
  const purpose = new jsigs.purposes.AuthenticationProofPurpose({ domain, challenge });
  return jsigs.sign(presentation, { suite, purpose, documentLoader });
}

/** What the issuer answers to a request with the presentation that `make` makes of its nonce. */
async function ask(make) {
  const { uri } = await issuer.offer("degree", "--by-value");
  const offer = JSON.parse(new URL(uri).searchParams.get("credential_offer"));
  const metadata = await (await fetch(`${issuer.url}/.well-known/oauth-authorization-server`)).json();
  const code = offer.grants[GRANT]["pre-authorized_code"];
  const form = new URLSearchParams({ grant_type: GRANT, "pre-authorized_code": code });
  const { access_token: token } = await (await fetch(metadata.token_endpoint, { method: "POST", body: form })).json();
  const own = await (await fetch(`${issuer.url}/.well-known/openid-credential-issuer`)).json();
  const { c_nonce: challenge } = await (await fetch(own.nonce_endpoint, { method: "POST" })).json();
  const presentation = await make(challenge);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ credential_configuration_id: "degree", proofs: { di_vp: [presentation] } });
  const answer = await fetch(own.credential_endpoint, { method: "POST", headers, body });
  return { status: answer.status, body: await answer.json() };
}

for (const alg of Object.keys(SUITES)) {
  test(`bestow issuer takes a presentation that Digital Bazaar signs with ${alg}`, async () => {
    const pair = await keyOf(alg);
    const { status, body } = await ask((challenge) => present(alg, pair, { domain: issuer.url, challenge }));
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.credentials[0].credential.credentialSubject.id, pair.controller);
  });

  test(`bestow issuer refuses presentations with ${alg} for others, and changed ones`, async () => {
    const pair = await keyOf(alg);
    const wrong = {
      "another issuer": (challenge) => present(alg, pair, { domain: "https://other.example", challenge }),
      "another nonce": () => present(alg, pair, { domain: issuer.url, challenge: "a nonce of nobody's" }),
      "another time": async (challenge) => {
        const signed = await present(alg, pair, { domain: issuer.url, challenge });
        signed.proof.created = "2026-01-01T00:00:00Z";
        return signed;
      },
      "another holder": async (challenge) => {
        const signed = await present(alg, pair, { domain: issuer.url, challenge });
        signed.holder = (await keyOf(alg)).controller;
        return signed;
      },
    };
    for (const [what, make] of Object.entries(wrong)) {
      const { status, body } = await ask(make);
      assert.equal(status, 400, what);
      assert.match(body.error, /^invalid_(proof|nonce)$/, what);
    }
  });
}

/** The foreign issuer, if it takes presentations and no JWT; what came is verified by Digital Bazaar. */
function presentationsOnly(foreign) {
  const metadata = structuredClone(foreign.metadata.credentialIssuer);
  const configuration = metadata.credential_configurations_supported.first_aid;
  const names = [eddsaRdfc2022.name, ecdsaRdfc2019.name];
  configuration.proof_types_supported = { di_vp: { proof_signing_alg_values_supported: names } };
  let challenge;
  const nonce = () => {
    const made = foreign.nonce();
    challenge = made.c_nonce;
    return made;
  };
  const credential = async ({ body }) => {
    const [presentation, ...more] = JSON.parse(body).proofs.di_vp;
    assert.equal(more.length, 0);
    const { verificationMethod: didUrl, cryptosuite } = presentation.proof;
    const suite = new DataIntegrityProof({
      cryptosuite: [eddsaRdfc2022, ecdsaRdfc2019].find(({ name }) => name === cryptosuite),
    });
    const verified = (expected) => {
      const purpose = new jsigs.purposes.AuthenticationProofPurpose(expected);
      return jsigs.verify(presentation, { suite, purpose, documentLoader });
    };
    const verdict = await verified({ domain: foreign.url, challenge });
    assert.ok(verdict.verified, verdict.error);
    assert.ok(!(await verified({ domain: "https://other.example", challenge })).verified);
    assert.ok(!(await verified({ domain: foreign.url, challenge: "another" })).verified);
    const holder = { didUrl, jwk: jwkOfDidUrl(didUrl) };
    foreign.holders.push({ ...holder, cryptosuite });
    const context = { credentialIssuer: foreign.url, signer: foreign.signer, holder };
    return { credentials: [{ credential: await sign("first_aid", context) }] };
  };
  return [
    ["GET /.well-known/openid-credential-issuer", () => metadata],
    ["POST /nonce", nonce],
    ["POST /credential", credential],
  ];
}

test("Digital Bazaar verifies the presentations of bestow wallet", async () => {
  const authority = await createAuthority();
  const foreign = await serve(authority, { routes: presentationsOnly });
  const folder = await temporaryFolder();
  const ca = join(folder, "ca.pem");
  await writeFile(ca, authority.caPem);
  const wallet = await createWallet("--ca", ca, "--trust-anchor", ca);
  try {
    for (const [alg, { cryptosuite }] of Object.entries(SUITES)) {
      const { uri } = await foreign.offer("first_aid");
      const { code, stdout, stderr } = await wallet.receive(uri, "--binding", "did:key", "--alg", alg);
      assert.equal(code, 0, stdout + stderr);
      assert.equal(foreign.holders.at(-1).cryptosuite, cryptosuite.name);
    }
  } finally {
    foreign.stop();
    await wallet.remove();
    await rm(folder, { recursive: true });
  }
});

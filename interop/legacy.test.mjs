// Wallets that we did not write and that speak drafts receive credentials from Bestow's issuer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bestowBinary, startIssuer } from "./bestow.mjs";
import { BINDINGS, holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import * as sphereon from "./sphereon-drafts-wallet.mjs";
import * as sphereon20 from "./sphereon-wallet.mjs";
import { otherCode } from "./tamper.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { assertConfirmation, assertSubject, verifyJwtVc, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
const WAYS = {
  "by reference without a PIN": [],
  "by value without a PIN": ["--by-value"],
  "by reference with a PIN": ["--tx-code"],
  "by value with a PIN": ["--tx-code", "--by-value"],
};
/** What each library takes the issuer for, and which types there are in the draft. */
const OPENID4VC = { 11: "Draft11", 13: "Draft14", 14: "Draft14", 15: "Draft15" };
const SPHEREON = {
  8: { version: 1008, types: ["diploma"] },
  11: { version: 1011, types: ["diploma", "student_card"] },
  13: { version: 1013, types: ["diploma", "student_card"] },
};
let issuer, context;

before(async () => {
  issuer = await startIssuer({ settings: { drafts: '["8", "9", "11", "13", "14", "15"]' } });
  context = { credentialIssuer: issuer.url, caPem: issuer.caPem, fetch: fetchTrusting(issuer.caPem) };
  trustEverywhere(issuer.caPem);
});

after(() => issuer?.stop());

for (const [way, options] of Object.entries(WAYS)) {
  for (const binding of BINDINGS) {
    for (const [draft, version] of Object.entries(OPENID4VC)) {
      for (const type of ["diploma", "student_card"]) {
        test(`openid4vc receives ${type} in draft ${draft} for ${binding} ${way}`, async () => {
          const { uri, tx_code } = await issuer.offer(type, "--draft", draft, ...options);
          const session = await openid4vc.open(uri, context);
          assert.equal(session.version, version);
          const key = await holderKey("ES256", binding);
          await session.authorize(tx_code ?? undefined);
          const [credential] = await session.request([key]);
          await assertIs(type, credential, key, draft);
        });
      }
    }

    for (const [draft, { version, types }] of Object.entries(SPHEREON)) {
      for (const type of types) {
        test(`sphereon 0.19 receives ${type} in draft ${draft} for ${binding} ${way}`, async () => {
          const { uri, tx_code } = await issuer.offer(type, "--draft", draft, ...options);
          const key = await holderKey("ES256", binding);
          const session = await sphereon.open(uri, { draft, key });
          assert.equal(session.version, version);
          await session.authorize(tx_code ?? undefined);
          await assertIs(type, await session.request(key, wish(type, draft)), key, draft);
        });
      }
    }
  }
}

for (const [way, options] of Object.entries(WAYS)) {
  for (const type of ["diploma", "student_card"]) {
    test(`sphereon 0.20 receives ${type} in draft 15 ${way}`, async () => {
      const { uri, tx_code } = await issuer.offer(type, "--draft", "15", ...options);
      const key = await holderKey("ES256", "jwk");
      const session = await sphereon20.open(uri, { key });
      await session.authorize(tx_code ?? undefined);
      await assertIs(type, (await session.request([key]))[0], key, "15");
    });
  }
}

// Its names of drafts have one for 9, and nothing of the library reads a link of that.
test("sphereon 0.19 reads no offer of draft 9", async () => {
  const { uri } = await issuer.offer("diploma", "--draft", "9");
  for (const draft of Object.keys(SPHEREON)) await assert.rejects(sphereon.open(uri, { draft }), /nvalid/);
});

test("openid4vc receives a credential for each of two keys in draft 14", async () => {
  const { uri } = await issuer.offer("diploma", "--draft", "14");
  const session = await openid4vc.open(uri, context);
  await session.authorize();
  const keys = await Promise.all([holderKey("ES256", "jwk"), holderKey("EdDSA", "jwk")]);
  const credentials = await session.request(keys);
  assert.equal(credentials.length, keys.length);
  await Promise.all(credentials.map((credential, at) => assertIs("diploma", credential, keys[at])));
});

for (const draft of Object.keys(SPHEREON)) {
  test(`sphereon 0.19 retypes a wrong PIN in draft ${draft}`, async () => {
    const { uri, tx_code } = await issuer.offer("diploma", "--draft", draft, "--tx-code");
    const key = await holderKey("ES256", "jwk");
    const session = await sphereon.open(uri, { draft, key });
    await assert.rejects(session.authorize(otherCode(tx_code)), /status: 400/);
    await session.authorize(tx_code);
    await assertIs("diploma", await session.request(key, wish("diploma", draft)), key);
  });
}

/** As a user of Sphereon's library says what is wanted: by the words of the draft. */
function wish(type, draft) {
  if (draft === "8") return { format: "jwt_vc", types: [type] };
  if (type === "student_card") {
    return { format: "vc+sd-jwt", types: [`${issuer.url}/credentials/student_card`] };
  }
  const types = ["VerifiableCredential", "UniversityDegreeCredential"];
  return { format: "jwt_vc_json", types };
}

async function assertIs(type, credential, key, draft) {
  if (type === "student_card") {
    const typ = draft === "15" ? "dc+sd-jwt" : "vc+sd-jwt"; // it had another name
    const { payload, claims } = await verifySdJwtVc(credential, { ...context, typ });
    assert.deepEqual(claims, await issuer.sample(type));
    return assertConfirmation(payload, key);
  }
  const { claims, subject } = await verifyJwtVc(credential, context);
  assert.deepEqual(claims, await issuer.sample(type));
  return assertSubject(subject, key);
}

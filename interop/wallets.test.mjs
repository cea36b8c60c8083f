// Wallets that we did not write receive credentials from Bestow's issuer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bestowBinary, startIssuer } from "./bestow.mjs";
import { ALGORITHMS, BINDINGS, holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import * as sphereon from "./sphereon-wallet.mjs";
import { otherCode } from "./tamper.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { assertConfirmation, assertSubject, verifyJwtVc, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
const WALLETS = [openid4vc, sphereon];
const DELIVERIES = { "by reference": [], "by value": ["--by-value"] };
const CODES = { "with a transaction code": ["--tx-code"], "without a code": [] };
const BATCH_OF_KEYS = 3;
let issuer, context;

before(async () => {
  issuer = await startIssuer();
  context = contextOf(issuer);
  trustEverywhere(issuer.caPem);
});

after(() => issuer?.stop());

for (const wallet of WALLETS) {
  for (const [delivery, deliveryOptions] of Object.entries(DELIVERIES)) {
    for (const [code, codeOptions] of Object.entries(CODES)) {
      const way = `${delivery} ${code}`;
      const options = [...deliveryOptions, ...codeOptions];

      for (const binding of BINDINGS) {
        for (const alg of ALGORITHMS) {
          const title = `for ${binding} with ${alg} ${way}`;

          test(`${wallet.name} receives student_card ${title}`, async () => {
            const key = await holderKey(alg, binding);
            const [credential] = await receive(wallet, "student_card", { keys: [key], options });
            await assertStudentCard(credential, key);
          });

          test(`${wallet.name} receives diploma ${title}`, async () => {
            const key = await holderKey(alg, binding);
            const [credential] = await receive(wallet, "diploma", { keys: [key], options });
            const { claims, subject } = await verifyJwtVc(credential, context);
            assert.deepEqual(claims, await issuer.sample("diploma"));
            await assertSubject(subject, key);
          });
        }
      }

      test(`${wallet.name} receives course_ticket ${way}`, async () => {
        const [credential] = await receive(wallet, "course_ticket", { options });
        await assertCourseTicket(credential);
      });
    }
  }

  test(`${wallet.name} retypes a wrong transaction code`, async () => {
    const { uri, tx_code } = await issuer.offer("course_ticket", "--tx-code");
    const session = await wallet.open(uri, context);
    await assert.rejects(session.authorize(otherCode(tx_code)), /status:? 400/);
    await session.authorize(tx_code);
    await assertCourseTicket((await session.request())[0]);
  });

  test(`${wallet.name} redeems a code once`, async () => {
    const { uri } = await issuer.offer("course_ticket");
    const first = await wallet.open(uri, context);
    const second = await wallet.open(uri, context);
    await first.authorize();
    await assert.rejects(second.authorize(), /status:? 400/);
    await assertCourseTicket((await first.request())[0]);
  });

  test(`${wallet.name} uses one token for a second request with another key`, async () => {
    const { uri } = await issuer.offer("diploma");
    const session = await wallet.open(uri, context);
    await session.authorize();
    for (const key of [await holderKey("ES256", "jwk"), await holderKey("EdDSA", "jwk")]) {
      const { subject } = await verifyJwtVc((await session.request([key]))[0], context);
      await assertSubject(subject, key);
    }
  });

  test(`${wallet.name} finds an issuer whose identifier has a path`, async () => {
    const college = await startIssuer({ path: "/riverside/college" });
    try {
      trustEverywhere(college.caPem);
      const { uri } = await college.offer("course_ticket");
      const session = await wallet.open(uri, contextOf(college));
      await session.authorize();
      const { payload } = await verifySdJwtVc((await session.request())[0], contextOf(college));
      assert.equal(payload.cnf, undefined);
    } finally {
      trustEverywhere(issuer.caPem);
      await college.stop();
    }
  });
}

test("openid4vc takes Bestow's metadata for version 1.0", async () => {
  const { uri } = await issuer.offer("student_card");
  const session = await openid4vc.open(uri, context);
  assert.equal(session.version, "V1");
});

test("openid4vc receives one card for each of several keys", async () => {
  const made = Array.from({ length: BATCH_OF_KEYS }, () => holderKey("ES256", "jwk"));
  const keys = await Promise.all(made);
  const credentials = await receive(openid4vc, "student_card", { keys });
  assert.equal(credentials.length, keys.length);
  await Promise.all(credentials.map((credential, at) => assertStudentCard(credential, keys[at])));
});

test("sphereon proves a key that course_ticket does not ask for", async () => {
  const keys = [await holderKey("ES256", "jwk")];
  const [credential] = await receive(sphereon, "course_ticket", { keys });
  await assertCourseTicket(credential);
});

async function receive(wallet, configurationId, { keys = [], options = [] }) {
  const { uri, tx_code } = await issuer.offer(configurationId, ...options);
  assert.equal(tx_code !== null, options.includes("--tx-code"));
  const session = await wallet.open(uri, { ...context, key: keys[0] });
  await session.authorize(tx_code ?? undefined);
  return session.request(keys);
}

async function assertStudentCard(credential, key) {
  const { payload, claims } = await verifySdJwtVc(credential, context);
  assert.deepEqual(claims, await issuer.sample("student_card"));
  await assertConfirmation(payload, key);
}

async function assertCourseTicket(credential) {
  const { payload, claims } = await verifySdJwtVc(credential, context);
  assert.deepEqual(claims, await issuer.sample("course_ticket"));
  assert.equal(payload.cnf, undefined);
}

function contextOf({ url, caPem }) {
  return { credentialIssuer: url, caPem, fetch: fetchTrusting(caPem) };
}

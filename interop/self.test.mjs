// The harness against itself: foreign wallets and the foreign issuer understand each other, so
// that a failure in the other test files is about Bestow.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createAuthority } from "./authority.mjs";
import { CLAIMS } from "./credentials.mjs";
import { ALGORITHMS, BINDINGS, holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { serve } from "./serve.mjs";
import * as sphereon from "./sphereon-wallet.mjs";
import { changeByte, otherCode } from "./tamper.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { assertConfirmation, assertSubject, verifyJwtVc, verifySdJwtVc } from "./verify.mjs";

const WALLETS = [openid4vc, sphereon];
let authority, issuer, context;

before(async () => {
  authority = await createAuthority();
  issuer = await serve(authority);
  const fetch = fetchTrusting(authority.caPem);
  context = { credentialIssuer: issuer.url, caPem: authority.caPem, fetch };
  trustEverywhere(authority.caPem);
});

after(() => issuer.stop());

for (const wallet of WALLETS) {
  for (const binding of BINDINGS) {
    for (const alg of ALGORITHMS) {
      test(`${wallet.name} receives a card for ${binding} with ${alg}`, async () => {
        const key = await holderKey(alg, binding);
        const credential = await receive(wallet, "library_card", { key, txCode: true });
        const { payload, claims } = await verifySdJwtVc(credential, context);
        assert.deepEqual(claims, CLAIMS.library_card);
        await assertConfirmation(payload, key);
      });

      test(`${wallet.name} receives a diploma for ${binding} with ${alg}`, async () => {
        const key = await holderKey(alg, binding);
        const credential = await receive(wallet, "first_aid", { key, byReference: true });
        const { claims, subject } = await verifyJwtVc(credential, context);
        assert.deepEqual(claims, CLAIMS.first_aid);
        await assertSubject(subject, key);
      });
    }
  }

  test(`${wallet.name} receives a ticket without a proof`, async () => {
    const credential = await receive(wallet, "museum_ticket", {});
    const { payload, claims } = await verifySdJwtVc(credential, context);
    assert.deepEqual(claims, CLAIMS.museum_ticket);
    assert.equal(payload.cnf, undefined);
  });

  test(`${wallet.name} may retype a transaction code, and a code is redeemed once`, async () => {
    const { uri, tx_code } = await issuer.offer("museum_ticket", { txCode: true });
    const session = await wallet.open(uri, context);
    await assert.rejects(session.authorize(otherCode(tx_code)), /400|invalid_grant/);
    await session.authorize(tx_code);
    const again = await wallet.open(uri, context);
    await assert.rejects(again.authorize(tx_code), /400|invalid_grant/);
  });
}

test("the verifying libraries find one changed byte", async () => {
  const card = await receive(openid4vc, "museum_ticket", {});
  await assert.rejects(verifySdJwtVc(changeByte(card, card.indexOf("~") - 40), context));
  const key = await holderKey("ES256", "jwk");
  const diploma = await receive(openid4vc, "first_aid", { key });
  await assert.rejects(verifyJwtVc(changeByte(diploma, diploma.length - 40), context));
});

test("a card whose chain ends elsewhere is found", async () => {
  const key = await holderKey("ES256", "jwk");
  const card = await receive(openid4vc, "library_card", { key });
  const { caPem } = await createAuthority();
  await assert.rejects(verifySdJwtVc(card, { ...context, caPem }), /issued by another|forged/);
});

async function receive(wallet, configurationId, { key, txCode, byReference }) {
  const { uri, tx_code } = await issuer.offer(configurationId, { txCode, byReference });
  const session = await wallet.open(uri, { ...context, key });
  await session.authorize(tx_code);
  const [credential] = await session.request(key ? [key] : []);
  return credential;
}

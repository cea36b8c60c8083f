// A verifier that we did not write follows credentials of Bestow's issuer into their status lists.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { bestowBinary, startIssuer } from "./bestow.mjs";
import { holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { statusOf, verifyJwtVc, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
/** After so long a change is in the list. */
const VISIBLE_AFTER = 1000;
const [VALID, INVALID, SUSPENDED] = [0, 1, 2];
const VERIFIERS = { student_card: verifySdJwtVc, diploma: verifyJwtVc };
let issuer, context;

before(async () => {
  issuer = await startIssuer();
  context = {
    credentialIssuer: issuer.url,
    caPem: issuer.caPem,
    fetch: fetchTrusting(issuer.caPem),
  };
  trustEverywhere(issuer.caPem);
});

after(() => issuer?.stop());

for (const [configurationId, verify] of Object.entries(VERIFIERS)) {
  test(`a ${configurationId} is suspended, reinstated and revoked`, async () => {
    const { id, credentials } = await receive(configurationId, 1);
    const { payload } = await verify(credentials[0], context);
    assert.equal(await statusOf(payload, context), VALID);
    for (const [verb, status] of [["suspend", SUSPENDED], ["reinstate", VALID], ["revoke", INVALID]]) {
      await issuer.setStatus(verb, id);
      await sleep(VISIBLE_AFTER);
      assert.equal(await statusOf(payload, context), status, verb);
    }
  });
}

test("a revoked student_card is refused, the others of its holder are not", async () => {
  const { id, credentials } = await receive("student_card", 3);
  await issuer.setStatus("revoke", id, "--credential", "2");
  await sleep(VISIBLE_AFTER);
  await assert.rejects(verifySdJwtVc(credentials[1], context), /Status is not valid/);
  for (const credential of [credentials[0], credentials[2]]) {
    await verifySdJwtVc(credential, context);
  }
});

async function receive(configurationId, count) {
  const keys = await Promise.all(Array.from({ length: count }, () => holderKey("ES256", "jwk")));
  const { id, uri } = await issuer.offer(configurationId);
  const session = await openid4vc.open(uri, { ...context, key: keys[0] });
  await session.authorize();
  return { id, credentials: await session.request(keys) };
}

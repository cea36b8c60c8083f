// One identifier, one kind of offer: wallets of 1.0 and of draft 13 take it, each in its own words.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bestowBinary, createWallet, startIssuer, temporaryFolder } from "./bestow.mjs";
import { BINDINGS, holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import * as drafts from "./sphereon-drafts-wallet.mjs";
import * as sphereon from "./sphereon-wallet.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { assertConfirmation, assertSubject, verifyJwtVc, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
let issuer, context, plain, ofPlain, folder, own;

before(async () => {
  issuer = await startIssuer({ settings: { shared: "true" } });
  context = { credentialIssuer: issuer.url, caPem: issuer.caPem, fetch: fetchTrusting(issuer.caPem) };
  plain = await startIssuer({
    settings: { shared: "true" },
    edit: async (state) => {
      for (const type of ["student_card", "course_ticket"]) {
        await rm(join(state, "credentials", `${type}.toml`));
      }
    },
  });
  ofPlain = { credentialIssuer: plain.url, caPem: plain.caPem, fetch: fetchTrusting(plain.caPem) };
  trustEverywhere(issuer.caPem + plain.caPem);
  folder = await temporaryFolder();
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, issuer.caPem);
  own = await createWallet("--ca", caFile, "--trust-anchor", caFile);
});

after(async () => {
  await issuer?.stop();
  await plain?.stop();
  await own?.remove();
  await rm(folder, { recursive: true, force: true });
});

for (const type of ["diploma", "student_card"]) {
  for (const binding of BINDINGS) {
    for (const pin of [[], ["--tx-code"]]) {
      const way = pin.length ? "with a code" : "without a code";

      for (const wallet of [openid4vc, sphereon]) {
        test(`${wallet.name} receives ${type} for ${binding} ${way}`, async () => {
          const { uri, tx_code } = await issuer.offer(type, ...pin);
          const key = await holderKey("ES256", binding);
          const session = await wallet.open(uri, { ...context, key });
          await session.authorize(tx_code ?? undefined);
          const [credential] = await session.request([key]);
          await assertIs(type, credential, key);
        });
      }
    }
  }

  test(`bestow wallet takes ${type} for one of 1.0, and has nothing to excuse`, async () => {
    const { uri } = await issuer.offer(type);
    const { code, stdout, stderr } = await own.receive(uri);
    assert.equal(code, 0, stderr);
    const { draft, findings } = JSON.parse(stdout);
    assert.deepEqual([draft ?? null, findings ?? []], [null, []]);
  });
}

// This library gives up at metadata that have, for any credential, a format that draft 13 does not name.
for (const binding of BINDINGS) {
  for (const pin of [[], ["--tx-code"]]) {
    const way = pin.length ? "with a code" : "without a code";
    test(`sphereon 0.19 receives diploma in draft 13 for ${binding} ${way}`, async () => {
      const { uri, tx_code } = await plain.offer("diploma", ...pin);
      const key = await holderKey("ES256", binding);
      const session = await drafts.open(uri, { draft: "13", key });
      await session.authorize(tx_code ?? undefined);
      const types = ["VerifiableCredential", "UniversityDegreeCredential"];
      const credential = await session.request(key, { format: "jwt_vc_json", types });
      const { claims, subject } = await verifyJwtVc(credential, ofPlain);
      assert.deepEqual(claims, await plain.sample("diploma"));
      await assertSubject(subject, key);
    });
  }
}

async function assertIs(type, credential, key) {
  if (type === "student_card") {
    const { payload, claims } = await verifySdJwtVc(credential, context);
    assert.deepEqual(claims, await issuer.sample(type));
    return assertConfirmation(payload, key);
  }
  const { claims, subject } = await verifyJwtVc(credential, context);
  assert.deepEqual(claims, await issuer.sample(type));
  return assertSubject(subject, key);
}

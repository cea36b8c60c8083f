// What follows the plain flow: messages under a cover, copies, credentials that come later, and what
// the issuer hears of them; with wallets and an issuer that we did not write.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, startIssuer, temporaryFolder } from "./bestow.mjs";
import { CLAIMS } from "./credentials.mjs";
import { covering } from "./cover.mjs";
import { holderKey } from "./keys.mjs";
import { serveLater } from "./later-issuer.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting } from "./trust.mjs";
import { assertConfirmation, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
const NOT_YET = 7;
let issuer, context;

before(async () => {
  issuer = await startIssuer({ edit: deferDiplomas });
  context = { credentialIssuer: issuer.url, caPem: issuer.caPem, fetch: fetchTrusting(issuer.caPem) };
});

after(() => issuer?.stop());

async function deferDiplomas(folder) {
  const file = join(folder, "credentials", "diploma.toml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace('approval = "officer"', 'approval = "deferred"')
    .replace("tx_code = true", "tx_code = false")
    .replace("letter = true", "letter = false"));
  const settings = join(folder, "bestow.toml");
  const written = await readFile(settings, "utf8");
  await writeFile(settings, written.replace("#interval = 60", "interval = 1")
    .replace("#zip_values_supported = []", 'zip_values_supported = ["DEF"]'));
}

async function metadataOf(url, fetch) {
  const answer = await fetch(`${url}/.well-known/openid-credential-issuer`);
  return answer.json();
}

async function session(configurationId, { covered = false, zip } = {}) {
  const offer = await issuer.offer(configurationId);
  const metadata = await metadataOf(issuer.url, context.fetch);
  const fetch = covered ? covering(context.fetch, metadata, { zip }) : context.fetch;
  const opened = await openid4vc.open(offer.uri, { fetch });
  await opened.authorize();
  return { offer, opened };
}

for (const zip of [undefined, "DEF"]) {
  test(`openid4vc and jose receive a card under a cover, zip ${zip}`, async () => {
    const key = await holderKey("ES256", "jwk");
    const { opened } = await session("student_card", { covered: true, zip });
    const [credential] = await opened.request([key]);
    const { payload, claims } = await verifySdJwtVc(credential, context);
    assert.deepEqual(claims, await issuer.sample("student_card"));
    await assertConfirmation(payload, key);
  });
}

test("an error is in the clear, whatever was asked for", async () => {
  const { opened } = await session("student_card", { covered: true });
  await assert.rejects(opened.request([]), /invalid_proof|status:? 400|400/);
});

test("openid4vc tells what became of a card, and the operator sees it", async () => {
  const { offer, opened } = await session("student_card");
  const response = await opened.ask([await holderKey("ES256", "jwk")]);
  assert.equal(typeof response.notification_id, "string");
  for (const event of ["credential_accepted", "credential_accepted", "credential_deleted"]) {
    await opened.tell(response.notification_id, event);
    const { credentials } = await issuer.standing(offer.id);
    assert.equal(credentials[0].event, event);
  }
  await assert.rejects(opened.tell("nobody's", "credential_accepted"));
});

for (const covered of [false, true]) {
  test(`openid4vc fetches a diploma once an officer has approved it, covered ${covered}`, async () => {
    const { offer, opened } = await session("diploma", { covered });
    const key = await holderKey("ES256", "jwk");
    const { transaction_id, interval, credentials } = await opened.ask([key]);
    assert.deepEqual([typeof transaction_id, interval, credentials], ["string", 1, undefined]);
    assert.equal((await opened.later(transaction_id)).transaction_id, transaction_id);
    const { deferrals } = await issuer.deferred("list");
    const waiting = deferrals.find(({ offer_id }) => offer_id === offer.id);
    await issuer.deferred("approve", waiting.id);
    const delivered = await opened.later(transaction_id);
    assert.equal(delivered.credentials.length, 1);
    await assert.rejects(opened.later(transaction_id), /deferred/i);
    await opened.tell(delivered.notification_id, "credential_accepted");
  });
}

test("bestow wallet receives copies, later, under a cover, and says what became of them", async () => {
  const authority = await createAuthority();
  const folder = await temporaryFolder();
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.caPem);
  const foreign = await serveLater(authority, { batchSize: 4 });
  const wallet = await createWallet("--ca", caFile, "--trust-anchor", caFile);
  try {
    const { uri } = await foreign.offer("library_card");
    const first = await wallet.receive(uri, "--batch", "3");
    assert.equal(first.code, NOT_YET, first.stdout + first.stderr);
    assert.equal(JSON.parse(first.stdout).pending.length, 1);
    assert.equal((await wallet.pending()).length, 1);
    foreign.isReady = true;
    await sleep(1500);
    const resumed = await wallet.resume("--yes");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    const [card] = JSON.parse(resumed.stdout).credentials;
    assert.deepEqual(card.claims, CLAIMS.library_card);
    assert.equal(card.copies, 3);
    assert.deepEqual(await wallet.pending(), []);
    assert.equal((await wallet.list()).length, 1);
    assert.deepEqual(foreign.events, ["credential_accepted"]);
    assert.equal(foreign.clear, 0, "nothing but errors came or went in the clear");
  } finally {
    foreign.stop();
    await wallet.remove();
    await rm(folder, { recursive: true });
  }
});

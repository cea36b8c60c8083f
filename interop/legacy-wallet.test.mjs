// Bestow's wallet receives from issuers that we did not write and that speak a draft.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, temporaryFolder } from "./bestow.mjs";
import { CLAIMS } from "./credentials.mjs";
import { serveDraft } from "./draft-issuer.mjs";
import { thumbprint } from "./keys.mjs";
import { serveSphereon } from "./sphereon-issuer.mjs";
import { otherCode } from "./tamper.mjs";

bestowBinary();
const FORMATS = { library_card: "dc+sd-jwt", first_aid: "jwt_vc_json" };
const ISSUERS = {
  "@openid4vc/openid4vci in draft 11": ["11", (authority) => serveDraft(authority, 11)],
  "@sphereon/oid4vci-issuer-server 0.19": ["13", serveSphereon],
  "@sphereon/oid4vci-issuer-server 0.20": ["15", (authority) => serveSphereon(authority, 15)],
  "@openid4vc/openid4vci in draft 14": ["14", (authority) => serveDraft(authority, 14)],
  "@openid4vc/openid4vci in draft 15": ["15", (authority) => serveDraft(authority, 15)],
};
/** What the wallet has to excuse of them. */
const EXCUSED = { "@sphereon/oid4vci-issuer-server 0.20": [/a c_nonce: since draft 15/] };
const issuers = {};
let folder, caFile;

before(async () => {
  const authority = await createAuthority();
  folder = await temporaryFolder();
  caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.caPem);
  for (const [name, [, start]] of Object.entries(ISSUERS)) issuers[name] = await start(authority);
});

after(async () => {
  for (const issuer of Object.values(issuers)) issuer.stop();
  await rm(folder, { recursive: true });
});

for (const [name, [draft]] of Object.entries(ISSUERS)) {
  for (const [configurationId, format] of Object.entries(FORMATS)) {
    for (const txCode of [false, true]) {
      const how = txCode ? "with a code" : "without a code";
      test(`the wallet receives ${configurationId} from ${name} ${how}`, () =>
        withWallet(async (wallet) => {
          const { uri, tx_code } = await issuers[name].offer(configurationId, { txCode });
          const code = txCode ? ["--tx-code", tx_code] : [];
          const received = await wallet.receive(uri, "--trace", ...code);
          assert.equal(received.code, 0, received.stdout + received.stderr);
          assert.match(received.stderr, new RegExp(`speaks draft ${draft} of`));
          const answer = JSON.parse(received.stdout);
          assert.equal(answer.draft, draft);
          const excused = EXCUSED[name] ?? [];
          assert.equal(answer.findings.length, excused.length, received.stdout);
          excused.forEach((finding, at) => assert.match(answer.findings[at], finding));
          const [credential] = answer.credentials;
          assert.equal(credential.format, format);
          assert.deepEqual(credential.claims, CLAIMS[configurationId]);
          const { jwk } = issuers[name].holders?.at(-1) ?? {};
          if (jwk) assert.equal(credential.holder_key.kid, await thumbprint(jwk));
        }));
    }
  }

  test(`a wrong code is refused by ${name}`, () =>
    withWallet(async (wallet) => {
      const { uri, tx_code } = await issuers[name].offer("first_aid", { txCode: true });
      const { code } = await wallet.receive(uri, "--tx-code", otherCode(tx_code));
      assert.notEqual(code, 0);
      assert.deepEqual(await wallet.list(), []);
    }));

  test(`a strict wallet does not redeem an offer of ${name}`, () =>
    withWallet(async (wallet) => {
      const { uri } = await issuers[name].offer("first_aid");
      const { code, stdout } = await wallet.receive(uri, "--strict");
      assert.notEqual(code, 0);
      assert.equal(JSON.parse(stdout).error.code, "not_final");
    }));
}

for (const name of Object.keys(ISSUERS)) {
  const how = EXCUSED[name] ? "does not keep" : "keeps";
  test(`${name} ${how} its own draft`, () =>
    withWallet(async (wallet) => {
      const { uri } = await issuers[name].offer("first_aid");
      const { code, stdout } = await wallet.receive(uri, "--strict-draft");
      if (!EXCUSED[name]) return assert.equal(code, 0, stdout);
      const { error } = JSON.parse(stdout);
      assert.equal(error.code, "excusable", stdout);
      assert.match(error.message, EXCUSED[name][0]);
    }));
}

async function withWallet(body) {
  const wallet = await createWallet("--ca", caFile, "--trust-anchor", caFile);
  try {
    await body(wallet);
  } finally {
    await wallet.remove();
  }
}

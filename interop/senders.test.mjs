// Wallets that prove more than they say, at Bestow's issuer: DPoP (RFC 9449) and client attestations
// (VCI Appendix E).

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { attest } from "./attestation.mjs";
import { bestowBinary, createWallet, startIssuer, temporaryFolder } from "./bestow.mjs";
import { holderKey } from "./keys.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { assertConfirmation, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
let attestation;

before(async () => {
  attestation = await attest();
});

/** Runs a test with an issuer of these settings. */
async function withIssuer(options, run) {
  const issuer = await startIssuer(options);
  const context = { credentialIssuer: issuer.url, caPem: issuer.caPem };
  context.fetch = fetchTrusting(issuer.caPem);
  trustEverywhere(issuer.caPem);
  try {
    await run(issuer, context);
  } finally {
    await issuer.stop();
  }
}

async function receive(issuer, context) {
  const { uri } = await issuer.offer("student_card");
  const session = await openid4vc.open(uri, context);
  await session.authorize();
  const key = await holderKey("ES256", "jwk");
  const [credential] = await session.request([key]);
  const { payload } = await verifySdJwtVc(credential, context);
  await assertConfirmation(payload, key);
  return session;
}

for (const nonce of ["false", "true"]) {
  for (const alg of ["ES256", "EdDSA"]) {
    test(`openid4vc binds its token with ${alg}, nonce required: ${nonce}`, async () => {
      const settings = { required: "true", nonce_required: nonce };
      await withIssuer({ settings }, async (issuer, context) => {
        const dpopKey = await holderKey(alg, "jwk");
        const session = await receive(issuer, { ...context, dpopKey });
        assert.equal(session.tokenType, "DPoP");
        await assert.rejects(receive(issuer, context), /status:? 400/, "without a proof");
      });
    });
  }
}

/** An issuer that knows the maker of the attested wallet, and nobody else. */
function attestedIssuer(challenge) {
  return {
    files: { "makers.json": attestation.jwks },
    settings: {
      client_attestation_trust_anchors: '["makers.json"]',
      client_attestation_required: "true",
      client_attestation_challenge_required: challenge,
    },
  };
}

test("openid4vc shows who vouches for it", async () => {
  await withIssuer(attestedIssuer("false"), async (issuer, context) => {
    await receive(issuer, { ...context, attestation });
    const dpopKey = await holderKey("ES256", "jwk");
    await receive(issuer, { ...context, attestation, dpopKey });
    await assert.rejects(receive(issuer, context), /status:? 400/, "nobody vouches");
    const other = await attest();
    const stranger = { ...context, attestation: other };
    await assert.rejects(receive(issuer, stranger), /status:? 400/, "nobody we trust");
  });
});

test("bestow shows who vouches for it, with a challenge", async () => {
  await withIssuer(attestedIssuer("true"), async (issuer) => {
    const folder = await temporaryFolder();
    const [ca, jwt, pem] = ["ca.pem", "attestation.jwt", "key.pem"].map((name) => join(folder, name));
    await writeFile(ca, issuer.caPem);
    await writeFile(jwt, attestation.jwt);
    await writeFile(pem, await attestation.key.pem());
    const wallet = await createWallet("--ca", ca, "--trust-anchor", ca);
    const { uri } = await issuer.offer("student_card");
    const unknown = await wallet.receive(uri);
    assert.match(unknown.stdout + unknown.stderr, /attestation_needed/);
    const vouched = ["--client-attestation", jwt, "--client-attestation-key", pem];
    const { code, stdout, stderr } = await wallet.receive(uri, ...vouched);
    assert.equal(code, 0, stdout + stderr);
    assert.equal((await wallet.list()).length, 1);
    await wallet.remove();
  });
});

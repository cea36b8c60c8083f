// A wallet that we did not write receives a credential by the Authorization Code Flow.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as jose from "jose";
import { clientAuthenticationNone } from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";
import { bestowBinary, createWallet, startIssuer, temporaryFolder } from "./bestow.mjs";
import { allow } from "./browser-by-hand.mjs";
import { holderKey } from "./keys.mjs";
import { fetchTrusting } from "./trust.mjs";

bestowBinary();
const CLIENT = "foreign-wallet";
const REDIRECT = "https://wallet.example/cb";
const PERSON = { account: "ada", password: "correct horse battery" };
const SIGNING = "signing-wallet";
const { privateKey, publicKey } = await jose.generateKeyPair("EdDSA", { crv: "Ed25519" });
const { x } = await jose.exportJWK(publicKey);
const CLIENTS = {
  signing:
    `client_id = "${SIGNING}"\nname = "Signing Wallet"\nredirect_uris = ["${REDIRECT}"]\n` +
    `authentication = "private_key_jwt"\nrequire_signed_request_object = true\n` +
    `keys = [{ kid = "one", kty = "OKP", crv = "Ed25519", x = "${x}" }]\n`,
  bestow: `client_id = "bestow"\nname = "Bestow Wallet"\nredirect_uris = ["http://127.0.0.1/cb"]\n`,
  foreign: `client_id = "${CLIENT}"\nname = "Foreign Wallet"\nredirect_uris = ["${REDIRECT}"]\n`,
};
let issuer, fetch;

before(async () => {
  issuer = await startIssuer({ clients: CLIENTS });
  fetch = fetchTrusting(issuer.caPem);
  await issuer.account(PERSON.account, PERSON.password, "diploma");
});

after(() => issuer?.stop());

for (const grants of ["authorization_code", "both"]) {
  test(`openid4vc signs in for an offer of ${grants}`, async () => {
    const key = await holderKey("ES256", "jwk");
    const client = new Openid4vciClient({ callbacks: callbacks(key) });
    const { uri } = await issuer.offer("diploma", "--grants", grants);
    const credentialOffer = await client.resolveCredentialOffer(uri);
    const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer);
    const both = { credentialOffer, issuerMetadata };
    const scope =
      issuerMetadata.credentialIssuer.credential_configurations_supported.diploma.scope;
    const begun = await client.initiateAuthorization({
      ...both,
      clientId: CLIENT,
      redirectUri: REDIRECT,
      scope,
      additionalRequestPayload: {
        authorization_details: [
          { type: "openid_credential", credential_configuration_id: "diploma" },
        ],
      },
    });
    const address = new URL(begun.authorizationRequestUrl);
    assert.deepEqual([...address.searchParams.keys()].sort(), ["client_id", "request_uri"]);
    const back = await allow(address.href, { ...PERSON, fetch });
    const answer = client.parseAndVerifyAuthorizationResponseRedirectUrl({
      url: back,
      authorizationServerMetadata: issuerMetadata.authorizationServers[0],
    });
    assert.equal(answer.iss, issuer.url);
    const redeem = () =>
      client.retrieveAuthorizationCodeAccessTokenFromOffer({
        ...both,
        authorizationCode: answer.code,
        pkceCodeVerifier: begun.pkce.codeVerifier,
        redirectUri: REDIRECT,
      });
    const { accessTokenResponse: tokens } = await redeem();
    assert.ok(tokens.refresh_token);
    const [{ credential_identifiers: [credentialIdentifier] }] = tokens.authorization_details;
    const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata });
    const proof = await client.createCredentialRequestJwtProof({
      issuerMetadata,
      credentialConfigurationId: "diploma",
      clientId: CLIENT,
      signer: { method: "jwk", alg: key.alg, publicJwk: key.publicJwk },
      nonce,
    });
    // The library asks by configuration only; a token for one credential's
    // identifier has to be used with that identifier (section 8.2).
    const issued = await fetch(
      issuerMetadata.credentialIssuer.credential_endpoint,
      {
        method: "POST",
        headers: {
          Authorization: `Bearer ${tokens.access_token}`,
          "Content-Type": "application/json",
        },
        body: JSON.stringify({
          credential_identifier: credentialIdentifier,
          proofs: { jwt: [proof.jwt] },
        }),
      },
    );
    const credentialResponse = await issued.json();
    assert.equal(issued.status, 200, JSON.stringify(credentialResponse));
    assert.equal(credentialResponse.credentials.length, 1);
    await assert.rejects(redeem(), /status:? 400/, "a code is good once");
  });
}

/** A JWT of the wallet that signs, made with jose. */
const signed = (typ, claims) =>
  new jose.SignJWT({ iss: SIGNING, aud: issuer.url, ...claims })
    .setProtectedHeader({ alg: "EdDSA", kid: "one", typ })
    .setIssuedAt()
    .setExpirationTime("2m")
    .setJti(randomBytes(16).toString("base64url"))
    .sign(privateKey);

// RFC 9101: what stands beside the signed request is of whoever changed the address.
for (const pushed of [false, true]) {
  test(`a request that jose has signed is taken ${pushed ? "where it is pushed" : "in the address"}`, async () => {
    const verifier = randomBytes(32).toString("base64url");
    const request = await signed("oauth-authz-req+jwt", {
      client_id: SIGNING,
      response_type: "code",
      redirect_uri: REDIRECT,
      state: "a state",
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      authorization_details: [
        { type: "openid_credential", credential_configuration_id: "diploma" },
      ],
    });
    const assertion = async () => ({
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await signed("JWT", { sub: SIGNING }),
    });
    const post = async (path, form) => {
      const body = new URLSearchParams({ ...form, ...(await assertion()) }).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const answer = await fetch(`${issuer.url}/${path}`, { method: "POST", headers, body });
      return [answer.status, await answer.json()];
    };
    let query = { client_id: SIGNING, request, state: "another", redirect_uri: "https://evil.example/" };
    if (pushed) {
      const [status, answer] = await post("par", { client_id: SIGNING, request });
      assert.equal(status, 201, JSON.stringify(answer));
      query = { client_id: SIGNING, request_uri: answer.request_uri };
    }
    const address = `${issuer.url}/authorize?${new URLSearchParams(query)}`;
    const back = new URL(await allow(address, { ...PERSON, fetch }));
    assert.equal(back.origin + back.pathname, REDIRECT);
    assert.equal(back.searchParams.get("state"), "a state");
    const [status, tokens] = await post("token", {
      grant_type: "authorization_code",
      code: back.searchParams.get("code"),
      redirect_uri: REDIRECT,
      code_verifier: verifier,
    });
    assert.equal(status, 200, JSON.stringify(tokens));
  });
}

test("bestow wallet signs in, and the browser comes back to it", async () => {
  const ca = join(await temporaryFolder(), "ca.pem");
  await writeFile(ca, issuer.caPem);
  const wallet = await createWallet("--ca", ca, "--trust-anchor", ca);
  const { uri } = await issuer.offer("diploma", "--grants", "authorization_code");
  const signIn = async (address) => {
    const back = await allow(address, { ...PERSON, fetch });
    assert.match(back, /^http:\/\/127\.0\.0\.1:\d+\/cb\?/);
    const page = await globalThis.fetch(back);
    assert.equal(page.status, 200);
  };
  const { code, stdout, stderr } = await wallet.receiveSigningIn(uri, signIn);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).credentials.length, 1);
  const { uri: declined } = await issuer.offer("diploma", "--grants", "authorization_code");
  const none = { ...PERSON, password: "wrong" };
  const refused = await wallet.receiveSigningIn(declined, async (address) => {
    await assert.rejects(allow(address, { ...none, fetch }));
    throw new Error("gave up");
  });
  assert.notEqual(refused.code, 0);
  await wallet.remove();
});

function callbacks(key) {
  return {
    fetch,
    hash: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    generateRandom: randomBytes,
    clientAuthentication: clientAuthenticationNone({ clientId: CLIENT }),
    signJwt: async (_signer, { header, payload }) => ({
      jwt: await key.sign(header, payload),
      signerJwk: key.publicJwk,
    }),
  };
}

// A wallet that we did not write receives a credential by the Authorization Code Flow.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { clientAuthenticationNone } from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";
import { bestowBinary, startIssuer } from "./bestow.mjs";
import { allow } from "./browser-by-hand.mjs";
import { holderKey } from "./keys.mjs";
import { fetchTrusting } from "./trust.mjs";

bestowBinary();
const CLIENT = "foreign-wallet";
const REDIRECT = "https://wallet.example/cb";
const PERSON = { account: "ada", password: "correct horse battery" };
const CLIENTS = {
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
        state: "the state",
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
    assert.equal(answer.state, "the state");
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
    const { credentialResponse } = await client.retrieveCredentials({
      issuerMetadata,
      accessToken: tokens.access_token,
      credentialIdentifier,
      credentialConfigurationId: "diploma",
      proofs: { jwt: [proof.jwt] },
    });
    assert.equal(credentialResponse.credentials.length, 1);
    await assert.rejects(redeem(), /status:? 400/, "a code is good once");
  });
}

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

// A wallet made with @openid4vc/openid4vci, as its users make one.

import { createHash, randomBytes } from "node:crypto";
import {
  clientAuthenticationAnonymous,
  clientAuthenticationClientAttestationJwt,
} from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";

export const name = "openid4vc";

/**
 * Resolves the offer and the issuer's metadata. With `dpopKey` the token is bound to it; an
 * `attestation` has a JWT and the key that it is for.
 */
export async function open(uri, { fetch, dpopKey, attestation }) {
  const keys = new Map();
  const client = new Openid4vciClient({ callbacks: callbacks(fetch, keys, attestation) });
  const credentialOffer = await client.resolveCredentialOffer(uri);
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer);
  return new Session({ client, credentialOffer, issuerMetadata, keys, dpopKey });
}

class Session {
  #client;
  #credentialOffer;
  #issuerMetadata;
  #keys;
  #accessToken;
  #nonce;
  #dpop;

  constructor({ client, credentialOffer, issuerMetadata, keys, dpopKey }) {
    this.#client = client;
    this.#credentialOffer = credentialOffer;
    this.#issuerMetadata = issuerMetadata;
    this.#keys = keys;
    if (dpopKey) this.#dpop = { signer: this.#known(dpopKey) };
  }

  #known(key) {
    const signer = signerOf(key);
    this.#keys.set(nameOf(signer), key);
    return signer;
  }

  get version() {
    return this.#issuerMetadata.originalDraftVersion;
  }

  /** Redeems the Pre-Authorized Code. */
  async authorize(txCode) {
    const response = await this.#client.retrievePreAuthorizedCodeAccessTokenFromOffer({
      credentialOffer: this.#credentialOffer,
      issuerMetadata: this.#issuerMetadata,
      txCode,
      dpop: this.#dpop,
    });
    this.#dpop = response.dpop;
    this.tokenType = response.accessTokenResponse.token_type;
    this.#accessToken = response.accessTokenResponse.access_token;
    this.#nonce = response.accessTokenResponse.c_nonce;
  }

  /** Asks for the offered credentials, one for each key; no keys, no proof. */
  async request(keys = []) {
    const answer = await this.ask(keys);
    const credentials = answer.credentials ?? [answer.credential];
    return credentials.map((one) => one.credential ?? one); // drafts give them as they are
  }

  /** The same, with all of the answer. */
  async ask(keys = []) {
    const [credentialConfigurationId] = this.#credentialOffer.credential_configuration_ids;
    const jwt = keys.length ? await this.#prove(keys, credentialConfigurationId) : [];
    const { credentialResponse } = await this.#client.retrieveCredentials({
      issuerMetadata: this.#issuerMetadata,
      accessToken: this.#accessToken,
      dpop: this.#dpop,
      credentialConfigurationId,
      ...this.#proofs(jwt),
    });
    return credentialResponse;
  }

  /** Asks for what was not ready. */
  async later(transactionId) {
    try {
      const { deferredCredentialResponse } = await this.#client.retrieveDeferredCredentials({
        issuerMetadata: this.#issuerMetadata,
        accessToken: this.#accessToken,
        transactionId,
      });
      return deferredCredentialResponse;
    } catch (error) {
      // 0.4.6 takes no `notification_id` beside credentials here, where VCI §9.2 allows one.
      const answer = error.response?.response;
      if (answer?.status !== 200) throw error;
      return answer.clone().json();
    }
  }

  /** Says what became of a response. */
  async tell(notificationId, event) {
    await this.#client.sendNotification({
      issuerMetadata: this.#issuerMetadata,
      accessToken: this.#accessToken,
      notification: { notificationId, event },
    });
  }

  /** One proof and no list before draft 14, which this library tells from 13 in no other way. */
  #proofs(jwt) {
    if (jwt.length === 0) return {};
    const { credentialIssuer } = this.#issuerMetadata;
    const takesList = credentialIssuer.nonce_endpoint ?? credentialIssuer.batch_credential_issuance;
    if (!takesList) return { proof: { proof_type: "jwt", jwt: jwt[0] } };
    return { proofs: { jwt } };
  }

  async #prove(keys, credentialConfigurationId) {
    const issuerMetadata = this.#issuerMetadata;
    // Until draft 14 it comes with the token.
    const nonce = this.#nonce ?? (await this.#client.requestNonce({ issuerMetadata })).c_nonce;
    const proofs = keys.map((key) => {
      const signer = this.#known(key);
      return this.#client.createCredentialRequestJwtProof({
        issuerMetadata,
        credentialConfigurationId,
        signer,
        nonce,
      });
    });
    return (await Promise.all(proofs)).map(({ jwt }) => jwt);
  }
}

function signerOf({ alg, kid, publicJwk }) {
  return kid ? { method: "did", alg, didUrl: kid } : { method: "jwk", alg, publicJwk };
}

/** A key by what all copies of its JWK have in common. */
function nameOf({ didUrl, publicJwk }) {
  return didUrl ?? [publicJwk.crv, publicJwk.x, publicJwk.y].join();
}

function callbacks(fetch, keys, attestation) {
  const signJwt = async (signer, { header, payload }) => {
    const key = keys.get(nameOf(signer));
    return { jwt: await key.sign(header, payload), signerJwk: key.publicJwk };
  };
  if (attestation) keys.set(nameOf(attestation.key), attestation.key);
  return {
    fetch,
    hash: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    generateRandom: randomBytes,
    clientAuthentication: attestation
      ? clientAuthenticationClientAttestationJwt({
          clientAttestationJwt: attestation.jwt,
          callbacks: { signJwt, generateRandom: randomBytes },
        })
      : clientAuthenticationAnonymous(),
    signJwt,
  };
}

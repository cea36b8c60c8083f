// A Credential Issuer made with @openid4vc/openid4vci: the steps of the pre-authorized code flow.

import { createHash, randomBytes, randomInt } from "node:crypto";
import {
  Oauth2AuthorizationServer,
  Oauth2ResourceServer,
  Oauth2ServerErrorResponseError,
  preAuthorizedCodeGrantIdentifier as GRANT,
} from "@openid4vc/oauth2";
import { Openid4vciIssuer } from "@openid4vc/openid4vci";
import * as jose from "jose";
import { CONFIGURATIONS, sign } from "./credentials.mjs";
import { jwkOfDidUrl } from "./keys.mjs";

const TOKEN_LIFE_IN_SECONDS = 300;
const DPOP_ALGORITHMS = ["ES256"];
const DPOP_NONCE = randomBytes(32).toString("base64url");

/** The issuer without its HTTP server, which `serve.mjs` puts in front of it. */
export class ForeignIssuer {
  /** What happens to a signed credential before it leaves; a test may spoil it here. */
  spoil = (credential) => credential;
  /** Whom a credential was made for, the latest last; `undefined` is nobody in particular. */
  holders = [];
  #offers = new Map();
  #offersById = new Map();
  #nonces = new Set();

  /** With `dpop` every token is bound to a key, and proofs need a nonce. */
  constructor({ url, signer, fetch, dpop = false }) {
    this.url = url;
    this.dpop = dpop;
    this.signer = signer;
    const callbacks = this.#callbacks(fetch);
    this.issuer = new Openid4vciIssuer({ callbacks });
    this.authorizationServer = new Oauth2AuthorizationServer({ callbacks });
    this.resourceServer = new Oauth2ResourceServer({ callbacks });
    this.metadata = this.#createMetadata();
  }

  /** Makes an offer and the link to it. */
  async offer(configurationId, { txCode = false, byReference = false } = {}) {
    const id = randomBytes(32).toString("base64url");
    const tx_code = txCode ? String(randomInt(1_000_000)).padStart(6, "0") : undefined;
    const { credentialOffer, credentialOfferObject } = await this.issuer.createCredentialOffer({
      issuerMetadata: this.metadata,
      credentialConfigurationIds: [configurationId],
      credentialOfferUri: byReference ? `${this.url}/offers/${id}` : undefined,
      grants: { [GRANT]: tx_code ? { tx_code: { input_mode: "numeric", length: 6 } } : {} },
    });
    const code = credentialOfferObject.grants[GRANT]["pre-authorized_code"];
    const offer = { id, code, tx_code, configurationId, object: credentialOfferObject };
    this.#offers.set(code, offer);
    this.#offersById.set(id, offer);
    return { uri: credentialOffer, tx_code };
  }

  /** The offer behind a reference. */
  offerById(id) {
    return this.#offersById.get(id)?.object;
  }

  /** Step 10: redeems a code, once. */
  async token({ request, form }) {
    const { grant, accessTokenRequest, dpop } = this.authorizationServer.parseAccessTokenRequest({
      request,
      accessTokenRequest: form,
    });
    if (this.dpop) this.#demandNonce(dpop?.jwt);
    const offer = this.#offers.get(grant.preAuthorizedCode);
    if (!offer || offer.spent) throw refusal("invalid_grant", "unknown or spent code");
    const verified = await this.authorizationServer.verifyPreAuthorizedCodeAccessTokenRequest({
      dpop: { required: this.dpop, jwt: dpop?.jwt, allowedSigningAlgs: DPOP_ALGORITHMS },
      request,
      grant,
      accessTokenRequest,
      authorizationServerMetadata: this.metadata.authorizationServers[0],
      expectedPreAuthorizedCode: offer.code,
      expectedTxCode: offer.tx_code,
    });
    offer.spent = true;
    return this.authorizationServer.createAccessTokenResponse({
      audience: this.url,
      authorizationServer: this.url,
      subject: offer.id,
      expiresInSeconds: TOKEN_LIFE_IN_SECONDS,
      signer: { method: "jwk", alg: "ES256", publicJwk: this.signer.publicJwk },
      additionalAccessTokenPayload: { code: offer.code },
      tokenType: this.dpop ? "DPoP" : "Bearer",
      dpop: verified.dpop && { jwk: verified.dpop.jwk },
    });
  }

  /** RFC 9449, section 8: a proof without a nonce of ours gets one. */
  #demandNonce(proof) {
    if (!proof || jose.decodeJwt(proof).nonce === DPOP_NONCE) return;
    const failure = refusal("use_dpop_nonce", "a nonce is needed");
    failure.headers = { "DPoP-Nonce": DPOP_NONCE };
    throw failure;
  }

  /** Step 11a: a nonce, good for one request. */
  nonce() {
    const cNonce = randomBytes(32).toString("base64url");
    this.#nonces.add(cNonce);
    return this.issuer.createNonceResponse({ cNonce });
  }

  /** Steps 15 to 18: checks the request and its proof, then signs. */
  async credential({ request, json }) {
    const { tokenPayload } = await this.resourceServer.verifyResourceRequest({
      request,
      authorizationServers: this.metadata.authorizationServers,
      resourceServer: this.url,
      allowedAuthenticationSchemes: [this.dpop ? "DPoP" : "Bearer"],
    });
    const parsed = this.issuer.parseCredentialRequest({
      issuerMetadata: this.metadata,
      credentialRequest: json,
    });
    const offer = this.#offers.get(tokenPayload.code);
    if (parsed.credentialConfigurationId !== offer.configurationId) {
      throw refusal("unknown_credential_configuration", "the token is good for another type");
    }
    const holders = await this.#holders(parsed);
    const credentials = await Promise.all(holders.map((holder) => this.#sign(offer, holder)));
    return this.issuer.createCredentialResponse({ credentialRequest: parsed, credentials });
  }

  /** JWT VC Issuer Metadata, which is the JWKS document of the authorization server too. */
  get jwtVcIssuer() {
    return { issuer: this.url, jwks: { keys: [this.signer.publicJwk] } };
  }

  async #sign({ configurationId }, holder) {
    const { url: credentialIssuer, signer } = this;
    const credential = await sign(configurationId, { credentialIssuer, signer, holder });
    this.holders.push(holder);
    return { credential: await this.spoil(credential, holder) };
  }

  /** One holder for each proof; `undefined` stands for nobody in particular. */
  async #holders({ credentialConfiguration, proofs }) {
    const required = credentialConfiguration.proof_types_supported !== undefined;
    if (required !== (proofs?.jwt !== undefined)) {
      throw refusal("invalid_proof", required ? "proofs are missing" : "no proof is wanted");
    }
    if (!required) return [undefined];
    const holders = await Promise.all(proofs.jwt.map((jwt) => this.#holder(jwt)));
    proofs.jwt.forEach((jwt) => this.#nonces.delete(jose.decodeJwt(jwt).nonce));
    return holders;
  }

  async #holder(jwt) {
    const { nonce } = jose.decodeJwt(jwt);
    if (!this.#nonces.has(nonce)) throw refusal("invalid_nonce", "unknown or spent nonce");
    const { signer } = await this.issuer.verifyCredentialRequestJwtProof({
      issuerMetadata: this.metadata,
      jwt,
      expectedNonce: nonce,
    });
    return { didUrl: signer.didUrl, jwk: signer.publicJwk };
  }

  #createMetadata() {
    const credentialIssuer = this.issuer.createCredentialIssuerMetadata({
      credential_issuer: this.url,
      credential_endpoint: `${this.url}/credential`,
      nonce_endpoint: `${this.url}/nonce`,
      display: [{ name: "City Library", locale: "en" }],
      credential_configurations_supported: CONFIGURATIONS,
    });
    const authorizationServer = this.authorizationServer.createAuthorizationServerMetadata({
      issuer: this.url,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/jwks`,
      dpop_signing_alg_values_supported: this.dpop ? DPOP_ALGORITHMS : undefined,
      "pre-authorized_grant_anonymous_access_supported": true,
    });
    return {
      credentialIssuer,
      authorizationServers: [authorizationServer],
      knownCredentialConfigurations:
        this.issuer.getKnownCredentialConfigurationsSupported(credentialIssuer),
    };
  }

  #callbacks(fetch) {
    return {
      fetch,
      hash: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
      generateRandom: randomBytes,
      signJwt: async ({ alg, publicJwk }, { header, payload }) => ({
        jwt: await new jose.SignJWT(payload)
          .setProtectedHeader({ ...header, alg })
          .sign(this.signer.privateKey),
        signerJwk: publicJwk,
      }),
      verifyJwt: async (signer, { compact }) => {
        const signerJwk = signer.publicJwk ?? jwkOfDidUrl(signer.didUrl);
        await jose.compactVerify(compact, await jose.importJWK(signerJwk, signer.alg));
        return { verified: true, signerJwk };
      },
    };
  }
}

function refusal(error, error_description) {
  return new Oauth2ServerErrorResponseError({ error, error_description });
}

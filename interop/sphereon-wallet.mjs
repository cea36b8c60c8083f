// A wallet made with @sphereon/oid4vci-client, as its users make one.

import {
  CredentialRequestClientBuilderV1_0_15 as RequestBuilder,
  OpenID4VCIClientV1_0_15,
} from "@sphereon/oid4vci-client";

export const name = "sphereon";

/** Resolves the offer and the issuer's metadata; `key` makes the wallet name itself by its DID. */
export async function open(uri, { key } = {}) {
  const client = await OpenID4VCIClientV1_0_15.fromURI({ uri, kid: key?.kid, alg: key?.alg });
  return new Session(client);
}

class Session {
  #client;

  constructor(client) {
    this.#client = client;
  }

  /** Redeems the Pre-Authorized Code. */
  async authorize(txCode) {
    await this.#client.acquireAccessToken({ pin: txCode });
  }

  /** Asks for the offered credential; the library knows one proof a request, so one key. */
  async request(keys = []) {
    const [configurationId] = this.#client.getCredentialOfferConfigurationIds();
    const { credentials } = keys.length
      ? await this.#requestBound(keys[0], configurationId)
      : await this.#requestUnbound(configurationId);
    return credentials.map(({ credential }) => credential);
  }

  async #requestBound({ alg, kid, publicJwk, sign }, credentialConfigurationId) {
    // Left to itself the library sends its first nonce again with a second request.
    await this.#client.acquireNonce();
    return this.#client.acquireCredentials({
      credentialConfigurationId,
      alg,
      ...(kid ? { kid } : { jwk: publicJwk }),
      proofCallbacks: { signCallback: ({ header, payload }) => sign(header, payload) },
    });
  }

  async #requestUnbound(credentialConfigurationId) {
    const { format } = this.#client.getCredentialsSupported()[credentialConfigurationId];
    const { successBody, errorBody } = await RequestBuilder.fromCredentialOffer({
      credentialOffer: this.#client.credentialOffer,
      metadata: this.#client.endpointMetadata,
    })
      .withTokenFromResponse(this.#client.accessTokenResponse)
      .build()
      .acquireCredentialsWithoutProof({ credentialTypes: [], format });
    if (!successBody) throw new Error(`no credential: ${JSON.stringify(errorBody)}`);
    return successBody;
  }
}

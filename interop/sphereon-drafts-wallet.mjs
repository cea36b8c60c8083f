// A wallet made with @sphereon/oid4vci-client 0.19.0, which speaks drafts 8, 11 and 13, as its users
// make one.

import {
  OpenID4VCIClient,
  OpenID4VCIClientV1_0_11,
  OpenID4VCIClientV1_0_13,
} from "sphereon-client-0-19";

export const name = "sphereon 0.19";

/** The library takes every offer by reference for one of draft 13 unless it is told. */
const CLIENTS = { 8: OpenID4VCIClient, 11: OpenID4VCIClientV1_0_11, 13: OpenID4VCIClientV1_0_13 };

/** Resolves the offer and the issuer's metadata in this draft. */
export async function open(uri, { draft, key }) {
  const client = await CLIENTS[draft].fromURI({ uri, kid: key?.kid, alg: key?.alg });
  return new Session(client);
}

class Session {
  #client;

  constructor(client) {
    this.#client = client;
  }

  /** What the library takes the issuer for. */
  get version() {
    return this.#client.version();
  }

  /** Redeems the Pre-Authorized Code. */
  async authorize(txCode) {
    await this.#client.acquireAccessToken({ pin: txCode });
  }

  /** Asks for a credential of this format and these types. */
  async request({ alg, kid, publicJwk, sign }, { format, types }) {
    const { credential } = await this.#client.acquireCredentials({
      credentialTypes: types,
      format,
      alg,
      ...(kid ? { kid } : { jwk: publicJwk }),
      proofCallbacks: { signCallback: ({ header, payload }) => sign(header, payload) },
    });
    return credential;
  }
}

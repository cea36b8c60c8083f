// A maker of wallets that vouches for one instance (VCI Appendix E).

import * as jose from "jose";
import { holderKey } from "./keys.mjs";

const CLIENT = "https://wallet.example";
const LIFETIME = "1h";

/** An attestation, the key that it is for, and the JWK Set of the maker. */
export async function attest() {
  const key = await holderKey("ES256", "jwk");
  const { publicKey, privateKey } = await jose.generateKeyPair("ES256");
  const jwt = await new jose.SignJWT({ cnf: { jwk: key.publicJwk } })
    .setProtectedHeader({ typ: "oauth-client-attestation+jwt", alg: "ES256" })
    .setIssuer("https://provider.example")
    .setSubject(CLIENT)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .sign(privateKey);
  const jwks = JSON.stringify({ keys: [await jose.exportJWK(publicKey)] });
  return { jwt, key, jwks };
}

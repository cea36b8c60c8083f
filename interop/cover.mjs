// Messages under a cover (VCI §10), made with jose: the half of a foreign wallet, and that of a
// foreign issuer.

import * as jose from "jose";

const JWT = "application/jwt";

/** A `fetch` that encrypts what goes to the endpoints of `metadata`, and opens what comes back. */
export function covering(fetch, metadata, { zip } = {}) {
  const places = [metadata.credential_endpoint, metadata.deferred_credential_endpoint];
  const requests = metadata.credential_request_encryption;
  const responses = metadata.credential_response_encryption;
  return async (input, init) => {
    if (!places.includes(String(input))) return fetch(input, init);
    const [alg] = responses.alg_values_supported;
    const [enc] = responses.enc_values_supported;
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { crv: "P-256" });
    const jwk = { ...(await jose.exportJWK(publicKey)), alg, use: "enc", kid: "ours" };
    const asked = { jwk, enc };
    if (zip) asked.zip = zip;
    const message = { ...JSON.parse(init.body), credential_response_encryption: asked };
    const body = await seal(message, requests.jwks.keys[0], requests.enc_values_supported[0]);
    const headers = { ...Object.fromEntries(new Headers(init.headers)), "content-type": JWT };
    const answer = await fetch(input, { ...init, body, headers });
    if (!answer.headers.get("content-type")?.startsWith(JWT)) return answer;
    const { plaintext, protectedHeader } = await jose.compactDecrypt(await answer.text(), privateKey);
    if (protectedHeader.kid !== "ours" || protectedHeader.enc !== enc) throw new Error("another key");
    return new Response(plaintext, {
      status: answer.status,
      headers: { "content-type": "application/json" },
    });
  };
}

/** The key of an issuer, what its metadata say of it, and how it opens and answers. */
export async function issuerCover() {
  const { publicKey, privateKey } = await jose.generateKeyPair("ECDH-ES", { crv: "P-256" });
  const jwk = { ...(await jose.exportJWK(publicKey)), alg: "ECDH-ES", use: "enc", kid: "issuer-1" };
  const enc_values_supported = ["A256GCM"];
  return {
    metadata: {
      credential_request_encryption: {
        jwks: { keys: [jwk] },
        enc_values_supported,
        encryption_required: true,
      },
      credential_response_encryption: {
        alg_values_supported: ["ECDH-ES"],
        enc_values_supported,
        encryption_required: true,
      },
    },
    open: async (text) => {
      const { plaintext } = await jose.compactDecrypt(text, privateKey);
      return JSON.parse(new TextDecoder().decode(plaintext));
    },
    seal: (message, { jwk: key, enc }) => seal(message, key, enc),
  };
}

async function seal(message, jwk, enc) {
  const header = { alg: jwk.alg, enc, ...(jwk.kid ? { kid: jwk.kid } : {}) };
  return new jose.CompactEncrypt(new TextEncoder().encode(JSON.stringify(message)))
    .setProtectedHeader(header)
    .encrypt(await jose.importJWK(jwk, jwk.alg));
}

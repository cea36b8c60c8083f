// Holder keys in the three forms in which a wallet may name them in a proof (VCI §F.1).

import { ECDH } from "node:crypto";
import * as jose from "jose";
import { base58btc } from "multiformats/bases/base58";

/** The forms in which a proof names its key. */
export const BINDINGS = ["jwk", "did:jwk", "did:key"];
/** The signature algorithms of proofs. */
export const ALGORITHMS = ["ES256", "EdDSA"];

// Multicodec prefixes of did:key, as varints.
const P256_PREFIX = [0x80, 0x24];
const ED25519_PREFIX = [0xed, 0x01];

/** Makes a new key; `kid` is absent when the proof carries the bare `jwk`. */
export async function holderKey(alg, binding) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const publicJwk = await jose.exportJWK(publicKey);
  return {
    alg,
    binding,
    publicJwk,
    kid: didUrl(publicJwk, binding),
    sign: (header, payload) =>
      new jose.SignJWT(payload).setProtectedHeader(header).sign(privateKey),
    pem: () => jose.exportPKCS8(privateKey),
  };
}

/** The public key that a did:jwk or did:key URL stands for. */
export function jwkOfDidUrl(url) {
  const [did] = url.split("#");
  if (did.startsWith("did:jwk:")) {
    return JSON.parse(Buffer.from(did.slice("did:jwk:".length), "base64url"));
  }
  if (did.startsWith("did:key:")) return jwkOfMultikey(did.slice("did:key:".length));
  throw new Error(`no resolver for ${url}`);
}

/** RFC 7638 thumbprint, the name of a key whatever the order of its members. */
export function thumbprint(jwk) {
  return jose.calculateJwkThumbprint(jwk);
}

function didUrl(jwk, binding) {
  if (binding === "did:jwk") {
    return `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString("base64url")}#0`;
  }
  if (binding === "did:key") {
    const multikey = multikeyOfJwk(jwk);
    return `did:key:${multikey}#${multikey}`;
  }
  return undefined;
}

function multikeyOfJwk({ crv, x, y }) {
  const xBytes = Buffer.from(x, "base64url");
  if (crv === "Ed25519") return base58btc.encode(Uint8Array.from([...ED25519_PREFIX, ...xBytes]));
  const sign = 2 + (Buffer.from(y, "base64url").at(-1) & 1);
  return base58btc.encode(Uint8Array.from([...P256_PREFIX, sign, ...xBytes]));
}

function jwkOfMultikey(multikey) {
  const [first, second, ...key] = base58btc.decode(multikey);
  if (first === ED25519_PREFIX[0] && second === ED25519_PREFIX[1]) {
    return { kty: "OKP", crv: "Ed25519", x: Buffer.from(key).toString("base64url") };
  }
  if (first !== P256_PREFIX[0] || second !== P256_PREFIX[1]) {
    throw new Error(`unknown key type in ${multikey}`);
  }
  const point = ECDH.convertKey(Buffer.from(key), "prime256v1", null, null, "uncompressed");
  return {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
  };
}

// What a verifier does with a received credential, by libraries that we did not write.

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { getListFromStatusListJWT } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import * as jose from "jose";
import { jwkOfDidUrl, thumbprint } from "./keys.mjs";

/** Claims of an SD-JWT VC that belong to the protocol, not to the person. */
const PROTOCOL_CLAIMS = [
  "iss", "iat", "nbf", "exp", "vct", "vct#integrity", "cnf", "sub", "status",
];

/** Verifies an SD-JWT VC; its key comes from `x5c` or else from the issuer's metadata. A credential
 * that is revoked or suspended is refused. */
export async function verifySdJwtVc(
  compact,
  { credentialIssuer, caPem, fetch, typ = "dc+sd-jwt" },
) {
  const header = jose.decodeProtectedHeader(compact.split("~")[0]);
  assert.equal(header.typ, typ);
  const key = header.x5c
    ? keyOfChain(header, caPem)
    : await keyOfMetadata(header, credentialIssuer, fetch);
  const library = new SDJwtVcInstance({
    hasher: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    verifier: (data, signature) => signatureHolds(`${data}.${signature}`, key),
    statusListFetcher: (uri) => fetchStatusList(uri, fetch),
    statusVerifier: (data, signature) => {
      const token = `${data}.${signature}`;
      return signatureHolds(token, statusKey(token, caPem));
    },
  });
  const { payload } = await library.verify(compact);
  const own = Object.entries(payload).filter(([name]) => !PROTOCOL_CLAIMS.includes(name));
  return { payload, claims: Object.fromEntries(own) };
}

/** The status of a credential in its list: 0 is valid, 1 revoked, 2 suspended. */
export async function statusOf({ status }, { caPem, fetch }) {
  const { uri, idx } = status.status_list;
  const token = await fetchStatusList(uri, fetch);
  const { payload } = await jose.jwtVerify(token, statusKey(token, caPem), {
    subject: uri,
    typ: "statuslist+jwt",
    requiredClaims: ["sub", "iat", "exp", "ttl"],
  });
  assert.equal(payload.status_list.bits, 2);
  return getListFromStatusListJWT(token).getStatus(idx);
}

async function fetchStatusList(uri, fetch) {
  const response = await fetch(uri, { headers: { accept: "application/statuslist+jwt" } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/statuslist+jwt");
  return response.text();
}

/** HAIP-44: the key of a list is found by its certificates. */
function statusKey(token, caPem) {
  return keyOfChain(jose.decodeProtectedHeader(token), caPem);
}

/** Verifies a VCDM 1.1 credential; its key comes from the issuer's metadata. */
export async function verifyJwtVc(compact, { credentialIssuer, fetch }) {
  const key = await keyOfMetadata(jose.decodeProtectedHeader(compact), credentialIssuer, fetch);
  const { payload } = await jose.jwtVerify(compact, key, { issuer: credentialIssuer });
  const { vc } = payload;
  assert.ok(vc["@context"].includes("https://www.w3.org/2018/credentials/v1"));
  assert.ok(vc.type.includes("VerifiableCredential"));
  assert.equal(payload.nbf, Date.parse(vc.issuanceDate) / 1000);
  const { id, ...claims } = vc.credentialSubject;
  assert.equal(payload.sub, id);
  return { payload, claims, subject: id };
}

/** An SD-JWT VC names the key as the proof did: bare, or by the URL of its DID. */
export async function assertConfirmation({ cnf }, key) {
  const bound = key.kid ? jwkOfDidUrl(cnf.kid) : cnf.jwk;
  if (key.kid) assert.equal(cnf.kid, key.kid);
  assert.equal(await thumbprint(bound), await thumbprint(key.publicJwk));
}

/** A VCDM credential is about the proof's DID; a bare key speaks as its did:jwk. */
export async function assertSubject(subject, key) {
  if (key.kid) assert.equal(subject, key.kid.split("#")[0]);
  assert.equal(await thumbprint(jwkOfDidUrl(subject)), await thumbprint(key.publicJwk));
}

export function keyOfChain({ x5c }, caPem) {
  const anchor = new X509Certificate(caPem);
  const chain = x5c.map((der) => new X509Certificate(Buffer.from(der, "base64")));
  [...chain, anchor].forEach((certificate, at, all) => {
    const above = all[at + 1] ?? certificate;
    assert.ok(certificate.checkIssued(above), `${certificate.subject} was issued by another`);
    assert.ok(certificate.verify(above.publicKey), `${certificate.subject} is forged`);
    assert.ok(Date.parse(certificate.validTo) > Date.now(), `${certificate.subject} has expired`);
  });
  assert.ok(!chain.some(({ raw }) => raw.equals(anchor.raw)), "the trust anchor is in the chain");
  return chain[0].publicKey;
}

async function keyOfMetadata({ kid }, credentialIssuer, fetch) {
  const { origin, pathname } = new URL(credentialIssuer);
  const path = pathname === "/" ? "" : pathname;
  const response = await fetch(`${origin}/.well-known/jwt-vc-issuer${path}`);
  assert.equal(response.status, 200);
  const { issuer, jwks } = await response.json();
  assert.equal(issuer, credentialIssuer);
  const jwk = jwks.keys.find((candidate) => candidate.kid === kid);
  assert.ok(jwk, `jwt-vc-issuer metadata holds no key ${kid}`);
  return jose.importJWK(jwk, "ES256");
}

async function signatureHolds(jws, key) {
  await jose.compactVerify(jws, key, { algorithms: ["ES256"] });
  return true;
}

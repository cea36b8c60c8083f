// A certificate authority of our own: it vouches for the foreign issuer's TLS and signing keys.

import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import * as jose from "jose";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const ROOT_NAME = "C=UT, CN=Interop Root";
const DAY = 24 * 60 * 60 * 1000;

/** Makes a new root with one certificate for TLS and one for signing credentials. */
export async function createAuthority() {
  const root = await keyPair();
  const caPem = (await certificate(ROOT_NAME, root, root, CA)).toString("pem");
  const server = await issued("CN=localhost", root, SERVER);
  const signer = await issued("C=UT, CN=Interop Issuer", root, SIGNER);
  return {
    caPem,
    tls: { cert: server.certificate.toString("pem"), key: await pkcs8(server.keys) },
    signer: await signingKey(signer),
  };
}

const SIGNATURE = new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true);
const CA = [
  new x509.BasicConstraintsExtension(true, 0, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
];
const SERVER = [
  new x509.BasicConstraintsExtension(false, undefined, true),
  SIGNATURE,
  new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }]),
];
// The name of the host ties the signing key to the Credential Issuer (HAIP §6.1.1 wants a chain).
const SIGNER = [
  new x509.BasicConstraintsExtension(false, undefined, true),
  SIGNATURE,
  new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }]),
];

async function issued(subject, root, extensions) {
  const keys = await keyPair();
  return { keys, certificate: await certificate(subject, keys, root, extensions) };
}

async function certificate(subject, keys, root, extensions) {
  return x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString("hex"),
    subject,
    issuer: ROOT_NAME,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    publicKey: keys.publicKey,
    signingKey: root.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
    ],
  });
}

async function signingKey({ keys, certificate }) {
  const publicJwk = await jose.exportJWK(keys.publicKey);
  return {
    privateKey: keys.privateKey,
    publicJwk: { ...publicJwk, kid: "signing-key", use: "sig", alg: "ES256" },
    x5c: [certificate.toString("base64")],
  };
}

function keyPair() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function pkcs8(keys) {
  return jose.exportPKCS8(keys.privateKey);
}

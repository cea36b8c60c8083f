// Mdocs by @owf/mdoc, as its users read and make them: the cryptography is that of Node.js.

import {
  createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate,
} from "node:crypto";
import { CoseKey, DateOnly, DeviceKey, Holder, Issuer, IssuerSigned } from "@owf/mdoc";
import { keyOfChain } from "./verify.mjs";

/** Verifies what an issuer sent, and gives back what it says. */
export async function verifyMdoc(credential, { caPem }) {
  const trustedCertificates = [new Uint8Array(new X509Certificate(caPem).raw)];
  await Holder.verifyIssuerSigned({ issuerSigned: credential, trustedCertificates }, context);
  const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(credential);
  const { mobileSecurityObject } = issuerSigned.issuerAuth;
  const spaces = issuerSigned.issuerNamespaces.issuerNamespaces;
  const claims = [...spaces.keys()].map((space) => [space, issuerSigned.getPrettyClaims(space)]);
  return { docType: mobileSecurityObject.docType, claims: Object.fromEntries(claims) };
}

/** Signs an mdoc for the holder of a key. */
export async function signMdoc({ docType, claims, signer, holderJwk, from, until }) {
  const issuer = new Issuer(docType, context);
  for (const [space, elements] of Object.entries(claims)) {
    issuer.addIssuerNamespace(space, withDates(elements));
  }
  const jwk = await crypto.subtle.exportKey("jwk", signer.privateKey);
  const issuerSigned = await issuer.sign({
    signingKey: CoseKey.fromJwk(jwk),
    algorithm: -7,
    digestAlgorithm: "SHA-256",
    validityInfo: { signed: from, validFrom: from, validUntil: until },
    deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(holderJwk) },
    certificates: signer.x5c.map((der) => new Uint8Array(Buffer.from(der, "base64"))),
  });
  return issuerSigned.encodedForOid4Vci;
}

const RAW = "ieee-p1363";

/** What looks like a day is one. */
function withDates(value) {
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value)) return new DateOnly(value);
  if (Array.isArray(value)) return value.map(withDates);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, withDates(it)]));
}

const context = {
  crypto: {
    random: (length) => new Uint8Array(randomBytes(length)),
    digest: ({ digestAlgorithm, bytes }) =>
      new Uint8Array(createHash(digestAlgorithm.replace("-", "")).update(bytes).digest()),
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) => {
        const privateKey = createPrivateKey({ key: key.jwk, format: "jwk" });
        const signature = sign("sha256", toBeSigned, { key: privateKey, dsaEncoding: RAW });
        return new Uint8Array(signature);
      },
      verify: ({ key, sign1 }) => {
        const publicKey = createPublicKey({ key: key.jwk, format: "jwk" });
        const raw = { key: publicKey, dsaEncoding: RAW };
        return verify("sha256", sign1.toBeSigned, raw, sign1.signature);
      },
    },
  },
  x509: {
    getIssuerNameField: ({ certificate, field }) => {
      const names = new X509Certificate(certificate).issuer.split("\n");
      return names.filter((name) => name.startsWith(`${field}=`)).map((name) => name.split("=")[1]);
    },
    getPublicKey: ({ certificate }) =>
      CoseKey.fromJwk(new X509Certificate(certificate).publicKey.export({ format: "jwk" })),
    verifyCertificateChain: ({ trustedCertificates: [anchor], x5chain }) => {
      const x5c = x5chain.map((der) => Buffer.from(der).toString("base64"));
      keyOfChain({ x5c }, new X509Certificate(anchor).toString());
    },
    getCertificateData: ({ certificate }) => {
      const read = new X509Certificate(certificate);
      return {
        issuerName: read.issuer,
        subjectName: read.subject,
        serialNumber: read.serialNumber,
        thumbprint: read.fingerprint256,
        notBefore: new Date(read.validFrom),
        notAfter: new Date(read.validTo),
        pem: read.toString(),
      };
    },
  },
};

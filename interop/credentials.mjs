// The credentials of the foreign issuer: three types, signed by libraries that we did not write.

import { createHash, randomBytes } from "node:crypto";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import * as jose from "jose";
import { signMdoc } from "./mdoc.mjs";

const DAY_IN_SECONDS = 24 * 60 * 60;

const BOATS = "org.example.boats.1";

/** The persons' data that the foreign issuer puts into its credentials. */
export const CLAIMS = {
  library_card: {
    given_name: "Zoë",
    family_name: "O'Brien-García",
    member_number: "L-2048",
    address: { locality: "Brno", country: "CZ" },
    branches: ["north", "harbour"],
  },
  first_aid: { given_name: "Zoë", course: { name: "First aid", hours: 16 } },
  museum_ticket: { event: "Night of museums", seat: "12 C" },
  boat_licence: {
    [BOATS]: {
      family_name: "O'Brien-García",
      birth_date: "1990-05-06",
      privileges: [{ waters: "inland", since: "2015-04-01" }, { waters: "coast", tons: 12 }],
      is_instructor: false,
    },
  },
};

const PROOF_TYPES = { jwt: { proof_signing_alg_values_supported: ["ES256", "EdDSA"] } };
const BINDING_METHODS = ["jwk", "did:jwk", "did:key"];

/** `credential_configurations_supported` of the foreign issuer. */
export const CONFIGURATIONS = {
  library_card: {
    format: "dc+sd-jwt",
    vct: "https://example.org/vct/library-card",
    cryptographic_binding_methods_supported: BINDING_METHODS,
    proof_types_supported: PROOF_TYPES,
    credential_signing_alg_values_supported: ["ES256"],
    credential_metadata: metadataOf("Library card", CLAIMS.library_card),
  },
  first_aid: {
    format: "jwt_vc_json",
    credential_definition: { type: ["VerifiableCredential", "FirstAidCertificate"] },
    cryptographic_binding_methods_supported: BINDING_METHODS,
    proof_types_supported: PROOF_TYPES,
    credential_signing_alg_values_supported: ["ES256"],
    credential_metadata: metadataOf("First aid", CLAIMS.first_aid),
  },
  museum_ticket: {
    format: "dc+sd-jwt",
    vct: "https://example.org/vct/museum-ticket",
    credential_signing_alg_values_supported: ["ES256"],
    credential_metadata: metadataOf("Museum ticket", CLAIMS.museum_ticket),
  },
  boat_licence: {
    format: "mso_mdoc",
    doctype: `${BOATS}.licence`,
    cryptographic_binding_methods_supported: ["cose_key"],
    proof_types_supported: PROOF_TYPES,
    credential_signing_alg_values_supported: [-7],
    credential_metadata: metadataOf("Boat licence", CLAIMS.boat_licence[BOATS], [BOATS]),
  },
};

/** Signs one credential; `holder` is what the proof named: `{ jwk, didUrl? }` or nothing. */
export function sign(configurationId, { credentialIssuer, signer, holder }) {
  const context = { credentialIssuer, signer, holder, claims: CLAIMS[configurationId] };
  const configuration = CONFIGURATIONS[configurationId];
  const makers = { "dc+sd-jwt": signSdJwtVc, mso_mdoc: signForDevice, jwt_vc_json: signJwtVc };
  return makers[configuration.format](configuration, context);
}

/** Bound cards prove their key by a certificate chain, tickets by the issuer's metadata. */
async function signSdJwtVc({ vct }, { credentialIssuer, signer, holder, claims }) {
  const library = new SDJwtVcInstance({
    signAlg: "ES256",
    signer: (data) => signatureOf(data, signer),
    hasher: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    saltGenerator: () => randomBytes(16).toString("base64url"),
  });
  const iat = now();
  const payload = { iss: credentialIssuer, iat, exp: iat + DAY_IN_SECONDS, vct, ...claims };
  if (holder) payload.cnf = holder.didUrl ? { kid: holder.didUrl } : { jwk: holder.jwk };
  const header = holder ? { x5c: signer.x5c } : { kid: signer.publicJwk.kid };
  return library.issue(payload, frameOf(claims), { header });
}

function signForDevice({ doctype }, { signer, holder, claims }) {
  const [from, until] = [new Date(now() * 1000), new Date((now() + DAY_IN_SECONDS) * 1000)];
  return signMdoc({ docType: doctype, claims, signer, holderJwk: holder.jwk, from, until });
}

function signJwtVc({ credential_definition }, { credentialIssuer, signer, holder, claims }) {
  const nbf = now();
  const id = holder.didUrl?.split("#")[0] ?? didJwk(holder.jwk);
  const vc = {
    "@context": ["https://www.w3.org/2018/credentials/v1"],
    type: credential_definition.type,
    issuer: credentialIssuer,
    issuanceDate: instant(nbf),
    expirationDate: instant(nbf + DAY_IN_SECONDS),
    credentialSubject: { id, ...claims },
  };
  return new jose.SignJWT({ iss: credentialIssuer, sub: id, nbf, exp: nbf + DAY_IN_SECONDS, vc })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: signer.publicJwk.kid })
    .sign(signer.privateKey);
}

/** Hides every claim, members of objects and elements of arrays too, and adds a decoy. */
function frameOf(claims) {
  const nested = Object.entries(claims).filter(([, value]) => typeof value === "object");
  return {
    _sd: Object.keys(claims),
    _sd_decoy: 1,
    ...Object.fromEntries(nested.map(([name, value]) => [name, { _sd: Object.keys(value) }])),
  };
}

async function signatureOf(data, { privateKey }) {
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(data));
  return Buffer.from(signature).toString("base64url");
}

function metadataOf(name, claims, above = []) {
  return {
    display: [{ name, locale: "en", background_color: "#1b4965", text_color: "#ffffff" }],
    claims: Object.keys(claims).map((claim) => ({
      path: [...above, claim],
      display: [{ name: claim, locale: "en" }],
    })),
  };
}

function didJwk(jwk) {
  return `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString("base64url")}`;
}

function now() {
  return Math.floor(Date.now() / 1000);
}

function instant(seconds) {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

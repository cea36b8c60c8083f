// The foreign issuer as it was before 1.0: drafts 11, 14 and 15 of @openid4vc/openid4vci.

import { Oauth2ServerErrorResponseError } from "@openid4vc/oauth2";
import * as jose from "jose";
import { CLAIMS, CONFIGURATIONS, sign } from "./credentials.mjs";
import { serve } from "./serve.mjs";

const GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const TYPES = ["library_card", "first_aid"];

/** Serves an issuer that speaks one draft; its `offer` makes offers of that draft. */
export async function serveDraft(authority, draft) {
  const issuer = await serve(authority, { routes: (issuer) => routes(issuer, draft) });
  const offer = issuer.offer.bind(issuer);
  issuer.offer = async (...options) => {
    const { uri, tx_code } = await offer(...options);
    return { uri: draft === 11 ? withOldMembers(uri) : uri, tx_code };
  };
  return issuer;
}

/** `credential_configurations_supported` before `credential_metadata` and identifiers in requests. */
export function draftConfigurations(draft) {
  return Object.fromEntries(TYPES.map((id) => {
    const { credential_metadata: { display, claims }, ...configuration } = CONFIGURATIONS[id];
    const tree = Object.fromEntries(Object.keys(CLAIMS[id]).map((name) => [name, {}]));
    if (draft === 15) return [id, { ...configuration, display, claims }];
    if (!configuration.vct) return [id, { ...configuration, display }];
    return [id, { ...configuration, format: "vc+sd-jwt", display, claims: tree }];
  }));
}

function routes(issuer, draft) {
  const { nonce_endpoint, ...members } = issuer.metadata.credentialIssuer;
  Object.assign(members, { credential_configurations_supported: draftConfigurations(draft) });
  if (draft === 15) Object.assign(members, { nonce_endpoint });
  if (draft === 14) Object.assign(members, { batch_credential_issuance: { batch_size: 2 } });
  const credentialIssuer = issuer.issuer.createCredentialIssuerMetadata(members);
  Object.assign(issuer.metadata, {
    credentialIssuer,
    knownCredentialConfigurations:
      issuer.issuer.getKnownCredentialConfigurationsSupported(credentialIssuer),
  });
  const published = draft === 11 ? ofDraft11(issuer) : credentialIssuer;
  const metadata = ["GET /.well-known/openid-credential-issuer", () => published];
  if (draft === 15) return [metadata];
  return [
    metadata,
    ["POST /token", async ({ request, body }) => {
      const form = Object.fromEntries(new URLSearchParams(body));
      const { c_nonce } = issuer.nonce();
      issuer.given = c_nonce;
      return { ...(await issuer.token({ request, form })), c_nonce };
    }],
    ["POST /credential", ({ request, body }) =>
      credential(issuer, draft, { request, json: JSON.parse(body) })],
  ];
}

/** The library publishes both catalogues; an issuer of that time had the old one. */
function ofDraft11({ issuer, metadata }) {
  const { credential_configurations_supported: _, authorization_servers: __, ...old } =
    issuer.getCredentialIssuerMetadataDraft11(metadata.credentialIssuer);
  return old;
}

async function credential(issuer, draft, { request, json }) {
  const { metadata, url: credentialIssuer, signer } = issuer;
  await issuer.resourceServer.verifyResourceRequest({
    request,
    authorizationServers: metadata.authorizationServers,
    resourceServer: credentialIssuer,
    allowedAuthenticationSchemes: ["Bearer"],
  });
  const parsed = issuer.issuer.parseCredentialRequest({
    issuerMetadata: metadata,
    credentialRequest: json,
  });
  const [jwt] = parsed.proofs.jwt;
  if (jose.decodeJwt(jwt).nonce !== issuer.given) throw refusal("invalid_proof");
  const { signer: proved } = await issuer.issuer.verifyCredentialRequestJwtProof({
    issuerMetadata: metadata,
    jwt,
    expectedNonce: issuer.given,
  });
  const configurationId = TYPES.find((id) => isOf(parsed.format, CONFIGURATIONS[id]));
  if (!configurationId) throw refusal("unsupported_credential_type");
  const holder = { didUrl: proved.didUrl, jwk: proved.publicJwk };
  const signed = await sign(configurationId, { credentialIssuer, signer, holder });
  const several = draft === 14 ? { credentials: [signed] } : { credential: signed };
  return issuer.issuer.createCredentialResponse({ credentialRequest: parsed, ...several });
}

function isOf(asked, { vct, credential_definition }) {
  if (vct) return asked.vct === vct;
  return JSON.stringify(asked.credential_definition?.type) ===
    JSON.stringify(credential_definition.type);
}

/** An offer with the members of draft 11 and no others. */
function withOldMembers(uri) {
  const offer = JSON.parse(new URL(uri).searchParams.get("credential_offer"));
  const { credential_configuration_ids: credentials, grants, ...rest } = offer;
  const { tx_code, ...grant } = grants[GRANT];
  const old = { ...grant, user_pin_required: tx_code !== undefined };
  const text = JSON.stringify({ ...rest, credentials, grants: { [GRANT]: old } });
  return `openid-credential-offer://?credential_offer=${encodeURIComponent(text)}`;
}

function refusal(error) {
  return new Oauth2ServerErrorResponseError({ error, error_description: error });
}

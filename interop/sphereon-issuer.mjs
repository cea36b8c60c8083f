// A Credential Issuer made with @sphereon/oid4vci-issuer-server: 0.19 speaks draft 13, 0.20 draft 15.

import { once } from "node:events";
import https from "node:https";
import { createRequire } from "node:module";
import * as jose from "jose";
import { sign } from "./credentials.mjs";
import { draftConfigurations } from "./draft-issuer.mjs";
import { jwkOfDidUrl } from "./keys.mjs";

// As ES modules the libraries cannot be loaded: they import types as if those were values.
const require = createRequire(import.meta.url);
/** Under which name npm has the server of a draft; each has its own versions of the rest. */
const SERVERS = { 13: "@sphereon/oid4vci-issuer-server", 15: "sphereon-issuer-server-0-20" };

const GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const ID_OF_FORMAT = {
  "vc+sd-jwt": "library_card",
  "dc+sd-jwt": "library_card",
  jwt_vc_json: "first_aid",
};

function libraries(draft) {
  const own = createRequire(require.resolve(SERVERS[draft]));
  return {
    ...require(SERVERS[draft]),
    ...own("@sphereon/oid4vci-issuer"),
    ...own("@sphereon/ssi-express-support"),
  };
}

/** Starts the issuer on a free port. */
export async function serveSphereon({ tls, signer }, draft = 13) {
  const { OID4VCIServer, VcIssuerBuilder, ExpressBuilder } = libraries(draft);
  const server = https.createServer(tls);
  server.listen(0, "localhost");
  await once(server, "listening");
  const url = `https://localhost:${server.address().port}`;
  const holders = [];
  const issuer = build(new VcIssuerBuilder(), { url, signer, holders, draft });
  const support = ExpressBuilder.fromServerOpts({ startListening: false }).build({
    startListening: false,
  });
  new OID4VCIServer(support, {
    issuer,
    baseUrl: url,
    endpointOpts: {
      tokenEndpointOpts: {
        accessTokenIssuer: url,
        accessTokenSignerCallback: ({ header, payload }) =>
          new jose.SignJWT(payload)
            .setProtectedHeader({ ...header, alg: "ES256", typ: "JWT" })
            .sign(signer.privateKey),
      },
    },
  });
  // The library does not publish the keys that its user signs with.
  support.express.get("/.well-known/jwt-vc-issuer", (_, response) => {
    response.json({ issuer: url, jwks: { keys: [signer.publicJwk] } });
  });
  server.on("request", support.express);
  return {
    url,
    holders,
    /** As its `POST /webapp/credential-offers` does it. */
    offer: async (configurationId, { txCode = false } = {}) => {
      const { uri, userPin } = await issuer.createCredentialOfferURI({
        credential_configuration_ids: [configurationId],
        grants: { [GRANT]: { "pre-authorized_code": crypto.randomUUID() } },
        ...(txCode ? { pinLength: 6 } : {}),
      });
      return { uri, tx_code: userPin };
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function build(builder, { url, signer, holders, draft }) {
  if (draft === 15) builder.withNonceEndpoint(`${url}/nonce`);
  return builder
    .withCredentialIssuer(url)
    .withCredentialEndpoint(`${url}/credentials`)
    .withTokenEndpoint(`${url}/token`)
    .withAuthorizationMetadata({
      issuer: url,
      token_endpoint: `${url}/token`,
      response_types_supported: [],
      "pre-authorized_grant_anonymous_access_supported": true,
    })
    .withDefaultCredentialOfferBaseUri("openid-credential-offer://")
    .withIssuerDisplay([{ name: "City Library", locale: "en" }])
    .withCredentialConfigurationsSupported(draftConfigurations(draft))
    .withInMemoryCredentialOfferState()
    .withInMemoryCredentialOfferURIState()
    .withInMemoryCNonceState()
    .withJWTVerifyCallback(({ jwt }) => verified(jwt, signer))
    .withCredentialDataSupplier(async ({ credentialRequest, format }) => ({
      format: format ?? credentialRequest.format,
      credential: { iss: url },
    }))
    .withCredentialSignerCallback(async ({ credentialRequest, format, jwtVerifyResult }) => {
      const { kid: didUrl, jwk } = jwtVerifyResult;
      const holder = { didUrl, jwk };
      holders.push(holder);
      const id = ID_OF_FORMAT[format ?? credentialRequest.format];
      return sign(id, { credentialIssuer: url, signer, holder });
    })
    .build();
}

/** What a JWT of a wallet, or our own access token, is signed with. */
async function verified(jwt, signer) {
  const header = jose.decodeProtectedHeader(jwt);
  const did = header.kid?.startsWith("did:") ? header.kid.split("#")[0] : undefined;
  const jwk = did ? jwkOfDidUrl(header.kid) : (header.jwk ?? signer.publicJwk);
  const { payload } = await jose.jwtVerify(jwt, await jose.importJWK(jwk, header.alg));
  const named = did ? { did, kid: header.kid, didDocument: { id: did } } : {};
  return { jwt: { header, payload }, alg: header.alg, jwk, ...named };
}

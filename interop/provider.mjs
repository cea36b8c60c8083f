// An OpenID Provider and authorization server that we did not write: people sign in there.

import { once } from "node:events";
import http from "node:http";
import * as jose from "jose";
import Provider from "oidc-provider";

/** Who can sign in there: any password does. */
export const PERSON = {
  sub: "248289",
  name: "Grace Hopper",
  given_name: "Grace",
  family_name: "Hopper",
  birthdate: "1906-12-09",
  student: { number: "S-7" },
};

/**
 * Starts a provider on loopback. `clients` are registered there; `resource` is the one resource that
 * its access tokens are for, as JWTs or opaque. With `signedRequests` no other request is taken.
 */
export async function startProvider({
  alg = "RS256",
  clients,
  resource,
  format = "jwt",
  signedRequests = false,
}) {
  const server = http.createServer();
  server.listen(0, "localhost");
  await once(server, "listening");
  const issuer = `http://localhost:${server.address().port}`;
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await jose.exportJWK(privateKey)), alg, use: "sig", kid: "interop" };
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: clients.map((client) => ({ id_token_signed_response_alg: alg, ...client })),
    cookies: { keys: ["for tests only"] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], profile: ["name", "given_name", "family_name", "birthdate", "student"] },
    enabledJWA: { idTokenSigningAlgValues: [alg] },
    scopes: ["openid", "offline_access", "diploma"],
    findAccount: (_context, accountId) => ({
      accountId,
      claims: async () => ({ ...PERSON, sub: accountId }),
    }),
    features: {
      dPoP: { enabled: true },
      requestObjects: { enabled: signedRequests, requireSignedRequestObject: signedRequests },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: Boolean(resource),
        getResourceServerInfo: () => ({
          scope: "diploma",
          audience: resource,
          accessTokenFormat: format,
          accessTokenTTL: 300,
          jwt: { sign: { alg } },
        }),
        useGrantedResource: () => true,
      },
    },
  });
  server.on("request", provider.callback());
  return {
    issuer,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

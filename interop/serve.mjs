// Puts the foreign issuer on the network, over HTTPS or over plain HTTP on loopback.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { Oauth2ResourceUnauthorizedError, Oauth2ServerErrorResponseError } from "@openid4vc/oauth2";
import { ForeignIssuer } from "./issuer.mjs";
import { fetchTrusting } from "./trust.mjs";

/**
 * Starts an issuer at `path` of a free port; without `tls` it speaks plain HTTP. `operated` is for
 * load: everybody may make offers, with the message of our admin API. `routes` gives more of them,
 * or others, whose answers say their status and type themselves.
 */
export async function serve(
  { caPem, tls, signer },
  { path = "", operated = false, dpop = false, routes: more = () => [] } = {},
) {
  const server = tls ? https.createServer(tls) : http.createServer();
  server.listen(0, "localhost");
  await once(server, "listening");
  const origin = `${tls ? "https" : "http"}://localhost:${server.address().port}`;
  // The library fetches its own keys for each token: under load they come from memory.
  const ownKeys = async () => Response.json(issuer.jwtVcIssuer.jwks);
  const fetch = operated ? ownKeys : fetchTrusting(caPem);
  const issuer = new ForeignIssuer({ url: origin + path, signer, fetch, dpop });
  const routes = routesOf(issuer, path);
  if (operated) routes.set(`POST ${path}/admin/v1/offers`, ({ body }) => offered(issuer, body));
  for (const [place, route] of more(issuer)) routes.set(place, route);
  server.on("request", (request, response) => answer(routes, origin, request, response));
  server.on("connection", () => {
    issuer.connections += 1;
  });
  issuer.connections = 0;
  issuer.stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return issuer;
}

function routesOf(issuer, path) {
  const { credentialIssuer, authorizationServers } = issuer.metadata;
  return new Map([
    [`GET /.well-known/openid-credential-issuer${path}`, () => credentialIssuer],
    [`GET ${path}/.well-known/openid-credential-issuer`, () => credentialIssuer],
    [`GET /.well-known/oauth-authorization-server${path}`, () => authorizationServers[0]],
    [`GET ${path}/.well-known/oauth-authorization-server`, () => authorizationServers[0]],
    [`GET /.well-known/jwt-vc-issuer${path}`, () => issuer.jwtVcIssuer],
    [`GET ${path}/jwks`, () => issuer.jwtVcIssuer.jwks],
    [`GET ${path}/offers`, ({ rest }) => issuer.offerById(rest)],
    [`POST ${path}/token`, ({ request, body }) =>
      issuer.token({ request, form: Object.fromEntries(new URLSearchParams(body)) })],
    [`POST ${path}/nonce`, () => issuer.nonce()],
    [`POST ${path}/credential`, ({ request, body }) =>
      issuer.credential({ request, json: JSON.parse(body) })],
  ]);
}

function offered(issuer, body) {
  const [configurationId] = JSON.parse(body).credential_configuration_ids;
  return issuer.offer(configurationId, { byReference: true });
}

async function answer(routes, origin, incoming, response) {
  const body = await text(incoming);
  const request = {
    method: incoming.method,
    url: origin + incoming.url,
    headers: new Headers(incoming.headers),
  };
  const [, target, rest] = incoming.url.match(/^(.*\/offers)\/([^/]+)$/) ?? [null, incoming.url];
  const route = routes.get(`${incoming.method} ${target}`);
  try {
    const result = await route?.({ request, rest, body });
    if (typeof result?.status === "number") return sendRaw(response, result);
    send(response, result ? 200 : 404, result ?? { error: "not_found" });
  } catch (error) {
    sendFailure(response, error);
  }
}

function sendFailure(response, error) {
  if (error instanceof Oauth2ServerErrorResponseError) {
    for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
    return send(response, 400, error.errorResponse);
  }
  if (error instanceof Oauth2ResourceUnauthorizedError) {
    response.setHeader("WWW-Authenticate", error.toHeaderValue());
    return send(response, 401, { error: "invalid_token" });
  }
  console.error(error);
  return send(response, 500, { error: "server_error" });
}

function sendRaw(response, { status, type = "application/json", body }) {
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
  response.end(body);
}

function send(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

// The foreign issuer where nothing is ready at once: covers, copies, deferral, notifications.

import { randomBytes } from "node:crypto";
import { issuerCover } from "./cover.mjs";
import { serve } from "./serve.mjs";

/** Serves an issuer that wants everything under a cover and is ready when `isReady` says so. */
export async function serveLater(authority, { batchSize }) {
  const cover = await issuerCover();
  const issuer = await serve(authority, { routes: (issuer) => routes(issuer, cover) });
  const { url } = issuer;
  Object.assign(issuer, { isReady: false, events: [], clear: 0, waiting: new Map() });
  Object.assign(issuer.metadata.credentialIssuer, cover.metadata, {
    deferred_credential_endpoint: `${url}/deferred`,
    notification_endpoint: `${url}/notification`,
    batch_credential_issuance: { batch_size: batchSize },
  });
  return issuer;
}

function routes(issuer, cover) {
  const covered = (answer) => async ({ request, body }) => {
    if (request.headers.get("content-type") !== "application/jwt") issuer.clear += 1;
    const message = await cover.open(body);
    const { credential_response_encryption: asked, ...json } = message;
    const { status, response } = await answer({ request, json });
    return { status, type: "application/jwt", body: await cover.seal(response, asked) };
  };
  const wait = (transaction_id) => ({ status: 202, response: { transaction_id, interval: 1 } });
  return [
    ["POST /credential", covered(async ({ request, json }) => {
      const response = await issuer.credential({ request, json });
      const transaction_id = randomBytes(32).toString("base64url");
      issuer.waiting.set(transaction_id, response);
      return wait(transaction_id);
    })],
    ["POST /deferred", covered(async ({ json: { transaction_id } }) => {
      const { credentials } = issuer.waiting.get(transaction_id);
      if (!issuer.isReady) return wait(transaction_id);
      issuer.waiting.delete(transaction_id);
      // Their order is nobody's promise (VCI §8.3).
      const response = { credentials: credentials.reverse(), notification_id: transaction_id };
      return { status: 200, response };
    })],
    ["POST /notification", async ({ body }) => {
      issuer.events.push(JSON.parse(body).event);
      return { status: 204, body: "" };
    }],
  ];
}

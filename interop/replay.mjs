// An issuer on this machine that says what somebody has recorded, and nothing else.

import { once } from "node:events";
import https from "node:https";
import { text } from "node:stream/consumers";
import { runInNewContext } from "node:vm";

/**
 * Serves recorded answers. `addresses` are where they were on the Internet: each of their origins
 * becomes this machine. `answers(moved)` gives what is told at each path: an object is the answer to
 * every request, an array one answer after the other, the last one for good.
 */
export async function replay(authority, addresses, answers) {
  const server = https.createServer(authority.tls);
  server.listen(0, "localhost");
  await once(server, "listening");
  const origin = `https://localhost:${server.address().port}`;
  const moved = movedTo(origin, addresses);
  const told = answers(moved);
  const sent = [];
  server.on("request", async (request, response) => {
    const { pathname } = new URL(request.url, origin);
    sent.push({ path: pathname, method: request.method, body: await text(request) });
    const answer = next(told, pathname);
    response.statusCode = answer?.status ?? (answer ? 200 : 404);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer?.body ?? answer ?? {}));
  });
  return {
    origin,
    moved,
    /** Bodies that were sent to paths with this end. */
    asked: (end) => sent.filter(({ path }) => path.endsWith(end)).map(({ body }) => body),
    sent,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function next(told, path) {
  const answer = told[path] ?? Object.entries(told).find(([end]) => path.endsWith(end))?.[1];
  if (!Array.isArray(answer)) return answer;
  return answer.length > 1 ? answer.shift() : answer[0];
}

/** The same with other hosts in its addresses. */
function movedTo(origin, addresses) {
  const origins = new Set(addresses.map((address) => new URL(address).origin));
  return (value) => {
    let json = JSON.stringify(value);
    for (const old of origins) {
      json = json.replaceAll(old, origin).replaceAll(encodeURIComponent(old), encodeURIComponent(origin));
    }
    return JSON.parse(json);
  };
}

/** The objects in a file of TypeScript, by their names, without casts. */
export function objects(source, names = {}) {
  const plain = source
    .replace(/^import .*$/gm, "")
    .replace(/ as (const|(unknown as )?[A-Z][\w.]*(\[\])?)/g, "")
    .replace(/ satisfies [A-Z][\w.]*/g, "")
    .replace(/^(?:export )?const (\w+)[^=\n]*=/gm, "found.$1 =");
  const found = {};
  runInNewContext(plain, { found, ...names });
  return found;
}

// A web page of somebody else, which would like to use the portal in the visitor's name.

import { once } from "node:events";
import { createServer } from "node:http";

/** Serves a form that posts `fields` to `target`, and at `/frame` the target in a frame. */
export async function stranger(target, fields) {
  const inputs = Object.entries(fields).map(([name, value]) =>
    `<input type="hidden" name="${name}" value="${value}">`);
  const pages = {
    "/": `<form method="post" action="${target}">${inputs.join("")}<button>Win</button></form>`,
    "/frame": `<iframe src="${target}"></iframe>`,
  };
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Stranger</title>${pages[request.url] ?? ""}`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    stop: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(done);
    }),
  };
}

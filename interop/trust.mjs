// Makes the HTTP clients of the foreign wallets trust one development CA.

import https from "node:https";
import { Agent, fetch } from "undici";

/** A `fetch` (the one of Node.js) for libraries that take it as an argument. */
export function fetchTrusting(caPem) {
  const dispatcher = new Agent({ connect: { ca: caPem } });
  return (input, init) => fetch(input, { ...init, dispatcher });
}

/** For libraries that bring their own client upon `node:https`, as Sphereon's does. */
export function trustEverywhere(caPem) {
  https.globalAgent.options.ca = caPem;
}

// Offers and metadata of issuers that were on the Internet, as @sphereon/oid4vci-client 0.16.0 recorded
// them for its own tests: they are read where npm puts them, and run against an issuer that replays.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { runInNewContext } from "node:vm";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, run, temporaryFolder } from "./bestow.mjs";

bestowBinary();
const GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const FILE = "lib/__tests__/data/VciDataFixtures.ts";
/** The draft of each, by its offer, and what is wrong with the recording. */
const RECORDED = {
  spruce: { draft: "8", excused: [] },
  walt: { draft: "8", excused: [/&amp;/, /issuer of the metadata is not/] },
  mattr: { draft: "8", excused: [/issuer of the metadata is not/] },
  diwala: { draft: "8", excused: [/&amp;/] },
};
let recordings, authority, folder, caFile;

before(async () => {
  recordings = await read();
  authority = await createAuthority();
  folder = await temporaryFolder();
  caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.caPem);
});

after(() => rm(folder, { recursive: true }));

test("nothing that was recorded is left out unseen", () => {
  const others = Object.keys(recordings).filter((name) => !(name in RECORDED));
  // One link has neither `?` nor `issuer`; one issuer was recorded without an offer of a draft.
  assert.deepEqual(others.sort(), ["credenco", "uniissuer"]);
});

for (const [name, { draft, excused }] of Object.entries(RECORDED)) {
  test(`the offer of ${name} is one of draft ${draft}`, async () => {
    const file = join(folder, `${name}.txt`);
    await writeFile(file, recordings[name].credential.deeplink);
    const { code, stdout, stderr } = await run("inspect", "--json", file);
    assert.equal(code, 0, stderr);
    const found = JSON.parse(stdout);
    assert.equal(found.draft, draft, stdout);
    if (excused.some((finding) => finding.test("&amp;"))) assert.match(stdout, /&amp;/);
    assert.doesNotMatch(stdout, new RegExp(codeOf(recordings[name]).slice(0, 16)));
  });

  // What was recorded is bound to a key of that day: it comes as far as the check, and no further.
  test(`the wallet speaks draft ${draft} to ${name} to the end`, async () => {
    const issuer = await replay(recordings[name]);
    const wallet = await createWallet("--ca", caFile, "--trust-anchor", caFile);
    try {
      const received = await wallet.receive(issuer.link, "--trace");
      const told = received.stdout + received.stderr;
      assert.match(received.stderr, new RegExp(`speaks draft ${draft} of`), told);
      for (const finding of excused) assert.match(received.stderr, finding);
      const [token] = issuer.asked("/token");
      const form = Object.fromEntries(new URLSearchParams(token));
      assert.equal(form.grant_type, GRANT);
      assert.equal(form["pre-authorized_code"], codeOf(recordings[name]));
      const recorded = recordings[name].credential.request;
      const requests = issuer.asked("/credential").map((body) => JSON.parse(body));
      assert.ok(requests.length >= 1, told);
      for (const request of requests) {
        assert.equal(request.type, recorded.type ?? recorded.types[0]);
        assert.equal(request.format, recorded.format);
        assert.equal(request.proof.proof_type, "jwt");
      }
      assert.notEqual(received.code, 0, told);
      assert.deepEqual(await wallet.list(), []);
    } finally {
      await wallet.remove();
      issuer.stop();
    }
  });
}

/** The code in the link, which is none of the recorded request. */
function codeOf({ credential: { deeplink } }) {
  const query = deeplink.replaceAll("&amp;", "&").split("?")[1];
  return new URLSearchParams(query).get("pre-authorized_code");
}

/** The object in a file of TypeScript, without the casts. */
async function read() {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("sphereon-client-0-16");
  const file = join(dirname(entry), "..", FILE);
  const source = await readFile(file, "utf8");
  const [, object] = /const mockData[^=]*= (\{[\s\S]*\n\});?\s*$/m.exec(source);
  const plain = object.replace(/ as (unknown as )?[A-Z][\w.]*(\[\])?/g, "");
  return runInNewContext(`(${plain})`, { PRE_AUTH_GRANT_LITERAL: GRANT });
}

/** Serves what was recorded, on one host of this machine. */
async function replay({ metadata, auth, credential }) {
  const server = https.createServer(authority.tls);
  server.listen(0, "localhost");
  await once(server, "listening");
  const origin = `https://localhost:${server.address().port}`;
  const link = credential.deeplink.replaceAll("&amp;", "&");
  const issuer = new URLSearchParams(link.split("?")[1]).get("issuer");
  const moved = movedTo(origin, [issuer, metadata.issuer, auth.url, credential.url]);
  const document = moved(metadata.openid4vci_metadata);
  const answers = new Map([
    [new URL(auth.url).pathname, auth.response],
    [new URL(credential.url).pathname, credential.response],
  ]);
  const sent = [];
  server.on("request", async (request, response) => {
    const { pathname } = new URL(request.url, origin);
    sent.push([pathname, await text(request)]);
    const isMetadata = request.method === "GET" && pathname.includes("/.well-known/");
    const isThere = isMetadata ? pathname.includes("openid-configuration") : answers.has(pathname);
    response.statusCode = isThere ? 200 : 404;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(isThere ? (isMetadata ? document : answers.get(pathname)) : {}));
  });
  const own = link.replace(/issuer=[^&]*/, `issuer=${encodeURIComponent(moved(issuer))}`);
  return {
    link: credential.deeplink.includes("&amp;") ? own.replaceAll("&", "&amp;") : own,
    asked: (end) => sent.filter(([path]) => path.endsWith(end)).map(([, body]) => body),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The same with other hosts in its addresses. */
function movedTo(origin, addresses) {
  const origins = new Set(addresses.map((address) => new URL(address).origin));
  return (value) => {
    let json = JSON.stringify(value);
    for (const old of origins) json = json.replaceAll(old, origin);
    return JSON.parse(json);
  };
}

// Offers and metadata of issuers that were on the Internet, as @sphereon/oid4vci-client 0.16.0 recorded
// them for its own tests: they are read where npm puts them, and run against an issuer that replays.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { runInNewContext } from "node:vm";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, run, temporaryFolder } from "./bestow.mjs";
import { objects, replay } from "./replay.mjs";

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

test("nothing that was recorded is left out", () => {
  const others = Object.keys(recordings).filter((name) => !(name in RECORDED));
  assert.deepEqual(others.sort(), ["credenco", "uniissuer"]); // below, each in its own way
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
    const issuer = await served(recordings[name]);
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

// Metadata alone were recorded, with the catalogues of drafts 11 and 13 in one document, of which only the
// later one has names: our offers for them decide which counts.
const ID = "KVKRegistration_jwt_vc_json";
const TYPES = ["VerifiableCredential", "VerifiableAttestation", "KVKRegistration"];
for (const [draft, ids, id] of [
  ["11", "credentials", { format: "jwt_vc_json", types: TYPES }],
  ["13", "credentials", ID],
  ["13", "credential_configuration_ids", ID],
]) {
  test(`credenco's metadata are of draft ${draft} beside ${ids}: ${typeof id}`, async () => {
    const { openid4vci_metadata: metadata } = recordings.credenco.metadata;
    const issuer = await replay(authority, [metadata.issuer], (moved) => ({
      "/.well-known/openid-credential-issuer": moved(metadata),
      "/token": { access_token: "a", token_type: "bearer", c_nonce: "n", expires_in: 60 },
      "/credential": { status: 400, body: { error: "unsupported_credential_type" } },
    }));
    const grants = { [GRANT]: { "pre-authorized_code": "c" } };
    const offer = { credential_issuer: issuer.origin, [ids]: [id], grants };
    const told = await receive(issuer, `openid-credential-offer://?${query(offer)}`);
    assert.match(told, new RegExp(`speaks draft ${draft} of`));
    const request = JSON.parse(issuer.asked("/credential")[0]);
    assert.equal(request.format, "jwt_vc_json", told);
    // Draft 11 has `types` beside the format; whoever publishes something else is asked for that.
    assert.deepEqual(request.credential_definition.type, TYPES);
  });
}

// The recording is damaged: its link has lost `?` and issuer, its addresses have blanks.
test("what is left of uniissuer's link is no offer, and nobody is asked", async () => {
  const file = join(folder, "uniissuer.txt");
  await writeFile(file, recordings.uniissuer.credential.deeplink);
  const { code, stdout } = await run("inspect", "--json", file);
  assert.notEqual(code, 0, stdout);
  const wallet = await createWallet("--ca", caFile);
  const received = await wallet.receive(recordings.uniissuer.credential.deeplink);
  assert.equal(received.code, 2, received.stdout);
  assert.equal(JSON.parse(received.stdout).error.code, "bad_offer");
  await wallet.remove();
});

for (const mended of [false, true]) {
  const how = mended ? "without their blanks are of draft 8, to the end" : "with blanks are refused";
  test(`uniissuer's addresses ${how}`, async () => {
    const { metadata, auth, credential } = recordings.uniissuer;
    const addresses = [metadata.issuer, auth.url, credential.url];
    const issuer = await replay(authority, addresses, (moved) => {
      const recorded = moved(metadata.openid4vci_metadata);
      const json = JSON.stringify(recorded).replaceAll("https: //", "https://");
      const document = mended ? moved(JSON.parse(json)) : recorded;
      return {
        "/.well-known/openid-configuration": document,
        "/1.0/token": moved(auth.response),
        "/1.0/credential": moved(credential.response),
      };
    });
    const offer = {
      issuer: `${issuer.origin}/`,
      credential_type: "OpenBadgeCredential",
      "pre-authorized_code": auth.request["pre-authorized_code"],
    };
    const link = `openid-initiate-issuance://?${new URLSearchParams(offer)}`;
    const told = await receive(issuer, link);
    if (!mended) {
      assert.match(told, /"bad_metadata"/);
      assert.deepEqual(issuer.asked("/token"), []);
      return;
    }
    assert.match(told, /speaks draft 8 of/);
    const [request] = issuer.asked("/credential").map((body) => JSON.parse(body));
    assert.equal(request.format, credential.request.format, told);
    assert.equal(request.type, credential.request.types[0]);
  });
}

// Of some issuers the metadata alone were recorded, and links of others: our offers lead to the first.
const MOCKS = {
  IDENTIPROOF_OID4VCI_METADATA: "OpenBadgeCredential",
  SPRUCE_OID4VCI_METADATA: "OpenBadgeCredential",
  DANUBE_OIDC_METADATA: "VaccinationCertificate",
  WALT_OID4VCI_METADATA: "VerifiableDiploma",
};
for (const [name, type] of Object.entries(MOCKS)) {
  test(`the wallet speaks draft 8 to ${name} to the end`, async () => {
    const issuer = await mocked(name);
    const told = await receive(issuer, offerOf(issuer, type));
    assert.match(told, /speaks draft 8 of/);
    const [request] = issuer.asked(issuer.credential).map((body) => JSON.parse(body));
    assert.deepEqual([request?.type, request?.format], [type, "jwt_vc"], told);
    assert.equal(request.proof.proof_type, "jwt");
  });
}

test("configurations of draft 13 whose formats are those of draft 8 cost no code", async () => {
  const issuer = await mocked("IDENTIPROOF_OID4VCI_METADATA_v13");
  const grants = { [GRANT]: { "pre-authorized_code": "c" } };
  const ids = { credential_configuration_ids: ["OpenBadgeCredential"] };
  const offer = { credential_issuer: issuer.identifier, ...ids, grants };
  await receive(issuer, `openid-credential-offer://?${query(offer)}`);
  assert.deepEqual(issuer.asked("/token"), []);
});

for (const [name, draft] of Object.entries({
  INITIATION_TEST_URI_V1_0_08: "8",
  INITIATION_TEST_HTTPS_URI: "8",
  INITIATION_TEST_URI: undefined,
})) {
  test(`the recorded link ${name} is ${draft ? `of draft ${draft}` : "of no draft"}`, async () => {
    const file = join(folder, `${name}.txt`);
    await writeFile(file, (await mocks())[name]);
    const { code, stdout, stderr } = await run("inspect", "--json", file);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).draft ?? undefined, draft, stdout);
  });
}

/** What is told of a credential that cannot be kept: it is for a key of then. */
async function receive(issuer, link) {
  const wallet = await createWallet("--ca", caFile, "--trust-anchor", caFile);
  try {
    const received = await wallet.receive(link, "--trace");
    assert.notEqual(received.code, 0);
    assert.deepEqual(await wallet.list(), []);
    return received.stdout + received.stderr;
  } finally {
    await wallet.remove();
    issuer.stop();
  }
}

const query = (offer) => `credential_offer=${encodeURIComponent(JSON.stringify(offer))}`;

/** A whole recording, on this machine. */
async function served({ metadata, auth, credential }) {
  const link = credential.deeplink.replaceAll("&amp;", "&");
  const old = new URLSearchParams(link.split("?")[1]).get("issuer");
  const addresses = [old, metadata.issuer, auth.url, credential.url];
  const issuer = await replay(authority, addresses, (moved) => ({
    "/.well-known/openid-configuration": moved(metadata.openid4vci_metadata),
    [new URL(auth.url).pathname]: moved(auth.response),
    [new URL(credential.url).pathname]: moved(credential.response),
  }));
  const own = link.replace(/issuer=[^&]*/, `issuer=${encodeURIComponent(issuer.moved(old))}`);
  issuer.link = credential.deeplink.includes("&amp;") ? own.replaceAll("&", "&amp;") : own;
  return issuer;
}

/** The code in the link, which is none of the recorded request. */
function codeOf({ credential: { deeplink } }) {
  const query = deeplink.replaceAll("&amp;", "&").split("?")[1];
  return new URLSearchParams(query).get("pre-authorized_code");
}

/** An issuer with these metadata, at the places of the first drafts. */
async function mocked(name) {
  const found = await mocks();
  const { [name]: recorded, IDENTIPROOF_AS_METADATA: server } = found;
  const path = (address) => new URL(address).pathname;
  const addresses = [recorded.credential_endpoint, recorded.issuer ?? recorded.credential_endpoint, server.issuer];
  const credential = path(recorded.credential_endpoint);
  const issuer = await replay(authority, addresses, (moved) => ({
    "/.well-known/openid-configuration": moved(recorded),
    "/.well-known/openid-credential-issuer": name.endsWith("_v13") && moved(recorded),
    "/.well-known/oauth-authorization-server": recorded.token_endpoint ? undefined : moved(server),
    [path(recorded.token_endpoint ?? server.token_endpoint)]:
      { access_token: "a", token_type: "bearer", c_nonce: "n", expires_in: 60 },
    [credential]: { status: 400, body: { error: "unsupported_credential_type" } },
  }));
  return { ...issuer, credential, identifier: issuer.origin + credential.replace(/\/credential$/, "") };
}

function offerOf({ identifier }, type) {
  const offer = { issuer: identifier, credential_type: type, "pre-authorized_code": "c" };
  return `openid-initiate-issuance://?${new URLSearchParams(offer)}`;
}

const mocks = async () =>
  objects(await source("lib/__tests__/MetadataMocks.ts"), { PRE_AUTH_GRANT_LITERAL: GRANT, AuthzFlowType: {} });

/** A file as npm brings it. */
function source(name) {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("sphereon-client-0-16");
  return readFile(join(dirname(entry), "..", name), "utf8");
}

/** The object in a file of TypeScript, without the casts. */
async function read() {
  const fixtures = await source(FILE);
  const [, object] = /const mockData[^=]*= (\{[\s\S]*\n\});?\s*$/m.exec(fixtures);
  const plain = object.replace(/ as (unknown as )?[A-Z][\w.]*(\[\])?/g, "");
  return runInNewContext(`(${plain})`, { PRE_AUTH_GRANT_LITERAL: GRANT });
}

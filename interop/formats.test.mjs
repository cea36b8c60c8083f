// Verifiers that we did not write accept every shape of claims that Bestow's issuer signs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DateOnly } from "@owf/mdoc";
import { bestowBinary, run, startIssuer, temporaryFolder } from "./bestow.mjs";
import { holderKey } from "./keys.mjs";
import { verifyMdoc } from "./mdoc.mjs";
import * as openid4vc from "./openid4vc-wallet.mjs";
import { fetchTrusting, trustEverywhere } from "./trust.mjs";
import { assertConfirmation, verifySdJwtVc } from "./verify.mjs";

bestowBinary();
const TYPES = ["mdl", "pid", "pid_mdoc"];
const MDL = "org.iso.18013.5.1";
const POLL_INTERVAL = 500;
/** A Python with pymdoccbor and sd-jwt, which npm cannot bring. */
const PYTHON = process.env.BESTOW_PYTHON;
const skip = PYTHON ? false : "BESTOW_PYTHON is not set: see README.md";
let issuer, context, folder, caFile;

before(async () => {
  const source = "../docs/credential-types";
  const file = async (type) => [
    `credentials/${type}.toml`,
    await readFile(join(import.meta.dirname, source, `${type}.toml`), "utf8"),
  ];
  folder = await temporaryFolder();
  const files = Object.fromEntries(await Promise.all(TYPES.map(file)));
  issuer = await startIssuer({ files, edit: (state) => useAuthority(join(state, "bestow.toml")) });
  caFile = join(folder, "authority", "iaca.pem");
  const caPem = await readFile(caFile, "utf8");
  context = { credentialIssuer: issuer.url, caPem, fetch: fetchTrusting(issuer.caPem) };
  trustEverywhere(issuer.caPem);
});

after(async () => {
  await issuer?.stop();
  if (folder) await rm(folder, { recursive: true });
});

for (const type of ["mdl", "pid_mdoc"]) {
  test(`@owf/mdoc verifies and reads ${type}`, async () => {
    const [credential] = await receive(type);
    const { docType, claims } = await verifyMdoc(credential, context);
    assert.equal(docType, type === "mdl" ? `${MDL}.mDL` : "eu.europa.ec.eudi.pid.1");
    await assertSample(type, readable(claims));
  });

  test(`pymdoccbor verifies and reads ${type}`, { skip }, async () => {
    const [credential] = await receive(type);
    await assertSample(type, verifyInPython("mso_mdoc", credential));
  });
}

test("@sd-jwt/sd-jwt-vc verifies nested, recursive and array disclosures of pid", async () => {
  const [credential, key] = await receive("pid");
  const { claims, payload } = await verifySdJwtVc(credential, context);
  assert.deepEqual(claims, await issuer.sample("pid"));
  await assertConfirmation(payload, key);
  const parts = credential.split("~").slice(1, -1);
  const disclosures = parts.map((part) => JSON.parse(Buffer.from(part, "base64url")));
  assert.ok(disclosures.some((parts) => parts.length === 2 && parts[1] === "DE"), "an element");
  const place = disclosures.find(([, name]) => name === "place_of_birth");
  assert.ok(place[2]._sd.length > 1 && !place[2].country, "an object of digests");
});

test("sd-jwt of PyPI verifies nested, recursive and array disclosures of pid", { skip }, async () => {
  const [credential] = await receive("pid");
  const payload = verifyInPython("dc+sd-jwt", credential);
  for (const [name, value] of Object.entries(await issuer.sample("pid"))) {
    assert.deepEqual(payload[name], value, name);
  }
});

/** ISO/IEC 18013-5 Annex B: readers of mdocs want a document signer of an IACA. */
async function useAuthority(config) {
  const [authority, request, certificate] =
    ["authority", "signing.csr", "signing.pem"].map((name) => join(folder, name));
  const bestow = async (...args) => {
    const { code, stdout, stderr } = await run("issuer", ...args);
    assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  const subject = ["--country", "UT", "--name", "Utopia IACA"];
  const places = ["--contact", "a@example.org", "--crl", "https://example.org/crl"];
  await bestow("pki", "iaca", authority, ...subject, ...places);
  await bestow("keys", "rotate", "signing", "--config", config, "--csr", request);
  await writeFile(certificate, await bestow("pki", "sign", authority, request));
  const install = ["--certificate", certificate, "--now"];
  await bestow("keys", "rotate", "signing", "--config", config, ...install);
  while (!/signing +2 +active/.test(await bestow("keys", "list", "--config", config))) {
    await sleep(POLL_INTERVAL);
  }
}

async function receive(type) {
  const key = await holderKey("ES256", "jwk");
  const { uri } = await issuer.offer(type);
  const session = await openid4vc.open(uri, { ...context, key });
  await session.authorize();
  return [...(await session.request([key])), key];
}

/** An issuer encodes pictures again, so other bytes come out than went in. */
async function assertSample(type, claims) {
  const expected = await issuer.sample(type);
  for (const { portrait } of [claims[MDL], expected[MDL]].filter(Boolean)) {
    assert.match(portrait, /^data:image\/jpeg;base64,\/9j\/./);
  }
  for (const { [MDL]: elements } of [claims, expected]) delete elements?.portrait;
  assert.deepEqual(claims, expected);
}

function verifyInPython(format, input) {
  const script = join(import.meta.dirname, "verify_foreign.py");
  return JSON.parse(execFileSync(PYTHON, [script, format, caFile], { input }));
}

/** Dates, times and bytes as our own wallet shows them. */
function readable(value) {
  if (value instanceof Uint8Array) {
    return `data:image/jpeg;base64,${Buffer.from(value).toString("base64")}`;
  }
  if (value instanceof DateOnly) return value.toISOString();
  if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, "Z");
  if (value instanceof Map) return readable(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, readable(it)]));
}

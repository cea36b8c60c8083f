// `bestow verify` reads status lists, and credentials, that we did not make.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createHeaderAndPayload, StatusList } from "@sd-jwt/jwt-status-list";
import * as jose from "jose";
import { bestowBinary, run, temporaryFolder } from "./bestow.mjs";

bestowBinary();
const ISSUER = "https://issuer.example";
const LIST = `${ISSUER}/lists/1`;
const ENTRIES = 10_000;
const HOUR_IN_SECONDS = 3600;
/** By index. */
const STATUSES = { 0: "valid", 4711: "revoked", 9999: "suspended" };
const VALUES = { valid: 0, revoked: 1, suspended: 2 };
let folder, key;

before(async () => {
  folder = await temporaryFolder();
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  key = privateKey;
  const jwk = { ...(await jose.exportJWK(publicKey)), kid: "key-1" };
  await writeFile(join(folder, "keys.json"), JSON.stringify({ keys: [jwk] }));
});

after(() => rm(folder, { recursive: true }));

for (const bits of [2, 4, 8]) {
  test(`a list of ${bits} bits says of each credential what its issuer said`, async () => {
    await writeFile(join(folder, "list.jwt"), await statusList(bits, { sub: LIST }));
    for (const [idx, status] of Object.entries(STATUSES)) {
      const { code, report } = await verify(await credential(Number(idx)));
      const check = report.checks.find((one) => one.check === "status");
      assert.match(check.found, new RegExp(`^${status}, `), `${idx}`);
      assert.equal(check.result, status === "valid" ? "passed" : "failed");
      assert.equal(code, status === "valid" ? 0 : 6);
    }
  });
}

test("a list for another address, one that has expired and an index behind its end say nothing", async () => {
  const spoiled = [
    [await statusList(2, { sub: `${LIST}0` }), 0],
    [await statusList(2, { sub: LIST, exp: now() - HOUR_IN_SECONDS }), 0],
    [await statusList(2, { sub: LIST }), ENTRIES],
  ];
  for (const [list, idx] of spoiled) {
    await writeFile(join(folder, "list.jwt"), list);
    const { code, report } = await verify(await credential(idx));
    const check = report.checks.find((one) => one.check === "status");
    assert.match(check.found, /^unknown: /);
    assert.equal(code, 6);
  }
});

test("bestow inspect counts what a list says", async () => {
  await writeFile(join(folder, "list.jwt"), await statusList(2, { sub: LIST }));
  const { stdout } = await run("inspect", join(folder, "list.jwt"), "--json");
  const { kind, list } = JSON.parse(stdout);
  assert.equal(kind, "status_list_jwt");
  assert.deepEqual(list, {
    bits: 2,
    entries: ENTRIES,
    says: { valid: ENTRIES - 2, invalid: 1, suspended: 1 },
  });
});

async function verify(text) {
  const file = join(folder, "credential");
  await writeFile(file, text);
  const given = ["--issuer-keys", join(folder, "keys.json")];
  const list = ["--status-list", join(folder, "list.jwt")];
  const { code, stdout } = await run("verify", file, "--offline", "--json", ...given, ...list);
  return { code, report: JSON.parse(stdout) };
}

async function statusList(bits, claims) {
  const statuses = Array(ENTRIES).fill(0);
  for (const [idx, status] of Object.entries(STATUSES)) statuses[idx] = VALUES[status];
  const { header, payload } = createHeaderAndPayload(
    new StatusList(statuses, bits),
    { iss: ISSUER, iat: now() - 2 * HOUR_IN_SECONDS, exp: now() + HOUR_IN_SECONDS, ...claims },
    { alg: "ES256", typ: "statuslist+jwt", kid: "key-1" },
  );
  return new jose.SignJWT(payload).setProtectedHeader(header).sign(key);
}

async function credential(idx) {
  const claims = {
    iss: ISSUER,
    vct: `${ISSUER}/card`,
    given_name: "Zoë",
    exp: now() + HOUR_IN_SECONDS,
    status: { status_list: { idx, uri: LIST } },
  };
  const header = { alg: "ES256", typ: "dc+sd-jwt", kid: "key-1" };
  return `${await new jose.SignJWT(claims).setProtectedHeader(header).sign(key)}~`;
}

function now() {
  return Math.floor(Date.now() / 1000);
}

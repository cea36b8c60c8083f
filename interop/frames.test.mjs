// Frames of disclosures from the tests of @sd-jwt/sd-jwt-vc, as npm brings them: what that library
// conceals by them, whole and shown in part, `bestow` verifies, and reads as they say.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { bestowBinary, run, runJson, temporaryFolder } from "./bestow.mjs";

bestowBinary();
const entry = createRequire(import.meta.url).resolve("@sd-jwt/sd-jwt-vc");
const FRAMES = join(dirname(entry), "..", "test");
const ISSUER = "https://issuer.example";
const HOUR_IN_SECONDS = 3600;
/** What is left of an object whose members are all withheld is an empty one (RFC 9901 §7.1). */
const SHOWN = { "array_none_disclosed.json": { is_over: {} } };
const NAMES = (await readdir(FRAMES)).filter((name) => name.endsWith(".json"));
let folder, library;

before(async () => {
  folder = await temporaryFolder();
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "key-1" };
  await writeFile(join(folder, "keys.json"), JSON.stringify({ keys: [jwk] }));
  const bytes = (text) => Buffer.from(text, "base64url");
  library = new SDJwtVcInstance({
    signAlg: "EdDSA",
    signer: (data) => sign(null, Buffer.from(data), privateKey).toString("base64url"),
    verifier: (data, signature) => verify(null, Buffer.from(data), publicKey, bytes(signature)),
    hashAlg: "sha-256",
    hasher: (data) => createHash("sha256").update(data).digest(),
    saltGenerator: () => randomBytes(16).toString("base64url"),
  });
});

after(() => rm(folder, { recursive: true }));

test("there are frames", () => assert.equal(NAMES.length, 17));

for (const name of NAMES) {
  test(`what is concealed and shown by ${name} is read`, async () => {
    const frame = JSON.parse(await readFile(join(FRAMES, name), "utf8"));
    const now = Math.floor(Date.now() / 1000);
    const own = { iss: ISSUER, vct: `${ISSUER}/card`, iat: now, exp: now + HOUR_IN_SECONDS };
    const header = { header: { kid: "key-1" } };
    const whole = await library.issue({ ...own, ...frame.claims }, frame.disclosureFrame, header);
    assert.deepEqual(await read(whole), frame.claims);
    const shown = await library.present(whole, frame.presentationFrames);
    assert.deepEqual(await read(shown), SHOWN[name] ?? frame.presentedClaims);
    const parts = shown.split("~").length - 2;
    assert.ok(parts <= whole.split("~").length - 2, `${parts} are shown`);
  });
}

/** The claims of what was verified, but for those of the credential itself. */
async function read(credential) {
  const file = join(folder, "credential");
  await writeFile(file, credential);
  const keys = join(folder, "keys.json");
  const told = await run("verify", file, "--offline", "--json", "--issuer-keys", keys);
  assert.equal(told.code, 0, told.stdout + told.stderr);
  const { iss, vct, iat, exp, ...claims } = (await runJson("inspect", file, "--json")).disclosed_claims;
  return claims;
}

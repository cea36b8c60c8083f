// A holder shows an SD-JWT: what a library that we did not write makes of it, `bestow verify` accepts, and
// what `bestow derive` makes, the library does (RFC 9901 §4.3).

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import * as jose from "jose";
import { bestowBinary, run, temporaryFolder } from "./bestow.mjs";
import { ALGORITHMS, BINDINGS, holderKey } from "./keys.mjs";

bestowBinary();
const ISSUER = "https://issuer.example";
const VERIFIER = "https://verifier.example";
const NONCE = "n-0S6_WzA2Mj";
const HOUR_IN_SECONDS = 3600;
let folder, issuer, keysFile;

before(async () => {
  folder = await temporaryFolder();
  issuer = await holderKey("ES256", "jwk");
  keysFile = join(folder, "keys.json");
  await writeFile(keysFile, JSON.stringify({ keys: [{ ...issuer.publicJwk, kid: "key-1" }] }));
});

after(() => rm(folder, { recursive: true }));

for (const alg of ALGORITHMS) {
  for (const binding of BINDINGS) {
    const named = `${alg} by ${binding}`;

    test(`bestow verify accepts what @sd-jwt/sd-jwt-vc presents: ${named}`, async () => {
      const holder = await holderKey(alg, binding);
      const library = await libraryOf(holder);
      const frame = { given_name: true, address: { town: true } };
      const payload = { iat: now(), aud: VERIFIER, nonce: NONCE };
      const shown = await library.present(await issued(library, holder), frame, { kb: { payload } });
      const good = await verify(shown, "--nonce", NONCE, "--audience", VERIFIER);
      assert.equal(good.code, 0, JSON.stringify(good.report));
      for (const check of ["key_binding", "freshness", "audience", "nonce"]) {
        assert.equal(resultOf(good, check), "passed", check);
      }
      for (const [check, ...other] of [
        ["nonce", "--nonce", "another", "--audience", VERIFIER],
        ["audience", "--nonce", NONCE, "--audience", `${VERIFIER}/`],
      ]) {
        const refused = await verify(shown, ...other);
        assert.equal(refused.code, 6);
        assert.equal(resultOf(refused, check), "failed");
      }
      // Less than was signed for, and the signature of somebody else's presentation.
      const [jwt, , ...rest] = shown.split("~");
      assert.equal(resultOf(await verify([jwt, ...rest].join("~")), "key_binding"), "failed");
      const stranger = await libraryOf(await holderKey(alg, binding));
      const forged = await stranger.present(await issued(library, holder), frame, { kb: { payload } });
      assert.equal(resultOf(await verify(forged), "key_binding"), "failed");
    });

    test(`@sd-jwt/sd-jwt-vc accepts what bestow derive presents: ${named}`, async () => {
      const holder = await holderKey(alg, binding);
      const library = await libraryOf(holder);
      const [file, keyFile] = ["card.txt", "holder.pem"].map((name) => join(folder, name));
      await writeFile(file, await issued(library, holder));
      await writeFile(keyFile, await holder.pem());
      const pointers = ["/given_name", "/address/town", "/nationalities/1"];
      const chosen = pointers.flatMap((pointer) => ["--pointer", pointer]);
      const asked = ["--nonce", NONCE, "--audience", VERIFIER, "--key", keyFile];
      const { code, stdout, stderr } = await run("derive", file, ...chosen, ...asked);
      assert.equal(code, 0, stderr);
      const shown = stdout.trim();
      const { payload, kb } = await library.verify(shown, { keyBindingNonce: NONCE });
      assert.equal(payload.given_name, "Ada");
      assert.deepEqual(payload.address, { town: "Graz" });
      assert.deepEqual(payload.nationalities, ["AT"]);
      assert.equal(payload.birthdate, undefined);
      assert.equal(kb.payload.aud, VERIFIER);
      await assert.rejects(library.verify(shown, { keyBindingNonce: "another" }), /Nonce/);
      const [jwt, , ...rest] = shown.split("~");
      const less = [jwt, ...rest].join("~");
      await assert.rejects(library.verify(less, { keyBindingNonce: NONCE }));
    });
  }
}

async function libraryOf(holder) {
  const signer = async (data) => signatureOf(data, await issuer.pem(), "ES256");
  const holderPem = await holder.pem();
  return new SDJwtVcInstance({
    signAlg: "ES256",
    signer,
    verifier: (data, signature) => holds(`${data}.${signature}`, issuer),
    kbSignAlg: holder.alg,
    kbSigner: (data) => signatureOf(data, holderPem, holder.alg),
    kbVerifier: (data, signature) => holds(`${data}.${signature}`, holder),
    hasher: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    saltGenerator: () => randomBytes(16).toString("base64url"),
  });
}

/** Every claim can be left out, those in others, too. */
function issued(library, holder) {
  const claims = {
    given_name: "Ada",
    birthdate: "1815-12-10",
    address: { town: "Graz", zip: "8010" },
    nationalities: ["GB", "AT"],
  };
  const frame = {
    _sd: Object.keys(claims),
    _sd_decoy: 2,
    address: { _sd: ["town", "zip"] },
    nationalities: { _sd: [0, 1] },
  };
  const cnf = holder.kid ? { kid: holder.kid } : { jwk: holder.publicJwk };
  const payload = {
    iss: ISSUER,
    vct: `${ISSUER}/card`,
    iat: now(),
    exp: now() + HOUR_IN_SECONDS,
    cnf,
    ...claims,
  };
  return library.issue(payload, frame, { header: { kid: "key-1" } });
}

async function signatureOf(data, pem, alg) {
  const key = await jose.importPKCS8(pem, alg, { extractable: true });
  const name = alg === "EdDSA" ? "Ed25519" : { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(name, key, Buffer.from(data));
  return Buffer.from(signature).toString("base64url");
}

async function holds(jws, { publicJwk, alg }) {
  await jose.compactVerify(jws, await jose.importJWK(publicJwk, alg), { algorithms: [alg] });
  return true;
}

async function verify(text, ...more) {
  const file = join(folder, "shown.txt");
  await writeFile(file, text);
  const given = ["--issuer-keys", keysFile, "--offline", "--json"];
  const { code, stdout } = await run("verify", file, ...given, ...more);
  return { code, report: JSON.parse(stdout) };
}

function resultOf({ report }, check) {
  return report.checks.find((one) => one.check === check)?.result;
}

function now() {
  return Math.floor(Date.now() / 1000);
}

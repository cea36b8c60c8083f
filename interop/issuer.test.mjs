// Bestow's wallet receives credentials from an issuer that we did not write.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setGlobalConfig } from "@openid4vc/openid4vci";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, temporaryFolder } from "./bestow.mjs";
import { CLAIMS, CONFIGURATIONS, sign } from "./credentials.mjs";
import { ALGORITHMS, BINDINGS, holderKey, thumbprint } from "./keys.mjs";
import { serve } from "./serve.mjs";
import { changeByte, otherCode } from "./tamper.mjs";

bestowBinary();
const EXIT = { done: 0, refused: 3, network: 4, verification: 6 };
const WAYS = {
  "by value": { byReference: false, txCode: false },
  "by reference": { byReference: true, txCode: false },
  "by value with a transaction code": { byReference: false, txCode: true },
  "by reference with a transaction code": { byReference: true, txCode: true },
};
let authority, folder, caFile, issuer;

before(async () => {
  authority = await createAuthority();
  folder = await temporaryFolder();
  caFile = await write("ca.pem", authority.caPem);
  issuer = await serve(authority);
});

after(async () => {
  issuer?.stop();
  await rm(folder, { recursive: true });
});

for (const [way, offerOptions] of Object.entries(WAYS)) {
  for (const configurationId of Object.keys(CONFIGURATIONS)) {
    test(`the wallet receives ${configurationId} ${way}`, () =>
      withWallet(async (wallet) => {
        const { uri, tx_code } = await issuer.offer(configurationId, offerOptions);
        const received = await wallet.receive(uri, ...(tx_code ? ["--tx-code", tx_code] : []));
        await assertStored(wallet, received, configurationId);
      }));
  }
}

for (const binding of BINDINGS) {
  for (const alg of ALGORITHMS) {
    for (const configurationId of ["library_card", "first_aid"]) {
      test(`the wallet receives ${configurationId} for ${binding} with ${alg}`, () =>
        withWallet(async (wallet) => {
          const { uri } = await issuer.offer(configurationId);
          const received = await wallet.receive(uri, "--binding", binding, "--alg", alg);
          const { holder_key } = await assertStored(wallet, received, configurationId);
          assert.equal(holder_key.binding, binding);
          assert.equal(issuer.holders.at(-1).jwk.kty, alg === "EdDSA" ? "OKP" : "EC");
        }));
    }
  }
}

test("the wallet finds an issuer whose identifier has a path", () =>
  withWallet(async (wallet) => {
    const college = await serve(authority, { path: "/city/library" });
    try {
      const { uri } = await college.offer("first_aid", { byReference: true });
      const { code, stdout, stderr } = await wallet.receive(uri);
      assert.equal(code, EXIT.done, stdout + stderr);
      assert.equal(JSON.parse(stdout).credentials[0].issuer, college.url);
    } finally {
      college.stop();
    }
  }));

test("the wallet binds its token to a key, with the nonce that is wanted", () =>
  withWallet(async (wallet) => {
    const strict = await serve(authority, { dpop: true });
    try {
      const { uri } = await strict.offer("first_aid");
      const { code, stdout, stderr } = await wallet.receive(uri);
      assert.equal(code, EXIT.done, stdout + stderr);
    } finally {
      strict.stop();
    }
  }));

test("plain HTTP on loopback needs its own flag, and nothing is sent without it", () =>
  withWallet(async (wallet) => {
    setGlobalConfig({ allowInsecureUrls: true });
    const plain = await serve({ ...authority, tls: undefined });
    try {
      const { uri } = await plain.offer("first_aid", { byReference: true });
      const refused = await wallet.receive(uri);
      await assertNothingStored(wallet, refused);
      assert.equal(plain.connections, 0);
      const { code, stdout, stderr } = await wallet.receive(uri, "--allow-http-loopback");
      assert.equal(code, EXIT.done, stdout + stderr);
    } finally {
      plain.stop();
      setGlobalConfig({ allowInsecureUrls: false });
    }
  }));

test("a wrong transaction code is refused and costs nothing", () =>
  withWallet(async (wallet) => {
    const { uri, tx_code } = await issuer.offer("library_card", { txCode: true });
    const refused = await wallet.receive(uri, "--tx-code", otherCode(tx_code));
    await assertNothingStored(wallet, refused, EXIT.refused);
    const received = await wallet.receive(uri, "--tx-code", tx_code);
    await assertStored(wallet, received, "library_card");
  }));

test("a spent offer is refused", () =>
  withWallet(async (wallet) => {
    const { uri } = await issuer.offer("museum_ticket");
    assert.equal((await wallet.receive(uri)).code, EXIT.done);
    const again = await wallet.receive(uri);
    assert.equal(again.code, EXIT.refused, again.stdout + again.stderr);
    assert.equal((await wallet.list()).length, 1);
  }));

test("an issuer that does not answer is a network failure", () =>
  withWallet(async (wallet) => {
    const gone = await serve(authority);
    const { uri } = await gone.offer("museum_ticket");
    gone.stop();
    await assertNothingStored(wallet, await wallet.receive(uri), EXIT.network);
  }));

test("an issuer whose TLS certificate nobody vouches for is a network failure", () =>
  withWallet(async (wallet) => {
    const stranger = await serve(await createAuthority());
    try {
      const { uri } = await stranger.offer("museum_ticket");
      await assertNothingStored(wallet, await wallet.receive(uri), EXIT.network);
    } finally {
      stranger.stop();
    }
  }));

test("a chain that ends in no anchor needs its own yes", () =>
  withWallet(async (wallet) => {
    const { signer } = await createAuthority();
    const spoil = (credential, holder) => signedBy({ signer, holder }, "library_card");
    await spoiled(spoil, async () => {
      const first = await issuer.offer("library_card");
      await assertNothingStored(wallet, await wallet.receive(first.uri));
      const second = await issuer.offer("library_card");
      const accepted = await wallet.receive(second.uri, "--accept-unverified-issuer");
      await assertStored(wallet, accepted, "library_card");
    });
  }));

const SPOILED = {
  "one byte of the signature of a card": ["library_card", (credential) =>
    changeByte(credential, credential.indexOf("~") - 40)],
  "one byte of the claims of a card": ["library_card", (credential) =>
    changeByte(credential, credential.indexOf(".") + 80)],
  "one byte of a disclosure": ["library_card", (credential) =>
    changeByte(credential, credential.lastIndexOf("~") - 10)],
  "one byte of the signature of a diploma": ["first_aid", (credential) =>
    changeByte(credential, credential.length - 40)],
  "one byte of the claims of a diploma": ["first_aid", (credential) =>
    changeByte(credential, credential.indexOf(".") + 80)],
  "one byte of an element of a boat licence": ["boat_licence", (credential) =>
    changeByte(credential, 200)],
  "the issuer of a diploma": ["first_aid", (credential, holder) =>
    signedBy({ holder, credentialIssuer: "https://elsewhere.example" }, "first_aid")],
  "the key of a card": ["library_card", async () =>
    signedBy({ holder: await someoneElse() }, "library_card")],
  "the subject of a diploma": ["first_aid", async () =>
    signedBy({ holder: await someoneElse() }, "first_aid")],
  "the type of a card": ["library_card", (credential, holder) =>
    signedBy({ holder }, "museum_ticket")],
  "the format of a diploma": ["first_aid", (credential, holder) =>
    signedBy({ holder }, "library_card")],
};

for (const [what, [configurationId, spoil]] of Object.entries(SPOILED)) {
  test(`changing ${what} is found, and nothing is stored`, () =>
    withWallet((wallet) =>
      spoiled(spoil, async () => {
        const { uri } = await issuer.offer(configurationId);
        await assertNothingStored(wallet, await wallet.receive(uri), EXIT.verification);
      })));
}

async function assertStored(wallet, { code, stdout, stderr }, configurationId) {
  assert.equal(code, EXIT.done, stdout + stderr);
  const { credentials } = JSON.parse(stdout);
  assert.equal(credentials.length, 1);
  const [credential] = credentials;
  assert.equal(credential.format, CONFIGURATIONS[configurationId].format);
  assert.equal(credential.credential_configuration_id, configurationId);
  assert.equal(credential.issuer, issuer.url);
  assert.deepEqual(credential.claims, CLAIMS[configurationId]);
  await assertHolderKey(credential.holder_key, issuer.holders.at(-1));
  const stored = await wallet.list();
  assert.deepEqual(stored.map(({ id }) => id), [credential.id]);
  return credential;
}

/** The wallet names the key that the issuer saw in the proof. */
async function assertHolderKey(holderKey, holder) {
  if (!holder) return assert.equal(holderKey, null);
  assert.equal(holderKey.kid, await thumbprint(holder.jwk));
  assert.equal(holderKey.did, holder.didUrl?.split("#")[0] ?? null);
}

async function assertNothingStored(wallet, { code, stdout, stderr }, expected) {
  assert.notEqual(code, EXIT.done);
  if (expected !== undefined) assert.equal(code, expected, stdout + stderr);
  const { error } = JSON.parse(stdout);
  assert.deepEqual(Object.keys(error).sort(), ["code", "hint", "message"]);
  assert.deepEqual(await wallet.list(), []);
}

async function withWallet(body) {
  const wallet = await createWallet("--ca", caFile, "--trust-anchor", caFile);
  try {
    await body(wallet);
  } finally {
    await wallet.remove();
  }
}

async function spoiled(spoil, body) {
  issuer.spoil = spoil;
  try {
    await body();
  } finally {
    issuer.spoil = (credential) => credential;
  }
}

/** A credential in which something differs from what was asked for. */
function signedBy(different, configurationId) {
  const { signer, url: credentialIssuer } = issuer;
  return sign(configurationId, { signer, credentialIssuer, ...different });
}

async function someoneElse() {
  const { publicJwk } = await holderKey("ES256", "jwk");
  return { jwk: publicJwk };
}

async function write(name, text) {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

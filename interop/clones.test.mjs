// Offers, metadata and answers of issuers that were on the Internet, as two libraries keep them for their
// own tests: they are read out of clones, where there are such, and nothing of them is kept here.
//
//   BESTOW_CREDO_CLONE=… BESTOW_OID4VC_TS_CLONE=… BESTOW_BIN=… node --test clones.test.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createAuthority } from "./authority.mjs";
import { bestowBinary, createWallet, run, temporaryFolder } from "./bestow.mjs";
import { objects, replay } from "./replay.mjs";

const GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const CREDO = {
  clone: process.env.BESTOW_CREDO_CLONE,
  file: "packages/openid4vc/src/openid4vc-holder/__tests__/fixtures.ts",
};
const fixture = (name) => ({
  clone: process.env.BESTOW_OID4VC_TS_CLONE,
  file: `packages/openid4vci/src/__tests__/__fixtures__/${name}.ts`,
});
const metadataOf = (name) => ({
  clone: process.env.BESTOW_OID4VC_TS_CLONE,
  file: `packages/openid4vci/tests/interoperability/${name}-credential-issuer-metadata-json.ts`,
});

let folder, caFile, authority;

before(async () => {
  authority = await createAuthority();
  folder = await temporaryFolder();
  caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.caPem);
});

after(() => rm(folder, { recursive: true }));

/** Skipped where there is no clone; the object is the one of this name in the file. */
function withRecording(title, { clone, file }, name, body) {
  test(title, { skip: clone ? false : "no clone" }, async () => {
    bestowBinary();
    const source = execFileSync("git", ["-C", clone, "show", `HEAD:${file}`], { encoding: "utf8" });
    await body(objects(source)[name]);
  });
}

/** Takes the offer; whatever is recorded is for a key of then, and is not kept. */
async function receive(issuer, link, { signIn, more = [] } = {}) {
  const wallet = await createWallet("--ca", caFile, "--trust-anchor", caFile);
  try {
    const received = signIn
      ? await wallet.receiveSigningIn(link, signIn, "--trace", ...more)
      : await wallet.receive(link, "--trace", ...more);
    assert.notEqual(received.code, 0);
    assert.deepEqual(await wallet.list(), []);
    return received.stdout + received.stderr;
  } finally {
    await wallet.remove();
    issuer.stop();
  }
}

async function inspected(link) {
  const file = join(folder, "link.txt");
  await writeFile(file, link);
  const { code, stdout, stderr } = await run("inspect", "--json", file);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Offer, token and credential of the Pre-Authorized Code Flow, in the draft that the table says. */
for (const [title, name, { link, draft, request, ends }] of [
  // Its key is that of a website, which this machine is not.
  ["Mattr's", "matrrLaunchpadDraft11JwtVcJson", {
    link: "credentialOffer",
    draft: "11",
    request: { format: "jwt_vc_json", types: ["VerifiableCredential", "OpenBadgeCredential"] },
    ends: "bad_did",
  }],
  // `nbf` is another time than `issuanceDate` (VC data model 1.1, section 6.3.1).
  ["walt.id's", "waltIdDraft11JwtVcJson", {
    link: "credentialOfferPreAuth",
    draft: "11",
    request: { format: "jwt_vc_json", types: ["VerifiableCredential", "UniversityDegree"] },
    ends: "malformed_credential",
  }],
  ["Animo's", "animoOpenIdPlaygroundDraft11SdJwtVc", {
    link: "credentialOffer",
    draft: "11",
    request: { format: "vc+sd-jwt", vct: "AnimoOpenId4VcPlayground" },
    ends: "bound_to_other_key",
  }],
]) {
  withRecording(`${title} offer is of draft ${draft}, to the end`, CREDO, name, async (recorded) => {
    assert.equal((await inspected(recorded[link])).draft, draft);
    const metadata = recorded.getMetadataResponse;
    const issuer = await replay(authority, [metadata.credential_issuer], (moved) => ({
      "/.well-known/openid-credential-issuer": moved(metadata),
      [new URL(metadata.token_endpoint).pathname]: moved(recorded.acquireAccessTokenResponse),
      [new URL(metadata.credential_endpoint).pathname]: moved(recorded.credentialResponse),
    }));
    const told = await receive(issuer, issuer.moved(recorded[link]));
    assert.match(told, new RegExp(`speaks draft ${draft} of`));
    const sent = issuer.asked("/credential").map((body) => JSON.parse(body));
    assert.equal(sent.length, 1, told);
    const { proof, ...asked } = sent[0];
    assert.deepEqual(asked, request);
    assert.equal(proof.proof_type, "jwt");
    assert.equal(JSON.parse(told.split("\n")[0]).error.code, ends, told);
  });
}

withRecording("Paradym's offer is of draft 13, to the end", fixture("paradym"), "paradymDraft13",
  async (recorded) => {
    const { credentialIssuerMetadata: metadata, credentialOfferObject: offer } = recorded;
    const addresses = [recorded.credentialOfferUri, metadata.credential_issuer];
    const issuer = await replay(authority, addresses, (moved) => ({
      [new URL(recorded.credentialOfferUri).pathname]: moved(offer),
      [`/.well-known/openid-credential-issuer${new URL(metadata.credential_issuer).pathname}`]:
        moved(metadata),
      "/token": moved(recorded.accessTokenResponse),
      "/credential": moved(recorded.credentialResponse),
    }));
    const told = await receive(issuer, issuer.moved(recorded.credentialOffer));
    assert.match(told, /speaks draft 13 of/);
    const [request] = issuer.asked("/credential").map((body) => JSON.parse(body));
    assert.equal(request.format, "vc+sd-jwt", told);
    const [id] = offer.credential_configuration_ids;
    assert.equal(request.vct, metadata.credential_configurations_supported[id].vct);
  });

withRecording("Bundesdruckerei's offer is of draft 13, by a sign-in", fixture("bdr"), "bdrDraft13",
  async (recorded) => {
    const { credentialIssuerMetadata: metadata, authorizationServerMetadata: server } = recorded;
    const issuer = await replay(authority, [metadata.credential_issuer], (moved) => ({
      "/.well-known/openid-credential-issuer/c": moved(metadata),
      "/.well-known/oauth-authorization-server/c": moved(server),
      "/c/par": { status: 201, body: moved(recorded.pushedAuthorizationResponse) },
      "/c/token": moved(recorded.accessTokenResponse),
      "/c/credential": moved(recorded.credentialResponse),
    }));
    const signIn = async (address) => {
      const opened = new URL(address).searchParams;
      assert.equal(opened.get("request_uri"), recorded.pushedAuthorizationResponse.request_uri);
      const pushed = new URLSearchParams(issuer.asked("/c/par")[0]);
      const back = new URL(pushed.get("redirect_uri"));
      back.search = new URLSearchParams({ code: "a-code", state: pushed.get("state") });
      await fetch(back);
    };
    const told = await receive(issuer, issuer.moved(recorded.credentialOffer), { signIn });
    assert.match(told, /speaks draft 13 of/);
    const token = new URLSearchParams(issuer.asked("/c/token")[0]);
    assert.equal(token.get("code"), "a-code", told);
    const formats = issuer.asked("/c/credential").map((body) => JSON.parse(body).format);
    assert.ok(formats.includes("vc+sd-jwt") || formats.includes("mso_mdoc"), told);
  });

// The server wants to be shown a credential, which this wallet cannot do: a browser may; and nobody
// types a password for it.
withRecording("an issuer that asks for a presentation gets no password",
  fixture("presentationDuringIssuance"), "presentationDuringIssuance",
  async (recorded) => {
    const { credentialIssuerMetadata: metadata, authorizationServerMetadata: server } = recorded;
    const issuer = await replay(authority, [metadata.credential_issuer], (moved) => ({
      "/.well-known/openid-credential-issuer": moved(metadata),
      "/.well-known/oauth-authorization-server": moved(server),
      "/challenge": { status: 400, body: recorded.authorizationChallengeErrorResponse },
      "/par": { status: 400, body: { error: "invalid_request" } },
    }));
    const password = join(folder, "password");
    await writeFile(password, "a password\n");
    const more = ["--account", "ada", "--password-file", password];
    await receive(issuer, issuer.moved(recorded.credentialOffer), { more });
    assert.equal(issuer.asked("/challenge").length, 1);
    assert.equal(issuer.asked("/par").length, 1, "a browser is to go on");
    assert.ok(issuer.sent.every(({ body }) => !body.includes("password")));
  });

/** Metadata alone: an offer is made for them, and what the wallet asks for shows how they were read. */
for (const [title, source, name, { draft, id }] of [
  ["the metadata of eidas2sandkasse", metadataOf("eidas2sandkasse"),
    "eidas2sandkasseCredentialIssuerMetadataJson", { draft: null, id: "no.minid.mpid_sd_jwt_vc" }],
  ["the metadata of Findy", metadataOf("findy-provicis"), "findyProvicisCredentialIssuerMetadataJson", {
    draft: null,
    id: "https://alennusperuste.todiste.fi/credentials/v1/PensionCredential",
  }],
]) {
  withRecording(`${title} are of ${draft ?? "1.0"}`, source, name, async (recorded) => {
    const servers = recorded.authorization_servers ?? [];
    const { pathname } = new URL(recorded.credential_issuer);
    const path = pathname === "/" ? "" : pathname;
    const addresses = [recorded.credential_issuer, ...servers];
    const issuer = await replay(authority, addresses, (moved) => {
      const [server = moved(recorded.credential_issuer)] = moved(servers);
      return {
        [`/.well-known/openid-credential-issuer${path}`]: moved(recorded),
        "/.well-known/oauth-authorization-server": {
          issuer: server,
          token_endpoint: `${server}/token`,
          grant_types_supported: [GRANT],
          "pre-authorized_grant_anonymous_access_supported": true,
        },
        "/token": { access_token: "a", token_type: "Bearer", expires_in: 60 },
        "/nonce": { c_nonce: "n" },
        "/credential": { status: 400, body: { error: "unknown_credential_configuration" } },
      };
    });
    const offer = {
      credential_issuer: issuer.moved(recorded.credential_issuer),
      credential_configuration_ids: [id],
      grants: { [GRANT]: { "pre-authorized_code": "c" } },
    };
    const link = `openid-credential-offer://?credential_offer=${encodeURIComponent(JSON.stringify(offer))}`;
    const told = await receive(issuer, link);
    if (draft) assert.match(told, new RegExp(`speaks draft ${draft} of`));
    else assert.doesNotMatch(told, /speaks draft/);
    const [request] = issuer.asked("/credential").map((body) => JSON.parse(body));
    assert.equal(request?.credential_configuration_id, id, told);
  });
}

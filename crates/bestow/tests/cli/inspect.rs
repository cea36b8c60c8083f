//! `bestow inspect` and `bestow verify`, on what an issuer really makes.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::binding::Binding;
use formats::sd_jwt_vc::{IssuerKeyHeader, SdJwtVcClaims, issue};
use keys::algorithm::Algorithm;
use keys::jws;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::json;

use crate::world::{Outcome, TRUST, World, names, text};

const ANCHOR: [&str; 2] = ["--trust-anchor", "issuer/tls/ca.pem"];
const ONLINE: [&str; 3] = ["--ca", "issuer/tls/ca.pem", "--allow-private-addresses"];

/// A credential in a file of the world's folder.
fn received(world: &World, configuration_id: &str, file: &str) -> String {
    let offer = world.offer(&[configuration_id]);
    let outcome = world.receive(&text(&offer, "uri"), &["--json"]).exits(0).json();
    let id = text(&outcome["credentials"][0], "id");
    let raw = world.bestow(&["wallet", "show", &id, "--raw"]).exits(0).stdout;
    fs::write(world.path(file), raw).unwrap();
    text(&offer, "id")
}

fn verify(world: &World, file: &str, more: &[&str]) -> Outcome {
    world.bestow(&[&["verify", file, "--json"], more].concat())
}

/// What came of one check.
#[track_caller]
fn result(outcome: &Outcome, check: &str) -> String {
    let report = outcome.json();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|one| one["check"] == check);
    text(found.unwrap_or_else(|| panic!("{check}: {outcome}")), "result")
}

#[test]
fn each_format_is_recognised_decoded_and_verified() {
    let world = World::serving();
    for (configuration_id, kind, claim) in [
        ("student_card", "sd_jwt_vc", "given_name"),
        ("diploma", "jwt_vc_json", "credentialSubject"),
    ] {
        received(&world, configuration_id, kind);
        let inspected = world.bestow(&["inspect", kind, "--json"]).exits(0);
        assert_eq!(inspected.json()["kind"], kind);
        assert!(inspected.stdout.contains(claim), "{inspected}");
        let shown = world.bestow(&["inspect", kind]).exits(0);
        assert!(shown.stdout.contains(claim), "{shown}");

        // The one has a certificate, the key of the other is published.
        let (trusted, other) = match kind {
            "sd_jwt_vc" => ([&ANCHOR[..], &ONLINE].concat(), ONLINE.to_vec()),
            _ => (ONLINE.to_vec(), [&ANCHOR[..], &ONLINE].concat()),
        };
        let unknown = verify(&world, kind, &other).exits(6);
        assert_eq!(unknown.json()["verdict"], "issuer_not_verified");
        let verified = verify(&world, kind, &trusted).exits(0);
        assert_eq!(verified.json()["verdict"], "verified");
        assert!(text(&verified.json(), "issuer").starts_with("https://"), "{verified}");
        for check in ["form", "signature", "content", "validity", "issuer", "status"] {
            assert_eq!(result(&verified, check), "passed", "{check} of {kind}: {verified}");
        }
    }
}

/// VCDM 2.0 by JOSE and by Data Integrity: the issuer, or its website's did:web, publishes the key.
#[test]
fn credentials_of_the_w3c_are_verified_and_a_changed_word_is_found() {
    let mut world = World::new();
    for (format, name) in [("vc+jwt", "jwt"), ("vc+sd-jwt", "sd"), ("ldp_vc", "ldp")] {
        let degree = format!(
            "format = \"{format}\"\ntypes = [\"VerifiableCredential\", \"Degree\"]\n\
             validity_days = 30\nstatus = \"bitstring\"\n[[display]]\nname = \"Degree\"\n\
             locale = \"en\"\n[[claims]]\npath = [\"name\"]\ntype = \"string\"\n\
             disclosure = \"always\"\nexample = \"Ada\"\n"
        );
        fs::write(world.path(&format!("issuer/credentials/{name}.toml")), degree).unwrap();
    }
    world.serve();
    for (name, kind) in [("jwt", "vc_jwt"), ("sd", "vc_sd_jwt"), ("ldp", "w3c_credential")] {
        received(&world, name, name);
        assert_eq!(world.bestow(&["inspect", name, "--json"]).exits(0).json()["kind"], kind);
        let verified = verify(&world, name, &ONLINE).exits(0);
        for check in ["form", "signature", "content", "validity", "issuer"] {
            assert_eq!(result(&verified, check), "passed", "{check} of {kind}: {verified}");
        }
        assert_eq!(result(&verified, "status"), "passed", "in a Bitstring Status List");
        // Another name, under the same signature.
        let raw = fs::read_to_string(world.path(name)).unwrap();
        let changed = if name == "ldp" {
            raw.replace("Ada", "Eve")
        } else {
            let parts: Vec<&str> = raw.splitn(3, '.').collect();
            let claims = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
            let claims = String::from_utf8(claims).unwrap().replace("Ada", "Eve");
            format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(claims), parts[2])
        };
        assert_ne!(changed, raw);
        fs::write(world.path("changed"), changed).unwrap();
        let failed = verify(&world, "changed", &ONLINE).exits(6);
        assert_eq!(result(&failed, "signature"), "failed", "{failed}");
        // Nobody is asked, and nobody vouches.
        verify(&world, name, &["--offline"]).exits(6);
        // More authorities would not help; what the website publishes would.
        let beside = verify(&world, name, &[&ONLINE[..], &ANCHOR].concat()).exits(6).json();
        assert_eq!(beside["verdict"], "issuer_not_verified");
        let hint = text(&beside["error"], "hint");
        assert!(hint.starts_with("leave out --trust-anchor"), "{hint}");
    }
}

#[test]
fn what_is_not_vouched_for_is_not_verified() {
    let world = World::serving();
    received(&world, "student_card", "card");
    let outcome = verify(&world, "card", &["--offline"]).exits(6);
    assert_eq!(outcome.json()["verdict"], "issuer_not_verified");
    assert_eq!(result(&outcome, "signature"), "passed");
    assert_eq!(result(&outcome, "issuer"), "not_checked");
    assert!(text(&outcome.json()["error"], "hint").contains("--trust-anchor"));
    // By an authority, and by the issuer's own keys.
    let alone = ["--offline", "--without-status"];
    verify(&world, "card", &[&ANCHOR[..], &alone].concat()).exits(0);
    let inspected = world.bestow(&["inspect", "card", "--json"]).exits(0).json();
    let x5c = &inspected["header"]["x5c"];
    fs::write(world.path("keys.json"), json!({ "keys": [x5c[0]["key"]] }).to_string()).unwrap();
    verify(&world, "card", &[&alone[..], &["--issuer-keys", "keys.json"]].concat()).exits(0);
    // As the issuer publishes them, too.
    let published = json!({ "issuer": "https://x.example", "jwks": { "keys": [x5c[0]["key"]] } });
    fs::write(world.path("published.json"), published.to_string()).unwrap();
    verify(&world, "card", &[&alone[..], &["--issuer-keys", "published.json"]].concat()).exits(0);
    let elsewhere = json!({ "issuer": "https://x.example", "jwks_uri": "https://x.example/jwks" });
    fs::write(world.path("elsewhere.json"), elsewhere.to_string()).unwrap();
    let refused = verify(&world, "card", &["--issuer-keys", "elsewhere.json"]).exits(2);
    assert!(text(&refused.json()["error"], "hint").contains("`jwks`"), "{refused}");
    let outcome = verify(&world, "card", &["--offline", "--issuer-keys", "keys.json"]).exits(6);
    assert_eq!(outcome.json()["verdict"], "status_not_checked", "it may be revoked");
    let stranger = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    fs::write(world.path("keys.json"), stranger).unwrap();
    verify(&world, "card", &[&alone[..], &["--issuer-keys", "keys.json"]].concat()).exits(6);
}

/// What was cut off, or left out of a header, does not make a credential a thing without a status.
#[test]
fn a_credential_is_one_without_its_end_and_without_its_type() {
    let world = World::serving();
    received(&world, "student_card", "card");
    let raw = fs::read_to_string(world.path("card")).unwrap();
    let (jwt, _) = raw.split_once('~').unwrap();
    fs::write(world.path("cut"), jwt).unwrap();
    let outcome = verify(&world, "cut", &[&ANCHOR[..], &ONLINE].concat()).exits(6);
    assert_eq!(outcome.json()["kind"], "sd_jwt_vc");
    assert_eq!(result(&outcome, "form"), "failed");
    assert!(outcome.stdout.contains("ends in ~"), "{outcome}");
}

/// RFC 9449 §4.3: anybody can make a proof; that it is one is no reason to trust it.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_possession_is_good_for_whoever_asks_for_one() {
    let world = World::new();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let header = json!({ "typ": "dpop+jwt", "jwk": key.public_key().to_jwk() });
    let header = header.as_object().unwrap().clone();
    let proof = jws::sign(header, br#"{"jti":"1"}"#, &key).await.unwrap();
    fs::write(world.path("proof"), proof).unwrap();
    let outcome = verify(&world, "proof", &[]).exits(6);
    assert_eq!(outcome.json()["verdict"], "possession_only");
    let outcome = verify(&world, "proof", &["--proof"]).exits(0);
    assert_eq!(outcome.json()["verdict"], "possession_only");
    fs::write(world.path("keys.json"), r#"{"keys":[]}"#).unwrap();
    verify(&world, "proof", &["--issuer-keys", "keys.json"]).exits(6);
    verify(&world, "proof", &["--issuer-keys", "keys.json", "--proof"]).exits(2);
}

/// RFC 9901 §7.3: what is behind a good card is judged, too, also where nobody asked for it.
#[test]
fn a_forged_key_binding_fails() {
    let world = World::serving();
    received(&world, "student_card", "card");
    let raw = fs::read_to_string(world.path("card")).unwrap();
    // {"typ":"kb+jwt","alg":"ES256"} and {"nonce":"n"}
    let binding = "eyJ0eXAiOiJrYitqd3QiLCJhbGciOiJFUzI1NiJ9.eyJub25jZSI6Im4ifQ.AAAA";
    fs::write(world.path("presented"), format!("{}{binding}", raw.trim())).unwrap();
    let trusted = [&ANCHOR[..], &["--offline", "--without-status"]].concat();
    let outcome = verify(&world, "presented", &trusted).exits(6);
    assert_eq!(outcome.json()["verdict"], "failed");
    assert_eq!(result(&outcome, "signature"), "passed");
    assert_eq!(result(&outcome, "key_binding"), "failed");
    // Where one was asked for, one must be there; and it is asked for of an SD-JWT alone.
    verify(&world, "card", &trusted).exits(0);
    for asked in [["--nonce", "n"], ["--audience", "https://verifier.example"]] {
        let outcome = verify(&world, "card", &[&trusted[..], &asked].concat()).exits(6);
        assert_eq!(result(&outcome, "key_binding"), "failed");
        fs::write(world.path("keys.json"), r#"{"keys":[]}"#).unwrap();
        verify(&world, "keys.json", &asked).exits(2);
    }
}

/// A card, the published key of its issuer, and the private keys of holder and issuer.
async fn with_a_card_of_a_holder() -> World {
    let world = World::new();
    let [issuer, holder] = [(); 2].map(|()| SoftwareKey::generate(Algorithm::Es256).unwrap());
    let claims = json!({ "given_name": "Ada", "address": { "town": "Graz", "zip": "8010" } });
    let claims = SdJwtVcClaims {
        vct: "urn:example:card",
        vct_integrity: None,
        issuer: "https://issuer.example",
        claims: claims.as_object().unwrap().clone(),
        selective: vec![
            vec!["given_name".into()],
            vec!["address".into()],
            vec!["address".into(), "town".into()],
        ]
        .into(),
        decoys: 0,
        binding: Some(Binding::Jwk(holder.public_key().clone())),
        issued_at: Timestamp(0),
        not_before: None,
        expires_at: Timestamp(4_000_000_000),
        status: None,
    };
    let card = issue(claims, IssuerKeyHeader::Kid("1"), &issuer, &SystemRandom).await.unwrap();
    fs::write(world.path("card"), card).unwrap();
    let mut jwk = issuer.public_key().to_jwk();
    jwk.insert("kid".into(), "1".into());
    fs::write(world.path("keys.json"), json!({ "keys": [jwk] }).to_string()).unwrap();
    fs::write(world.path("holder.pem"), holder.to_pem()).unwrap();
    fs::write(world.path("issuer.pem"), issuer.to_pem()).unwrap();
    world
}

/// RFC 9901 §4.3: a holder shows a part with a key of its own; whoever asked finds that it was made for
/// this, and whoever did not is told what was not judged.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_holder_shows_is_verified_with_its_key_binding() {
    let world = with_a_card_of_a_holder().await;
    let listed = world.bestow(&["derive", "card", "--list"]).exits(0);
    assert_eq!(listed.stdout, "/address\n/address/town\n/given_name\n");
    let derive = ["derive", "card", "--pointer", "/address/town"];
    let asked = ["--nonce", "n-1", "--audience", "https://verifier.example"];
    let shown = [&derive[..], &asked, &["--key", "holder.pem"]].concat();
    let shown = world.bestow(&shown).exits(0);
    assert_eq!(shown.stderr, "left out: /given_name\n");
    fs::write(world.path("shown"), &shown.stdout).unwrap();

    let keys = ["--issuer-keys", "keys.json", "--offline"];
    let judged = verify(&world, "shown", &[&keys[..], &asked].concat()).exits(0);
    for check in ["signature", "key_binding", "freshness", "audience", "nonce"] {
        assert_eq!(result(&judged, check), "passed", "{check}: {judged}");
    }
    let looked_at = verify(&world, "shown", &keys).exits(0);
    assert_eq!(result(&looked_at, "key_binding"), "passed");
    for check in ["freshness", "audience", "nonce"] {
        assert_eq!(result(&looked_at, check), "not_checked", "{check}: {looked_at}");
    }
    for (name, value) in [("nonce", "n-2"), ("audience", "https://other.example")] {
        let option = format!("--{name}");
        let other = [&keys[..], &[option.as_str(), value]].concat();
        assert_eq!(result(&verify(&world, "shown", &other).exits(6), name), "failed");
    }
    let later = [&keys[..], &asked, &["--at", "2090-01-01"]].concat();
    assert_eq!(result(&verify(&world, "shown", &later).exits(6), "freshness"), "failed");
    let earlier = [&keys[..], &["--at", "2020-01-01"]].concat();
    assert_eq!(result(&verify(&world, "shown", &earlier).exits(6), "freshness"), "failed");
    // With less in front of it, it was made for something else.
    let (jwt, rest) = shown.stdout.split_once('~').unwrap();
    let (_, key_binding) = rest.rsplit_once('~').unwrap();
    fs::write(world.path("less"), format!("{jwt}~{key_binding}")).unwrap();
    let less = verify(&world, "less", &[&keys[..], &asked].concat()).exits(6);
    assert_eq!(result(&less, "key_binding"), "failed");
    // The key of somebody else, a part of what is needed, and a claim that is not there.
    let wrong = [&derive[..], &asked, &["--key", "issuer.pem", "--json"]].concat();
    let refused = world.bestow(&wrong).exits(2).json();
    assert_eq!(refused["error"]["code"], "wrong_key");
    assert!(text(&refused["error"], "hint").contains("bestow inspect"), "{refused}");
    world.bestow(&[&derive[..], &["--nonce", "n"]].concat()).exits(2);
    world.bestow(&[&derive[..], &["--key", "holder.pem"]].concat()).exits(2);
    let nowhere = ["derive", "card", "--pointer", "/nowhere", "--json"];
    assert_eq!(world.bestow(&nowhere).exits(2).json()["error"]["code"], "bad_pointer");
}

#[test]
fn a_changed_credential_and_one_whose_time_is_over_fail() {
    let world = World::serving();
    received(&world, "student_card", "card");
    let raw = fs::read_to_string(world.path("card")).unwrap();
    let (jwt, disclosures) = raw.trim().split_once('~').unwrap();
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{other}{}~{disclosures}", &signature[1..]);
    let offline = [&ANCHOR[..], &["--offline"]].concat();
    fs::write(world.path("forged"), forged).unwrap();
    let outcome = verify(&world, "forged", &offline).exits(6);
    assert_eq!(result(&outcome, "signature"), "failed");
    // A disclosure that nobody signed for.
    fs::write(world.path("surplus"), format!("{}WyJzYWx0IiwgIm5hbWUiLCAiRXZhIl0~", raw.trim()))
        .unwrap();
    let outcome = verify(&world, "surplus", &offline).exits(6);
    assert_eq!(result(&outcome, "signature"), "passed");
    assert_eq!(result(&outcome, "content"), "failed");
    let outcome = verify(&world, "card", &[&offline[..], &["--at", "2099-01-01"]].concat());
    assert_eq!(outcome.code, Some(6), "{outcome}");
}

/// TSL §8.3
#[test]
fn a_revoked_credential_fails_and_one_whose_list_nobody_serves_is_4() {
    let world = World::serving();
    let offer = received(&world, "student_card", "card");
    world.bestow(&["issuer", "revoke", &offer]).exits(0);
    let online = [&ANCHOR[..], &ONLINE].concat();
    let mut outcome = verify(&world, "card", &online);
    for _ in 0..100 {
        if outcome.code != Some(0) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        outcome = verify(&world, "card", &online);
    }
    let outcome = outcome.exits(6);
    assert_eq!(result(&outcome, "status"), "failed");
    assert!(outcome.stdout.contains("revoked"), "{outcome}");
    // The wallet learns it when it asks.
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed["credentials"][0]["status"]["value"], "unknown");
    let refreshed = world.bestow(&[&["wallet", "refresh", "--json"], TRUST].concat()).exits(0);
    assert_eq!(refreshed.json()["credentials"][0]["status"]["value"], "revoked", "{refreshed}");
    let listed = world.bestow(&["wallet", "list"]).exits(0);
    assert!(listed.stdout.contains("revoked, checked 20"), "{listed}");
    // Private addresses are not asked unless that is wanted: a credential may name any.
    let outcome = verify(&world, "card", &[&ANCHOR[..], &["--ca", "issuer/tls/ca.pem"]].concat());
    let outcome = outcome.exits(4);
    assert_eq!(outcome.json()["verdict"], "unanswered");
    assert_eq!(result(&outcome, "status"), "not_checked");
}

#[test]
fn the_codes_of_an_offer_and_private_keys_are_not_shown() {
    let world = World::new();
    let code = "a-code-that-opens-a-door";
    let offer = json!({
        "credential_issuer": "https://issuer.example",
        "credential_configuration_ids": ["card"],
        "grants": {
            "urn:ietf:params:oauth:grant-type:pre-authorized_code": { "pre-authorized_code": code },
        },
    });
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA", "d": code });
    for (thing, kind) in [(offer, "credential_offer"), (key, "jwk")] {
        let input = thing.to_string();
        for more in [&[][..], &["--json"]] {
            let arguments = [&["inspect", "-"], more].concat();
            let outcome = world.bestow_reading(&arguments, input.as_bytes()).exits(0);
            assert!(!outcome.stdout.contains(code), "{outcome}");
        }
        let outcome = world.bestow_reading(&["inspect", "-", "--json"], input.as_bytes());
        assert_eq!(outcome.json()["kind"], kind);
    }
}

/// Of what nobody signs, the rules of whoever would read it are checked; that is no signature.
#[test]
fn what_nobody_signed_is_told_apart_from_what_fails() {
    let world = World::serving();
    let link = world.link(&["student_card"]);
    let judge = |input: &str| {
        world.bestow_reading(&["verify", "-", "--json", "--offline"], input.as_bytes()).exits(6)
    };
    let certificate = fs::read_to_string(world.path("issuer/tls/ca.pem")).unwrap();
    for (input, kind, verdict) in [
        (&*link, "credential_offer", "not_signed"),
        (
            r#"{"credential_issuer":"a","credential_configuration_ids":["b"]}"#,
            "credential_offer",
            "failed",
        ),
        (r#"{"credential_issuer":"https://a.example"}"#, "issuer_metadata", "failed"),
        (
            r#"{"issuer":"https://a.example","token_endpoint":"https://a.example/t"}"#,
            "server_metadata",
            "not_signed",
        ),
        (
            r#"{"issuer":"https://a.example","jwks":{"keys":[]}}"#,
            "jwt_vc_issuer_metadata",
            "not_signed",
        ),
        (r#"{"vct":"https://a.example/card","name":"Card"}"#, "type_metadata", "not_signed"),
        (r#"{"id":"did:web:a.example","authentication":[]}"#, "did_document", "not_signed"),
        (&*certificate, "certificates", "issuer_not_verified"),
    ] {
        let outcome = judge(input);
        assert_eq!(outcome.json()["kind"], kind, "{outcome}");
        assert_eq!(outcome.json()["verdict"], verdict, "{outcome}");
    }
    let told = world.bestow_reading(&["verify", "-"], link.as_bytes()).exits(6);
    assert!(told.stderr.contains("anybody can have written it"), "{told}");
    for nothing in [r#"{"keys":[]}"#, "[1]", "eyJhbGciOiJkaXIifQ...."] {
        let outcome = world.bestow_reading(&["verify", "-", "--json"], nothing.as_bytes()).exits(2);
        assert_eq!(outcome.json()["error"]["code"], "not_verifiable", "{outcome}");
        assert!(outcome.stdout.contains("nothing to verify"), "{outcome}");
    }
}

/// Catalogue N04
#[test]
fn what_could_steer_a_terminal_is_spelled_out() {
    let world = World::new();
    let hostile = json!({ "a\u{1b}[2J": "b\u{202e}c\u{7}\u{9b}31m\nerror: x" }).to_string();
    let outcome = world.bestow_reading(&["inspect", "-"], hostile.as_bytes()).exits(0);
    assert!(
        outcome.stdout.contains(r"a\u{1b}[2J: b\u{202e}c\u{7}\u{9b}31m\u{a}error: x"),
        "{outcome}"
    );
    let is_steering = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!outcome.stdout.contains(is_steering), "{outcome}");
}

#[test]
fn what_is_nothing_is_a_mistake_of_whoever_gave_it() {
    let world = World::new();
    for input in [&b""[..], b"   ", b"hello", b"\xff\xfe\x00", b"{\"a\":1,\"a\":2}", b"e30.e30"] {
        for command in ["inspect", "verify"] {
            let outcome = world.bestow_reading(&[command, "-", "--json"], input).exits(2);
            assert_eq!(text(&outcome.json()["error"], "code"), "not_recognised", "{outcome}");
        }
    }
    let outcome = world.bestow(&["inspect", "nowhere", "--json"]).exits(2);
    assert_eq!(names(&outcome.json()), ["error"]);
    let unsigned = world.bestow_reading(&["verify", "-", "--json"], b"{\"keys\":[]}").exits(2);
    assert_eq!(text(&unsigned.json()["error"], "code"), "not_verifiable");
}

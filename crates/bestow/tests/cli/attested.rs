//! A wallet whose keys are attested by a program of its owner (VCI §D): by commands alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keys::algorithm::Algorithm;
use keys::outside::{Clock as _, SystemClock};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::NewKeyAttestation;
use serde_json::{Value, json};

use crate::world::{World, text};

/// An issuer of cards for keys that a maker attests, whose key is `maker.key`.
fn world() -> World {
    let mut world = World::new();
    let maker = SoftwareKey::generate(Algorithm::Es256).unwrap();
    fs::write(world.path("maker.key"), &*maker.to_pkcs8()).unwrap();
    let jwk = Value::Object(maker.public_key().to_jwk());
    let set = json!({ "keys": [jwk] }).to_string();
    fs::write(world.path("issuer/credentials/makers.json"), set).unwrap();
    let card = world.path("issuer/credentials/student_card.toml");
    let written = fs::read_to_string(&card).unwrap();
    let written = written
        .replace(
            "#key_attestation_trust_anchors = [\"makers.pem\"]",
            "key_attestation_trust_anchors = [\"makers.json\"]",
        )
        .replace("#key_attestations_required", "key_attestations_required")
        .replace("tx_code = true", "tx_code = false")
        .replace("letter = true", "letter = false");
    assert!(written.contains("\nkey_attestations_required"), "{written}");
    fs::write(card, written).unwrap();
    world.serve();
    world
}

fn program(world: &World, name: &str, script: &str) -> String {
    let path = world.path(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

/// What the program of the next test runs: it attests what `request.json` asks for.
#[test]
#[ignore = "is a part of the program that another test hands to the wallet"]
fn attests_what_is_asked_for() {
    let request: Value = serde_json::from_slice(&fs::read("request.json").unwrap()).unwrap();
    let maker = SoftwareKey::from_pkcs8(&fs::read("maker.key").unwrap()).unwrap();
    let keys = request["attested_keys"].as_array().unwrap();
    let keys: Vec<PublicKey> = keys.iter().map(|jwk| PublicKey::from_jwk(jwk).unwrap()).collect();
    let now = SystemClock.now();
    let attestation = NewKeyAttestation {
        keys: &keys,
        key_storage: &[request["key_storage"][0].as_str().unwrap()],
        user_authentication: &[],
        nonce: request["nonce"].as_str(),
        now,
        expires_at: now.plus(60),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let jwt = runtime.block_on(attestation.sign(&maker, None)).unwrap();
    fs::write("attestation.jwt", jwt).unwrap();
}

#[test]
fn a_program_attests_the_keys_of_the_wallet() {
    let world = world();
    let link = world.link(&["student_card"]);
    let refused = world.receive(&link, &["--json"]).exits(2).json();
    assert_eq!(refused["error"]["code"], "key_attestation_needed");
    assert!(text(&refused["error"], "hint").contains("--key-attestation-command"));

    let own = std::env::current_exe().unwrap();
    let script = format!(
        "cat > request.json\n'{}' --exact attested::attests_what_is_asked_for --ignored >&2\n\
         cat attestation.jwt",
        own.display()
    );
    let program = program(&world, "attest", &script);
    let with = ["--json", "--batch", "2", "--key-attestation-command", &program];
    let received = world.receive(&link, &with).exits(0).json();
    assert_eq!(received["credentials"][0]["copies"], 2);
    let request: Value =
        serde_json::from_slice(&fs::read(world.path("request.json")).unwrap()).unwrap();
    assert_eq!(request["credential_issuer"], world.issuer());
    assert_eq!(request["attested_keys"].as_array().unwrap().len(), 2);
    assert!(request["attested_keys"][0].get("d").is_none(), "a private key stays at home");
    assert_eq!(request["key_storage"], json!(["iso_18045_high"]));
    assert_eq!(request["exp_required"], true);
    assert_eq!(request["algorithms"], json!(["ES256", "EdDSA"]));
    assert!(text(&request, "nonce").len() > 20);
}

#[test]
fn a_program_that_attests_nothing_is_named() {
    let world = world();
    for (script, code, said) in [
        ("cat > /dev/null; exit 3", "no_attestation", "attests no key: it ended with"),
        ("cat > /dev/null; echo no-jwt", "bad_key_attestation", "not a readable JWT"),
    ] {
        let program = program(&world, "attest", script);
        let link = world.link(&["student_card"]);
        let with = ["--json", "--key-attestation-command", &program];
        let outcome = world.receive(&link, &with).exits(1);
        assert_eq!(outcome.json()["error"]["code"], code, "{outcome}");
        let everything = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(everything.contains(said), "{outcome}");
    }
    let link = world.link(&["student_card"]);
    let with = ["--json", "--key-attestation-command", "./nowhere"];
    let outcome = world.receive(&link, &with).exits(1);
    assert!(outcome.stderr.contains("./nowhere attests no key"), "{outcome}");
}

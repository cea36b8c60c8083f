//! Messages of JOSE that broke other implementations: the vectors of Project Wycheproof. No package has
//! them, and they are not ours to keep: they are read out of a clone of
//! <https://github.com/C2SP/wycheproof>, where there is one:
//!
//! `BESTOW_WYCHEPROOF_CLONE=PATH cargo test -p bestow-keys --test wycheproof_jose -- --ignored`

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::env;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::jwe::{DecryptionKey, Jwe};
use keys::jws::Jws;
use keys::public_key::PublicKey;
use serde_json::Value;

const BYTES_MAX: usize = 64 * 1024;
const FILES: [&str; 4] =
    ["json_web_signature", "json_web_encryption", "json_web_key", "json_web_crypto"];

const OURS: [&str; 10] = [
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "EdDSA",
    "RS256",
    "PS256",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A256KW",
];

/// Each invalid message is refused. Each valid one is taken where its algorithm is ours, and refused
/// where it is none.
#[test]
#[ignore = "its vectors are read from a clone of C2SP/wycheproof: BESTOW_WYCHEPROOF_CLONE"]
fn messages_of_jose() {
    let clone = env::var("BESTOW_WYCHEPROOF_CLONE").unwrap();
    let (mut taken, mut refused, mut faults) = (0, 0, Vec::new());
    for file in FILES {
        let place = format!("dac1dd4:testvectors_v1/{file}_test.json");
        let output = Command::new("git").args(["-C", &clone, "show", &place]).output().unwrap();
        let vectors: Value = serde_json::from_slice(&output.stdout).unwrap();
        for group in vectors["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                let is_taken = is_taken(group, test);
                // The key of two says that it is for "ES521", which is none.
                let is_key_ours = group["private"]["alg"] != "ES521";
                let is_wanted = test["result"] == "valid" && is_key_ours && is_ours(test);
                if is_taken != is_wanted {
                    faults.push(format!("{file} {}: {}", test["tcId"], test["comment"]));
                }
                if is_taken { taken += 1 } else { refused += 1 }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!((taken, refused), (43, 606));
}

fn text<'v>(test: &'v Value, name: &str) -> Option<&'v str> {
    test[name].as_str()
}

/// Not what holds a character that base64url does not have, which lenient readers pass over.
fn is_ours(test: &Value) -> bool {
    let Some(message) = text(test, "jws").or_else(|| text(test, "jwe")) else { return false };
    let Ok(header) = BASE64_URL_SAFE_NO_PAD.decode(message.split('.').next().unwrap()) else {
        return false;
    };
    let header: Value = serde_json::from_slice(&header).unwrap();
    OURS.contains(&header.get("alg").and_then(Value::as_str).unwrap())
}

fn is_taken(group: &Value, test: &Value) -> bool {
    let key = if group["public"].is_object() { &group["public"] } else { &group["private"] };
    if let Some(message) = text(test, "jws") {
        let keys = key["keys"].as_array().map_or_else(|| vec![key], |keys| keys.iter().collect());
        return keys.into_iter().any(|key| verifies(message, key));
    }
    let key = DecryptionKey::from_jwk(&group["private"].to_string());
    let Some(message) = text(test, "jwe") else { return false }; // in JSON, not in compact form
    let opened = key.ok().and_then(|key| {
        Jwe::parse(message, BYTES_MAX).and_then(|jwe| jwe.decrypt(&key, BYTES_MAX)).ok()
    });
    if let (Some(found), Some(wanted)) = (&opened, text(test, "pt")) {
        let found = found.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(found, wanted, "{test}");
    }
    opened.is_some()
}

fn verifies(message: &str, key: &Value) -> bool {
    let public = PublicKey::from_jwk_or_rsa(key);
    let jws = Jws::parse_with_rsa(message, BYTES_MAX);
    public.is_ok_and(|key| jws.is_ok_and(|jws| jws.verify(&key).is_ok()))
}

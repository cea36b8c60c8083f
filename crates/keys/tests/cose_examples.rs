//! `COSE_Sign1` as others made it (RFC 9052 §4.2): the examples of the working group, which the npm
//! package `cose-js` carries, in its folder `test/Examples`. `cargo xtask vectors` fetches it, and runs
//! this.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::cose::Sign1;
use keys::public_key::PublicKey;
use serde_json::{Map, Value};

const FOLDERS: [&str; 4] = ["sign1-tests", "ecdsa-examples", "eddsa-examples", "RFC8152"];

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// The public half; some members are written as hexadecimal digits.
fn public(jwk: &Value) -> Value {
    let mut public = Map::new();
    for (name, value) in jwk.as_object().unwrap() {
        match name.as_str() {
            "kty" | "crv" | "x" | "y" => drop(public.insert(name.clone(), value.clone())),
            "x_hex" | "y_hex" => {
                let text = BASE64_URL_SAFE_NO_PAD.encode(bytes(value.as_str().unwrap()));
                public.insert(name.trim_end_matches("_hex").to_owned(), text.into());
            }
            _ => {}
        }
    }
    public.into()
}

/// What is good by the examples and not by us, and why.
const REFUSED: [(&str, &str); 4] = [
    ("sign1-tests/sign-pass-01.json", "its algorithm is not signed"),
    ("sign1-tests/sign-pass-02.json", "it is on bytes beside it, too"),
    ("ecdsa-examples/ecdsa-sig-04.json", "ES512 is of P-521 alone (RFC 7518 §3.4)"),
    ("eddsa-examples/eddsa-sig-02.json", "of Ed448"),
];

fn verify(input: &Map<String, Value>, message: &[u8]) -> Option<Sign1> {
    let key = PublicKey::from_jwk(&public(&input["key"])).ok()?;
    let is_tagged = message.first().is_some_and(|first| first >> 5 == 6);
    let read = if is_tagged { Sign1::parse } else { Sign1::parse_untagged };
    read(message, 10_000).ok().filter(|read| read.verify(&key).is_ok())
}

/// Those that are one signature over a payload inside: good ones verify, bad ones do not.
#[test]
#[ignore = "they are those of the npm package cose-js: `cargo xtask vectors`"]
fn signatures_of_a_package_verify_as_they_are_alone() {
    let examples = Path::new(&env::var("BESTOW_COSE_JS").unwrap()).join("test").join("Examples");
    let (mut good, mut bad, mut refused) = (0, 0, 0);
    for folder in FOLDERS {
        for file in fs::read_dir(examples.join(folder)).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(&examples).unwrap().to_str().unwrap();
            let case: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let Some(input) = case["input"]["sign0"].as_object() else { continue };
            let read = verify(input, &bytes(case["output"]["cbor"].as_str().unwrap()));
            let is_refused = REFUSED.iter().any(|(refused, _)| *refused == name);
            let is_good = case["fail"] != true && !is_refused;
            assert_eq!(read.is_some(), is_good, "{name}");
            if let Some(read) = read {
                assert_eq!(read.payload(), case["input"]["plaintext"].as_str().unwrap().as_bytes());
            }
            let count = if is_good {
                &mut good
            } else if is_refused {
                &mut refused
            } else {
                &mut bad
            };
            *count += 1;
        }
    }
    assert_eq!((good, bad, refused), (6, 6, 4));
}

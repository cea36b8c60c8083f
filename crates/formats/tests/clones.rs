//! Vectors that are not ours to keep, read out of clones of where they were published:
//!
//! `BESTOW_VC_DI_ECDSA_CLONE=PATH BESTOW_BITSTRING_CLONE=PATH \
//! cargo test -p bestow-formats --test clones -- --ignored`

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::env;
use std::process::Command;

use formats::FormatError;
use formats::data_integrity::sd::derive;
use formats::data_integrity::{Contexts, Proof};
use formats::status_list::bitstring::Bitstring;
use keys::did;
use serde_json::{Map, Value, json};

/// A file as it was at a commit.
fn show(clone: &str, commit: &str, path: &str) -> String {
    let clone = env::var(clone).unwrap();
    let asked = ["-C", &clone, "show", &format!("{commit}:{path}")];
    let output = Command::new("git").args(asked).output().unwrap();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn verify(document: &Map<String, Value>, contexts: &Contexts) -> Result<(), FormatError> {
    let mut document = document.clone();
    let proof = document.remove("proof").unwrap();
    let proof = Proof::parse(proof.as_object().unwrap())?;
    let key = did::resolve(proof.verification_method()).unwrap();
    proof.verify(document, &key, contexts)
}

/// vc-di-ecdsa, `employ` and `prc`: the issuer's proof and the holder's verify, and what the W3C disclosed
/// is, to the byte, what we disclose. The context is that of <https://w3id.org/citizenship/v4rc1>.
#[test]
#[ignore = "its vectors are read from a clone of w3c/vc-di-ecdsa: BESTOW_VC_DI_ECDSA_CLONE"]
fn ecdsa_sd_2023() {
    let published: Value =
        serde_json::from_str(include_str!("vectors/data-integrity.json")).unwrap();
    let url = "https://w3id.org/citizenship/v4rc1";
    let contexts = Contexts::default().with(url, &published["contexts"][url].to_string());
    for (name, pointers) in [("employ", "employSelective"), ("prc", "prCredSelective")] {
        let read = |path: &str| -> Value {
            let path = format!("TestVectors/{path}.json");
            let text = show("BESTOW_VC_DI_ECDSA_CLONE", "00781de", &path);
            serde_json::from_str(&text).unwrap()
        };
        let object = |file: &str| {
            let read = read(&format!("ecdsa-sd-2023/{name}/{file}"));
            read.as_object().unwrap().clone()
        };
        let (base, derived) = (object("addSignedSDBase"), object("derivedRevealDocument"));
        assert_eq!(verify(&base, &contexts), Ok(()), "{name}");
        assert_eq!(verify(&derived, &contexts), Ok(()), "{name}");
        let selective: Vec<String> = serde_json::from_value(read(pointers)).unwrap();
        assert_eq!(derive(&base, &selective, &contexts).unwrap(), derived, "{name}");
        for secured in [base, derived] {
            for (place, value) in [
                ("/issuer/image", json!("urn:other")),
                ("/validUntil", json!("2099-01-01T00:00:00Z")),
                ("/credentialSubject/birthCountry", json!("Utopia")),
                ("/proof/created", json!("2099-01-01T00:00:00Z")),
                ("/proof/domain", json!("example.org")),
            ] {
                let mut changed = Value::Object(secured.clone());
                let (parent, member) = place.rsplit_once('/').unwrap();
                changed.pointer_mut(parent).unwrap()[member] = value;
                let changed = changed.as_object().unwrap();
                assert!(verify(changed, &contexts).is_err(), "{name}: {place}");
            }
        }
    }
}

/// Bitstring Status List §3.4: lists of another library; the first bit is the leftmost.
#[test]
#[ignore = "its lists are read from a clone of digitalbazaar/vc-bitstring-status-list: BESTOW_BITSTRING_CLONE"]
fn bitstring_status_lists() {
    let tests = show("BESTOW_BITSTRING_CLONE", "2541d39", "tests/10-BitstringStatusList.spec.js");
    let lists: Vec<&str> =
        tests.split(['\'', '"', '`']).filter(|text| text.starts_with("uH4s")).collect();
    let mut set = Vec::new();
    for list in &lists {
        let bits = Bitstring::decode(list, false).unwrap();
        assert_eq!(bits.entries(1), 100_000);
        set.extend((0..100_000).filter(|index| bits.value(*index, 1) == Some(1)));
        assert_eq!(Bitstring::decode(&list[1..], true), Ok(bits), "the draft has no prefix");
    }
    assert_eq!((lists.len(), set), (2, vec![50_000]));
}

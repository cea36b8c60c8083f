//! Credentials in the tests of published crates, which `cargo xtask vectors` fetches: nothing of them is
//! kept here.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use std::{env, fs};

use formats::data_integrity::sd::derive;
use formats::data_integrity::{Contexts, Proof};
use formats::sd_jwt::process;
use formats::status_list::bitstring::Bitstring;
use formats::{FormatError, parse};
use keys::did;
use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use serde_json::{Map, Value};

fn read(package: &str, path: &str) -> String {
    fs::read_to_string(Path::new(&env::var(package).unwrap()).join(path)).unwrap()
}

fn json(package: &str, path: &str) -> Value {
    serde_json::from_str(&read(package, path)).unwrap()
}

/// With the context of the W3C's examples.
fn contexts() -> Contexts {
    let ours: Value = serde_json::from_str(include_str!("vectors/data-integrity.json")).unwrap();
    let url = "https://www.w3.org/ns/credentials/examples/v2";
    Contexts::default().with(url, &ours["contexts"][url].to_string())
}

fn verify(document: &Map<String, Value>, case: &Value) -> Result<(), FormatError> {
    let mut document = document.clone();
    let proof = document.remove("proof").unwrap();
    let proof = Proof::parse(proof.as_object().unwrap())?;
    let methods = &case["verificationMethods"];
    let key = methods[proof.verification_method()]["publicKeyMultibase"].as_str().unwrap();
    let key = did::resolve(&format!("did:key:{key}#{key}")).unwrap();
    proof.verify(document, &key, &contexts())
}

/// VC Data Integrity §4.4: what `ssi` signed, what it disclosed, and the examples of the specification
/// of `ecdsa-rdfc-2019` and `ecdsa-sd-2023`; changed, none of them verifies.
#[test]
#[ignore = "they are those of the crate ssi-data-integrity: `cargo xtask vectors`"]
fn documents_of_a_package_verify_as_they_are_alone() {
    let mut counts = [0; 2];
    for name in [
        "ecdsa_rdfc_2019/p256_signature",
        "ecdsa_rdfc_2019/p256_verification",
        "ecdsa_rdfc_2019/p384_signature",
        "ecdsa_rdfc_2019/p384_verification",
        "ecdsa_sd_2023/signature",
        "ecdsa_sd_2023/selection",
        "ecdsa_sd_2023/verification",
        "ecdsa_sd_2023/verification_2",
        "ecdsa_sd_2023/verification_3",
    ] {
        let case = json("BESTOW_SSI_DATA_INTEGRITY", &format!("tests/{name}.json"));
        let input = case["input"].as_object().unwrap();
        let signed = [Some(input), case["expectedOutput"].as_object()];
        let signed = signed.into_iter().flatten().filter(|document| document.contains_key("proof"));
        for document in signed {
            assert_eq!(verify(document, &case), Ok(()), "{name}");
            counts[0] += 1;
            for (pointer, value) in [
                ("/issuer", "https://other.example"),
                ("/validUntil", "2099-01-01T00:00:00Z"),
                ("/proof/created", "2099-01-01T00:00:00Z"),
                ("/proof/domain", "other.example"),
            ] {
                let mut changed = Value::Object(document.clone());
                let (parent, member) = pointer.rsplit_once('/').unwrap();
                changed.pointer_mut(parent).unwrap()[member] = value.into();
                assert!(verify(changed.as_object().unwrap(), &case).is_err(), "{name} {pointer}");
            }
        }
        if case["type"] == "SelectionTest" {
            let pointers = case["options"]["selectivePointers"].clone();
            let pointers: Vec<String> = serde_json::from_value(pointers).unwrap();
            let derived = derive(input, &pointers, &contexts()).unwrap();
            assert_eq!(Some(&derived), case["expectedOutput"].as_object(), "to the byte");
            counts[1] += 1;
        }
    }
    assert_eq!(counts, [10, 1]);
}

/// VCI §A.1.1: a credential of version 1.1 as a JWT by RSASSA-PSS, and none of its bytes another one.
#[test]
#[ignore = "it is one of the crate ssi: `cargo xtask vectors`"]
fn the_jwt_of_a_package_verifies() {
    let raw = read("BESTOW_SSI", "examples/files/vc.jwt").trim().to_owned();
    let issuer = json("BESTOW_SSI", "tests/did-example-foo.json");
    let mut jwk = issuer["verificationMethod"][0]["publicKeyJwk"].clone();
    jwk["alg"] = "PS256".into();
    let key = PublicKey::from_jwk_or_rsa(&jwk).unwrap();
    let verify =
        |raw: &str| parse("jwt_vc_json", &raw.into())?.verify(&key, Timestamp(1_800_000_000));
    let verified = verify(&raw).unwrap();
    assert_eq!(verified.issuer.as_deref(), Some("did:example:foo"));
    assert_eq!(verified.not_before, Some(Timestamp(1_627_921_070)));
    for place in 0..raw.len() {
        let mut changed = raw.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        assert!(verify(&String::from_utf8(changed).unwrap()).is_err(), "byte {place}");
    }
}

/// RFC 9901 §7.1, on the examples of its Appendices A.1 and A.2, under the key of A.5: whole, and with
/// nothing that the holder may leave out.
#[test]
#[ignore = "they are in a test of the crate ssi-sd-jwt: `cargo xtask vectors`"]
fn sd_jwts_of_a_package_are_read() {
    let source = read("BESTOW_SSI_SD_JWT", "tests/rfc_examples.rs");
    let (first, second) = source.split_once("async fn rfc_a_2").unwrap();
    let rfc: Value = serde_json::from_str(include_str!("vectors/rfc-9901.json")).unwrap();
    let key = PublicKey::from_jwk(&rfc["issuer"]).unwrap();
    for (source, count, pointer, wanted) in [
        (first, 10, "/address/region", "\u{6e2f}\u{533a}"),
        (second, 16, "/verified_claims/verification/evidence/0/document/number", "53554554"),
    ] {
        let strings =
            |begin: &'static str| source.split('"').filter(move |text| text.starts_with(begin));
        let jwt = strings("eyJ").next().unwrap();
        let disclosures: Vec<&str> = strings("Wy").collect();
        assert_eq!(disclosures.len(), count);
        let jws = Jws::parse(jwt, jwt.len()).unwrap();
        jws.verify(&key).unwrap();
        let claims = Value::from(process(jws.claims().unwrap(), &disclosures).unwrap());
        assert_eq!(claims.pointer(pointer).unwrap(), wanted);
        assert!(!claims.to_string().contains("_sd"));
        let bare = process(jws.claims().unwrap(), &[]).unwrap();
        assert_eq!(Value::from(bare).pointer(pointer), None);
        for left_out in 0..count {
            let mut fewer = disclosures.clone();
            fewer.remove(left_out);
            // One that stands inside of another is referred to by nothing without that.
            let shown = process(jws.claims().unwrap(), &fewer);
            assert_ne!(shown.map(Value::from), Ok(claims.clone()), "{left_out}");
        }
    }
}

/// Bitstring Status List §3.4: the lists of another library, two of them of this form, one of the draft
/// before it.
#[test]
#[ignore = "they are those of the crates ssi-status and ssi: `cargo xtask vectors`"]
fn lists_of_a_package_say_what_they_say() {
    let examples = "examples/files";
    for (package, path, is_draft, set) in [
        ("BESTOW_SSI_STATUS", format!("{examples}/status-list-credential.jsonld"), false, &[][..]),
        (
            "BESTOW_SSI_STATUS",
            format!("{examples}/local-status-list-credential.jsonld"),
            false,
            &[3][..],
        ),
        ("BESTOW_SSI", "tests/statusList.json".to_owned(), true, &[6][..]),
    ] {
        let list = json(package, &path)["credentialSubject"]["encodedList"].clone();
        let list = list.as_str().unwrap();
        let bits = Bitstring::decode(list, is_draft).unwrap();
        let entries = bits.entries(1);
        let found: Vec<u64> =
            (0..entries).filter(|index| bits.value(*index, 1) == Some(1)).collect();
        assert_eq!((entries, &found[..]), (131_072, set), "{path}");
    }
}

//! Vectors that are not ours to keep, read out of clones of where they were published:
//!
//! `BESTOW_VC_DI_ECDSA_CLONE=PATH BESTOW_VC_DI_ECDSA_SUITE_CLONE=PATH BESTOW_BITSTRING_CLONE=PATH \
//! BESTOW_EUDI_SD_JWT_CLONE=PATH BESTOW_ISOMDL_CLONE=PATH \
//! cargo test -p bestow-formats --test clones -- --ignored`

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::env;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::FormatError;
use formats::data_integrity::sd::{derive, sign_selective};
use formats::data_integrity::{Canonicalization, Contexts, Proof, ProofOptions};
use formats::mso_mdoc::Mdoc;
use formats::sd_jwt::process;
use formats::status_list::bitstring::Bitstring;
use keys::algorithm::Algorithm;
use keys::did;
use keys::jws::Jws;
use keys::outside::{SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::Certificate;
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

/// The W3C's test suite of `ecdsa-sd-2023` gives documents to sign, what of them is always shown, and what
/// a holder shows: signed and derived, each verifies and says no more.
#[tokio::test]
#[ignore = "its documents are read from a clone of w3c/vc-di-ecdsa-test-suite: BESTOW_VC_DI_ECDSA_SUITE_CLONE"]
async fn documents_of_the_test_suite_are_signed_and_derived() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let did = did::to_did_key(key.public_key());
    let verification_method = &did::verification_method(&did);
    let created = Timestamp(1_800_000_000);
    let canonicalization = Canonicalization::Selective;
    let options = ProofOptions { verification_method, canonicalization, created, contexts: None };
    for name in ["achievement/vc1.1", "achievement/vc2.0", "valid/vc1.1", "valid/vc2.0"] {
        let read = |file: &str| -> Value {
            let path = format!("tests/mocks/{name}/{file}.json");
            let text = show("BESTOW_VC_DI_ECDSA_SUITE_CLONE", "070efa3", &path);
            serde_json::from_str(&text).unwrap()
        };
        let mut document = read("document").as_object().unwrap().clone();
        document.insert("issuer".to_owned(), did.clone().into());
        document.insert("issuanceDate".to_owned(), created.to_rfc3339().into());
        if name.ends_with("vc2.0") {
            document.remove("issuanceDate");
        } else {
            // Version 1.1 has no words for proofs of this kind.
            let contexts = document["@context"].as_array_mut().unwrap();
            contexts.push("https://w3id.org/security/data-integrity/v2".into());
        }
        let pointers = |file: &str| -> Vec<String> { serde_json::from_value(read(file)).unwrap() };
        let (mandatory, selective) = (pointers("mandatoryPointers"), pointers("selectivePointers"));
        let base =
            sign_selective(document.clone(), options, mandatory.clone(), (&key, &SystemRandom))
                .await
                .unwrap();
        assert_eq!(verify(&base, &Contexts::default()), Ok(()), "{name}");
        let derived = derive(&base, &selective, &Contexts::default()).unwrap();
        assert_eq!(verify(&derived, &Contexts::default()), Ok(()), "{name}");
        let (said, shown) = (Value::from(document), Value::from(derived));
        for pointer in mandatory.iter().chain(&selective) {
            assert_eq!(said.pointer(pointer), shown.pointer(pointer), "{name} {pointer}");
        }
        let of_nobody =
            ["/id", "/credentialSubject/description", "/credentialSubject/achievements/2"];
        let hidden = of_nobody.map(|pointer| shown.pointer(pointer).is_none());
        assert_eq!(hidden, [name.starts_with("achievement"), true, true], "{name}");
    }
}

/// RFC 9901 §7.1: SD-JWTs of the EU's reference library, by RSA.
#[test]
#[ignore = "they are read from a clone of eudi-lib-jvm-sdjwt-kt: BESTOW_EUDI_SD_JWT_CLONE"]
fn sd_jwts_of_the_eu_reference_library() {
    let read = |file: &str| {
        show("BESTOW_EUDI_SD_JWT_CLONE", "0ebe652", &format!("src/test/resources/{file}"))
    };
    let jwk: Value = serde_json::from_str(&read("examplesIssuerKey.json")).unwrap();
    let jwk = json!({ "kty": "RSA", "alg": "RS256", "n": jwk["n"], "e": jwk["e"] });
    let key = PublicKey::from_jwk_or_rsa(&jwk).unwrap();
    for (file, names) in [
        ("exampleIssuanceSdJwt.txt", &["country", "locality", "region", "street_address"][..]),
        ("examplePresentationSdJwt.txt", &["locality", "region"][..]),
    ] {
        let text = read(file);
        let (jwt, disclosures) = text.trim().split_once('~').unwrap();
        let jws = Jws::parse_with_rsa(jwt, jwt.len()).unwrap();
        jws.verify(&key).unwrap();
        let disclosures: Vec<&str> = disclosures.split_terminator('~').collect();
        let claims = process(jws.claims().unwrap(), &disclosures).unwrap();
        let mut shown: Vec<&String> = claims["address"].as_object().unwrap().keys().collect();
        shown.sort();
        assert_eq!(shown, names, "{file}");
    }
}

/// ISO 18013-5 §9.3.1: the standard's mdoc as `isomdl` keeps it, the one that issuers send.
#[test]
#[ignore = "it is read from a clone of spruceid/isomdl: BESTOW_ISOMDL_CLONE"]
fn the_mdoc_of_isomdl() {
    let hex = show("BESTOW_ISOMDL_CLONE", "fcb49d1", "test/definitions/issuer_signed.cbor");
    let digits: Vec<char> = hex.trim().chars().collect();
    let byte = |two: &[char]| u8::from_str_radix(&two.iter().collect::<String>(), 16).unwrap();
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
    let mdoc = Mdoc::parse(&BASE64_URL_SAFE_NO_PAD.encode(bytes)).unwrap();
    let x5c = mdoc.key_reference().x5c.unwrap();
    let signer = Certificate::from_der(&x5c[0]).unwrap().public_key;
    let then = Timestamp::from_rfc3339("2020-11-01T00:00:00Z").unwrap();
    let verified = mdoc.verify(&signer, then).unwrap();
    assert_eq!(verified.types, ["org.iso.18013.5.1.mDL"]);
    assert_eq!(verified.claims["org.iso.18013.5.1"]["family_name"], "Doe");
}

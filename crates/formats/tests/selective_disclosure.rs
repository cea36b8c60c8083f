//! `ecdsa-sd-2023`: what we sign and disclose.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::data_integrity::sd::{derive, is_pointer, sign_selective};
use formats::data_integrity::{Canonicalization, Contexts, Proof, ProofOptions};
use formats::{FormatError, IssueError, parse};
use keys::algorithm::Algorithm;
use keys::did;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const ISSUER: &str = "did:web:issuer.example";
const V2: &str = "https://www.w3.org/ns/credentials/v2";

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

fn pointers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn verify(secured: &Map<String, Value>, contexts: &Contexts) -> Result<(), FormatError> {
    let mut document = secured.clone();
    let proof = Proof::parse(document.remove("proof").unwrap().as_object().unwrap())?;
    let key = did::resolve(proof.verification_method()).unwrap();
    proof.verify(document, &key, contexts)
}

fn document() -> Value {
    json!({
        "@context": [V2, { "@vocab": "urn:x:" }],
        "type": ["VerifiableCredential", "Degree"], "issuer": ISSUER,
        "validFrom": NOW.to_rfc3339(), "validUntil": END.to_rfc3339(),
        "credentialSubject": {
            "id": "did:example:1", "name": "Ada", "grade": 1.7, "honours": true,
            "degree": { "type": "Bachelor", "field": "Mathematics", "year": 2026 },
            "address": { "street": { "name": "Main", "number": 7 }, "city": "Riverside" },
            "modules": [{ "code": "A" }, { "code": "B" }],
            "a/b~c": "odd",
        },
    })
}

fn mandatory() -> Vec<String> {
    pointers(&["/issuer", "/validFrom", "/validUntil", "/credentialSubject/id"])
}

async fn signed(document: Value, mandatory: Vec<String>, key: &SoftwareKey) -> Map<String, Value> {
    let options = ProofOptions {
        verification_method: "did:web:issuer.example#key-1",
        canonicalization: Canonicalization::Selective,
        created: NOW,
        contexts: None,
    };
    sign_selective(object(document), options, mandatory, (key, &SystemRandom)).await.unwrap()
}

/// As a wallet receives it and as a verifier does.
fn checked(secured: &Map<String, Value>, key: &SoftwareKey) -> Result<Value, FormatError> {
    let read = parse("ldp_vc", &Value::Object(secured.clone()))?;
    read.verify(key.public_key(), NOW).map(|verified| Value::Object(verified.claims))
}

/// What must be shown is there whatever the holder chooses; of the rest, what was chosen and nothing else.
#[tokio::test]
async fn a_holder_shows_what_was_chosen_and_nothing_else() {
    let key = key();
    let base = signed(document(), mandatory(), &key).await;
    let mut all = document()["credentialSubject"].clone();
    all.as_object_mut().unwrap().remove("id");
    assert_eq!(checked(&base, &key), Ok(all), "the holder sees everything");
    for (chosen, shown) in [
        (&[][..], json!({})),
        (&["/credentialSubject/name"], json!({ "name": "Ada" })),
        (
            &["/credentialSubject/degree/year", "/credentialSubject/honours"],
            json!({ "degree": { "type": "Bachelor", "year": 2026 }, "honours": true }),
        ),
        (
            &["/credentialSubject/address/street"],
            json!({ "address": { "street": { "name": "Main", "number": 7 } } }),
        ),
        (&["/credentialSubject/modules/1"], json!({ "modules": [{ "code": "B" }] })),
        (&["/credentialSubject/a~1b~0c"], json!({ "a/b~c": "odd" })),
    ] {
        let derived = derive(&base, &pointers(chosen), &Contexts::default()).unwrap();
        assert_eq!(checked(&derived, &key), Ok(shown), "{chosen:?}");
        for member in ["issuer", "validFrom", "validUntil", "type", "@context"] {
            assert_eq!(derived.get(member), base.get(member));
        }
        assert!(derived["credentialSubject"]["id"].is_string());
        let again = derive(&derived, &[], &Contexts::default());
        assert_eq!(again, Err(FormatError::UnsupportedProof), "it is shown as it is");
    }
}

/// A disclosure with anything changed, added or left out is refused.
#[tokio::test]
async fn a_disclosure_that_was_changed_is_refused() {
    let key = key();
    let base = signed(document(), mandatory(), &key).await;
    let chosen = pointers(&["/credentialSubject/name", "/credentialSubject/degree/year"]);
    let derived = Value::Object(derive(&base, &chosen, &Contexts::default()).unwrap());
    assert!(checked(&object(derived.clone()), &key).is_ok());
    for (place, value) in [
        ("/credentialSubject/name", json!("Eve")),
        ("/credentialSubject/grade", json!(1.0)),
        ("/credentialSubject/degree/year", json!(2027)),
        ("/credentialSubject/degree/type", json!("Master")),
        ("/credentialSubject/id", json!("did:example:2")),
        ("/validUntil", json!("2099-01-01T00:00:00Z")),
        ("/proof/created", json!("2020-01-01T00:00:00Z")),
        ("/proof/proofValue", base["proof"]["proofValue"].clone()),
    ] {
        let mut changed = derived.clone();
        let (parent, member) = place.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[member] = value;
        assert_eq!(checked(&object(changed), &key), Err(FormatError::WrongSignature), "{place}");
    }
    for place in ["/credentialSubject/name", "/credentialSubject/id", "/validUntil", "/type/1"] {
        let mut changed = derived.clone();
        let (parent, member) = place.rsplit_once('/').unwrap();
        let around = changed.pointer_mut(parent).unwrap();
        match around.as_array_mut() {
            Some(values) => drop(values.pop()),
            None => drop(around.as_object_mut().unwrap().remove(member)),
        }
        assert!(checked(&object(changed), &key).is_err(), "{place}");
    }
    assert_eq!(checked(&object(derived), &self::key()), Err(FormatError::WrongSignature));
}

/// Nothing of what was left out stands in a disclosure: neither its value, nor the key of the labels.
#[tokio::test]
async fn what_was_left_out_is_not_there() {
    let key = key();
    let base = signed(document(), mandatory(), &key).await;
    let derived = derive(&base, &pointers(&["/credentialSubject/name"]), &Contexts::default());
    let derived = derived.unwrap();
    let bytes = |secured: &Map<String, Value>| {
        let text = secured["proof"]["proofValue"].as_str().unwrap();
        BASE64_URL_SAFE_NO_PAD.decode(&text[1..]).unwrap()
    };
    // Behind tag, array, signature and key: the key of the labels, 32 bytes behind two of their length.
    let secret = bytes(&base)[3 + 1 + 66 + 37 + 2..][..32].to_vec();
    let contains = |all: &[u8]| all.windows(secret.len()).any(|part| part == secret);
    assert!(contains(&bytes(&base)) && !contains(&bytes(&derived)));
    for word in ["Mathematics", "Riverside", "odd"] {
        assert!(!Value::Object(derived.clone()).to_string().contains(word));
    }
    let again = signed(document(), mandatory(), &key).await;
    assert_ne!(again["proof"]["proofValue"], base["proof"]["proofValue"], "another key each time");
}

/// A value that is not built as it must be is refused, whatever stands in it.
#[tokio::test]
async fn a_spoilt_value_is_refused() {
    let key = key();
    let base = signed(document(), mandatory(), &key).await;
    let derived = derive(&base, &[], &Contexts::default()).unwrap();
    for secured in [base, derived] {
        let text = secured["proof"]["proofValue"].as_str().unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text[1..]).unwrap();
        let with = |value: String| {
            let mut changed = secured.clone();
            changed["proof"]["proofValue"] = value.into();
            checked(&changed, &key)
        };
        let of = |bytes: &[u8]| with(format!("u{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)));
        for at in (0..bytes.len()).step_by(9) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(of(&changed).is_err(), "{at}");
            assert!(of(&bytes[..at]).is_err(), "{at}");
        }
        assert_eq!(of(&[&bytes[..], &[0]].concat()), Err(FormatError::Malformed));
        assert_eq!(with(text[1..].to_owned()), Err(FormatError::Malformed));
        assert_eq!(with(format!("z{}", &text[1..])), Err(FormatError::Malformed));
        let other_kind = [&[0xd9, 0x5d, 0x02][..], &bytes[3..]].concat();
        assert_eq!(of(&other_kind), Err(FormatError::UnsupportedProof), "bbs-2023");
        let endless = [&bytes[..4], &[0x9a, 0xff, 0xff, 0xff, 0xff]].concat();
        assert_eq!(of(&endless), Err(FormatError::Malformed));
    }
}

/// Names that the document brings itself, and pointers that lead nowhere.
#[tokio::test]
async fn what_cannot_be_selected_is_refused() {
    let key = key();
    let options = || ProofOptions {
        verification_method: "did:web:issuer.example#key-1",
        canonicalization: Canonicalization::Selective,
        created: NOW,
        contexts: None,
    };
    for pointer in
        ["/credentialSubject/nothing", "credentialSubject", "/issuer/x", "/type/9", "/~2"]
    {
        let made = sign_selective(
            object(document()),
            options(),
            pointers(&[pointer]),
            (&key, &SystemRandom),
        );
        let refused = made.await.unwrap_err();
        assert_eq!(refused, IssueError::Uncanonical(FormatError::Malformed), "{pointer}");
    }
    let mut named = document();
    named["credentialSubject"]["degree"]["id"] = "urn:bestow-unnamed:0".into();
    let made = sign_selective(object(named), options(), mandatory(), (&key, &SystemRandom)).await;
    assert_eq!(made.unwrap_err(), IssueError::Uncanonical(FormatError::Uncanonical));
    let long = SoftwareKey::generate(Algorithm::Es384).unwrap();
    let made = sign_selective(object(document()), options(), mandatory(), (&long, &SystemRandom));
    assert_eq!(made.await.unwrap_err(), IssueError::NoCryptosuite);
    let mut many = document();
    let claims: Map<String, Value> = (0..1100).map(|n| (format!("c{n}"), n.into())).collect();
    many["credentialSubject"] = claims.into();
    let made = sign_selective(object(many), options(), vec![], (&key, &SystemRandom)).await;
    assert_eq!(made.unwrap_err(), IssueError::Uncanonical(FormatError::TooLong));
    assert!(is_pointer("/a~0b/~1") && is_pointer("") && !is_pointer("a") && !is_pointer("/~"));
}

/// One that `interop/w3c.test.mjs` has another library verify, and disclose.
#[test]
fn a_disclosure_of_ours_stays_the_same() {
    let ours: Value =
        serde_json::from_str(include_str!("vectors/ecdsa-sd-2023-ours.json")).unwrap();
    let selective: Vec<String> = serde_json::from_value(ours["selective"].clone()).unwrap();
    let (base, contexts) = (object(ours["base"].clone()), Contexts::default());
    assert_eq!(verify(&base, &contexts), Ok(()));
    assert_eq!(derive(&base, &selective, &contexts).unwrap(), object(ours["derived"].clone()));
}

//! Credentials with a proof inside, `ldp_vc`: issued, received, and those that the W3C made.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::data_integrity::{Canonicalization, Contexts, Cryptosuite, Proof, ProofOptions, sign};
use formats::ldp_vc::{self, LdpVc};
use formats::verified::{Format, Verified};
use formats::w3c::W3cClaims;
use formats::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, parse, parse_raw};
use keys::algorithm::Algorithm;
use keys::did;
use keys::digest::sha256;
use keys::multibase::decode_base58;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const ISSUER: &str = "did:web:issuer.example";
const KID: &str = "did:web:issuer.example#key-1";
const V1: &str = "https://www.w3.org/2018/credentials/v1";
const V2: &str = "https://www.w3.org/ns/credentials/v2";
const BOTH: [Canonicalization; 2] = [Canonicalization::Jcs, Canonicalization::Rdfc];

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key(algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm).unwrap()
}

fn claims(claims: Value, contexts: &[Value]) -> W3cClaims<'_> {
    W3cClaims {
        issuer: ISSUER,
        contexts,
        types: &[],
        subject: Some("did:example:1"),
        claims: object(claims),
        issued_at: NOW,
        expires_at: END,
        status: None,
    }
}

fn options(canonicalization: Canonicalization) -> ProofOptions<'static> {
    ProofOptions { verification_method: KID, canonicalization, created: NOW }
}

fn verify(credential: &Value, key: &SoftwareKey) -> Result<Verified, FormatError> {
    parse("ldp_vc", credential)?.verify(key.public_key(), NOW)
}

fn without_proof(document: &Value) -> Map<String, Value> {
    let mut document = document.as_object().unwrap().clone();
    document.remove("proof");
    document
}

/// A good document, to be spoilt, and its proof made anew.
async fn signed(document: Value, canonicalization: Canonicalization, key: &SoftwareKey) -> Value {
    sign(object(document), options(canonicalization), key).await.unwrap().into()
}

fn document() -> Value {
    json!({
        "@context": [V2, { "@vocab": "https://issuer.example/degree#" }],
        "type": ["VerifiableCredential", "Degree"], "issuer": ISSUER,
        "validFrom": NOW.to_rfc3339(), "validUntil": END.to_rfc3339(),
        "credentialSubject": {
            "id": "did:example:1", "name": "Ada", "grade": 1.7, "honours": true, "year": 2026,
            "degree": { "type": "Bachelor", "field": "Mathematics" },
            "modules": [{ "code": "A" }, { "code": "B" }],
        },
    })
}

/// FMT-LDP-01, FMT-LDP-05: an object with a proof, by each key in each canonical form.
#[tokio::test]
async fn what_is_issued_verifies() {
    let vocabulary = [json!({ "@vocab": "https://issuer.example/degree#" })];
    let said = json!({ "name": "Ada", "degree": { "grade": 1.7 } });
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        for canonicalization in BOTH {
            let key = key(algorithm);
            let claims = claims(said.clone(), &vocabulary);
            let issued = ldp_vc::issue(claims, options(canonicalization), &key).await.unwrap();
            let suite = Cryptosuite::of(algorithm, canonicalization).unwrap().name();
            assert_eq!(issued["proof"]["cryptosuite"], suite);
            let unverified = parse("ldp_vc", &issued).unwrap();
            let reference = unverified.key_reference();
            assert_eq!(
                (reference.kid.as_deref(), reference.iss.as_deref()),
                (Some(KID), Some(ISSUER))
            );
            let verified = unverified.verify(key.public_key(), NOW).unwrap();
            assert_eq!((verified.format, verified.claims), (Format::LdpVc, object(said.clone())));
            assert_eq!((verified.not_before, verified.expires_at), (Some(NOW), Some(END)));
            assert_eq!(serde_json::from_str::<Value>(&verified.raw).unwrap(), issued);
            let again = parse_raw("ldp_vc", &verified.raw).unwrap();
            assert_eq!(again.status(), Ok(None));
            assert!(again.verify(key.public_key(), NOW).is_ok(), "as it is kept");
        }
    }
}

/// W3C vectors of vc-di-eddsa and vc-di-ecdsa: each proof verifies, and nothing else does. What is
/// skipped is refused, by name.
#[test]
fn vectors_of_the_w3c() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/data-integrity.json")).unwrap();
    let mut contexts = Contexts::default();
    for (url, context) in vectors["contexts"].as_object().unwrap() {
        contexts = contexts.with(url, &context.to_string());
    }
    let (mut passed, mut skipped) = (0, 0);
    for (name, case) in vectors["cases"].as_object().unwrap() {
        let proofs = case["proof"].as_array().cloned();
        for proof in proofs.unwrap_or_else(|| vec![case["proof"].clone()]) {
            if proof.get("previousProof").is_some() {
                let refused = Proof::parse(proof.as_object().unwrap()).unwrap_err();
                assert_eq!(refused, FormatError::UnsupportedProof, "{name}");
                skipped += 1;
                continue;
            }
            let document = without_proof(case);
            if name.ends_with("employ") {
                // The library forgets the context of one type when a second has one, too; what that
                // context defines is then undefined, and refused (docs/adr/0017).
                let key = did::resolve(proof["verificationMethod"].as_str().unwrap()).unwrap();
                let proof = Proof::parse(proof.as_object().unwrap()).unwrap();
                let refused = proof.verify(document, &key, &contexts);
                assert_eq!(refused, Err(FormatError::UndefinedTerm), "{name}");
                skipped += 1;
                continue;
            }
            check_vector(name, &document, &proof, &contexts);
            passed += 1;
        }
    }
    assert_eq!((passed, skipped), (13, 6));
}

fn check_vector(name: &str, document: &Map<String, Value>, proof: &Value, contexts: &Contexts) {
    let proof = proof.as_object().unwrap();
    let key = did::resolve(proof["verificationMethod"].as_str().unwrap()).unwrap();
    let verdict = |document: &Map<String, Value>, proof: &Map<String, Value>, key: &PublicKey| {
        Proof::parse(proof).and_then(|proof| proof.verify(document.clone(), key, contexts))
    };
    assert_eq!(verdict(document, proof, &key), Ok(()), "{name}");
    let wrong = Err(FormatError::WrongSignature);
    let mut changed = document.clone();
    changed.insert("validFrom".to_owned(), "2024-01-01T00:00:00Z".into());
    assert_eq!(verdict(&changed, proof, &key), wrong, "{name}: a claim");
    let mut later = proof.clone();
    later.insert("created".to_owned(), "2024-01-01T00:00:00Z".into());
    assert_eq!(verdict(document, &later, &key), wrong, "{name}: the proof");
    let mut more = proof.clone();
    more.insert("domain".to_owned(), "example.org".into());
    assert!(verdict(document, &more, &key).is_err(), "{name}: something added");
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let other = SoftwareKey::generate(algorithm).unwrap();
        assert_eq!(verdict(document, proof, other.public_key()), wrong, "{name}: {algorithm}");
    }
}

/// What another library makes, with values that are easily written in another way: numbers, escapes,
/// nested things without names, lists, typed values; of both versions of the data model.
#[test]
fn credentials_of_another_library_verify() {
    let made: Value = serde_json::from_str(include_str!("vectors/digitalbazaar.json")).unwrap();
    for (name, credential) in made.as_object().unwrap() {
        let read = LdpVc::parse(credential).unwrap();
        let key = did::resolve(&read.key_reference().kid.unwrap()).unwrap();
        let verdict = read.verify(&key, NOW).map(|verified| Value::Object(verified.claims));
        let mut said = credential["credentialSubject"].clone();
        said.as_object_mut().unwrap().remove("id");
        assert_eq!(verdict, Ok(said), "{name}");
    }
    assert_eq!(made.as_object().unwrap().len(), 12);
}

/// Ed25519 gives one signature: ours is that of the W3C, so each step before it is theirs.
#[tokio::test]
async fn our_proof_is_that_of_the_w3c() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/data-integrity.json")).unwrap();
    let secret = vectors["keys"]["ed25519"]["privateKeyMultibase"].as_str().unwrap();
    let seed = decode_base58(secret).unwrap()[2..].to_vec();
    let start = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
    let key = SoftwareKey::from_pkcs8(&[&start[..], &seed].concat()).unwrap();
    let case = &vectors["cases"]["eddsa-jcs-2022"];
    let proof = &case["proof"];
    let options = ProofOptions {
        verification_method: proof["verificationMethod"].as_str().unwrap(),
        canonicalization: Canonicalization::Jcs,
        created: Timestamp::from_rfc3339(proof["created"].as_str().unwrap()).unwrap(),
    };
    let made = sign(without_proof(case), options, &key).await.unwrap();
    assert_eq!(Value::Object(made), *case);
}

/// The contexts are the published ones.
#[test]
fn bundled_contexts_are_those_of_the_w3c() {
    for (text, digest) in [
        (
            include_str!("../contexts/credentials-v1.jsonld"),
            "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
        ),
        (
            include_str!("../contexts/credentials-v2.jsonld"),
            "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
        ),
        (
            include_str!("../contexts/data-integrity-v2.jsonld"),
            "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
        ),
    ] {
        let found = sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(found, digest);
    }
}

/// Each leaf of the credential is signed, in both canonical forms.
#[tokio::test]
async fn a_changed_word_is_refused_wherever_it_is() {
    let key = key(Algorithm::Es256);
    for canonicalization in BOTH {
        let good = signed(document(), canonicalization, &key).await;
        assert!(verify(&good, &key).is_ok());
        let mut leaves = Vec::new();
        collect(&good, String::new(), &mut leaves);
        for leaf in leaves {
            let mut changed = good.clone();
            *changed.pointer_mut(&leaf).unwrap() = "did:example:changed".into();
            assert!(verify(&changed, &key).is_err(), "{canonicalization:?} {leaf}");
        }
    }
}

fn collect(value: &Value, path: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| collect(value, format!("{path}/{name}"), leaves));
        }
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(at, value)| collect(value, format!("{path}/{at}"), leaves));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(path),
    }
}

/// What no statement says would be shown although nobody signed it.
#[tokio::test]
async fn what_linked_data_do_not_say_is_refused() {
    let key = key(Algorithm::Es256);
    let good = signed(document(), Canonicalization::Rdfc, &key).await;
    let undefined = FormatError::UndefinedTerm;
    let additions = [
        ("/credentialSubject/extra", Value::Null, undefined),
        ("/credentialSubject/extra", json!([]), undefined),
        ("/credentialSubject/@index", json!("x"), undefined),
        ("/credentialSubject/@reverse", json!({}), undefined),
        ("/credentialSubject/verifiableCredential", json!({ "a": 1 }), undefined),
        ("/credentialSubject/knows", json!({ "id": "_:b0" }), undefined),
        ("/credentialSubject/extra", json!("x"), FormatError::WrongSignature),
        ("/@context", json!([V2]), undefined),
        ("/@context", json!([V2, null]), undefined),
        ("/@context", json!([V2, { "@vocab": null }]), undefined),
        ("/@context", json!([V2, { "@vocab": "urn:x:", "name": null }]), undefined),
        ("/@context", json!([V2, { "@vocab": "urn:x:", "name": "@index" }]), undefined),
        (
            "/@context",
            json!([V2, { "@vocab": "urn:x:", "name": { "@id": "urn:n", "@container": "@index" } }]),
            undefined,
        ),
        ("/@context", json!([V2, { "@import": "https://elsewhere.example" }]), undefined),
        ("/@context", json!([V2, "https://elsewhere.example/v1"]), FormatError::UnknownContext),
    ];
    for (place, value, error) in additions {
        let mut spoilt = good.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        spoilt.pointer_mut(parent).unwrap()[name] = value.clone();
        assert_eq!(verify(&spoilt, &key).unwrap_err(), error, "{place} {value}");
    }
    let no_meaning =
        ldp_vc::issue(claims(json!({ "x": 1 }), &[]), options(Canonicalization::Rdfc), &key);
    assert_eq!(no_meaning.await.unwrap_err(), IssueError::Uncanonical(undefined));
    let plain = ldp_vc::issue(claims(json!({ "x": 1 }), &[]), options(Canonicalization::Jcs), &key);
    assert!(plain.await.is_ok(), "as JSON it is signed without a meaning");
}

/// RDFC-1.0, dataset poisoning: whoever makes many things look the same makes others busy, before any
/// signature was looked at.
#[tokio::test]
async fn things_that_look_the_same_keep_nobody_busy() {
    let key = key(Algorithm::Es256);
    let good = signed(document(), Canonicalization::Rdfc, &key).await;
    let spoilt = |context: Value, knows: Value| {
        let mut spoilt = good.clone();
        spoilt["@context"] = json!([V2, { "@vocab": "urn:x:" }, context]);
        spoilt["credentialSubject"]["knows"] = knows;
        let begun = std::time::Instant::now();
        let error = verify(&spoilt, &key).unwrap_err();
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{error:?}");
        error
    };
    let alike = |count: usize, one: Value| Value::from(vec![one; count]);
    let nested = json!({ "has": { "of": "x" } });
    assert_eq!(spoilt(json!({}), alike(6, json!({ "of": "x" }))), FormatError::WrongSignature);
    assert_eq!(spoilt(json!({}), alike(8, json!({ "of": "x" }))), FormatError::TooLong);
    assert_eq!(spoilt(json!({}), alike(4, nested.clone())), FormatError::WrongSignature);
    assert_eq!(spoilt(json!({}), alike(6, nested)), FormatError::TooLong, "their orders multiply");
    // Two layers of six, each of one linked with each of the other, named by a prefix.
    let layer = |from: usize, to: Option<usize>| {
        let linked = |at: usize| to.map(|to| format!("b:n{}", to + at));
        let links: Vec<_> = (0..6).filter_map(linked).collect();
        (0..6).map(move |at| json!({ "id": format!("b:n{}", from + at), "to": links.clone() }))
    };
    let layers: Vec<Value> = layer(0, Some(6)).chain(layer(6, Some(0))).collect();
    for context in [
        json!({ "b": "_:", "to": { "@id": "urn:to", "@type": "@id" } }),
        json!({ "b": { "@id": "_:" }, "to": { "@id": "urn:to", "@type": "@id" } }),
        json!({ "@vocab": "_:" }),
        json!({ "b": { "@id": "urn:b", "@type": "_:b" } }),
    ] {
        assert_eq!(spoilt(context, layers.clone().into()), FormatError::UndefinedTerm);
    }
}

/// Proofs that are not what a credential needs, or not by whom it says it is.
#[tokio::test]
async fn a_proof_of_something_else_is_refused() {
    let key = key(Algorithm::EdDsa);
    let good = signed(document(), Canonicalization::Jcs, &key).await;
    for (member, value, error) in [
        ("type", json!("Ed25519Signature2020"), FormatError::UnsupportedProof),
        ("cryptosuite", json!("bbs-2023"), FormatError::UnsupportedProof),
        ("cryptosuite", json!("none"), FormatError::UnsupportedProof),
        ("cryptosuite", json!("ecdsa-jcs-2019"), FormatError::WrongSignature),
        ("cryptosuite", json!("eddsa-rdfc-2022"), FormatError::WrongSignature),
        ("cryptosuite", json!(5), FormatError::Malformed),
        ("proofPurpose", json!("authentication"), FormatError::UnsupportedProof),
        ("previousProof", json!("urn:uuid:1"), FormatError::UnsupportedProof),
        ("verificationMethod", json!("did:web:other.example#key-1"), FormatError::OtherIssuer),
        ("created", json!("yesterday"), FormatError::Malformed),
        ("proofValue", json!("m1234"), FormatError::Malformed),
        ("proofValue", json!(format!("z{}", "1".repeat(100_000))), FormatError::Malformed),
        ("proofValue", json!("z2"), FormatError::WrongSignature),
        ("@context", json!([V1]), FormatError::Contradiction),
        ("@context", json!([V2]), FormatError::WrongSignature),
    ] {
        let mut spoilt = good.clone();
        spoilt["proof"][member] = value.clone();
        assert_eq!(verify(&spoilt, &key).unwrap_err(), error, "{member} {value}");
    }
    let other = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(verify(&good, &other).unwrap_err(), FormatError::WrongSignature);
    for (proof, error) in [
        (json!([]), FormatError::Malformed),
        (json!(null), FormatError::Malformed),
        (json!(vec![good["proof"].clone(); 17]), FormatError::TooLong),
    ] {
        let mut spoilt = good.clone();
        spoilt["proof"] = proof;
        assert_eq!(verify(&spoilt, &key).unwrap_err(), error);
    }
    // Of a set the issuer's own counts, wherever it stands.
    let mut set = good.clone();
    let mut foreign = good["proof"].clone();
    foreign["verificationMethod"] = "did:web:other.example#key-1".into();
    set["proof"] = json!([foreign, good["proof"]]);
    assert!(verify(&set, &key).is_ok());
}

#[tokio::test]
async fn times_count() {
    let key = key(Algorithm::Es256);
    let at = async |change: fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        verify(&signed(document, Canonicalization::Jcs, &key).await, &key).err()
    };
    assert_eq!(at(|_| {}).await, None);
    let end = |document: &mut Value| document["validUntil"] = NOW.minus(61).to_rfc3339().into();
    assert_eq!(at(end).await, Some(FormatError::Expired));
    let begin = |document: &mut Value| document["validFrom"] = NOW.plus(61).to_rfc3339().into();
    assert_eq!(at(begin).await, Some(FormatError::NotYetValid));
    assert_eq!(
        at(|document| document["validUntil"] = json!(5)).await,
        Some(FormatError::Malformed)
    );
    // The names of version 1.1 mean nothing in 2.0, and the other way round.
    let old = |document: &mut Value| {
        document["@context"][0] = V1.into();
        document["issuanceDate"] = NOW.to_rfc3339().into();
        document["expirationDate"] = NOW.minus(61).to_rfc3339().into();
    };
    assert_eq!(at(old).await, Some(FormatError::Expired));
    assert_eq!(
        at(|document| document["@context"] = json!([])).await,
        Some(FormatError::OtherDataModel)
    );
}

/// Time and memory are bounded, whatever was sent.
#[tokio::test]
async fn too_much_is_refused() {
    let key = key(Algorithm::Es256);
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!({ "a": deep });
    }
    let huge = "a".repeat(CREDENTIAL_BYTES_MAX);
    let twins: Vec<Value> = (0..7).map(|_| json!({ "part": { "of": 1 } })).collect();
    let crowd: Vec<Value> = (0..600).map(|at| json!({ "at": at })).collect();
    for (name, value, error) in [
        ("deep", deep, FormatError::Malformed),
        ("huge", json!(huge), FormatError::TooLong),
        ("twins", json!(twins), FormatError::TooLong),
        ("crowd", json!(crowd), FormatError::TooLong),
    ] {
        let mut good = signed(document(), Canonicalization::Rdfc, &key).await;
        good["credentialSubject"]["extra"] = value;
        let began = std::time::Instant::now();
        assert_eq!(verify(&good, &key).unwrap_err(), error, "{name}");
        assert!(began.elapsed().as_secs() < 5, "{name}");
    }
    let mut contexts = signed(document(), Canonicalization::Rdfc, &key).await;
    contexts["@context"] = json!(vec![V2; 17]);
    assert_eq!(verify(&contexts, &key).unwrap_err(), FormatError::TooLong);
    assert_eq!(LdpVc::parse(&json!("a.b.c")).unwrap_err(), FormatError::Malformed);
}

//! What somebody has changed, or made to mislead or to keep busy.

use formats::data_integrity::Canonicalization;
use formats::ldp_vc::{self, LdpVc};
use formats::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, parse};
use keys::algorithm::Algorithm;
use keys::signer::SoftwareKey;
use serde_json::{Value, json};

use super::{BOTH, END, V1, V2, claims, document, key, options, signed, verify};

const VALID_UNTIL: &str = "https://www.w3.org/2018/credentials#validUntil";

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
        ("/@context", json!([V2, null]), FormatError::Malformed),
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
    assert_eq!(spoilt(json!({}), alike(8, json!({ "of": "x" }))), FormatError::TooIntricate);
    assert_eq!(spoilt(json!({}), alike(4, nested.clone())), FormatError::WrongSignature);
    assert_eq!(spoilt(json!({}), alike(6, nested)), FormatError::TooIntricate, "orders multiply");
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

/// A build that knows the suite looks at the value, which is none of it.
const BBS: FormatError =
    if cfg!(feature = "bbs-2023") { FormatError::Malformed } else { FormatError::UnsupportedProof };

/// Proofs that are not what a credential needs, or not by whom it says it is.
#[tokio::test]
async fn a_proof_of_something_else_is_refused() {
    let key = key(Algorithm::EdDsa);
    let good = signed(document(), Canonicalization::Jcs, &key).await;
    for (member, value, error) in [
        ("type", json!("Ed25519Signature2020"), FormatError::UnsupportedProof),
        ("cryptosuite", json!("bbs-2023"), BBS),
        ("cryptosuite", json!("none"), FormatError::UnsupportedProof),
        ("cryptosuite", json!("ecdsa-jcs-2019"), FormatError::WrongSignature),
        ("cryptosuite", json!("eddsa-rdfc-2022"), FormatError::WrongSignature),
        ("cryptosuite", json!(5), FormatError::Malformed),
        ("proofPurpose", json!("authentication"), FormatError::UnsupportedProof),
        ("previousProof", json!("urn:uuid:1"), FormatError::MissingProof),
        ("verificationMethod", json!("did:web:other.example#key-1"), FormatError::OtherIssuer),
        ("created", json!("yesterday"), FormatError::Malformed),
        ("proofValue", json!("m1234"), FormatError::Malformed),
        ("proofValue", json!(format!("z{}", "1".repeat(100_000))), FormatError::Malformed),
        ("proofValue", json!("z2"), FormatError::WrongSignature),
        ("@context", json!([V1]), FormatError::OtherContexts),
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
        ("twins", json!(twins), FormatError::TooIntricate),
        ("crowd", json!(crowd), FormatError::TooIntricate),
    ] {
        let mut good = signed(document(), Canonicalization::Rdfc, &key).await;
        good["credentialSubject"]["extra"] = value;
        let began = std::time::Instant::now();
        assert_eq!(verify(&good, &key).unwrap_err(), error, "{name}");
        assert!(began.elapsed().as_secs() < 5, "{name}");
    }
    let mut contexts = signed(document(), Canonicalization::Rdfc, &key).await;
    contexts["@context"] = json!(vec![V2; 17]);
    assert_eq!(verify(&contexts, &key).unwrap_err(), FormatError::TooIntricate);
    assert_eq!(LdpVc::parse(&json!("a.b.c")).unwrap_err(), FormatError::Malformed);
}

/// A term with a context of its own has it read for each value: as many as are bearable, for a context
/// as long as it is.
#[tokio::test]
async fn contexts_of_terms_multiply_within_bounds() {
    let key = key(Algorithm::Es256);
    let good = signed(document(), Canonicalization::Rdfc, &key).await;
    let context = |terms: usize| {
        let term = |at| (format!("t{at}"), Value::from(format!("urn:example:term:{at}")));
        let inner: serde_json::Map<String, Value> = (0..terms).map(term).collect();
        json!([V2, { "@vocab": "urn:x:", "part": { "@id": "urn:part", "@context": inner } }])
    };
    assert!((45_000..50_000).contains(&context(1500).to_string().len()));
    let nodes =
        |count: usize| (0..count).map(|at| json!({ "id": format!("urn:n:{at}") })).collect();
    let named = |count: usize| (0..count).map(|at| json!({ "at": at })).collect::<Vec<Value>>();
    let types = |count: usize| json!({ "type": vec!["part"; count] });
    let error = |terms: usize, parts: Value| {
        let mut spoilt = good.clone();
        spoilt["@context"] = context(terms);
        spoilt["credentialSubject"]["part"] = parts;
        verify(&spoilt, &key).unwrap_err()
    };
    assert_eq!(error(1500, named(500).into()), FormatError::TooIntricate, "objects");
    assert_eq!(error(1500, vec![1; 500].into()), FormatError::TooIntricate, "what is no object");
    assert_eq!(error(1500, types(500)), FormatError::TooIntricate, "types");
    assert_eq!(error(1, nodes(2000)), FormatError::TooIntricate, "objects, whatever the contexts");
    assert_eq!(error(1500, named(20).into()), FormatError::WrongSignature);
    assert_eq!(error(20, named(500).into()), FormatError::WrongSignature);
}

/// Things of several types that each bring a context: these are read together for each such thing.
#[tokio::test]
async fn contexts_of_types_multiply_within_bounds() {
    let key = key(Algorithm::Es256);
    let good = signed(document(), Canonicalization::Rdfc, &key).await;
    let kind = |at: usize, terms: usize| {
        let term = |at| (format!("t{at}"), Value::from(format!("urn:example:term:{at}")));
        let inner: serde_json::Map<String, Value> = (0..terms).map(term).collect();
        (format!("Kind{at:02}"), json!({ "@id": format!("urn:kind:{at}"), "@context": inner }))
    };
    let error = |kinds: usize, terms: usize, sets: Vec<std::ops::Range<usize>>| {
        let mut own: serde_json::Map<String, Value> =
            (0..kinds).map(|at| kind(at, terms)).collect();
        own.insert("@vocab".to_owned(), "urn:x:".into());
        let part = |(at, kinds): (usize, std::ops::Range<usize>)| {
            let kinds: Vec<String> = kinds.map(|at| format!("Kind{at:02}")).collect();
            json!({ "id": format!("urn:n:{at}"), "type": kinds })
        };
        let mut spoilt = good.clone();
        spoilt["@context"] = json!([V2, own]);
        spoilt["credentialSubject"]["part"] = sets.into_iter().enumerate().map(part).collect();
        verify(&spoilt, &key).unwrap_err()
    };
    let in_pairs = |count| (0..count).map(|at| at..at + 2).collect();
    assert_eq!(error(2, 200, vec![0..2; 15]), FormatError::WrongSignature);
    assert_eq!(error(17, 10, in_pairs(16)), FormatError::WrongSignature);
    assert_eq!(error(18, 10, in_pairs(17)), FormatError::TooIntricate, "sets of types");
    assert_eq!(
        error(15, 40, std::iter::once(0..15).collect()),
        FormatError::TooIntricate,
        "contexts of a set"
    );
    assert_eq!(error(2, 1, vec![0..2; 330]), FormatError::WrongSignature);
    assert_eq!(error(2, 1, vec![0..2; 345]), FormatError::TooIntricate, "types");
}

/// The name of a type that is added for the time being is nobody else's.
#[tokio::test]
async fn a_type_that_we_add_is_in_no_document() {
    let key = key(Algorithm::Es256);
    let mut good = document();
    let kind = json!({ "@id": "urn:kind", "@context": { "a": "urn:a" } });
    good["@context"] = json!([V2, { "@vocab": "urn:x:", "Kind": kind }]);
    good["type"] = json!(["VerifiableCredential", "Kind"]);
    let good = signed(good, Canonicalization::Rdfc, &key).await;
    assert!(verify(&good, &key).is_ok());
    for name in ["\u{10ffff}0", "\u{10ffff}"] {
        let mut spoilt = good.clone();
        spoilt["type"].as_array_mut().unwrap().push(name.into());
        assert_eq!(verify(&spoilt, &key).unwrap_err(), FormatError::UndefinedTerm);
        let mut spoilt = good.clone();
        spoilt["credentialSubject"][name] = "x".into();
        assert_eq!(verify(&spoilt, &key).unwrap_err(), FormatError::UndefinedTerm);
    }
}

/// The statements stay as they were signed, and what readers look for stands elsewhere: the signature
/// would be right, and the credential would not end, or be about nobody.
#[tokio::test]
async fn what_is_moved_to_another_name_or_place_is_refused() {
    let key = key(Algorithm::Es256);
    let mut plain = document();
    plain["@context"] = json!([V2]);
    plain["type"] = json!(["VerifiableCredential"]);
    plain["id"] = json!("urn:uuid:1");
    plain["credentialSubject"] = json!({ "id": "did:example:1" });
    plain["renderMethod"] = json!({ "id": "urn:uuid:1" });
    let good = signed(plain, Canonicalization::Rdfc, &key).await;
    assert!(verify(&good, &key).is_ok());
    let date_time = "http://www.w3.org/2001/XMLSchema#dateTime";
    let end = json!({ "@value": END.to_rfc3339(), "@type": date_time });
    let term = |meaning: &str| json!({ "@id": meaning, "@type": date_time });
    let renamed = |context: Value, name: &str, value: Value| {
        let mut renamed = good.clone();
        renamed.as_object_mut().unwrap().remove("validUntil");
        renamed["@context"] = json!([V2, context]);
        renamed[name] = value;
        renamed
    };
    let by_prefix =
        json!({ "w": "https://www.w3.org/2018/", "end": term("w:credentials#validUntil") });
    let vocabulary = json!({ "@vocab": "https://www.w3.org/2018/" });
    let mut elsewhere = good.clone();
    elsewhere.as_object_mut().unwrap().remove("validUntil");
    elsewhere["renderMethod"] = json!({
        "id": "urn:uuid:1", "type": "VerifiableCredential", "validUntil": END.to_rfc3339(),
    });
    let mut nobody = good.clone();
    nobody["credentialSubject"] = json!({ "@id": "did:example:1" });
    let mut nickname = good.clone();
    nickname["@context"] = json!([V2, { "nick": "@id" }]);
    nickname["credentialSubject"] = json!({ "nick": "did:example:1" });
    let mut types = good.clone();
    types["@type"] = json!("VerifiableCredential");
    for (name, moved) in [
        ("the whole meaning", renamed(json!({}), VALID_UNTIL, end.clone())),
        (
            "a prefix",
            renamed(
                json!({ "w": "https://www.w3.org/2018/" }),
                "w:credentials#validUntil",
                end.clone(),
            ),
        ),
        (
            "a word of its own",
            renamed(json!({ "end": term(VALID_UNTIL) }), "end", END.to_rfc3339().into()),
        ),
        ("that by a prefix", renamed(by_prefix, "end", END.to_rfc3339().into())),
        ("a vocabulary", renamed(vocabulary, "credentials#validUntil", end)),
        ("another place", elsewhere),
        ("@id", nobody),
        ("a nickname for id", nickname),
        ("@type", types),
    ] {
        assert_eq!(verify(&moved, &key).err(), Some(FormatError::OtherNames), "{name}");
    }
}

/// Under a signature on the meaning, whoever shows it could have exchanged its words.
#[tokio::test]
async fn a_credential_that_says_itself_what_its_words_mean_says_so() {
    let key = key(Algorithm::Es256);
    for (canonicalization, context, names_itself) in [
        (Canonicalization::Rdfc, json!({ "@vocab": "urn:x:" }), false),
        (Canonicalization::Rdfc, json!({ "@vocab": "urn:x:", "grade": "urn:y:grade" }), true),
        (Canonicalization::Jcs, json!({ "@vocab": "urn:x:", "grade": "urn:y:grade" }), false),
    ] {
        let mut document = document();
        document["@context"] = json!([V2, context]);
        let credential = signed(document, canonicalization, &key).await;
        assert!(verify(&credential, &key).is_ok(), "the library leaves it to its caller");
        let read = parse("ldp_vc", &credential).unwrap();
        assert_eq!(read.names_itself(), names_itself, "{canonicalization:?} {context}");
    }
}

/// What stands in it is not looked at before its signature is known to be right.
#[tokio::test]
async fn a_forged_status_is_a_wrong_signature() {
    let key = key(Algorithm::Es256);
    let mut forged = signed(document(), Canonicalization::Jcs, &key).await;
    forged["status"] = json!({ "status_list": "none" });
    assert_eq!(verify(&forged, &key).unwrap_err(), FormatError::WrongSignature);
}

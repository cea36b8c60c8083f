//! Selective disclosure as RFC 9901 has it, and what attackers make of it (catalogue I02-I07).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::IssueError;
use formats::path::Step;
use formats::sd_jwt::{Concealed, DISCLOSURES_MAX, Disclosure, SdJwtError, conceal, process};
use keys::digest::sha256;
use keys::json::DEPTH_MAX;
use keys::jws::Jws;
use keys::outside::SystemRandom;
use keys::public_key::PublicKey;
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn disclosure(parts: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(parts.to_string())
}

fn digest(disclosure: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(sha256(disclosure.as_bytes()))
}

/// A star is every element of a list.
fn paths(paths: &[&[&str]]) -> Vec<Vec<Step>> {
    let step = |name: &&str| if *name == "*" { Step::Every } else { Step::from(*name) };
    paths.iter().map(|path| path.iter().map(step).collect()).collect()
}

fn claims() -> Map<String, Value> {
    object(json!({
        "given_name": "Ada",
        "address": { "street": "Main 1", "town": "Graz", "country": "AT" },
        "age": 36,
    }))
}

fn conceal_paths(selective: &[&[&str]]) -> Concealed {
    conceal(claims(), &paths(selective), 0, &SystemRandom).unwrap()
}

fn put_back(concealed: &Concealed) -> Result<Map<String, Value>, SdJwtError> {
    let disclosures: Vec<&str> = concealed.disclosures.iter().map(Disclosure::text).collect();
    process(concealed.payload.clone(), &disclosures)
}

/// The examples of RFC 9901 §4.2.1 and RFC 9901 §4.2.2: what is hashed is the text, spaces and all.
#[test]
fn the_examples_of_disclosures_are_read() {
    let member = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
    let payload = json!({ "_sd": ["X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"] });
    assert_eq!(
        process(object(payload), &[member]).unwrap(),
        object(json!({ "family_name": "Möbius" }))
    );
    let element = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0";
    let payload = json!({ "a": ["DE", { "...": "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs" }] });
    let disclosed = process(object(payload), &[element]).unwrap();
    assert_eq!(disclosed, object(json!({ "a": ["DE", "FR"] })));
}

/// RFC 9901 §5.1: each disclosure of its example stands for the digest that it has there, and for no other.
#[test]
fn the_disclosures_of_the_rfc_have_its_digests() {
    let example = include_str!("vectors/rfc-9901-disclosures.json");
    let example: Value = serde_json::from_str(example).unwrap();
    let rows = example["disclosures"].as_array().unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut payload = object(json!({ "_sd": [], "nationalities": [] }));
    let mut claims = object(json!({ "nationalities": [] }));
    for row in rows {
        let (digest, parts) = (text(row, "digest"), row["parts"].as_array().unwrap());
        if let [_, name, value] = parts.as_slice() {
            payload["_sd"].as_array_mut().unwrap().push(digest.into());
            claims.insert(name.as_str().unwrap().to_owned(), value.clone());
        } else {
            let element = json!({ "...": digest });
            payload["nationalities"].as_array_mut().unwrap().push(element);
            claims["nationalities"].as_array_mut().unwrap().push(parts[1].clone());
        }
    }
    let disclosures: Vec<String> = rows.iter().map(|row| text(row, "disclosure")).collect();
    let disclosures: Vec<&str> = disclosures.iter().map(String::as_str).collect();
    assert_eq!((disclosures.len(), process(payload.clone(), &disclosures)), (10, Ok(claims)));
    for (place, disclosure) in disclosures.iter().enumerate() {
        let mut other = disclosures.clone();
        let changed = disclosure.replacen('W', "X", 1);
        other[place] = &changed;
        assert!(process(payload.clone(), &other).is_err(), "{disclosure}");
    }
}

#[test]
fn what_is_concealed_comes_back() {
    let cases: [&[&[&str]]; 6] = [
        &[],
        &[&["given_name"]],
        &[&["address"]],
        &[&["address", "street"], &["address", "town"], &["age"]],
        &[&["address"], &["address", "street"], &["address", "town"]],
        &[&["nowhere"], &["nowhere", "below"], &["address", "nowhere"]],
    ];
    for selective in cases {
        let concealed = conceal_paths(selective);
        assert_eq!(put_back(&concealed).unwrap(), claims(), "{selective:?}");
    }
}

/// Every case of the reference implementation that is in the compact form: signed, whole, and shown
/// in part as the case says.
#[test]
fn the_cases_of_the_reference_implementation_are_read() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/sd-jwt-cases.json")).unwrap();
    let key = PublicKey::from_jwk(&vectors["key"]).unwrap();
    let read = |text: &Value| {
        let (signed, disclosures) = text.as_str().unwrap().split_once('~').unwrap();
        let jws = Jws::parse(signed, signed.len()).unwrap();
        jws.verify(&key).unwrap();
        let disclosures: Vec<&str> = disclosures.split_terminator('~').collect();
        let mut claims = process(jws.claims().unwrap(), &disclosures).unwrap();
        claims.retain(|name, _| !["iss", "cnf"].contains(&name.as_str()));
        Value::Object(claims)
    };
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        assert_eq!(read(&case["issued"]), case["issued_claims"], "{}", case["name"]);
        assert_eq!(read(&case["shown"]), case["shown_claims"], "{}", case["name"]);
    }
}

/// PRIV-02
#[test]
fn what_is_withheld_does_not_show() {
    let concealed = conceal_paths(&[&["given_name"], &["address", "street"]]);
    let shown = process(concealed.payload.clone(), &[]).unwrap();
    assert_eq!(shown, object(json!({ "address": { "town": "Graz", "country": "AT" }, "age": 36 })));
    let signed = Value::Object(concealed.payload).to_string();
    assert!(!signed.contains("Ada") && !signed.contains("given_name") && !signed.contains("Main"));
}

#[test]
fn nothing_selective_leaves_no_trace() {
    let concealed = conceal_paths(&[]);
    assert_eq!(concealed, Concealed { payload: claims(), disclosures: Vec::new() });
}

fn with_lists() -> Map<String, Value> {
    object(json!({
        "nationalities": ["AT", "DE"],
        "degrees": [{ "type": "BSc", "marks": [1, 2] }, { "type": "MSc" }],
        "nothing": [],
    }))
}

/// RFC 9901 §4.2.2, RFC 9901 §4.2.6: elements of lists, what is in them, and the list around them.
#[test]
fn elements_of_lists_are_concealed_one_by_one() {
    let cases: [(&[&[&str]], usize); 6] = [
        (&[&["nationalities", "*"]], 2),
        (&[&["nationalities"], &["nationalities", "*"]], 3),
        (&[&["degrees", "*", "type"]], 2),
        (&[&["degrees"], &["degrees", "*"], &["degrees", "*", "type"]], 5),
        (&[&["degrees", "*", "marks", "*"], &["degrees", "*", "marks"]], 3),
        (&[&["nothing", "*"], &["nowhere", "*"]], 0),
    ];
    for (selective, disclosures) in cases {
        let concealed = conceal(with_lists(), &paths(selective), 0, &SystemRandom).unwrap();
        assert_eq!(concealed.disclosures.len(), disclosures, "{selective:?}");
        assert_eq!(put_back(&concealed).unwrap(), with_lists(), "{selective:?}");
    }
    let selective = paths(&[&["nationalities", "*"]]);
    let concealed = conceal(with_lists(), &selective, 0, &SystemRandom).unwrap();
    let shown = process(concealed.payload.clone(), &[concealed.disclosures[1].text()]).unwrap();
    assert_eq!(shown["nationalities"], json!(["DE"]), "one element shown, the other withheld");
    let payload = Value::Object(concealed.payload).to_string();
    assert!(!payload.contains("\"AT\"") && !payload.contains("\"DE\""), "{payload}");
}

/// RFC 9901 §4.2.5: nobody can count what is withheld, and a reader meets nothing new.
#[test]
fn decoys_hide_how_many_claims_there_are() {
    let selective = paths(&[&["degrees", "*"], &["degrees", "*", "type"], &["nationalities"]]);
    let concealed = conceal(with_lists(), &selective, 3, &SystemRandom).unwrap();
    assert_eq!(concealed.disclosures.len(), 5, "a decoy has no disclosure");
    assert_eq!(concealed.payload["_sd"].as_array().unwrap().len(), 1 + 3);
    assert_eq!(concealed.payload["degrees"].as_array().unwrap().len(), 2 + 3);
    let digest_length = |digest: &Value| digest.as_str().unwrap().len();
    let digests = concealed.payload["_sd"].as_array().unwrap();
    assert!(digests.iter().all(|digest| digest_length(digest) == 43), "{digests:?}");
    assert_eq!(put_back(&concealed).unwrap(), with_lists());
    // Those at the end of a list would tell how long it was: they stand anywhere.
    let places: HashSet<Vec<bool>> = (0..200)
        .map(|_| conceal(with_lists(), &selective, 3, &SystemRandom).unwrap())
        .map(|concealed| {
            let real: Vec<String> =
                concealed.disclosures.iter().map(|one| digest(one.text())).collect();
            let elements = concealed.payload["degrees"].as_array().unwrap().iter();
            elements.map(|one| real.iter().any(|digest| one["..."] == **digest)).collect()
        })
        .collect();
    assert_eq!(places.len(), 10, "each way to put 2 among 5");
    let nothing = conceal(with_lists(), &[], 3, &SystemRandom).unwrap();
    assert_eq!(nothing.payload, with_lists(), "no decoy where nothing is concealed");
}

/// RFC 9901 §4.2.4.1, RFC 9901 §9.3
#[test]
fn digests_are_sorted_and_salts_are_fresh() {
    let all: &[&[&str]] = &[&["given_name"], &["address"], &["age"]];
    let (first, second) = (conceal_paths(all), conceal_paths(all));
    assert_ne!(first.payload, second.payload);
    let digests: Vec<_> = first.payload["_sd"].as_array().unwrap().clone();
    let mut sorted = digests.clone();
    sorted.sort_by_key(|digest| digest.as_str().unwrap().to_owned());
    assert_eq!(digests, sorted);
    assert_eq!(first.payload["_sd_alg"], "sha-256");
    for disclosure in first.disclosures {
        let parts = BASE64_URL_SAFE_NO_PAD.decode(disclosure.text()).unwrap();
        let parts: Vec<Value> = serde_json::from_slice(&parts).unwrap();
        let salt = BASE64_URL_SAFE_NO_PAD.decode(parts[0].as_str().unwrap()).unwrap();
        assert_eq!((parts.len(), salt.len()), (3, 18));
    }
}

/// RFC 9901 §4.2.3: the last look before signing takes a disclosure's name, value and digest for those
/// of its text.
#[test]
fn a_disclosure_is_what_its_text_says() {
    let selective = [vec!["nationalities".into()], vec!["degrees".into(), Step::Every]];
    let concealed = conceal(with_lists(), &selective, 0, &SystemRandom).unwrap();
    assert_eq!(concealed.disclosures.len(), 3);
    for disclosure in concealed.disclosures {
        let parts = BASE64_URL_SAFE_NO_PAD.decode(disclosure.text()).unwrap();
        let parts: Vec<Value> = serde_json::from_slice(&parts).unwrap();
        let name = disclosure.name().map(Value::from);
        let said: Vec<Value> = name.into_iter().chain([disclosure.value().clone()]).collect();
        assert_eq!(parts[1..], said);
        assert_eq!(disclosure.digest(), digest(disclosure.text()));
    }
}

/// RFC 9901 §4.2.6: the inner claim needs the outer one.
#[test]
fn an_inner_disclosure_without_its_parent_is_refused() {
    let concealed = conceal_paths(&[&["address"], &["address", "street"]]);
    let inner = concealed
        .disclosures
        .iter()
        .find(|disclosure| {
            let text = BASE64_URL_SAFE_NO_PAD.decode(disclosure.text()).unwrap();
            String::from_utf8(text).unwrap().contains("Main 1")
        })
        .unwrap();
    let verdict = process(concealed.payload.clone(), &[inner.text()]);
    assert_eq!(verdict, Err(SdJwtError::Unreferenced));
}

/// Catalogue I22
#[test]
fn reserved_names_are_never_issued() {
    for claims in [
        json!({ "_sd": [] }),
        json!({ "...": 1 }),
        json!({ "_sd_alg": "sha-256" }),
        json!({ "a": { "_sd": 1 } }),
        json!({ "a": { "_sd_alg": 1 } }),
        json!({ "a": [{ "b": [{ "...": 1 }] }] }),
    ] {
        let verdict = conceal(object(claims), &[], 0, &SystemRandom);
        assert_eq!(verdict, Err(IssueError::ReservedClaim));
    }
}

/// What was to be hidden must not be shown because its path was wrong.
#[test]
fn a_path_that_cannot_be_followed_is_refused() {
    let cases: [&[&[&str]]; 5] =
        [&[&[]], &[&["age", "below a number"]], &[&["age", "*"]], &[&["address", "*"]], &[&["*"]]];
    for selective in cases {
        let verdict = conceal(claims(), &paths(selective), 0, &SystemRandom);
        assert_eq!(verdict, Err(IssueError::WrongPath), "{selective:?}");
    }
}

/// What is issued can be read again: I07 from the other side.
#[test]
fn claims_are_issued_only_within_the_bounds_of_readers() {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
    let path = paths(&[&["a"]]);
    let deepest = conceal(object(nested(DEPTH_MAX - 1)), &path, 0, &SystemRandom).unwrap();
    assert_eq!(put_back(&deepest).unwrap(), object(nested(DEPTH_MAX - 1)));
    let deeper = conceal(object(nested(DEPTH_MAX)), &path, 0, &SystemRandom);
    assert_eq!(deeper, Err(IssueError::TooDeep));
    let each = paths(&[&["a", "*"]]);
    let many = |count| object(json!({ "a": vec![1; count] }));
    let most = conceal(many(DISCLOSURES_MAX), &each, 0, &SystemRandom).unwrap();
    assert_eq!(put_back(&most).unwrap(), many(DISCLOSURES_MAX));
    let verdict = conceal(many(DISCLOSURES_MAX + 1), &each, 0, &SystemRandom);
    assert_eq!(verdict, Err(IssueError::TooManyDisclosures));
}

/// RFC 9901 §7.1
#[test]
fn hostile_disclosures_are_refused() {
    let member = disclosure(&json!(["salt", "a", 1]));
    let element = disclosure(&json!(["salt", 1]));
    let with_digest = |text: &str| json!({ "_sd": [digest(text)] });
    let cases = [
        ("I03: unreferenced", json!({}), vec![member.clone()], SdJwtError::Unreferenced),
        (
            "I02: a digest twice in one list",
            json!({ "_sd": [digest(&member), digest(&member)] }),
            vec![member.clone()],
            SdJwtError::RepeatedDigest,
        ),
        (
            "I02: a digest at two depths, though nothing is disclosed",
            json!({ "_sd": ["x"], "a": { "_sd": ["x"] } }),
            vec![],
            SdJwtError::RepeatedDigest,
        ),
        (
            "I02: a digest as member and as element",
            json!({ "_sd": ["x"], "a": [{ "...": "x" }] }),
            vec![],
            SdJwtError::RepeatedDigest,
        ),
        (
            "I02: a disclosure twice",
            with_digest(&member),
            vec![member.clone(), member.clone()],
            SdJwtError::RepeatedDigest,
        ),
        (
            "I04: two parts as member",
            with_digest(&element),
            vec![element.clone()],
            SdJwtError::WrongArity,
        ),
        (
            "I04: three parts as element",
            json!({ "a": [{ "...": digest(&member) }] }),
            vec![member.clone()],
            SdJwtError::WrongArity,
        ),
        (
            "I04: a name that is there",
            json!({ "_sd": [digest(&member)], "a": 2 }),
            vec![member.clone()],
            SdJwtError::RepeatedName,
        ),
    ];
    for (name, payload, disclosures, error) in cases {
        let disclosures: Vec<&str> = disclosures.iter().map(String::as_str).collect();
        assert_eq!(process(object(payload), &disclosures), Err(error), "{name}");
    }
}

#[test]
fn hostile_payloads_are_refused() {
    let cases = [
        ("`...` beside others", json!({ "a": { "...": "x", "b": 1 } }), SdJwtError::ReservedName),
        ("`...` outside an array", json!({ "...": "x" }), SdJwtError::ReservedName),
        ("I06, HAIP-53: md5", json!({ "_sd_alg": "md5" }), SdJwtError::UnsupportedHash),
        ("I06: no text", json!({ "_sd_alg": null }), SdJwtError::UnsupportedHash),
        ("_sd is no array", json!({ "_sd": {} }), SdJwtError::Malformed),
        ("_sd holds no text", json!({ "_sd": [1] }), SdJwtError::Malformed),
        ("`...` is no text", json!({ "a": [{ "...": 1 }] }), SdJwtError::Malformed),
    ];
    for (name, payload, error) in cases {
        assert_eq!(process(object(payload), &[]), Err(error), "{name}");
    }
}

#[test]
fn disclosures_of_another_shape_are_refused() {
    let cases = [
        (json!(["salt", "_sd", []]), SdJwtError::ReservedName),
        (json!(["salt", "...", 1]), SdJwtError::ReservedName),
        (json!(["salt", "_sd_alg", "md5"]), SdJwtError::ReservedName),
        (json!(["salt"]), SdJwtError::WrongArity),
        (json!(["salt", "a", 1, 2]), SdJwtError::WrongArity),
        (json!([1, "a", 1]), SdJwtError::Malformed),
        (json!(["salt", 1, 1]), SdJwtError::Malformed),
        (json!({ "salt": "a" }), SdJwtError::Malformed),
        (json!("text"), SdJwtError::Malformed),
    ];
    for (parts, error) in cases {
        let text = disclosure(&parts);
        let payload = object(json!({ "_sd": [digest(&text)] }));
        assert_eq!(process(payload, &[&text]), Err(error), "{parts}");
    }
    for text in [
        "not base64!",
        "W10=",
        "",
        &BASE64_URL_SAFE_NO_PAD.encode("[\"s\",\"a\",{\"b\":1,\"b\":2}]"),
    ] {
        let payload = object(json!({ "_sd": [digest(text)] }));
        assert_eq!(process(payload, &[text]), Err(SdJwtError::Malformed), "{text}");
    }
}

/// I04: two disclosures give one name.
#[test]
fn two_disclosures_cannot_share_a_name() {
    let (one, two) = (disclosure(&json!(["1", "a", 1])), disclosure(&json!(["2", "a", 2])));
    let payload = object(json!({ "_sd": [digest(&one), digest(&two)] }));
    assert_eq!(process(payload, &[&one, &two]), Err(SdJwtError::RepeatedName));
}

/// I07
#[test]
fn count_and_depth_are_bounded() {
    let many = vec!["x"; DISCLOSURES_MAX + 1];
    assert_eq!(process(Map::new(), &many), Err(SdJwtError::TooMany));
    let mut chain = vec![disclosure(&json!(["salt", "a", 1]))];
    for _ in 0..500 {
        let inner = digest(chain.last().unwrap());
        chain.push(disclosure(&json!(["salt", "a", { "_sd": [inner] }])));
    }
    let payload = object(json!({ "_sd": [digest(chain.last().unwrap())] }));
    let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
    assert_eq!(process(payload, &chain), Err(SdJwtError::TooDeep));
}

#[test]
fn decoys_and_undisclosed_elements_vanish() {
    let payload = json!({ "_sd": ["decoy"], "a": [1, { "...": "decoy 2" }, { "b": 1 }] });
    let shown = process(object(payload), &[]).unwrap();
    assert_eq!(shown, object(json!({ "a": [1, { "b": 1 }] })));
}

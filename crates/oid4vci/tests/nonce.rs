//! VCI §7 as tables: nonces that store nothing, and what a Wallet takes for one.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::MacKey;
use keys::outside::{SystemRandom, Timestamp};
use oid4vci::nonce::{
    LIFETIME_SECONDS, NonceResponse, RECEIVED_BYTES_MAX, SpendableNonce, parse_response,
};
use serde_json::{json, to_value};

const ISSUER: &str = "https://issuer.example";
const NOW: Timestamp = Timestamp(1_750_000_000);

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn fresh() -> String {
    NonceResponse::fresh(ISSUER, &key(), NOW, &SystemRandom).c_nonce
}

fn is_good(text: &str) -> bool {
    SpendableNonce::parse(text, ISSUER, &key(), NOW).is_some()
}

/// NONCE-04, NONCE-12: one member, and one that a Wallet takes.
#[test]
fn a_nonce_response_holds_c_nonce_only() {
    let sent = NonceResponse { c_nonce: fresh() };
    assert_eq!(to_value(&sent).unwrap(), json!({ "c_nonce": sent.c_nonce }));
    let body = serde_json::to_vec(&sent).unwrap();
    assert_eq!(parse_response(&body), Some(sent.c_nonce));
}

/// NONCE-05, E06: no two are alike, in no byte but those of the time.
#[test]
fn nonces_are_unpredictable() {
    let nonces: Vec<Vec<u8>> =
        (0..1000).map(|_| BASE64_URL_SAFE_NO_PAD.decode(fresh()).unwrap()).collect();
    let distinct: BTreeSet<_> = nonces.iter().collect();
    assert_eq!(distinct.len(), nonces.len());
    for place in 8..nonces[0].len() {
        let values: BTreeSet<u8> = nonces.iter().map(|nonce| nonce[place]).collect();
        // Of 1000 draws about 251 of the 256 values show up.
        assert!(values.len() > 220, "byte {place} takes {} values", values.len());
    }
}

/// NONCE-09, E02: an age at which a nonce is still good.
#[test]
fn a_nonce_lives_as_long_as_a_person_needs() {
    let nonce = fresh();
    let cases = [
        ("new", NOW, true),
        ("a second left", NOW.plus(LIFETIME_SECONDS - 1), true),
        ("E02: too old", NOW.plus(LIFETIME_SECONDS), false),
        ("E02: much too old", Timestamp(u64::MAX), false),
        ("made on a node whose clock is ahead", NOW.minus(30), true),
    ];
    for (rule, now, good) in cases {
        let parsed = SpendableNonce::parse(&nonce, ISSUER, &key(), now);
        assert_eq!(parsed.is_some(), good, "{rule}");
    }
}

/// PROOF-32, E02: only what this issuer made is good.
#[test]
fn a_foreign_or_forged_nonce_is_refused() {
    let other_issuer =
        NonceResponse::fresh("https://other.example", &key(), NOW, &SystemRandom).c_nonce;
    let other_key = NonceResponse::fresh(ISSUER, &MacKey::new([8; 32]), NOW, &SystemRandom).c_nonce;
    let nonce = fresh();
    let cases = [
        ("ours", nonce.clone(), true),
        ("E02: of another issuer with our key", other_issuer, false),
        ("E02: made with another key", other_key, false),
        ("E02: a Wallet's own", BASE64_URL_SAFE_NO_PAD.encode([0; 56]), false),
        ("E02: the spec's example", "wKI4LT17ac15ES9bw8ac4".into(), false),
        ("empty", String::new(), false),
        ("one character less", nonce[1..].into(), false),
        ("one character more", format!("{nonce}A"), false),
        ("padded", format!("{nonce}="), false),
        ("not base64url (GEN-10)", nonce.replacen(|_| true, "+", 1), false),
        ("long", "A".repeat(1_000_000), false),
        ("not ASCII, of the right length", format!("{}é", &nonce[2..]), false),
    ];
    for (rule, text, good) in cases {
        assert_eq!(is_good(&text), good, "{rule}");
    }
}

/// E01, E02: one bit changes, and a nonce has one spelling: another would be spent apart from it.
#[test]
fn no_bit_of_a_nonce_can_be_changed() {
    let nonce = fresh();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&nonce).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(!is_good(&BASE64_URL_SAFE_NO_PAD.encode(changed)), "byte {place}");
    }
    // The last character carries two bits that a loose decoder drops.
    let spellings = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
    let same = spellings.map(|last| format!("{}{last}", &nonce[..nonce.len() - 1]));
    assert_eq!(same.filter(|text| is_good(text)).count(), 1);
}

/// AMB-04: what is remembered of a spent nonce tells it from every other, and for how long.
#[test]
fn a_spent_nonce_is_remembered_by_its_front() {
    let parse = |text: &str| SpendableNonce::parse(text, ISSUER, &key(), NOW).unwrap();
    let (first, second) = (fresh(), fresh());
    assert_eq!(parse(&first), parse(&first));
    assert_ne!(parse(&first).front, parse(&second).front);
    assert_eq!(parse(&first).expires_at, NOW.plus(LIFETIME_SECONDS));
    let later = NonceResponse::fresh(ISSUER, &key(), NOW.plus(1), &SystemRandom).c_nonce;
    assert!(parse(&first).front < parse(&later).front, "ordered by time, so old ones go at once");
}

/// VCI §7.2, NONCE-04, E28: what a Wallet takes.
#[test]
fn a_wallet_reads_a_nonce_or_none() {
    let long = |length| json!({ "c_nonce": "n".repeat(length) }).to_string();
    let cases = [
        ("NONCE-04", json!({ "c_nonce": "n" }).to_string(), true),
        (
            "NONCE-12: old members",
            json!({ "c_nonce": "n", "c_nonce_expires_in": 5 }).to_string(),
            true,
        ),
        ("E28: the longest", long(RECEIVED_BYTES_MAX), true),
        ("E28: longer", long(RECEIVED_BYTES_MAX + 1), false),
        ("E28: a megabyte", long(1_000_000), false),
        ("empty", json!({ "c_nonce": "" }).to_string(), false),
        ("a number", json!({ "c_nonce": 1 }).to_string(), false),
        ("missing", json!({ "nonce": "n" }).to_string(), false),
        ("G03: twice", r#"{"c_nonce":"a","c_nonce":"b"}"#.to_owned(), false),
        ("no object", json!("n").to_string(), false),
        ("nothing", String::new(), false),
    ];
    for (rule, body, good) in cases {
        assert_eq!(parse_response(body.as_bytes()).is_some(), good, "{rule}");
    }
}

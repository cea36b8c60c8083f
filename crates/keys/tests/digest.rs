//! Digests, message authentication codes and encryption at rest.

use keys::aead::{AeadError, AeadKey};
use keys::digest::{MacKey, Sha256, equal, sha256};
use keys::outside::{Random, SystemRandom};

/// Fills with one byte.
#[derive(Debug)]
struct Constant(u8);

impl Random for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

#[test]
fn sha256_is_sha256() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex(&sha256(b"abc")), abc);
}

#[test]
fn pieces_have_the_digest_of_the_whole() {
    let mut pieces = Sha256::default();
    for piece in [&b"a"[..], b"", b"bc"] {
        pieces.update(piece);
    }
    assert_eq!(pieces.finish(), sha256(b"abc"));
}

#[test]
fn a_mac_is_hmac_sha256_of_length_prefixed_parts() {
    // Computed with Python's hmac module over the same bytes.
    let mac = MacKey::new([7; 32]).mac("purpose", &[b"one", b""]);
    assert_eq!(hex(&mac), "9920d3b63fbe835247fb3700daf3d51865a2673ccaabf4f0e8a90ee22e100ed8");
}

#[test]
fn parts_and_purposes_do_not_run_together() {
    let key = MacKey::new([7; 32]);
    let mac = key.mac("p", &[b"ab", b"c"]);
    for (purpose, parts) in [
        ("p", &[&b"a"[..], b"bc"][..]),
        ("p", &[b"abc"]),
        ("p", &[b"ab", b"c", b""]),
        ("pa", &[b"b", b"c"]),
        ("q", &[b"ab", b"c"]),
    ] {
        assert_ne!(key.mac(purpose, parts), mac);
        assert!(!key.verify(purpose, parts, &mac));
    }
    assert!(key.verify("p", &[b"ab", b"c"], &mac));
    assert!(!key.verify("p", &[b"ab", b"c"], &mac[..31]));
    assert!(!MacKey::new([8; 32]).verify("p", &[b"ab", b"c"], &mac));
}

#[test]
fn equal_means_equal() {
    assert!(equal(b"abc", b"abc"));
    assert!(!equal(b"abc", b"abd"));
    assert!(!equal(b"abc", b"abcd"));
    assert!(!equal(b"", b"a"));
}

#[test]
fn keys_do_not_show_in_logs() {
    assert_eq!(format!("{:?}", MacKey::fresh(&Constant(1))), "MacKey(..)");
    assert_eq!(format!("{:?}", AeadKey::fresh(&Constant(1))), "AeadKey(..)");
    assert_eq!(MacKey::fresh(&Constant(1)).expose(), &[1; 32]);
}

#[test]
fn what_is_sealed_opens_in_its_place_only() {
    let key = AeadKey::fresh(&SystemRandom);
    let sealed = key.seal(&SystemRandom, b"place", b"secret").unwrap();
    assert_eq!(sealed.len(), 12 + 6 + 16);
    assert_eq!(key.open(b"place", &sealed).unwrap().as_slice(), b"secret");
    assert_eq!(key.open(b"other", &sealed), Err(AeadError::CannotOpen));
    let other = AeadKey::fresh(&SystemRandom);
    assert_eq!(other.open(b"place", &sealed), Err(AeadError::CannotOpen));
}

#[test]
fn a_changed_or_shortened_record_does_not_open() {
    let key = AeadKey::new([9; 32]);
    let sealed = key.seal(&Constant(3), b"", b"secret").unwrap();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        assert_eq!(key.open(b"", &changed), Err(AeadError::CannotOpen), "byte {place}");
        assert_eq!(key.open(b"", &sealed[..place]), Err(AeadError::CannotOpen));
    }
}

#[test]
fn equal_records_are_sealed_differently() {
    let key = AeadKey::new([9; 32]);
    let seal = || key.seal(&SystemRandom, b"", b"secret").unwrap();
    assert_ne!(seal(), seal());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

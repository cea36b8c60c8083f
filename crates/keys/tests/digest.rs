//! Digests, message authentication codes and encryption at rest.

use keys::aead::{AeadError, AeadKey};
use keys::digest::{MacKey, Sha256, equal, sha256};
use keys::outside::{Random, SystemRandom, Timestamp};

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

/// Three generations: always, from 100 and from 200 on.
fn generations(now: u64) -> Option<MacKey> {
    let of = |from, byte| (Timestamp(from), MacKey::new([byte; 32]));
    MacKey::of_generations(vec![of(200, 3), of(0, 1), of(100, 2)], Timestamp(now))
}

#[test]
fn a_key_makes_as_its_present_generation() {
    for (now, byte) in [(0, 1), (99, 1), (100, 2), (199, 2), (200, 3), (u64::MAX, 3)] {
        let expected = MacKey::new([byte; 32]).mac("p", &[b"a"]);
        assert_eq!(generations(now).unwrap().mac("p", &[b"a"]), expected, "at {now}");
    }
    assert!(MacKey::of_generations(Vec::new(), Timestamp(0)).is_none());
    let later = vec![(Timestamp(9), MacKey::new([9; 32]))];
    let early = MacKey::of_generations(later, Timestamp(3)).unwrap();
    assert_eq!(early.expose(), &[9; 32], "a clock that was set back finds a key, too");
}

#[test]
fn a_key_knows_what_each_of_its_generations_made() {
    let key = generations(150).unwrap();
    for byte in 1..=3 {
        let mac = MacKey::new([byte; 32]).mac("p", &[b"a"]);
        assert!(key.verify("p", &[b"a"], &mac), "past, present and future: {byte}");
        assert!(!key.verify("p", &[b"b"], &mac));
    }
    assert!(!key.verify("p", &[b"a"], &MacKey::new([4; 32]).mac("p", &[b"a"])));
}

#[test]
fn what_was_made_at_a_time_stays_with_the_generation_of_that_time() {
    for now in [0, 150, 500] {
        let key = generations(now).unwrap();
        for (time, byte) in [(0, 1), (99, 1), (100, 2), (199, 2), (200, 3), (1_000, 3)] {
            assert_eq!(key.at(Timestamp(time)).expose(), &[byte; 32], "{time}, seen at {now}");
        }
    }
    let left = vec![(Timestamp(100), MacKey::new([2; 32])), (Timestamp(200), MacKey::new([3; 32]))];
    let left = MacKey::of_generations(left, Timestamp(300)).unwrap();
    assert_eq!(left.at(Timestamp(50)).expose(), &[2; 32], "the first one is destroyed");
    assert_eq!(MacKey::new([7; 32]).at(Timestamp(50)).expose(), &[7; 32]);
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

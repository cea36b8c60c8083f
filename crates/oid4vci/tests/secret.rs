//! Codes, references and tokens: unguessable, derived where they are shown again, never in a log.

use std::collections::BTreeSet;

use keys::digest::MacKey;
use keys::outside::{Random, SystemRandom, Timestamp};
use oid4vci::deferred::DeferralId;
use oid4vci::notification::Notified;
use oid4vci::offer::OfferId;
use oid4vci::secret::{
    AccessToken, OfferReference, PreAuthorizedCode, TX_CODE_LENGTHS, TransactionId, TxCode,
};

const OFFER: OfferId = OfferId([1; 16]);
const OTHER: OfferId = OfferId([2; 16]);

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn other_key() -> MacKey {
    MacKey::new([8; 32])
}

/// Draws the same byte again and again, and no short secret.
#[derive(Debug)]
struct Fixed(u8);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        assert!(bytes.len() >= 32, "a secret of less than 32 bytes is guessable");
        bytes.fill(self.0);
    }
}

/// OFFER-16, SEC-07, B15: 32 random bytes each.
#[test]
fn secrets_hold_32_random_bytes() {
    let (one, two) = (Fixed(1), Fixed(2));
    assert_ne!(
        OfferReference::fresh(OFFER, &one).expose(),
        OfferReference::fresh(OFFER, &two).expose()
    );
    assert_ne!(AccessToken::fresh(OFFER, &one).expose(), AccessToken::fresh(OFFER, &two).expose());
    let drawn: BTreeSet<String> =
        (0..1000).map(|_| AccessToken::fresh(OFFER, &SystemRandom).expose().to_owned()).collect();
    assert_eq!(drawn.len(), 1000);
}

/// B16: a code names its offer, so that it is found without comparing secrets.
#[test]
fn a_secret_names_its_offer() {
    let reference = OfferReference::fresh(OFFER, &SystemRandom);
    assert_eq!(reference.offer_id(), Some(OFFER));
    assert_eq!(AccessToken::fresh(OTHER, &SystemRandom).offer_id(), Some(OTHER));
    assert_eq!(reference.pre_authorized_code(&key()).unwrap().offer_id(), Some(OFFER));
    let url_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(reference.expose().chars().all(url_safe), "GEN-10: it stands in a URL");
    let foreign = [
        String::new(),
        "adhjhdjajkdkhjhdj".into(),
        reference.expose()[1..].into(),
        format!("{}A", reference.expose()),
        format!("{}=", &reference.expose()[1..]),
        format!("{}é", &reference.expose()[2..]),
        "A".repeat(1_000_000),
    ];
    for text in foreign {
        assert_eq!(PreAuthorizedCode::new(text.as_str()).offer_id(), None, "B06: {text:.70}");
    }
}

/// The reference answers with its code again and again; nothing else leads to the code.
#[test]
fn the_code_follows_from_reference_and_key() {
    let reference = OfferReference::fresh(OFFER, &SystemRandom);
    let code = |reference: &OfferReference, key: &MacKey| {
        reference.pre_authorized_code(key).unwrap().expose().to_owned()
    };
    let first = code(&reference, &key());
    assert_eq!(code(&reference, &key()), first, "after a restart, on another node");
    assert_ne!(code(&reference, &other_key()), first, "B17: without the key");
    let other = OfferReference::fresh(OFFER, &SystemRandom);
    assert_ne!(code(&other, &key()), first, "B17: without the reference");
    assert!(!reference.expose().contains(&first[22..]), "A15: the link does not hold the code");
    assert!(OfferReference::new("guess").pre_authorized_code(&key()).is_none(), "A16");
}

/// A derived reference is shown to its owner again, and to nobody else.
#[test]
fn a_derived_reference_follows_from_its_owner() {
    let derive =
        |id, key: &MacKey, owner: &[u8]| OfferReference::derive(id, key, owner).expose().to_owned();
    let first = derive(OFFER, &key(), b"owner");
    assert_eq!(derive(OFFER, &key(), b"owner"), first);
    let others = [
        ("another owner", derive(OFFER, &key(), b"stranger")),
        ("another offer", derive(OTHER, &key(), b"owner")),
        ("another key", derive(OFFER, &other_key(), b"owner")),
    ];
    for (rule, other) in others {
        // The first 22 characters name the offer; the secret is behind them.
        assert_ne!(other[22..], first[22..], "{rule}");
    }
    assert_eq!(OfferReference::new(first).offer_id(), Some(OFFER));
}

/// B17: digests of different secrets differ, and match their own only.
#[test]
fn a_digest_stands_for_one_secret() {
    let code = PreAuthorizedCode::new("c");
    assert!(code.digest().matches(&PreAuthorizedCode::new("c").digest()));
    for other in ["", "C", "c ", "c\0", "d"] {
        assert!(!PreAuthorizedCode::new(other).digest().matches(&code.digest()), "B06: {other:?}");
    }
}

/// TOKEN-31, B17: a stolen database does not give a Transaction Code away.
#[test]
fn the_digest_of_a_transaction_code_needs_key_and_offer() {
    let stored = TxCode::new("493536").digest(&key(), OFFER);
    let cases = [
        ("the right one", "493536", key(), OFFER, true),
        ("a wrong one", "493537", key(), OFFER, false),
        ("C06: without its zeros", "0493536", key(), OFFER, false),
        ("C06: with a space", "493536 ", key(), OFFER, false),
        ("another key", "493536", other_key(), OFFER, false),
        ("another offer", "493536", key(), OTHER, false),
    ];
    for (rule, text, key, offer, expected) in cases {
        assert_eq!(TxCode::new(text).matches(&stored, &key, offer), expected, "{rule}");
    }
    assert!(stored != TxCode::new("493536").digest(&key(), OTHER), "equal codes do not look equal");
}

/// What was made before a key was replaced is made again the same; what is made afterwards is not.
#[test]
fn what_is_derived_for_an_offer_stays_when_the_key_is_replaced() {
    let (before, after) = (Timestamp(1_000), Timestamp(2_000));
    let generations = |now| {
        let both = vec![(Timestamp(0), key()), (after, other_key())];
        MacKey::of_generations(both, now).unwrap()
    };
    let early = OfferId::fresh(before, &SystemRandom);
    let late = OfferId::fresh(after, &SystemRandom);
    for (id, its_key) in [(early, key()), (late, other_key())] {
        for key in [generations(before), generations(after)] {
            let reference = OfferReference::derive(id, &key, b"owner");
            let same = OfferReference::derive(id, &its_key, b"owner");
            assert_eq!(reference.expose(), same.expose());
            let code = reference.pre_authorized_code(&key).unwrap();
            assert_eq!(code.expose(), same.pre_authorized_code(&its_key).unwrap().expose());
            let state = reference.issuer_state(&key).unwrap();
            assert_eq!(state.expose(), same.issuer_state(&its_key).unwrap().expose());
            let deferral = DeferralId(OfferId([1; 16]));
            let transaction_id = TransactionId::derive(deferral, id, &key);
            let again = TransactionId::derive(deferral, id, &its_key);
            assert_eq!(transaction_id.expose(), again.expose());
            let notified = Notified::new(id, 0, 1);
            assert_eq!(notified.notification_id(&key), notified.notification_id(&its_key));
            let told = Notified::parse(&notified.notification_id(&its_key), &key);
            assert_eq!(told, Some(notified));
            let tx_code = TxCode::new("493536");
            assert!(tx_code.matches(&tx_code.digest(&its_key, id), &key, id));
        }
    }
}

/// C07: the code of an owner is drawn again the same; others have others.
#[test]
fn a_transaction_code_follows_from_its_context() {
    let derive =
        |key: &MacKey, context: &[&[u8]]| TxCode::derive(key, context, 12).expose().to_owned();
    let first = derive(&key(), &[b"offer", b"1"]);
    assert_eq!(derive(&key(), &[b"offer", b"1"]), first);
    let others: [(&str, MacKey, &[&[u8]]); 4] = [
        ("another key", other_key(), &[b"offer", b"1"]),
        ("another offer", key(), &[b"offer", b"2"]),
        ("parts that run together", key(), &[b"offe", b"r1"]),
        ("fewer parts", key(), &[b"offer1"]),
    ];
    for (rule, key, context) in others {
        assert_ne!(derive(&key, context), first, "{rule}");
    }
    for length in TX_CODE_LENGTHS.chain([0, 1, 64, 255]) {
        let code = TxCode::derive(&key(), &[b"offer"], length);
        assert_eq!(code.expose().len(), usize::from(length));
        assert!(code.expose().bytes().all(|byte| byte.is_ascii_digit()), "OFFER-19");
    }
}

/// C07: over 200 000 codes every digit in every place, and every neighbouring pair, is as likely as
/// the others; chi-square, at limits that chance exceeds once in more than a million runs.
///
/// The codes follow from a fixed key, so the test has one outcome.
#[test]
fn transaction_codes_are_uniform() {
    const CODES: u32 = 200_000;
    let mut digits = [[0_u32; 10]; 6];
    let mut pairs = [[0_u32; 100]; 5];
    for number in 0..CODES {
        let code = TxCode::derive(&key(), &[b"offer", &number.to_be_bytes()], 6);
        let values: Vec<usize> = code.expose().bytes().map(|byte| (byte - b'0').into()).collect();
        for (place, value) in values.iter().enumerate() {
            digits[place][*value] += 1;
        }
        for (place, pair) in values.windows(2).enumerate() {
            pairs[place][pair[0] * 10 + pair[1]] += 1;
        }
    }
    for counts in digits {
        assert!(chi_square(&counts, CODES) < 45.0, "9 degrees of freedom: {counts:?}");
    }
    for counts in pairs {
        assert!(chi_square(&counts, CODES) < 180.0, "99 degrees of freedom: {counts:?}");
    }
}

/// The test can fail: taking every byte modulo 10 shows.
#[test]
fn a_modulo_bias_would_be_seen() {
    let biased = [26, 26, 26, 26, 26, 26, 25, 25, 25, 25].map(|share| share * 200_000 / 256);
    assert!(chi_square(&biased, biased.iter().sum()) > 45.0);
}

fn chi_square(counts: &[u32], total: u32) -> f64 {
    let cells = u32::try_from(counts.len()).map_or(f64::NAN, f64::from);
    let expected = f64::from(total) / cells;
    counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
}

/// C13, G13: a code or a token in a log is a breach.
#[test]
fn secrets_do_not_reach_debug_output() {
    let secret = "s3cret";
    let digest = PreAuthorizedCode::new(secret).digest();
    let tx_code_digest = TxCode::new(secret).digest(&key(), OFFER);
    let shown = [
        (format!("{:?}", PreAuthorizedCode::new(secret)), "PreAuthorizedCode(..)"),
        (format!("{:?}", AccessToken::new(secret)), "AccessToken(..)"),
        (format!("{:?}", TxCode::new(secret)), "TxCode(..)"),
        (format!("{:?}", OfferReference::new(secret)), "OfferReference(..)"),
        (format!("{digest:?}"), "SecretDigest(..)"),
        (format!("{tx_code_digest:?}"), "TxCodeDigest(..)"),
    ];
    for (shown, expected) in shown {
        assert_eq!(shown, expected);
    }
}

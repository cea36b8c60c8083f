//! VCI §D.1 as a table, on the wallet's side: an attestation that the issuer would refuse is seen
//! before it is sent.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "other tests need more of it")]
mod jose;

use jose::{jwt, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::{
    KeyAttestationRefusal, KeyAttestationsRequired, NewKeyAttestation, WantedKeyAttestation,
};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_750_000_000);

struct Maker {
    key: SoftwareKey,
    keys: Vec<PublicKey>,
    required: KeyAttestationsRequired,
}

impl Maker {
    fn new() -> Self {
        let key = || SoftwareKey::generate(Es256).unwrap();
        let keys = [key(), key()].map(|key| key.public_key().clone()).into();
        let required = KeyAttestationsRequired {
            key_storage: vec!["iso_18045_high".into(), "iso_18045_moderate".into()],
            user_authentication: Vec::new(),
        };
        Self { key: key(), keys, required }
    }

    fn wanted(&self) -> WantedKeyAttestation<'_> {
        WantedKeyAttestation {
            credential_issuer: "https://issuer.example",
            keys: &self.keys,
            nonce: Some("n"),
            algorithms: &[Es256],
            required: &self.required,
            is_alone: false,
        }
    }

    async fn made(&self, header: &Value, claims: &Value) -> String {
        let plain = json!({ "typ": "key-attestation+jwt", "alg": "ES256" });
        let jwks: Value = self.keys.iter().map(|key| Value::Object(key.to_jwk())).collect();
        let good = json!({
            "iat": NOW.0, "exp": NOW.0 + 60, "nonce": "n", "attested_keys": jwks,
            "key_storage": ["iso_18045_moderate"],
        });
        jwt(&merged(plain, header), &merged(good, claims), &self.key).await
    }
}

#[tokio::test]
async fn an_attestation_is_the_one_that_was_wanted_or_is_not_sent() {
    use KeyAttestationRefusal as Refused;
    let maker = Maker::new();
    let jwk = |key: &PublicKey| Value::Object(key.to_jwk());
    let [one, two] = &maker.keys[..] else { unreachable!() };
    let other = SoftwareKey::generate(Es256).unwrap();
    let none = json!({});
    let cases = [
        ("good", &none, json!({}), Ok(())),
        ("more than is read", &none, json!({ "certification": "https://x.example" }), Ok(())),
        ("a better level", &none, json!({ "key_storage": ["x", "iso_18045_high"] }), Ok(())),
        ("KEYATT-07: iat", &none, json!({ "iat": null }), Err(Refused::NoTime)),
        ("KEYATT-08: exp", &none, json!({ "exp": null }), Err(Refused::NoExpiry)),
        ("KEYATT-08: over", &none, json!({ "exp": NOW.0 }), Err(Refused::Expired)),
        ("META-38", &none, json!({ "key_storage": ["iso_18045_basic"] }), Err(Refused::KeyStorage)),
        ("META-38: none", &none, json!({ "key_storage": null }), Err(Refused::KeyStorage)),
        ("KEYATT-09", &none, json!({ "key_storage": [] }), Err(Refused::BadLevels)),
        ("KEYATT-11: another", &none, json!({ "nonce": "m" }), Err(Refused::BadNonce)),
        ("KEYATT-11: none", &none, json!({ "nonce": 1 }), Err(Refused::NoNonce)),
        ("KEYATT-07: no keys", &none, json!({ "attested_keys": "x" }), Err(Refused::NoKeys)),
        ("too few", &none, json!({ "attested_keys": [jwk(one)] }), Err(Refused::OtherKey)),
        (
            "PROOF-18: too many",
            &none,
            json!({ "attested_keys": [jwk(one), jwk(two), jwk(other.public_key())] }),
            Err(Refused::OtherKey),
        ),
        ("in another order", &none, json!({ "attested_keys": [jwk(two), jwk(one)] }), Ok(())),
    ];
    for (rule, header, claims, expected) in cases {
        let attestation = maker.made(header, &claims).await;
        assert_eq!(maker.wanted().check(&attestation, NOW), expected, "{rule}");
    }
    let typ = json!({ "typ": "keyattestation+jwt" });
    let attestation = maker.made(&typ, &none).await;
    assert_eq!(maker.wanted().check(&attestation, NOW), Err(Refused::WrongType), "KEYATT-05");
    assert_eq!(maker.wanted().check("x", NOW), Err(Refused::Unreadable));
}

/// KEYATT-08, KEYATT-11: what depends on where it stands, and on what the issuer has.
#[tokio::test]
async fn what_is_wanted_depends_on_its_use() {
    use KeyAttestationRefusal as Refused;
    let maker = Maker::new();
    let wanted = maker.wanted();
    let endless = maker.made(&json!({}), &json!({ "exp": null })).await;
    let without_nonce = maker.made(&json!({}), &json!({ "nonce": null })).await;
    let good = maker.made(&json!({}), &json!({})).await;
    let alone = WantedKeyAttestation { is_alone: true, ..wanted };
    assert_eq!(alone.check(&good, NOW), Ok(()));
    assert_eq!(alone.check(&endless, NOW), Ok(()), "KEYATT-08: only beside a proof");
    let never = maker.made(&json!({}), &json!({ "exp": "never" })).await;
    assert_eq!(alone.check(&never, NOW), Err(Refused::NoExpiry));
    let free = WantedKeyAttestation { nonce: None, ..wanted };
    assert_eq!(free.check(&good, NOW), Ok(()), "an issuer without nonces reads none");
    assert_eq!(free.check(&without_nonce, NOW), Ok(()));
    let others = WantedKeyAttestation { algorithms: &[EdDsa], ..wanted };
    assert_eq!(others.check(&good, NOW), Err(Refused::AlgorithmNotSupported), "PROOF-19");
    let ours = NewKeyAttestation {
        keys: &maker.keys,
        key_storage: &["iso_18045_high"],
        user_authentication: &[],
        nonce: Some("n"),
        now: NOW,
        expires_at: NOW.plus(60),
    };
    let ours = ours.sign(&maker.key, None).await.unwrap();
    assert_eq!(wanted.check(&ours, NOW), Ok(()));
}

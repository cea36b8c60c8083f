//! Issuers that sign with RSA: their words are verified, and what holders prove is not RSA's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod world;

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::outside::Clock;
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize, SigningKey as _};
use serde_json::{Value, json};
use wallet::Settings;
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::http::Http;
use wallet::trust::VerificationError;
use wallet::verify::{Outcome, Report, SignedBy, Verdict, Verifier};
use world::{ISSUER, ISSUER_KEYS, Moved, NOW, Network, Proof, World, endpoint, issued};

fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

struct Rsa(KeyPair);

impl Rsa {
    fn new() -> Self {
        Self(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    fn jwk(&self) -> Value {
        // Behind the headers of the sequence and of the number, and a zero; then 65537.
        let modulus = self.0.der_bytes().get(9..265).unwrap();
        json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB", "kid": "rsa-1" })
    }

    fn published(&self) -> Value {
        json!({ "issuer": ISSUER, "jwks": { "keys": [self.jwk()] } })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        format!("{input}.{}", encode(self.0.sign(input.as_bytes()).unwrap()))
    }

    fn card(&self, cnf: &Value) -> String {
        let header = json!({ "typ": "dc+sd-jwt", "alg": "RS256", "kid": "rsa-1" });
        let claims = json!({
            "iss": ISSUER, "vct": "https://issuer.example/vct/student", "cnf": cnf,
            "iat": NOW.0, "exp": NOW.0 + 3600, "given_name": "Ada",
        });
        format!("{}~", self.sign(&header, &claims))
    }
}

fn verifier(network: &Arc<Network>) -> Verifier {
    Verifier {
        http: Arc::clone(network) as Arc<dyn Http>,
        clock: Arc::new(Moved::default()) as Arc<dyn Clock>,
        settings: Settings::default(),
        given_keys: None,
        status_list: None,
        is_now: true,
        without_status: false,
    }
}

#[track_caller]
fn outcome(report: &Report, name: &str) -> Outcome {
    let check = report.checks.iter().find(|check| check.name == name);
    check.unwrap_or_else(|| panic!("{name}: {report:?}")).outcome
}

/// RFC 7518 §3.3: by the key that is published, and by no other.
#[tokio::test]
async fn a_jwt_of_an_issuer_may_be_signed_with_rsa() {
    let (key, network) = (Rsa::new(), Arc::new(Network::default()));
    network.says(ISSUER_KEYS, 200, key.published());
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "rsa-1" });
    let claims = json!({ "iss": ISSUER, "exp": NOW.0 + 60 });
    let by = SignedBy::Issuer("iss");
    let report = verifier(&network).jwt(&key.sign(&header, &claims), by).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    let report = verifier(&network).jwt(&Rsa::new().sign(&header, &claims), by).await;
    assert_eq!(outcome(&report, "signature"), Outcome::Failed);
}

/// VCI §F.1: wallets prove keys of elliptic curves.
#[tokio::test]
async fn nobody_proves_to_hold_an_rsa_key() {
    let (key, network) = (Rsa::new(), Arc::new(Network::default()));
    let header = json!({ "typ": "openid4vci-proof+jwt", "alg": "RS256", "jwk": key.jwk() });
    let proof = key.sign(&header, &json!({ "iat": NOW.0 }));
    let report = verifier(&network).jwt(&proof, SignedBy::Holder).await;
    assert_eq!(outcome(&report, "signature"), Outcome::Failed);
    assert_eq!(report.verdict(), Verdict::Failed);
}

/// A card that is signed with RS256, from its issuer into the store, and before a verifier.
#[tokio::test]
async fn a_card_that_is_signed_with_rsa_is_received_and_verified() {
    let (key, world) = (Arc::new(Rsa::new()), World::new());
    world.network.says(ISSUER_KEYS, 200, key.published());
    let signer = Arc::clone(&key);
    let make = move |sent: &_| issued(&signer.card(&Proof::of(sent).cnf()).into());
    world.network.on(&endpoint("credential"), make);
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert_eq!(received.doubt(), None);
    let kept = world.wallet.keep(&received).await.unwrap().pop().unwrap();
    let report = verifier(&world.network).credential("dc+sd-jwt", &kept.raw).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");

    let stranger = Rsa::new();
    let make = move |sent: &_| issued(&stranger.card(&Proof::of(sent).cnf()).into());
    world.network.on(&endpoint("credential"), make);
    let refused = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
    let wrong = WalletError::NotVerified(VerificationError::WrongSignature);
    assert_eq!(refused, wrong);
}

//! A DPoP proof that can be changed at will, and the server that it is for.

use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::digest::MacKey;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::dpop::{DpopContext, DpopRefusal, VerifiedDpop, verify};
use oid4vci::nonce::{Nonces, Purpose};
use oid4vci::secret::AccessToken;
use serde_json::{Value, json};

use crate::jose::{jwt, merged};

pub(crate) const ISSUER: &str = "https://issuer.example/a";
pub(crate) const ENDPOINT: &str = "https://issuer.example/a/token";
pub(crate) const NOW: Timestamp = Timestamp(1_750_000_000);
pub(crate) const WINDOW: u64 = 60;

pub(crate) fn nonces(key: &MacKey) -> Nonces<'_> {
    Nonces { purpose: Purpose::Dpop, issuer: ISSUER, key }
}

pub(crate) fn nonce_key() -> MacKey {
    MacKey::new([7; 32])
}

pub(crate) fn context(key: &MacKey) -> DpopContext<'_> {
    DpopContext {
        method: "POST",
        endpoint: ENDPOINT,
        algorithms: &[Es256, EdDsa],
        nonces: nonces(key),
        is_nonce_required: false,
        window_seconds: WINDOW,
        now: NOW,
    }
}

pub(crate) fn header(key: &SoftwareKey) -> Value {
    let (alg, jwk) = (key.algorithm().name(), key.public_key().to_jwk());
    json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk })
}

pub(crate) fn claims() -> Value {
    json!({ "jti": "a jti", "htm": "POST", "htu": ENDPOINT, "iat": NOW.0 })
}

pub(crate) fn check(proof: &str, token: Option<&AccessToken>) -> Result<VerifiedDpop, DpopRefusal> {
    verify(&[proof], token, &context(&nonce_key())).map(Option::unwrap)
}

pub(crate) fn verdict(proof: &str) -> Result<(), DpopRefusal> {
    check(proof, None).map(|_| ())
}

pub(crate) async fn with_claims(key: &SoftwareKey, more: &Value) -> String {
    jwt(&header(key).to_string(), &merged(claims(), more), key).await
}

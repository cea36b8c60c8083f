//! What the sender of a request proves beside what it says, by hand, so that it can be wrong: DPoP
//! proofs (RFC 9449 §4.2) and client attestations (VCI §E).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::{MacKey, sha256};
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::{AttesterKey, Attesters};
use oid4vci::dpop::{ALGORITHMS, DpopContext, verify};
use oid4vci::nonce::{Nonces, Purpose};
use oid4vci::replay::UsedJti;
use serde_json::{Value, json};

use crate::proof::{Draft, holder_key};

/// The client that attestations of tests name.
pub const CLIENT: &str = "https://wallet.example";

/// A `jti` that no test has used.
fn jti() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("jti-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A good DPoP proof for a request to `endpoint`, and for the token that it brings.
pub fn dpop(key: &SoftwareKey, endpoint: &str, iat: u64, token: Option<&str>) -> Draft {
    let header = json!({
        "typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": key.public_key().to_jwk(),
    });
    let claims = json!({ "jti": jti(), "htm": "POST", "htu": endpoint, "iat": iat });
    let mut draft = Draft::of(header, claims);
    let ath = token.map(|token| BASE64_URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
    draft.claim("ath", ath.map(Value::from));
    draft
}

/// What a proof of a new key leaves behind, as only a verified one does.
pub async fn used(now: Timestamp) -> UsedJti {
    let (key, endpoint) = (holder_key(), "https://issuer.example/token");
    let proof = dpop(&key, endpoint, now.0, None).sign(&key).await;
    let nonce_key = MacKey::new([7; 32]);
    let nonces =
        Nonces { purpose: Purpose::Dpop, issuer: "https://issuer.example", key: &nonce_key };
    let context = DpopContext {
        method: "POST",
        endpoint,
        algorithms: &ALGORITHMS,
        nonces,
        is_nonce_required: false,
        window_seconds: 60,
        now,
    };
    *verify(&[&proof], None, &context).unwrap().unwrap().used()
}

/// A provider of wallets, and one instance that it vouches for.
#[derive(Debug)]
pub struct Instance {
    /// Signs attestations.
    pub provider: Arc<SoftwareKey>,
    /// The Client Instance Key.
    pub key: SoftwareKey,
}

impl Default for Instance {
    fn default() -> Self {
        Self { provider: Arc::new(holder_key()), key: holder_key() }
    }
}

impl Instance {
    /// As the store remembers its key.
    pub fn key_thumbprint(&self) -> String {
        self.key.public_key().thumbprint().to_string()
    }

    /// Those who trust the provider, by its bare key.
    pub fn attesters(&self) -> Attesters {
        let jwk = Value::Object(self.provider.public_key().to_jwk());
        Attesters { keys: vec![AttesterKey::from_jwk(&jwk).unwrap()], ..Attesters::default() }
    }

    /// A good attestation, not yet signed.
    pub fn attestation(&self, now: u64) -> Draft {
        let header = json!({ "typ": "oauth-client-attestation+jwt", "alg": "ES256" });
        let claims = json!({
            "iss": "https://provider.example", "sub": CLIENT, "iat": now, "exp": now + 3600,
            "cnf": { "jwk": self.key.public_key().to_jwk() },
        });
        Draft::of(header, claims)
    }

    /// A good proof of possession, not yet signed.
    pub fn pop(&self, aud: &str, now: u64, challenge: Option<&str>) -> Draft {
        let header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "ES256" });
        let claims = json!({ "iss": CLIENT, "aud": aud, "jti": jti(), "iat": now });
        let mut draft = Draft::of(header, claims);
        draft.claim("challenge", challenge.map(Value::from));
        draft
    }
}

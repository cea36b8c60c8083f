//! A Wallet that can do everything wrong, and the Issuer that its proofs are for.

use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::digest::MacKey;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::KeyAttestationPolicy;
use oid4vci::attestation::status::KnownEntries;
use oid4vci::nonce::NonceResponse;
use oid4vci::proof::BindingMethod::{DidJwk, DidKey, Jwk};
use oid4vci::proof::{KnownDocuments, ProofContext, WINDOW_SECONDS_MIN};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://issuer.example/a";
pub(crate) const NOW: Timestamp = Timestamp(1_750_000_000);

pub(crate) fn nonce_key() -> MacKey {
    MacKey::new([7; 32])
}

pub(crate) fn nonce() -> String {
    NonceResponse::fresh(ISSUER, &nonce_key(), NOW, &SystemRandom).c_nonce
}

pub(crate) fn context(nonce_key: &MacKey) -> ProofContext<'_> {
    ProofContext {
        is_typed: true,
        takes_certificates_beside_keys: false,
        credential_issuer: ISSUER,
        client_id: None,
        algorithms: &[Es256, EdDsa],
        binding_methods: &[Jwk, DidJwk, DidKey],
        proofs_max: 3,
        window_seconds: WINDOW_SECONDS_MIN,
        nonce_key,
        key_attestations: KeyAttestationPolicy::NONE,
        takes_di_vp: false,
        known_entries: KnownEntries::NONE,
        known_documents: KnownDocuments::NONE,
        now: NOW,
    }
}

pub(crate) fn header(key: &SoftwareKey) -> Value {
    let (alg, jwk) = (key.algorithm().name(), key.public_key().to_jwk());
    json!({ "typ": "openid4vci-proof+jwt", "alg": alg, "jwk": jwk })
}

pub(crate) fn claims() -> Value {
    json!({ "aud": ISSUER, "iat": NOW.0, "nonce": nonce() })
}

//! The Wallet's side.

use keys::jws;
use keys::outside::Timestamp;
use keys::signer::{SignError, Signer};
use serde_json::{Map, Value};

use super::{HolderBinding, TYPE};

/// What a Wallet puts into a proof (VCI §F.1).
#[derive(Debug)]
pub struct NewProof<'p> {
    /// Names the key to bind.
    pub binding: &'p HolderBinding,
    /// `aud`, exactly as the issuer writes itself (PROOF-14).
    pub credential_issuer: &'p str,
    /// `iss`: left out by an anonymous Wallet (PROOF-13).
    pub client_id: Option<&'p str>,
    /// The nonce last received (PROOF-16).
    pub nonce: Option<&'p str>,
    /// For the header, when the issuer asks for it (PROOF-10); the key that signs is in it.
    pub key_attestation: Option<&'p str>,
    /// `iat` (PROOF-15).
    pub now: Timestamp,
}

impl NewProof<'_> {
    /// Makes the JWT, signed by the key that is to be bound (PROOF-17).
    pub async fn sign(&self, signer: &dyn Signer) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), TYPE.into());
        match self.binding {
            HolderBinding::Jwk => header.insert("jwk".into(), signer.public_key().to_jwk().into()),
            HolderBinding::Did(url) => header.insert("kid".into(), url.clone().into()),
        };
        let attestation = self.key_attestation;
        header.extend(attestation.map(|jwt| ("key_attestation".to_owned(), jwt.into())));
        let mut claims = Map::new();
        claims.insert("aud".into(), self.credential_issuer.into());
        claims.insert("iat".into(), self.now.0.into());
        for (name, value) in [("iss", self.client_id), ("nonce", self.nonce)] {
            claims.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        jws::sign(header, Value::Object(claims).to_string().as_bytes(), signer).await
    }
}

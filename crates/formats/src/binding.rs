//! Which key of the holder a credential is bound to (RFC 7800 §3).

use keys::did;
use keys::public_key::PublicKey;
use serde_json::{Map, Value, json};

use crate::FormatError;

/// The holder's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The key itself (RFC 7800 §3.2).
    Jwk(PublicKey),
    /// A DID, or the DID URL of one of its keys (RFC 7800 §3.4).
    Kid(String),
}

impl Binding {
    /// Whether both name a key that we know, and not the same.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        match (self.key(), other.key()) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        }
    }

    /// The key, where nothing has to be fetched for it.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Jwk(key) => Some(key.clone()),
            Self::Kid(url) => did::resolve(url).ok(),
        }
    }

    /// The value of `cnf`.
    pub(crate) fn to_cnf(&self) -> Value {
        match self {
            Self::Jwk(key) => json!({ "jwk": key.to_jwk() }),
            Self::Kid(kid) => json!({ "kid": kid }),
        }
    }

    /// Reads `cnf`. One that we do not understand must not pass for none: without `cnf` a
    /// credential is good for whoever bears it.
    pub fn from_claims(claims: &Map<String, Value>) -> Result<Option<Self>, FormatError> {
        let Some(cnf) = claims.get("cnf") else { return Ok(None) };
        let binding = match (cnf.get("jwk"), cnf.get("kid").and_then(Value::as_str)) {
            (Some(jwk), _) => PublicKey::from_jwk(jwk).ok().map(Self::Jwk),
            (None, kid) => kid.map(|kid| Self::Kid(kid.to_owned())),
        };
        binding.map(Some).ok_or(FormatError::BadBinding)
    }
}

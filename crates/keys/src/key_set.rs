//! JWK Sets of other servers, and the JWTs that they sign (RFC 7517 §5).
//!
//! Beside the algorithms of wallets these may be signed with RSA. The set is the server's own, from
//! an address that is bound to it: a key is never taken from the JWT itself (RFC 8725 §3.8).

use std::fmt;

use serde_json::{Map, Value};

use crate::json;
use crate::jws::Jws;
use crate::public_key::PublicKey;

/// Most keys of one set that are looked at.
pub const KEYS_MAX: usize = 64;

/// The keys of one server, by the names that it gave them.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<(Option<String>, PublicKey)>);

impl KeySet {
    /// Reads a JWK Set; keys that we cannot use are left out, as the server may have others for
    /// other readers (RFC 7517 §5).
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let set = json::parse_object(bytes).map_err(|_| KeySetError::Unreadable)?;
        Self::from_value(&set)
    }

    /// The same for a set that was read already.
    pub fn from_value(set: &Map<String, Value>) -> Result<Self, KeySetError> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Unreadable)?;
        let named = |jwk: &Value| {
            let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
            Some((kid, PublicKey::from_jwk_or_rsa(jwk).ok()?))
        };
        Ok(Self(keys.iter().take(KEYS_MAX).filter_map(named).collect()))
    }

    /// Verifies: `kid` chooses the key; without one each that is for this algorithm may have
    /// signed.
    pub fn verify(&self, jws: &Jws) -> Result<(), KeySetError> {
        if !self.has_key_for(jws) {
            return Err(KeySetError::UnknownKey);
        }
        let signed = self.keys_for(jws).any(|key| jws.verify(key).is_ok());
        if signed { Ok(()) } else { Err(KeySetError::WrongSignature) }
    }

    /// Whether there is a key that it may be signed with: where not, there may be a newer set.
    #[must_use]
    pub fn has_key_for(&self, jws: &Jws) -> bool {
        self.keys_for(jws).next().is_some()
    }

    fn keys_for(&self, jws: &Jws) -> impl Iterator<Item = &PublicKey> {
        let kid = jws.header().get("kid").and_then(Value::as_str);
        let named = move |own: &Option<String>| kid.is_none() || own.as_deref() == kid;
        let fitting = move |(own, key): &&(_, PublicKey)| named(own) && key.is_for(jws.algorithm());
        self.0.iter().filter(fitting).map(|(_, key)| key)
    }
}

/// Why a set, or a signature, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Not a JWK Set.
    Unreadable,
    /// No key of this name and for this algorithm: there may be a newer set.
    UnknownKey,
    /// The signature does not fit.
    WrongSignature,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "this is no JWK Set",
            Self::UnknownKey => "no key of the server fits kid and alg",
            Self::WrongSignature => "the signature is wrong",
        })
    }
}

impl std::error::Error for KeySetError {}

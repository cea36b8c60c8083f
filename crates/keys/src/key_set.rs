//! JWK Sets of other servers, and the JWTs that they sign (RFC 7517 §5).
//!
//! Beside the algorithms of wallets these may be signed with RSA. The set is the server's own, from
//! an address that is bound to it: a key is never taken from the JWT itself (RFC 8725 §3.8).

use std::fmt;

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::json;
use crate::jws::{JwsError, Parts};
use crate::public_key::PublicKey;
use crate::rsa::{self, RsaAlgorithm, RsaPublicKey};

/// Most keys of one set that are looked at.
pub const KEYS_MAX: usize = 64;

/// What a server may sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerAlgorithm {
    /// One of those that wallets use too.
    Common(Algorithm),
    /// RSA.
    Rsa(RsaAlgorithm),
}

impl ServerAlgorithm {
    /// Reads `alg`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let common = Algorithm::parse(name).map(Self::Common);
        common.or_else(|| RsaAlgorithm::parse(name).map(Self::Rsa))
    }
}

/// A JWT of a server, read and not yet verified.
#[derive(Clone, Debug)]
pub struct ServerJws {
    parts: Parts,
    algorithm: ServerAlgorithm,
}

impl ServerJws {
    /// Reads a compact JWS of at most `bytes_max` bytes.
    pub fn parse(text: &str, bytes_max: usize) -> Result<Self, JwsError> {
        let parts = Parts::parse(text, bytes_max)?;
        let algorithm =
            ServerAlgorithm::parse(parts.algorithm_name()?).ok_or(JwsError::UnknownAlgorithm)?;
        Ok(Self { parts, algorithm })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Map<String, Value> {
        self.parts.header()
    }

    /// What the header claims to be signed with.
    #[must_use]
    pub const fn algorithm(&self) -> ServerAlgorithm {
        self.algorithm
    }

    /// The payload: one JSON object (RFC 7519 §7.2).
    pub fn claims(&self) -> Result<Map<String, Value>, JwsError> {
        self.parts.claims()
    }
}

/// A key of a server.
#[derive(Clone, Debug)]
enum ServerKey {
    Common(PublicKey),
    Rsa(RsaPublicKey),
}

impl ServerKey {
    fn from_jwk(jwk: &Value) -> Option<Self> {
        let members = jwk.as_object()?;
        if members.get("kty").is_some_and(|kty| kty == rsa::KEY_TYPE) {
            return RsaPublicKey::from_jwk(members).ok().map(Self::Rsa);
        }
        PublicKey::from_jwk(jwk).ok().map(Self::Common)
    }

    fn is_for(&self, algorithm: ServerAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::Common(key), ServerAlgorithm::Common(algorithm)) => key.algorithm() == algorithm,
            (Self::Rsa(key), ServerAlgorithm::Rsa(algorithm)) => key.is_for(algorithm),
            _ => false,
        }
    }

    fn verifies(&self, jws: &ServerJws) -> bool {
        let (message, signature) = jws.parts.signed();
        match (self, jws.algorithm) {
            (Self::Common(key), ServerAlgorithm::Common(algorithm)) => {
                key.algorithm() == algorithm && key.verify(message, signature).is_ok()
            }
            (Self::Rsa(key), ServerAlgorithm::Rsa(algorithm)) => {
                key.verify(algorithm, message, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// The keys of one server, by the names that it gave them.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<(Option<String>, ServerKey)>);

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
            Some((kid, ServerKey::from_jwk(jwk)?))
        };
        Ok(Self(keys.iter().take(KEYS_MAX).filter_map(named).collect()))
    }

    /// Verifies: `kid` chooses the key; without one each that is for this algorithm may have
    /// signed.
    pub fn verify(&self, jws: &ServerJws) -> Result<(), KeySetError> {
        if !self.has_key_for(jws) {
            return Err(KeySetError::UnknownKey);
        }
        let signed = self.keys_for(jws).any(|key| key.verifies(jws));
        if signed { Ok(()) } else { Err(KeySetError::WrongSignature) }
    }

    /// Whether there is a key that it may be signed with: where not, there may be a newer set.
    #[must_use]
    pub fn has_key_for(&self, jws: &ServerJws) -> bool {
        self.keys_for(jws).next().is_some()
    }

    fn keys_for(&self, jws: &ServerJws) -> impl Iterator<Item = &ServerKey> {
        let kid = jws.header().get("kid").and_then(Value::as_str);
        let named = move |own: &Option<String>| kid.is_none() || own.as_deref() == kid;
        let fitting = move |(own, key): &&(_, ServerKey)| named(own) && key.is_for(jws.algorithm);
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

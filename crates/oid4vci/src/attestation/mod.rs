//! Attestations (VCI §D, VCI §E): somebody whom the Issuer trusts vouches for a Wallet or its keys.
//!
//! Both are JWTs that look alike and mean different things; `typ` tells them apart (RFC 8725 §3.11).

use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::{KeyError, PublicKey};
use keys::x509::{self, Anchors, Certificate};
use serde_json::Value;

pub mod client;
pub mod key;
pub mod status;

/// Most keys that are tried for one signature.
pub const ATTESTERS_MAX: usize = 100;

/// Who may attest: those whom an operator named, and nobody else. An empty list trusts nobody (D13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attesters {
    /// Where an `x5c` of theirs ends.
    pub anchors: Option<Anchors>,
    /// Keys of theirs.
    pub keys: Vec<AttesterKey>,
    /// Whether a chain that brings its own anchor is refused (HAIP-27, HAIP-33).
    pub is_anchor_refused: bool,
}

/// One key of an attester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttesterKey {
    /// When it has one, a header with another `kid` does not mean it.
    pub kid: Option<String>,
    /// What verifies.
    pub public_key: PublicKey,
}

impl AttesterKey {
    /// Reads a JSON Web Key.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { kid, public_key: PublicKey::from_jwk(jwk)? })
    }
}

/// Why nobody whom we trust has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// By a chain or a key that the operator did not name.
    Untrusted,
    /// Named, but the signature is not theirs.
    WrongSignature,
}

impl Attesters {
    /// The key of one of them, if it has signed this.
    #[must_use]
    pub fn signer(&self, jws: &Jws, now: Timestamp) -> Option<PublicKey> {
        self.verify(jws, now).ok()
    }

    /// Verifies that one of them signed, and gives the key: a chain in the header must end at an
    /// anchor, or a named key must fit. A bare key in the header is never a reason to trust (I27).
    pub(crate) fn verify(&self, jws: &Jws, now: Timestamp) -> Result<PublicKey, Distrust> {
        if let Some(key) = self.certified_key(jws, now) {
            return jws.verify(&key).map(|()| key).map_err(|_| Distrust::WrongSignature);
        }
        let kid = jws.header().get("kid").and_then(Value::as_str);
        let may_mean = |key: &&AttesterKey| {
            let same_kid = key.kid.as_deref().zip(kid).is_none_or(|(own, given)| own == given);
            same_kid && key.public_key.algorithm() == jws.algorithm()
        };
        let mut named = self.keys.iter().filter(may_mean).take(ATTESTERS_MAX).peekable();
        if named.peek().is_none() {
            return Err(Distrust::Untrusted);
        }
        let signed = named.find(|key| jws.verify(&key.public_key).is_ok());
        signed.map(|key| key.public_key.clone()).ok_or(Distrust::WrongSignature)
    }

    /// The key of a chain that ends at an anchor.
    fn certified_key(&self, jws: &Jws, now: Timestamp) -> Option<PublicKey> {
        let chain = x509::x5c_from_header(jws.header()).ok().flatten()?;
        let is_anchor = |der: &Vec<u8>| {
            Certificate::from_der(der).is_ok_and(|certificate| certificate.is_self_issued)
        };
        if self.is_anchor_refused && chain.iter().any(is_anchor) {
            return None;
        }
        let leaf = x509::verify_chain(&chain, self.anchors.as_ref()?, now).ok()?;
        Some(leaf.public_key)
    }
}

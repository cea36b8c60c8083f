//! Step 11a: the Nonce Endpoint (VCI §7, NONCE-10), and the nonces of DPoP and of client
//! attestations.
//!
//! Making a nonce stores nothing: it carries its own expiry and a MAC. A `c_nonce` is spent in the
//! commit that records the issuance, so that a refused request spends none and a second use is
//! refused on every node (AMB-04); what is then remembered, until the expiry, is the front part of
//! the nonce itself. The other two prove freshness only: what is spent is the `jti` beside them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::MacKey;
use keys::json;
use keys::outside::{Random, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// How long a nonce is good: longer than a person needs to agree to an issuance.
pub const LIFETIME_SECONDS: u64 = 300;
/// Longest nonce a Wallet signs (catalogue E28).
pub const RECEIVED_BYTES_MAX: usize = 1024;

pub(crate) const FRONT_BYTES: usize = 24;
const MAC_BYTES: usize = 32;

/// What a nonce is for; one that was made for one purpose is good for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `c_nonce`, in proofs and key attestations (VCI §7).
    Proof,
    /// `nonce` of a DPoP proof (RFC 9449 §8).
    Dpop,
    /// `challenge` of a client attestation's proof of possession (WALATT-10).
    ClientAttestation,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Proof => "c_nonce",
            Self::Dpop => "DPoP-Nonce",
            Self::ClientAttestation => "attestation_challenge",
        }
    }
}

/// Makes nonces for one purpose, and knows its own again.
#[derive(Clone, Copy, Debug)]
pub struct Nonces<'k> {
    /// What they are for.
    pub purpose: Purpose,
    /// Who makes them: a nonce of another issuer is foreign, whatever its key.
    pub issuer: &'k str,
    /// Keys the MAC.
    pub key: &'k MacKey,
}

impl Nonces<'_> {
    /// Draws a nonce that nobody can foretell (NONCE-05).
    #[must_use]
    pub fn fresh(&self, now: Timestamp, random: &dyn Random) -> String {
        let expires_at = now.plus(LIFETIME_SECONDS);
        let mut drawn = [0; FRONT_BYTES - 8];
        random.fill(&mut drawn);
        let front = [&expires_at.0.to_be_bytes()[..], &drawn].concat();
        let mac = self.key.mac(self.purpose.name(), &[self.issuer.as_bytes(), &front]);
        BASE64_URL_SAFE_NO_PAD.encode([&front[..], &mac].concat())
    }

    /// Checks a nonce that came back; `None` when it is foreign, forged or too old, or in another
    /// spelling (GEN-10).
    #[must_use]
    pub fn parse(&self, text: &str, now: Timestamp) -> Option<SpendableNonce> {
        if text.len() != (FRONT_BYTES + MAC_BYTES).div_ceil(3) * 4 - 1 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (front, mac) = bytes.split_at_checked(FRONT_BYTES)?;
        if !self.key.verify(self.purpose.name(), &[self.issuer.as_bytes(), front], mac) {
            return None;
        }
        let expires_at = Timestamp(u64::from_be_bytes(*front.first_chunk()?));
        let good = now < expires_at;
        good.then_some(SpendableNonce { expires_at, front: front.try_into().ok()? })
    }
}

/// Nonce Response as we send it (VCI §7.2, NONCE-04, NONCE-12).
#[derive(Debug, Serialize)]
pub struct NonceResponse {
    /// A challenge nobody can foretell (NONCE-05).
    pub c_nonce: String,
}

impl NonceResponse {
    /// Draws a nonce for this Credential Issuer.
    #[must_use]
    pub fn fresh(
        credential_issuer: &str,
        key: &MacKey,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        let nonces = Nonces { purpose: Purpose::Proof, issuer: credential_issuer, key };
        Self { c_nonce: nonces.fresh(now, random) }
    }
}

/// A nonce of ours that is still good; whether it was used, only the store knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpendableNonce {
    /// Until when its use must be remembered.
    pub expires_at: Timestamp,
    /// Time-ordered and unique: what the store remembers.
    pub front: [u8; FRONT_BYTES],
}

impl SpendableNonce {
    /// Checks a nonce that came in a proof; `None` when it is foreign, forged or too old (NONCE-05).
    #[must_use]
    pub fn parse(
        text: &str,
        credential_issuer: &str,
        key: &MacKey,
        now: Timestamp,
    ) -> Option<Self> {
        Nonces { purpose: Purpose::Proof, issuer: credential_issuer, key }.parse(text, now)
    }
}

/// Reads the body of a Nonce Response; `None` when it cannot be used.
#[must_use]
pub fn parse_response(body: &[u8]) -> Option<String> {
    let value = json::parse(body).ok()?;
    let nonce = value.get("c_nonce").and_then(Value::as_str)?;
    (!nonce.is_empty() && nonce.len() <= RECEIVED_BYTES_MAX).then(|| nonce.to_owned())
}

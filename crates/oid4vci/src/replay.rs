//! What may come once only: the `jti` of a DPoP proof, of a client attestation's proof of possession
//! and of a client assertion (RFC 9449 §11.1, WALATT-08, RFC 7523 §3).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::sha256;
use keys::outside::{Random, Timestamp};

use crate::nonce::{FRONT_BYTES, LIFETIME_SECONDS, SpendableNonce};

/// Longest `jti`; only a digest of it is ever stored (D06).
pub const JTI_BYTES_MAX: usize = 256;

const DIGEST_BYTES: usize = FRONT_BYTES - 8;
/// More than the 96 bits that RFC 9449 §4.2 asks for.
const DRAWN_BYTES: usize = 16;

/// Draws a `jti` that was never used.
pub(crate) fn fresh_jti(random: &dyn Random) -> String {
    let mut drawn = [0; DRAWN_BYTES];
    random.fill(&mut drawn);
    BASE64_URL_SAFE_NO_PAD.encode(drawn)
}

/// How far apart the expiries can be of two messages that are good at one time, when a message is
/// good for so many seconds before and after its `iat`, or as long as the nonce in it.
pub(crate) fn span_seconds(window_seconds: u64) -> u64 {
    window_seconds.saturating_mul(2).saturating_add(1).max(LIFETIME_SECONDS)
}

/// A `jti` as its maker used it. It is remembered until nothing that carries it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedJti {
    digest: [u8; DIGEST_BYTES],
    expires_at: Timestamp,
    span_seconds: u64,
}

impl UsedJti {
    /// `maker` is who answers for the `jti` being new: a key, or a client (D05).
    ///
    /// `span_seconds` bounds how far apart the expiries of two messages can be that are good at one
    /// time.
    pub(crate) fn new(
        kind: &str,
        maker: &[u8],
        jti: &str,
        expires_at: Timestamp,
        span_seconds: u64,
    ) -> Self {
        let mut input = Vec::new();
        for part in [kind.as_bytes(), maker, jti.as_bytes()] {
            input.extend((part.len() as u64).to_be_bytes());
            input.extend(part);
        }
        let mut digest = [0; DIGEST_BYTES];
        for (to, from) in digest.iter_mut().zip(sha256(&input)) {
            *to = from;
        }
        Self { digest, expires_at, span_seconds: span_seconds.max(1) }
    }

    /// What the store remembers, beside the nonces and in the same way: both or neither.
    ///
    /// A mark begins with a time, so that old ones are one range, but the same `jti` must be found
    /// under another expiry too. So time is cut into spans, and a use marks its own and the next:
    /// of two uses that are good at one time, no span lies between, and they meet in a mark.
    #[must_use]
    pub fn marks(&self) -> [SpendableNonce; 2] {
        let span = self.expires_at.0 / self.span_seconds;
        [1, 2].map(|further| {
            let end = span.saturating_add(further).saturating_mul(self.span_seconds);
            let mut front = [0; FRONT_BYTES];
            for (to, from) in front.iter_mut().zip(end.to_be_bytes().into_iter().chain(self.digest))
            {
                *to = from;
            }
            SpendableNonce { expires_at: Timestamp(end), front }
        })
    }
}

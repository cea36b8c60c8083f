//! Step 11a: the Issuer hands out a nonce and forgets it (VCI §7).

use oid4vci::legacy::Dialect;
use oid4vci::nonce::NonceResponse;

use crate::Issuer;

/// Answers a Nonce Request; it needs no token (NONCE-03).
#[must_use]
pub fn nonce(dialect: Option<Dialect>, issuer: &Issuer) -> NonceResponse {
    let (keys, now) = (issuer.keys(), issuer.clock.now());
    NonceResponse::fresh(&issuer.identifier(dialect), &keys.nonce, now, &*issuer.random)
}

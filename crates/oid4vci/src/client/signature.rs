//! What a client has signed: an assertion of who it is, or a request.

use keys::jws::Jws;
use serde_json::Value;

use super::ClientKey;

/// None of the client's keys made the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSigned {
    NoSuchKey,
    WrongSignature,
}

/// `kid` chooses among the client's keys; without one each that fits may have signed.
pub(crate) fn check_signature(jws: &Jws, keys: &[ClientKey]) -> Result<(), NotSigned> {
    let kid = jws.header().get("kid").and_then(Value::as_str);
    let named = |key: &&ClientKey| kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
    let fits = |key: &&ClientKey| key.key.algorithm() == jws.algorithm();
    let mut candidates = keys.iter().filter(named).filter(fits).peekable();
    if candidates.peek().is_none() {
        return Err(NotSigned::NoSuchKey);
    }
    let signed = candidates.any(|key| jws.verify(&key.key).is_ok());
    if signed { Ok(()) } else { Err(NotSigned::WrongSignature) }
}

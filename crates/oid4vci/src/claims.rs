//! Claims that several JWTs of the protocol share (RFC 7519 §4.1).

use keys::outside::Timestamp;
use serde_json::{Map, Value};

use crate::replay::JTI_BYTES_MAX;

/// A number; some write it with a fraction (RFC 7519 §2).
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64()?.trunc().to_string().parse().ok())
}

/// A time is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoNumber;

/// A time that may be left out, but not be anything else than a number (RFC 7519 §4.1.4).
pub(crate) fn optional_time(
    claims: &Map<String, Value>,
    name: &str,
) -> Result<Option<Timestamp>, NoNumber> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => seconds(value).map(|time| Some(Timestamp(time))).ok_or(NoNumber),
    }
}

/// Whether a JWT is for this reader and for nobody else: the name itself, or an array with nothing
/// else in it (RFC 7519 §4.1.3).
pub(crate) fn is_only_audience(claims: &Map<String, Value>, reader: &str) -> bool {
    match claims.get("aud") {
        Some(Value::Array(readers)) => matches!(&readers[..], [only] if only == reader),
        Some(only) => only == reader,
        None => false,
    }
}

/// A `jti` of a length that is worth a look (D06).
pub(crate) fn jti(claims: &Map<String, Value>) -> Option<&str> {
    let jti = claims.get("jti").and_then(Value::as_str)?;
    (!jti.is_empty() && jti.len() <= JTI_BYTES_MAX).then_some(jti)
}

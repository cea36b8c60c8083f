//! Claims that several JWTs of the protocol share (RFC 7519 §4.1).

use serde_json::{Map, Value};

use crate::replay::JTI_BYTES_MAX;

/// A number; some write it with a fraction (RFC 7519 §2).
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64()?.trunc().to_string().parse().ok())
}

/// A `jti` of a length that is worth a look (D06).
pub(crate) fn jti(claims: &Map<String, Value>) -> Option<&str> {
    let jti = claims.get("jti").and_then(Value::as_str)?;
    (!jti.is_empty() && jti.len() <= JTI_BYTES_MAX).then_some(jti)
}

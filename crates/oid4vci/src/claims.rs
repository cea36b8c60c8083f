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

/// When a JWT is good: from `iat` and `nbf` on, until `exp`, with what clocks may differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) now: Timestamp,
    pub(crate) window_seconds: u64,
    pub(crate) seconds_max: u64,
}

/// Why it is not good now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    NoTime,
    Expired,
    TooLong,
    NotYet,
}

impl Life {
    /// `exp` must be there; the first second in which the JWT is dead results.
    pub(crate) fn check(&self, claims: &Map<String, Value>) -> Result<Timestamp, NotNow> {
        let time = |name| optional_time(claims, name).map_err(|NoNumber| NotNow::NoTime);
        let (now, window) = (self.now, self.window_seconds);
        let expires_at = time("exp")?.ok_or(NotNow::NoTime)?.plus(window);
        if now >= expires_at {
            return Err(NotNow::Expired);
        }
        if expires_at > now.plus(self.seconds_max + 2 * window) {
            return Err(NotNow::TooLong);
        }
        if time("iat")?.max(time("nbf")?).is_some_and(|from| from > now.plus(window)) {
            return Err(NotNow::NotYet);
        }
        Ok(expires_at)
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

//! Times in a JWT (RFC 7519 §4.1).

use std::time::Duration;

use keys::outside::Timestamp;
use serde_json::{Map, Value};

use crate::FormatError;

/// Clocks differ: this much is forgiven (RFC 7519 §4.1.4).
pub(crate) const LEEWAY_SECONDS: u64 = 60;

/// Reads a `NumericDate` (RFC 7519 §2); fractions of a second are dropped.
pub(crate) fn numeric_date(
    claims: &Map<String, Value>,
    name: &str,
) -> Result<Option<Timestamp>, FormatError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let fraction = || Duration::try_from_secs_f64(value.as_f64()?).ok().map(|time| time.as_secs());
    let seconds = value.as_u64().or_else(fraction).ok_or(FormatError::Malformed)?;
    Ok(Some(Timestamp(seconds)))
}

/// Good from its first second until just before `expires_at`.
pub(crate) fn check(
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), FormatError> {
    if expires_at.is_some_and(|end| now >= end.plus(LEEWAY_SECONDS)) {
        return Err(FormatError::Expired);
    }
    if not_before.is_some_and(|start| now.plus(LEEWAY_SECONDS) < start) {
        return Err(FormatError::NotYetValid);
    }
    Ok(())
}

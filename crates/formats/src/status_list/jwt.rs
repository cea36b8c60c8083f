//! The token as a JWT (TSL §5.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::jws::{self, Jws, JwsError};
use keys::outside::Timestamp;
use keys::signer::{SignError, Signer};
use keys::x509;
use serde_json::{Map, Value, json};

use super::StatusListError;
use super::token::{
    ReadClaims, Signed, StatusListClaims, StatusListKey, TOKEN_BYTES_MAX, UnverifiedStatusList,
    compressed,
};
use crate::KeyReference;
use crate::unverified::text;
use crate::validity::numeric_date;

/// The value of `typ`.
const TYPE: &str = "statuslist+jwt";
/// The same, written out: both name one media type (RFC 7515 §4.1.9).
const LONG_TYPE: &str = "application/statuslist+jwt";

pub(super) async fn issue(
    claims: StatusListClaims<'_>,
    key: StatusListKey<'_>,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    // Verifiers with an anchor take the chain; the others find the key itself, or its name.
    let header = [
        ("typ", TYPE.into()),
        ("kid", key.kid.into()),
        ("jwk", signer.public_key().to_jwk().into()),
        ("x5c", x509::x5c_to_json(key.x5c)),
    ];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let lst = BASE64_URL_SAFE_NO_PAD.encode(&claims.list.lst);
    let payload = json!({
        "sub": claims.uri,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "ttl": claims.ttl_seconds,
        "status_list": { "bits": claims.list.bits.count(), "lst": lst },
    });
    let token = jws::sign(header, payload.to_string().as_bytes(), signer).await?;
    Ok(token.into_bytes())
}

pub(super) fn parse(token: &[u8]) -> Result<UnverifiedStatusList, StatusListError> {
    let token = str::from_utf8(token).map_err(|_| StatusListError::Malformed)?;
    let jws = Jws::parse_with_rsa(token, TOKEN_BYTES_MAX).map_err(of_jws)?;
    let typ = jws.header().get("typ").and_then(Value::as_str).unwrap_or_default();
    if ![TYPE, LONG_TYPE].iter().any(|own| own.eq_ignore_ascii_case(typ)) {
        return Err(StatusListError::WrongType);
    }
    let payload = jws.claims().map_err(of_jws)?;
    let key_reference = KeyReference::of(&jws, &payload).map_err(|_| StatusListError::Malformed)?;
    let claims = read(&payload)?;
    Ok(UnverifiedStatusList { signed: Signed::Jwt(jws), key_reference, claims })
}

fn of_jws(error: JwsError) -> StatusListError {
    if error == JwsError::TooLong { StatusListError::TooLong } else { StatusListError::Malformed }
}

fn read(payload: &Map<String, Value>) -> Result<ReadClaims, StatusListError> {
    let malformed = |_| StatusListError::Malformed;
    let list = payload.get("status_list").ok_or(StatusListError::Malformed)?;
    let bits = list.get("bits").and_then(Value::as_u64).ok_or(StatusListError::WrongBits)?;
    let packed = list.get("lst").and_then(Value::as_str).ok_or(StatusListError::Malformed)?;
    let packed = BASE64_URL_SAFE_NO_PAD.decode(packed).map_err(|_| StatusListError::Malformed)?;
    let date = |name| numeric_date(payload, name).map_err(malformed);
    Ok(ReadClaims {
        sub: text(payload, "sub").map_err(malformed)?.ok_or(StatusListError::Malformed)?,
        issued_at: date("iat")?.ok_or(StatusListError::Malformed)?,
        not_before: date("nbf")?,
        expires_at: date("exp")?,
        ttl_seconds: ttl(date("ttl")?, payload)?,
        list: compressed(bits, packed)?,
    })
}

/// A positive number, perhaps with a fraction, which does not matter (TSL §5.1).
fn ttl(
    seconds: Option<Timestamp>,
    payload: &Map<String, Value>,
) -> Result<Option<u64>, StatusListError> {
    let is_positive = |value: &Value| value.as_f64().is_some_and(|number| number > 0.0);
    if payload.get("ttl").is_some_and(|value| !is_positive(value)) {
        return Err(StatusListError::Malformed);
    }
    Ok(seconds.map(|seconds| seconds.0))
}

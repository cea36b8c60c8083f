//! The token as a CWT: CBOR claims in a `COSE_Sign1`, without the tag of CWT (TSL §5.2).

use keys::cbor::{CborError, Label, Map, encode};
use keys::cose::{self, CoseError, Header, Sign1};
use keys::outside::Timestamp;
use keys::signer::{SignError, Signer};

use super::StatusListError;
use super::token::{
    ReadClaims, Signed, StatusListClaims, StatusListKey, TOKEN_BYTES_MAX, TokenFormat,
    UnverifiedStatusList, compressed,
};
use crate::KeyReference;

/// Names of claims: RFC 8392 §4, and those of the draft.
const ISSUER: i64 = 1;
const SUBJECT: i64 = 2;
const EXPIRES_AT: i64 = 4;
const NOT_BEFORE: i64 = 5;
const ISSUED_AT: i64 = 6;
const STATUS_LIST: i64 = 65533;
const TTL: i64 = 65534;

pub(super) async fn issue(
    claims: StatusListClaims<'_>,
    key: StatusListKey<'_>,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let payload = encode(|to| {
        to.map(5)?.i64(SUBJECT)?.str(claims.uri)?;
        to.i64(EXPIRES_AT)?.u64(claims.expires_at.0)?;
        to.i64(ISSUED_AT)?.u64(claims.issued_at.0)?;
        to.i64(STATUS_LIST)?.map(2)?;
        to.str("bits")?.u8(claims.list.bits.count())?.str("lst")?.bytes(&claims.list.lst)?;
        to.i64(TTL)?.u64(claims.ttl_seconds)?;
        Ok(())
    });
    let typ = TokenFormat::Cwt.media_type();
    cose::sign(Header { typ, x5chain: key.x5c, kid: key.kid }, &payload, signer).await
}

pub(super) fn parse(token: &[u8]) -> Result<UnverifiedStatusList, StatusListError> {
    let sign1 = Sign1::parse(token, TOKEN_BYTES_MAX).map_err(of_cose)?;
    let typ = sign1.typ().unwrap_or_default();
    if !typ.eq_ignore_ascii_case(TokenFormat::Cwt.media_type()) {
        return Err(StatusListError::WrongType);
    }
    let payload = Map::parse(sign1.payload()).map_err(of_cbor)?;
    let iss = payload.text(Label::Number(ISSUER)).map_err(of_cbor)?;
    let kid = sign1.kid().map(|kid| String::from_utf8_lossy(kid).into_owned());
    let x5c = sign1.x5chain().map(<[Vec<u8>]>::to_vec);
    let key_reference = KeyReference { x5c, kid, iss: iss.map(str::to_owned) };
    let claims = read(&payload)?;
    Ok(UnverifiedStatusList { signed: Signed::Cwt(sign1), key_reference, claims })
}

fn of_cose(error: CoseError) -> StatusListError {
    if error == CoseError::TooLong { StatusListError::TooLong } else { StatusListError::Malformed }
}

fn of_cbor(_: CborError) -> StatusListError {
    StatusListError::Malformed
}

fn read(payload: &Map<'_>) -> Result<ReadClaims, StatusListError> {
    let list = payload.get(Label::Number(STATUS_LIST)).ok_or(StatusListError::Malformed)?;
    let list = Map::parse(list).map_err(of_cbor)?;
    let bits = list.number(Label::Text("bits")).map_err(|_| StatusListError::WrongBits)?;
    let packed =
        list.bytes(Label::Text("lst")).map_err(of_cbor)?.ok_or(StatusListError::Malformed)?;
    let number = |label| payload.number(Label::Number(label)).map_err(of_cbor);
    let date = |label| number(label).map(|seconds| seconds.map(Timestamp));
    let sub = payload.text(Label::Number(SUBJECT)).map_err(of_cbor)?;
    let ttl_seconds = number(TTL)?;
    if ttl_seconds == Some(0) {
        return Err(StatusListError::Malformed); // it is a positive number
    }
    Ok(ReadClaims {
        sub: sub.ok_or(StatusListError::Malformed)?.to_owned(),
        issued_at: date(ISSUED_AT)?.ok_or(StatusListError::Malformed)?,
        not_before: date(NOT_BEFORE)?,
        expires_at: date(EXPIRES_AT)?,
        ttl_seconds,
        list: compressed(bits.ok_or(StatusListError::WrongBits)?, packed.to_vec())?,
    })
}

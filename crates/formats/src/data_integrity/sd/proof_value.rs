//! `proofValue` as text: CBOR behind a tag that says of which kind the proof is, in base64url.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use minicbor::Decoder;
use minicbor::decode::Error;

use super::STATEMENTS_MAX;
use crate::FormatError;

/// Multibase: base64url.
pub(super) const BASE64_URL: char = 'u';
/// Longest text: all statements with their labels have room.
const TEXT_BYTES_MAX: usize = 512 * 1024;

/// What stands in front of the CBOR.
pub(super) type Tag = [u8; 3];

/// The tag, and the CBOR behind it.
pub(super) fn parse(text: &str) -> Result<(Tag, Vec<u8>), FormatError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(FormatError::TooLong);
    }
    let text = text.strip_prefix(BASE64_URL).ok_or(FormatError::Malformed)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| FormatError::Malformed)?;
    let (tag, cbor) = bytes.split_first_chunk().ok_or(FormatError::Malformed)?;
    Ok((*tag, cbor.to_vec()))
}

/// Reads CBOR to its end.
pub(super) fn read<T>(
    cbor: &[u8],
    read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Error>,
) -> Result<T, FormatError> {
    let mut decoder = Decoder::new(cbor);
    let value = read(&mut decoder).map_err(|_| FormatError::Malformed)?;
    let is_all = decoder.position() == cbor.len();
    is_all.then_some(value).ok_or(FormatError::Malformed)
}

pub(super) fn text(tag: Tag, cbor: &[u8]) -> String {
    format!("{BASE64_URL}{}", BASE64_URL_SAFE_NO_PAD.encode([&tag, cbor].concat()))
}

pub(super) fn five(from: &mut Decoder<'_>) -> Result<(), Error> {
    let is_five = from.array()? == Some(5);
    is_five.then_some(()).ok_or_else(|| Error::message("five parts"))
}

pub(super) fn each<'b, T>(
    from: &mut Decoder<'b>,
    read: impl Fn(&mut Decoder<'b>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let count = bounded(from.array()?)?;
    (0..count).map(|_| read(from)).collect()
}

pub(super) fn bounded(count: Option<u64>) -> Result<u64, Error> {
    count.filter(|count| *count <= STATEMENTS_MAX as u64).ok_or_else(|| Error::message("too many"))
}

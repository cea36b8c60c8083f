//! A `DeviceResponse`: mdocs as a device shows them (ISO 18013-5 §8.3.2.1.2.2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::cbor::{CborError, Label, Map};
use minicbor::Decoder;

use super::Mdoc;
use crate::{CREDENTIAL_BYTES_MAX, FormatError};

/// Most documents of one response.
const DOCUMENTS_MAX: u64 = 32;

/// An mdoc out of a response.
#[derive(Clone, Debug)]
pub struct ShownMdoc {
    /// What the device says that it is.
    pub doc_type: String,
    /// What its issuer signed, in base64url: some elements of it.
    pub issuer_signed: String,
    /// Whether there is something that the device has signed.
    pub is_signed_by_device: bool,
}

/// Reads a response; each mdoc in it can be read. What the device signed is over a session that whoever
/// asked for it knows alone, and is not read here.
pub fn device_response(bytes: &[u8]) -> Result<Vec<ShownMdoc>, FormatError> {
    if bytes.len() > CREDENTIAL_BYTES_MAX {
        return Err(FormatError::TooLong);
    }
    let response = Map::parse(bytes)?;
    response.text(Label::Text("version"))?.ok_or(FormatError::Malformed)?;
    let documents = response.get(Label::Text("documents")).ok_or(FormatError::Malformed)?;
    let mut decoder = Decoder::new(documents);
    let count = decoder.array().map_err(CborError::from)?;
    let count = count.filter(|count| *count <= DOCUMENTS_MAX).ok_or(FormatError::Malformed)?;
    let mut shown = Vec::new();
    for _ in 0..count {
        let start = decoder.position();
        decoder.skip().map_err(CborError::from)?;
        let bytes = documents.get(start..decoder.position()).ok_or(FormatError::Malformed)?;
        shown.push(document(bytes)?);
    }
    Ok(shown)
}

fn document(bytes: &[u8]) -> Result<ShownMdoc, FormatError> {
    let map = Map::parse(bytes)?;
    let doc_type = map.text(Label::Text("docType"))?.ok_or(FormatError::Malformed)?;
    let signed = map.get(Label::Text("issuerSigned")).ok_or(FormatError::Malformed)?;
    let issuer_signed = BASE64_URL_SAFE_NO_PAD.encode(signed);
    Mdoc::parse(&issuer_signed)?;
    Ok(ShownMdoc {
        doc_type: doc_type.to_owned(),
        issuer_signed,
        is_signed_by_device: map.get(Label::Text("deviceSigned")).is_some(),
    })
}

//! Claims that a holder may leave out: digests in the payload, disclosures beside it (RFC 9901 §4).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::base64url;
use keys::digest::sha256;

use crate::{CREDENTIAL_BYTES_MAX, FormatError};

mod conceal;
mod disclosure;
mod lint;
mod process;
mod show;

pub use conceal::{Concealed, conceal};
pub use disclosure::Disclosure;
pub(crate) use lint::check;
pub use process::process;
pub use show::{Chosen, Showable};

/// Most disclosures of one credential.
pub const DISCLOSURES_MAX: usize = 1024;

/// Where digests of an object's members stand (RFC 9901 §4.2.4.1).
pub(crate) const DIGESTS: &str = "_sd";
/// Stands for a digest in place of an element (RFC 9901 §4.2.4.2).
pub(crate) const ELEMENT: &str = "...";
/// Names the hash of the digests (RFC 9901 §4.1.1).
pub(crate) const HASH: &str = "_sd_alg";
/// The hash that all must know, and the only one that we take (HAIP-53).
const SHA_256: &str = "sha-256";

/// The signed part of what an issuer sends, `JWT~disclosure~…~`, and the disclosures.
pub(crate) fn issued(raw: &str) -> Result<(&str, &str), FormatError> {
    if raw.len() > CREDENTIAL_BYTES_MAX {
        return Err(FormatError::TooLong);
    }
    let (signed, disclosures) = raw.split_once('~').ok_or(FormatError::CutOff)?;
    if !disclosures.is_empty() && !disclosures.ends_with('~') {
        return Err(FormatError::UnexpectedKeyBinding);
    }
    Ok((signed, disclosures))
}

/// Over the text of the disclosure as it came: JSON has many spellings (RFC 9901 §4.2.3).
pub(crate) fn digest(disclosure: &str) -> String {
    base64url::encode(&sha256(disclosure.as_bytes()))
}

/// The text of a disclosure that we made ourselves.
pub(crate) fn decoded(disclosure: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(disclosure).ok()
}

/// Names that must mean nothing else, wherever they stand (RFC 9901 §4.1).
fn is_reserved(name: &str) -> bool {
    name == DIGESTS || name == ELEMENT
}

/// Why disclosures are refused (RFC 9901 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdJwtError {
    /// `_sd_alg` is not sha-256.
    UnsupportedHash,
    /// More than [`DISCLOSURES_MAX`].
    TooMany,
    /// Disclosures within disclosures nest deeper than JSON from strangers may, or below longer names.
    TooDeep,
    /// A disclosure is no array in base64url, or `_sd` no array of strings.
    Malformed,
    /// A member stands where an element belongs, or an element where a member belongs.
    WrongArity,
    /// A claim is called `_sd`, `...` or `_sd_alg`.
    ReservedName,
    /// A disclosure would replace a claim.
    RepeatedName,
    /// The same digest, or the same disclosure, twice.
    RepeatedDigest,
    /// A disclosure that the issuer did not sign for.
    Unreferenced,
}

impl fmt::Display for SdJwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnsupportedHash => "_sd_alg must be sha-256",
            Self::TooMany => "the credential has too many disclosures",
            Self::TooDeep => "the disclosures are nested too deeply",
            Self::Malformed => "a disclosure or a list of digests is not readable",
            Self::WrongArity => "a disclosure has a wrong number of parts for its place",
            Self::ReservedName => "a claim has a name that is reserved for disclosures",
            Self::RepeatedName => "a disclosure would replace another claim",
            Self::RepeatedDigest => "a digest or a disclosure occurs twice",
            Self::Unreferenced => "a disclosure belongs to nothing that was signed",
        })
    }
}

impl std::error::Error for SdJwtError {}

//! Steps 13-18 under a cover: encrypted requests and responses (VCI §10), which stand on top of TLS.
//!
//! The Issuer's half is [`EncryptionPolicy::open`], which gives the parameters of a request in the
//! clear, and [`seal`]; the Wallet's half is [`ReceivedEncryption::choose`] and the [`Exchange`].
//! Neither has a way to encrypt an error: errors go out in the clear (CRED-64).

use keys::jwe::{self, Compression, ContentEncryption, EncryptionKey, JweError};
use serde_json::Map;

mod issuer;
mod metadata;
mod refusal;
mod wallet;

pub use issuer::{Encryption, EncryptionPolicy, OpenedRequest};
pub use metadata::{
    CredentialRequestEncryption, CredentialResponseEncryption, JwkSet, ReceivedEncryption,
};
pub use refusal::EncryptionRefusal;
pub use wallet::{ChosenEncryption, EncryptionError, Exchange};

/// Media type of a message in the clear (CRED-19, CRED-32).
pub const JSON: &str = "application/json";
/// Media type of an encrypted message (CRED-18, ENC-01).
pub const JWT: &str = "application/jwt";
/// Longest Credential Response, encrypted and decrypted: one with a photo has room.
pub const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A message as it came, told apart by its media type alone (catalogue H12).
#[derive(Clone, Copy, Debug)]
pub enum ReceivedBody<'b> {
    /// `application/json`
    Json(&'b [u8]),
    /// `application/jwt`
    Jwt(&'b [u8]),
}

impl<'b> ReceivedBody<'b> {
    /// By the value of `Content-Type`; `None` for any other media type.
    #[must_use]
    pub fn new(content_type: &str, bytes: &'b [u8]) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case(JSON) {
            Some(Self::Json(bytes))
        } else if media_type.eq_ignore_ascii_case(JWT) {
            Some(Self::Jwt(bytes))
        } else {
            None
        }
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// [`JSON`] or [`JWT`].
    pub media_type: &'static str,
    /// JSON, or a JWE that holds it.
    pub bytes: Vec<u8>,
}

/// How one message is encrypted; a message without it goes out in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEncryption {
    pub(crate) key: EncryptionKey,
    pub(crate) encryption: ContentEncryption,
    pub(crate) compression: Option<Compression>,
}

impl MessageEncryption {
    /// The key of the recipient.
    #[must_use]
    pub const fn key(&self) -> &EncryptionKey {
        &self.key
    }
}

/// Makes the body of a message: encrypted exactly if that was asked for, whatever is in it
/// (CRED-14, CRED-33, DEFER-15, ENC-07).
///
/// `kid` is echoed, and nothing is compressed unbidden (ENC-03, ENC-08, CRED-13).
pub fn seal(json: Vec<u8>, encryption: Option<&MessageEncryption>) -> Result<Body, JweError> {
    let Some(MessageEncryption { key, encryption, compression }) = encryption else {
        return Ok(Body { media_type: JSON, bytes: json });
    };
    let text = jwe::encrypt(Map::new(), &json, key, *encryption, *compression)?;
    Ok(Body { media_type: JWT, bytes: text.into_bytes() })
}

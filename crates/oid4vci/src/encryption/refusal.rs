//! Why an encrypted request, or the wish for an encrypted response, is refused (VCI §8.3.1.2).

use keys::jwe::{EncryptionKeyError, JweError};

use crate::credential::CredentialRefusal;
use crate::error::{ErrorCode, Refusal};

/// Of the Credential Request and of the Deferred Credential Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionRefusal {
    /// CRED-18: it is encrypted, and we announce nothing of the kind.
    RequestNotSupported,
    /// ENC-09, META-21
    NotEncrypted,
    /// Larger than any honest request, perhaps only once it is decompressed (catalogue H01).
    TooLong,
    /// Not a JWE that can be read.
    Unreadable,
    /// ENC-02, ENC-05
    RequestMethod,
    /// ENC-03
    NoKid,
    /// No key of ours, or of ours no more (catalogue H06).
    UnknownKid,
    /// Made for another key, or changed on the way.
    CannotDecrypt,
    /// CRED-54, ENC-01
    NotAnObject,
    /// CRED-14, META-21
    NoResponseKey,
    /// Nothing of the kind is announced.
    ResponseNotSupported,
    /// CRED-17, catalogue H02
    KeyInTheClear,
    /// CRED-12
    Incomplete,
    /// CRED-12: not one public key of ours, or for something else.
    BadKey,
    /// Catalogue H07
    PrivateKey,
    /// ENC-02
    NoAlgorithm,
    /// ENC-06, AMB-23
    UnsupportedAlgorithm,
    /// ENC-06
    UnsupportedEncryption,
    /// ENC-06
    UnsupportedCompression,
    /// Catalogue H11
    KeyChanged,
}

impl From<JweError> for EncryptionRefusal {
    fn from(error: JweError) -> Self {
        match error {
            JweError::TooLong | JweError::TooLarge => Self::TooLong,
            JweError::Malformed | JweError::CriticalHeader => Self::Unreadable,
            JweError::UnsupportedAlgorithm
            | JweError::UnsupportedEncryption
            | JweError::UnsupportedCompression
            | JweError::WrongAlgorithm => Self::RequestMethod,
            JweError::BadEphemeralKey
            | JweError::CannotDecrypt
            | JweError::BadCompression
            | JweError::CannotEncrypt => Self::CannotDecrypt,
        }
    }
}

impl From<EncryptionKeyError> for EncryptionRefusal {
    fn from(error: EncryptionKeyError) -> Self {
        match error {
            EncryptionKeyError::PrivateKey => Self::PrivateKey,
            EncryptionKeyError::NoAlgorithm => Self::NoAlgorithm,
            EncryptionKeyError::UnsupportedAlgorithm => Self::UnsupportedAlgorithm,
            EncryptionKeyError::Malformed
            | EncryptionKeyError::UnsupportedCurve
            | EncryptionKeyError::NotForEncryption
            | EncryptionKeyError::BadKid
            | EncryptionKeyError::WrongLength
            | EncryptionKeyError::NotOnCurve
            | EncryptionKeyError::OtherHalf
            | EncryptionKeyError::UnreadableFile
            | EncryptionKeyError::Generation => Self::BadKey,
        }
    }
}

impl From<EncryptionRefusal> for CredentialRefusal {
    fn from(refusal: EncryptionRefusal) -> Self {
        Self::Encryption(refusal)
    }
}

impl Refusal for EncryptionRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidCredentialRequest, InvalidEncryptionParameters};
        let parameters = |text| (InvalidEncryptionParameters, text); // CRED-60, ENC-13
        match self {
            Self::RequestNotSupported => (
                InvalidCredentialRequest,
                "encrypted requests are not supported: send application/json",
            ),
            Self::TooLong => (InvalidCredentialRequest, "the request is too large"),
            Self::NotAnObject => {
                (InvalidCredentialRequest, "the request is not a JSON object, or repeats a member")
            }
            Self::NotEncrypted => parameters(
                "the request must be encrypted: credential_request_encryption in the metadata",
            ),
            Self::Unreadable => parameters("the encrypted request is not a compact JWE"),
            Self::RequestMethod => {
                parameters("alg, enc or zip of the encrypted request is not in the metadata")
            }
            Self::NoKid => parameters("the encrypted request lacks the kid of the key"),
            Self::UnknownKid => {
                parameters("kid of the encrypted request is unknown: read the metadata again")
            }
            Self::CannotDecrypt => parameters("the encrypted request cannot be decrypted"),
            Self::NoResponseKey => parameters(
                "credential_response_encryption is missing: responses are always encrypted",
            ),
            Self::ResponseNotSupported => {
                parameters("credential_response_encryption is not supported")
            }
            Self::KeyInTheClear => {
                parameters("a request with credential_response_encryption must itself be encrypted")
            }
            Self::Incomplete => parameters("credential_response_encryption must have jwk and enc"),
            Self::BadKey => {
                parameters("jwk of credential_response_encryption is not a key that is supported")
            }
            Self::PrivateKey => {
                parameters("jwk of credential_response_encryption is a private key: make a new key")
            }
            Self::NoAlgorithm => parameters("jwk of credential_response_encryption has no alg"),
            Self::UnsupportedAlgorithm => {
                parameters("alg of credential_response_encryption.jwk is not supported")
            }
            Self::UnsupportedEncryption => {
                parameters("enc of credential_response_encryption is not supported")
            }
            Self::UnsupportedCompression => {
                parameters("zip of credential_response_encryption is not supported")
            }
            Self::KeyChanged => {
                parameters("the credential is sent under the key of the first request only")
            }
        }
    }
}

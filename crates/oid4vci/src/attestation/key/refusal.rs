//! Why a key attestation is refused.

use crate::error::{ErrorCode, Refusal};
use crate::form::from_form;

/// Why a key attestation is refused (KEYATT-14); it stands inside a Credential Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAttestationRefusal {
    /// META-37: the configuration asks for one.
    Missing,
    /// PROOF-03: a request has exactly one of them as its proof.
    Several,
    /// Not a JWT, or one with repeated members.
    Unreadable,
    /// KEYATT-05
    WrongType,
    /// KEYATT-05, PROOF-19, PROOF-26
    AlgorithmNotSupported,
    /// A header member that changes the meaning of a signature (RFC 7515 §4.1.11).
    CriticalHeader,
    /// KEYATT-07
    NoTime,
    /// `iat` or `nbf` lies too far ahead.
    NotYetValid,
    /// KEYATT-08
    NoExpiry,
    /// KEYATT-08
    Expired,
    /// KEYATT-07
    NoKeys,
    /// AMB-06, CRED-11
    TooManyKeys,
    /// KEYATT-14
    PrivateKey,
    /// Not a key, or not on its curve.
    BadKey,
    /// KEYATT-10: the proof is signed by a key that is not attested.
    OtherKey,
    /// KEYATT-09
    BadLevels,
    /// META-38
    KeyStorage,
    /// META-38
    UserAuthentication,
    /// KEYATT-11
    NoNonce,
    /// KEYATT-11
    BadNonce,
    /// KEYATT-09
    Withdrawn,
    /// KEYATT-09: of a kind that we do not know, so it could be a withdrawn one.
    UnknownStatus,
    /// KEYATT-14, D13
    Untrusted,
    /// KEYATT-14
    WrongSignature,
}

from_form!(KeyAttestationRefusal);

impl Refusal for KeyAttestationRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidNonce, InvalidProof};
        match self {
            Self::Missing => (InvalidProof, "a proof needs a key_attestation for this credential"),
            Self::Several => (InvalidProof, "proofs must have exactly one attestation"),
            Self::Unreadable => (InvalidProof, "a key attestation is not a readable JWT"),
            Self::WrongType => {
                (InvalidProof, "typ of a key attestation must be key-attestation+jwt")
            }
            Self::AlgorithmNotSupported => {
                (InvalidProof, "alg of a key attestation is not supported")
            }
            Self::CriticalHeader => {
                (InvalidProof, "crit and b64 are not supported in a key attestation")
            }
            Self::NoTime => (InvalidProof, "iat or nbf of a key attestation must be a number"),
            Self::NotYetValid => (InvalidProof, "a key attestation is not valid yet"),
            Self::NoExpiry => (InvalidProof, "exp of a key attestation must be a number"),
            Self::Expired => (InvalidProof, "a key attestation has expired"),
            Self::NoKeys => (InvalidProof, "attested_keys must be a filled array"),
            Self::TooManyKeys => {
                (InvalidProof, "a key attestation has more keys than batch_size allows")
            }
            Self::PrivateKey => {
                (InvalidProof, "a key attestation holds a private key: make a new key")
            }
            Self::BadKey => (InvalidProof, "attested_keys has a key that is not supported"),
            Self::OtherKey => (InvalidProof, "a proof is signed by a key that is not attested"),
            Self::BadLevels => (
                InvalidProof,
                "key_storage and user_authentication must be filled arrays of strings",
            ),
            Self::KeyStorage => (InvalidProof, "key_storage of a key attestation is not enough"),
            Self::UserAuthentication => {
                (InvalidProof, "user_authentication of a key attestation is not enough")
            }
            Self::NoNonce => (InvalidProof, "nonce of a key attestation is missing"),
            Self::BadNonce => (InvalidNonce, "nonce of a key attestation is not good (any more)"),
            Self::Withdrawn => (InvalidProof, "a key attestation was withdrawn: get a new one"),
            Self::UnknownStatus => {
                (InvalidProof, "status of a key attestation must be a status_list we can read")
            }
            Self::Untrusted => (InvalidProof, "a key attestation is by nobody we trust"),
            Self::WrongSignature => (InvalidProof, "the signature of a key attestation is wrong"),
        }
    }
}

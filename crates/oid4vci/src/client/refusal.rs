//! Why a client is refused.

use crate::error::{ErrorCode, Refusal};
use crate::form::from_form;

/// Why a client is refused (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRefusal {
    /// RFC 6749 §3.2
    RepeatedParameter,
    /// A parameter is longer than any honest one.
    TooLong,
    /// RFC 6749 §A.1
    BadClientId,
    /// Nobody says who asks.
    Missing,
    /// The operator has not registered it.
    Unknown,
    /// Not in the way it is registered for.
    WrongMethod,
    /// RFC 7523 §2.2
    AssertionType,
    /// Not a JWT.
    Unreadable,
    /// None of ours.
    AlgorithmNotSupported,
    /// RFC 7515 §4.1.11
    CriticalHeader,
    /// RFC 8725 §3.11: a JWT of another kind, that the same key has signed.
    WrongType,
    /// RFC 7523 §3: `iss` and `sub` are the client.
    OtherClient,
    /// RFC 7523 §3
    WrongAudience,
    /// A time is missing, or not a number.
    NoTime,
    /// RFC 7523 §3
    Expired,
    /// RFC 7523 §3
    NotYetValid,
    /// RFC 7523 §3: unreasonably far in the future.
    TooLongLife,
    /// RFC 7523 §3
    BadJti,
    /// None of the client's keys has this `kid` and `alg`.
    NoSuchKey,
    /// The signature is wrong.
    WrongSignature,
    /// The header holds a private key.
    PrivateKey,
    /// The header holds a key that is none.
    BadKey,
    /// RFC 7523 §3: the `jti` came before.
    Replayed,
}

from_form!(ClientRefusal);

impl Refusal for ClientRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidClient, InvalidRequest};
        match self {
            Self::RepeatedParameter => (InvalidRequest, "a parameter is repeated"),
            Self::TooLong => (InvalidRequest, "a parameter is too long"),
            Self::BadClientId => (InvalidRequest, "client_id must be visible ASCII characters"),
            Self::Missing => (InvalidClient, "client_id is missing"),
            Self::Unknown => (InvalidClient, "this client is not registered here"),
            Self::WrongMethod => {
                (InvalidClient, "this client is registered for another way to authenticate")
            }
            Self::AssertionType => {
                (InvalidClient, "client_assertion and its type jwt-bearer come together")
            }
            Self::Unreadable => (InvalidClient, "the client assertion is not a readable JWT"),
            Self::AlgorithmNotSupported => {
                (InvalidClient, "alg of the client assertion is not supported")
            }
            Self::CriticalHeader => {
                (InvalidClient, "crit and b64 are not supported in a client assertion")
            }
            Self::WrongType => (
                InvalidClient,
                "typ of a client assertion must be client-authentication+jwt or none",
            ),
            Self::OtherClient => {
                (InvalidClient, "iss and sub of the client assertion must be the client_id")
            }
            Self::WrongAudience => {
                (InvalidClient, "aud of the client assertion must be our issuer identifier")
            }
            Self::NoTime => (InvalidClient, "exp of the client assertion must be a number"),
            Self::Expired => (InvalidClient, "the client assertion has expired"),
            Self::NotYetValid => (InvalidClient, "the client assertion is not valid yet"),
            Self::TooLongLife => (InvalidClient, "the client assertion lives for too long"),
            Self::BadJti => (InvalidClient, "jti of the client assertion is missing or too long"),
            Self::NoSuchKey => {
                (InvalidClient, "no key of this client fits kid and alg of the assertion")
            }
            Self::WrongSignature => (InvalidClient, "the signature of the assertion is wrong"),
            Self::PrivateKey => (InvalidClient, "the client assertion holds a private key"),
            Self::BadKey => (InvalidClient, "the client assertion holds a key that is none"),
            Self::Replayed => (InvalidClient, "this client assertion was used before"),
        }
    }

    /// RFC 6749 §5.2
    fn status(&self) -> u16 {
        if self.answer().0 == ErrorCode::InvalidClient { 401 } else { 400 }
    }
}

//! Why a DPoP proof, or a token that came with one, is refused.

use crate::error::{Challenge, Demand, ErrorCode, Refusal};
use crate::form::from_form;
use crate::token::TokenType;

/// Why a DPoP proof, or a token that is bound to a key, is refused.
///
/// At the authorization server each is a 400 (RFC 9449 §5), at a protected resource a 401 with the
/// scheme `DPoP` (RFC 9449 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DpopRefusal {
    /// The operator issues bound tokens only (HAIP-05), or the token is presented as a bound one.
    Missing,
    /// D11
    Several,
    /// Not a JWT, or one with repeated members.
    Unreadable,
    /// RFC 9449 §4.3
    WrongType,
    /// RFC 9449 §4.3
    AlgorithmNotSupported,
    /// A header member that changes the meaning of a signature (RFC 7515 §4.1.11).
    CriticalHeader,
    /// RFC 9449 §4.2
    NoKey,
    /// RFC 9449 §4.3
    PrivateKey,
    /// Not a key, or not on its curve.
    BadKey,
    /// RFC 9449 §4.3
    WrongMethod,
    /// RFC 9449 §4.3
    WrongAddress,
    /// RFC 9449 §4.2, D06
    BadJti,
    /// RFC 9449 §4.2
    NoTime,
    /// RFC 9449 §4.3
    TooOld,
    /// RFC 9449 §8
    NoNonce,
    /// RFC 9449 §8: foreign, or too old.
    BadNonce,
    /// RFC 9449 §4.3: no `ath` beside a token.
    NoTokenHash,
    /// RFC 9449 §4.3: `ath` of another token.
    WrongTokenHash,
    /// RFC 9449 §4.3
    WrongSignature,
    /// RFC 9449 §11.1
    Replayed,
    /// RFC 9449 §7.1: the token is unknown or no longer valid.
    BadToken,
    /// RFC 9449 §7.1: the token is bound to another key (D04).
    OtherKey,
    /// RFC 9449 §7.2: a bound token under the scheme `Bearer` (D03).
    SentAsBearer,
    /// RFC 9449 §7.1: a token that is bound to no key under the scheme `DPoP` (D03).
    NotBound,
}

from_form!(DpopRefusal);

impl Refusal for DpopRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidDpopProof, InvalidToken, UseDpopNonce};
        match self {
            Self::Missing => (InvalidDpopProof, "a DPoP proof is needed"),
            Self::Several => (InvalidDpopProof, "only one DPoP header may be sent"),
            Self::Unreadable => (InvalidDpopProof, "the DPoP proof is not a readable JWT"),
            Self::WrongType => (InvalidDpopProof, "typ of a DPoP proof must be dpop+jwt"),
            Self::AlgorithmNotSupported => {
                (InvalidDpopProof, "alg of the DPoP proof is not supported")
            }
            Self::CriticalHeader => {
                (InvalidDpopProof, "crit and b64 are not supported in a DPoP proof")
            }
            Self::NoKey => (InvalidDpopProof, "jwk of the DPoP proof is missing"),
            Self::PrivateKey => {
                (InvalidDpopProof, "the DPoP proof holds a private key: make a new key")
            }
            Self::BadKey => (InvalidDpopProof, "jwk of the DPoP proof is not a key we support"),
            Self::WrongMethod => (InvalidDpopProof, "htm is not the method of this request"),
            Self::WrongAddress => (InvalidDpopProof, "htu is not the address of this endpoint"),
            Self::BadJti => (InvalidDpopProof, "jti of the DPoP proof is missing or too long"),
            Self::NoTime => (InvalidDpopProof, "iat of the DPoP proof must be a number"),
            Self::TooOld => (InvalidDpopProof, "iat of the DPoP proof is too far from our clock"),
            Self::NoNonce => (UseDpopNonce, "the DPoP proof needs a nonce of ours"),
            Self::BadNonce => (UseDpopNonce, "nonce of the DPoP proof is not good (any more)"),
            Self::NoTokenHash => (InvalidDpopProof, "ath of the DPoP proof is missing"),
            Self::WrongTokenHash => (InvalidDpopProof, "ath is not the hash of the access token"),
            Self::WrongSignature => (InvalidDpopProof, "the signature of the DPoP proof is wrong"),
            Self::Replayed => (InvalidDpopProof, "this DPoP proof was used before"),
            Self::BadToken => (InvalidToken, "the access token is unknown or no longer valid"),
            Self::OtherKey => {
                (InvalidToken, "the access token is bound to another key than the DPoP proof")
            }
            Self::SentAsBearer => {
                (InvalidToken, "the access token is bound to a key: use the scheme DPoP")
            }
            Self::NotBound => {
                (InvalidToken, "the access token is bound to no key: use the scheme Bearer")
            }
        }
    }

    fn challenge(&self) -> Option<Challenge> {
        Some(Challenge::WithError)
    }

    fn scheme(&self) -> TokenType {
        TokenType::DPoP
    }

    fn demand(&self) -> Option<Demand> {
        matches!(self, Self::NoNonce | Self::BadNonce).then_some(Demand::DpopNonce)
    }
}

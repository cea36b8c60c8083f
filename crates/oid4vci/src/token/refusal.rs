//! Why a Token Request is refused.

use crate::attestation::client::ClientAttestationRefusal;
use crate::client::ClientRefusal;
use crate::dpop::DpopRefusal;
use crate::error::{Demand, ErrorCode, Refusal};

/// Why a Token Request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// Not `application/x-www-form-urlencoded`, or not readable as such (TOKEN-01).
    Unreadable,
    /// A parameter is longer than any honest one.
    TooLong,
    /// RFC 6749 §3.2
    RepeatedParameter,
    /// RFC 6749 §5.2
    MissingGrantType,
    /// RFC 6749 §5.2
    UnsupportedGrantType,
    /// TOKEN-02
    MissingCode,
    /// TOKEN-07, TOKEN-27
    AnonymousClient,
    /// TOKEN-26: wrong, spent, withdrawn or locked.
    UnknownCode,
    /// TOKEN-26
    ExpiredCode,
    /// RFC 9396 §5
    BadDetails,
    /// RFC 9396 §5: more than the offer holds (TOKEN-11).
    DetailsNotOffered,
    /// TOKEN-25, TOKEN-33
    WrongTxCode,
    /// V11-15: the same, told so that a Wallet knows which of the two codes to ask for again.
    InvalidTxCode,
    /// TOKEN-24
    MissingTxCode,
    /// TOKEN-23
    UnexpectedTxCode,
    /// RFC 6749 §4.1.3: `code`, `redirect_uri` and `code_verifier` go together.
    MissingCodeParameter,
    /// RFC 6749 §5.2: wrong, spent, too old, or of another client.
    UnknownAuthorizationCode,
    /// RFC 6749 §4.1.3
    OtherRedirectUri,
    /// RFC 7636 §4.6
    WrongVerifier,
    /// RFC 9449 §10
    OtherKey,
    /// RFC 6749 §6
    MissingRefreshToken,
    /// RFC 6749 §5.2: wrong, used before, revoked, too old, or of another client.
    UnknownRefreshToken,
    /// RFC 8707 §2.2
    ForeignResource,
    /// RFC 6749 §6
    ScopeNotGranted,
    /// RFC 6749 §5.2: of a client that must be registered.
    Registered(ClientRefusal),
    /// RFC 9449 §5
    Dpop(DpopRefusal),
    /// WALATT-09
    Client(ClientAttestationRefusal),
}

impl From<ClientAttestationRefusal> for TokenRefusal {
    fn from(refusal: ClientAttestationRefusal) -> Self {
        Self::Client(refusal)
    }
}

impl From<ClientRefusal> for TokenRefusal {
    fn from(refusal: ClientRefusal) -> Self {
        Self::Registered(refusal)
    }
}

impl From<DpopRefusal> for TokenRefusal {
    fn from(refusal: DpopRefusal) -> Self {
        Self::Dpop(refusal)
    }
}

impl Refusal for TokenRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{
            InvalidAuthorizationDetails, InvalidClient, InvalidGrant, InvalidRequest, InvalidScope,
            InvalidTarget, InvalidTxCode, UnsupportedGrantType,
        };
        match self {
            Self::Unreadable => {
                (InvalidRequest, "the body must be application/x-www-form-urlencoded")
            }
            Self::TooLong => (InvalidRequest, "a parameter is too long"),
            Self::RepeatedParameter => (InvalidRequest, "a parameter is repeated"),
            Self::MissingGrantType => (InvalidRequest, "grant_type is missing"),
            Self::UnsupportedGrantType => {
                (UnsupportedGrantType, "this grant_type is not supported")
            }
            Self::MissingCode => (InvalidRequest, "pre-authorized_code is missing"),
            Self::AnonymousClient => (InvalidClient, "client_id is missing"),
            Self::UnknownCode => {
                (InvalidGrant, "the pre-authorized_code is unknown or no longer valid")
            }
            Self::ExpiredCode => (InvalidGrant, "the pre-authorized_code has expired"),
            Self::BadDetails => {
                (InvalidAuthorizationDetails, "authorization_details cannot be read")
            }
            Self::DetailsNotOffered => {
                (InvalidAuthorizationDetails, "authorization_details ask for more than was offered")
            }
            Self::WrongTxCode => (InvalidGrant, "the tx_code is wrong"),
            Self::InvalidTxCode => (InvalidTxCode, "the tx_code is not the right one"),
            Self::MissingTxCode => (InvalidRequest, "tx_code is missing"),
            Self::UnexpectedTxCode => (InvalidRequest, "no tx_code is expected"),
            Self::MissingCodeParameter => {
                (InvalidRequest, "code, redirect_uri and code_verifier are needed")
            }
            Self::UnknownAuthorizationCode => {
                (InvalidGrant, "the code is unknown or no longer valid")
            }
            Self::OtherRedirectUri => {
                (InvalidGrant, "redirect_uri is not the one of the authorization request")
            }
            Self::WrongVerifier => (InvalidGrant, "the code_verifier is wrong"),
            Self::OtherKey => (InvalidGrant, "the code was asked for with another DPoP key"),
            Self::MissingRefreshToken => (InvalidRequest, "refresh_token is missing"),
            Self::UnknownRefreshToken => {
                (InvalidGrant, "the refresh_token is unknown or no longer valid")
            }
            Self::ForeignResource => (InvalidTarget, "resource must be our issuer identifier"),
            Self::ScopeNotGranted => (InvalidScope, "scope asks for more than was allowed"),
            Self::Registered(refusal) => refusal.answer(),
            Self::Dpop(refusal) => refusal.answer(),
            Self::Client(refusal) => refusal.answer(),
        }
    }

    /// RFC 6749 §5.2
    fn status(&self) -> u16 {
        if let Self::Registered(refusal) = self { refusal.status() } else { 400 }
    }

    fn demand(&self) -> Option<Demand> {
        if let Self::Dpop(refusal) = self {
            refusal.demand()
        } else if let Self::Client(refusal) = self {
            refusal.demand()
        } else {
            None
        }
    }
}

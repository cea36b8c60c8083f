//! Why a request is refused: told to the person where the way back is not certain, else to the
//! client (RFC 6749 §4.1.2.1).

use super::RequestObjectRefusal;
use crate::error::{ErrorCode, Refusal};
use crate::parameters::BadParameter;

/// Why nobody is sent anywhere: the person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadEnd {
    /// No `client_id`, or of nobody we know.
    UnknownClient,
    /// RFC 6749 §3.1.2.3
    NoRedirectUri,
    /// RFC 6749 §3.1.2.4
    ForeignRedirectUri,
    /// RFC 6749 §3.1
    RepeatedParameter,
    /// A parameter is longer than any honest one.
    TooLong,
    /// RFC 9126 §4: unknown, used before, too old, or of another client.
    UnknownRequest,
    /// RFC 9101 §5.2: we fetch no request, and know those alone that were pushed here.
    ForeignRequestUri,
    /// RFC 9101 §6
    RequestObject(RequestObjectRefusal),
    /// RFC 9126 §5: requests of this client must be pushed.
    MustBePushed,
    /// The page was open for too long, or belongs to another browser.
    Over,
}

impl From<BadParameter> for DeadEnd {
    fn from(bad: BadParameter) -> Self {
        match bad {
            BadParameter::Repeated => Self::RepeatedParameter,
            BadParameter::TooLong => Self::TooLong,
        }
    }
}

impl Refusal for DeadEnd {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidClient, InvalidRequest, RequestUriNotSupported};
        match self {
            Self::UnknownClient => (InvalidClient, "this client is not registered here"),
            Self::NoRedirectUri => (InvalidRequest, "redirect_uri is missing"),
            Self::ForeignRedirectUri => {
                (InvalidRequest, "this redirect_uri is not registered for this client")
            }
            Self::RepeatedParameter => (InvalidRequest, "a parameter is repeated"),
            Self::TooLong => (InvalidRequest, "a parameter is too long"),
            Self::UnknownRequest => {
                (InvalidRequest, "the request_uri is unknown, expired or used before")
            }
            Self::ForeignRequestUri => (
                RequestUriNotSupported,
                "no request is fetched from elsewhere: push it, or send it as request",
            ),
            Self::RequestObject(refusal) => refusal.answer(),
            Self::MustBePushed => (InvalidRequest, "push the request first (RFC 9126)"),
            Self::Over => (InvalidRequest, "this sign-in is over: begin again in the wallet"),
        }
    }
}

/// Why a client gets no code; it is told by a redirect (AUTHZ-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationRefusal {
    /// RFC 6749 §3.1
    RepeatedParameter,
    /// A parameter is longer than any honest one.
    TooLong,
    /// RFC 6749 §3.1.1
    NoResponseType,
    /// RFC 6749 §4.1.2.1
    ResponseType,
    /// Nothing but `query`.
    ResponseMode,
    /// A request by value in a JWT, where there can be none (RFC 9101 §5.1).
    RequestObject,
    /// RFC 7636 §4.4.1
    NoChallenge,
    /// RFC 7636 §4.4.1: `plain`, or none.
    ChallengeMethod,
    /// RFC 7636 §4.2
    BadChallenge,
    /// RFC 9449 §10: no thumbprint, or not that of the key beside it.
    BadThumbprint,
    /// AUTHZ-13: no scope value that we know, no details, no offer.
    NothingAskedFor,
    /// RFC 8707 §2
    ForeignResource,
    /// RFC 9396 §5
    BadDetails,
    /// RFC 9396 §5
    UnknownConfiguration,
    /// AUTHZ-09
    ForeignLocation,
    /// CLAIM-01, CLAIM-08 to CLAIM-10
    BadClaims,
    /// AUTHZ-19
    UnknownIssuerState,
    /// More than the offer holds (TOKEN-11).
    NotOffered,
    /// The person said no (RFC 6749 §4.1.2.1).
    Denied,
    /// The person who signed in is none who could have it.
    NotEntitled,
}

impl From<BadParameter> for AuthorizationRefusal {
    fn from(bad: BadParameter) -> Self {
        match bad {
            BadParameter::Repeated => Self::RepeatedParameter,
            BadParameter::TooLong => Self::TooLong,
        }
    }
}

impl Refusal for AuthorizationRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{
            AccessDenied, InvalidAuthorizationDetails, InvalidRequest, InvalidScope, InvalidTarget,
            UnsupportedResponseType,
        };
        match self {
            Self::RepeatedParameter => (InvalidRequest, "a parameter is repeated"),
            Self::TooLong => (InvalidRequest, "a parameter is too long"),
            Self::NoResponseType => (InvalidRequest, "response_type is missing"),
            Self::ResponseType => (UnsupportedResponseType, "response_type must be code"),
            Self::ResponseMode => (InvalidRequest, "response_mode must be query"),
            Self::RequestObject => (InvalidRequest, "request objects are not taken here"),
            Self::NoChallenge => (InvalidRequest, "code_challenge is missing"),
            Self::ChallengeMethod => (InvalidRequest, "code_challenge_method must be S256"),
            Self::BadChallenge => (InvalidRequest, "code_challenge is no SHA-256 digest"),
            Self::BadThumbprint => {
                (InvalidRequest, "dpop_jkt must be the thumbprint of the wallet's DPoP key")
            }
            Self::NothingAskedFor => (InvalidScope, "no credential that we know is asked for"),
            Self::ForeignResource => (InvalidTarget, "resource must be our issuer identifier"),
            Self::BadDetails => {
                (InvalidAuthorizationDetails, "authorization_details cannot be read") // DEP-09
            }
            Self::UnknownConfiguration => {
                (InvalidAuthorizationDetails, "a credential_configuration_id is unknown")
            }
            Self::ForeignLocation => {
                (InvalidAuthorizationDetails, "locations must hold our issuer identifier")
            }
            Self::BadClaims => {
                (InvalidAuthorizationDetails, "claims are repeated, contradictory or unreadable")
            }
            Self::UnknownIssuerState => {
                (InvalidRequest, "issuer_state is unknown, or its offer is over")
            }
            Self::NotOffered => {
                (InvalidAuthorizationDetails, "the request asks for more than was offered")
            }
            Self::Denied => (AccessDenied, "the person did not allow it"),
            Self::NotEntitled => (AccessDenied, "this person cannot have these credentials"),
        }
    }
}

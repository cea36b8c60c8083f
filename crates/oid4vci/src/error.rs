//! Every refusal of every endpoint has one shape: `{"error", "error_description"}`.

use keys::algorithm::Algorithm;
use serde::{Deserialize, Serialize};

use crate::token::TokenType;

/// Error codes this system sends and understands, in the order of the specs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// RFC 6749 §5.2, VCI §6.3
    InvalidRequest,
    /// RFC 6749 §5.2, VCI §6.3
    InvalidClient,
    /// WALATT-09: the client attestation needs a challenge of ours.
    UseAttestationChallenge,
    /// WALATT-09: the client attestation is too old.
    UseFreshAttestation,
    /// RFC 6749 §5.2, VCI §6.3
    InvalidGrant,
    /// V11-15: the Transaction Code alone is wrong.
    InvalidTxCode,
    /// RFC 6749 §5.2
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1, RFC 6749 §5.2
    UnauthorizedClient,
    /// RFC 6749 §4.1.2.1
    AccessDenied,
    /// RFC 6749 §4.1.2.1
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, RFC 6749 §5.2
    InvalidScope,
    /// RFC 8707 §2
    InvalidTarget,
    /// RFC 9396 §5
    InvalidAuthorizationDetails,
    /// RFC 9101 §7
    InvalidRequestObject,
    /// RFC 9101 §7
    RequestUriNotSupported,
    /// First-Party Apps §5.2.2.1
    InvalidSession,
    /// First-Party Apps §5.2.2.1
    InsufficientAuthorization,
    /// First-Party Apps §5.2.2.1
    RedirectToWeb,
    /// RFC 9449 §5, RFC 9449 §7.1
    InvalidDpopProof,
    /// RFC 9449 §8, RFC 9449 §9
    UseDpopNonce,
    /// RFC 6750 §3.1
    InvalidToken,
    /// RFC 6750 §3.1
    InsufficientScope,
    /// VCI §8.3.1.2
    InvalidCredentialRequest,
    /// VCI §8.3.1.2
    UnknownCredentialConfiguration,
    /// VCI §8.3.1.2
    UnknownCredentialIdentifier,
    /// VCI §8.3.1.2
    InvalidProof,
    /// VCI §8.3.1.2
    InvalidNonce,
    /// VCI §8.3.1.2
    InvalidEncryptionParameters,
    /// VCI §8.3.1.2
    CredentialRequestDenied,
    /// VCI §9.3
    InvalidTransactionId,
    /// VCI §11.3
    InvalidNotificationId,
    /// VCI §11.3
    InvalidNotificationRequest,
    /// No spec names it: what is asked for is not here.
    NotFound,
    /// RFC 6749 §4.1.2.1; too much at once
    TemporarilyUnavailable,
    /// RFC 6749 §4.1.2.1; the only code for our own faults
    ServerError,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UseAttestationChallenge => "use_attestation_challenge",
            Self::UseFreshAttestation => "use_fresh_attestation",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidTxCode => "invalid_tx_code",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidSession => "invalid_session",
            Self::InsufficientAuthorization => "insufficient_authorization",
            Self::RedirectToWeb => "redirect_to_web",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidCredentialRequest => "invalid_credential_request",
            Self::UnknownCredentialConfiguration => "unknown_credential_configuration",
            Self::UnknownCredentialIdentifier => "unknown_credential_identifier",
            Self::InvalidProof => "invalid_proof",
            Self::InvalidNonce => "invalid_nonce",
            Self::InvalidEncryptionParameters => "invalid_encryption_parameters",
            Self::CredentialRequestDenied => "credential_request_denied",
            Self::InvalidTransactionId => "invalid_transaction_id",
            Self::InvalidNotificationId => "invalid_notification_id",
            Self::InvalidNotificationRequest => "invalid_notification_request",
            Self::NotFound => "not_found",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

/// A refusal the other side is told about: one enum an endpoint, one variant a cause.
pub trait Refusal {
    /// The `error` code and its `error_description`.
    ///
    /// The text is `'static`, so no request data can leak into it, and holds only the characters
    /// that VCI §8.3.1.2 allows (CRED-63).
    fn answer(&self) -> (ErrorCode, &'static str);

    /// The HTTP status: 400 unless a spec says otherwise.
    fn status(&self) -> u16 {
        400
    }

    /// Whether the answer needs a `WWW-Authenticate` header (RFC 6750 §3).
    fn challenge(&self) -> Option<Challenge> {
        None
    }

    /// The scheme of that header, where it has an error code (RFC 9449 §7.1).
    fn scheme(&self) -> TokenType {
        TokenType::Bearer
    }

    /// A fresh value that the other side needs for its next try.
    fn demand(&self) -> Option<Demand> {
        None
    }
}

/// What the other side has to use in its next request; the answer brings it in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A nonce for DPoP proofs (RFC 9449 §8).
    DpopNonce,
    /// A challenge for client attestations (WALATT-09).
    AttestationChallenge,
}

impl Demand {
    /// The name of the header.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::DpopNonce => crate::dpop::NONCE_HEADER,
            Self::AttestationChallenge => crate::attestation::client::CHALLENGE_HEADER,
        }
    }
}

/// What stands in `WWW-Authenticate` (RFC 6750 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No token was sent: the scheme alone, without an error code (RFC 6750 §3.1).
    Bare,
    /// A token was sent and is no good: scheme and error code.
    WithError,
}

/// The schemes that a protected resource takes.
#[derive(Clone, Copy, Debug)]
pub struct Schemes<'s> {
    /// RFC 6750 §2.1
    pub bearer: bool,
    /// RFC 9449 §7.1: with which algorithms; none where `DPoP` is not taken.
    pub dpop: &'s [Algorithm],
}

/// The value of `WWW-Authenticate`; `None` where an answer needs none.
///
/// Who sent no token learns every scheme there is, who sent one learns what was wrong with it
/// (RFC 6750 §3, RFC 9449 §7.1).
#[must_use]
pub fn www_authenticate(refusal: &dyn Refusal, schemes: &Schemes<'_>) -> Option<String> {
    let names: Vec<&str> = schemes.dpop.iter().map(|algorithm| algorithm.name()).collect();
    let algs = format!(r#"algs="{}""#, names.join(" "));
    match refusal.challenge()? {
        Challenge::Bare => {
            let bearer = schemes.bearer.then(|| "Bearer".to_owned());
            let dpop = (!names.is_empty()).then(|| format!("DPoP {algs}"));
            Some(bearer.into_iter().chain(dpop).collect::<Vec<_>>().join(", "))
        }
        Challenge::WithError => {
            let (code, text) = refusal.answer();
            let error = format!(r#"error="{}", error_description="{text}""#, code.name());
            Some(match refusal.scheme() {
                TokenType::Bearer => format!("Bearer {error}"),
                TokenType::DPoP => format!("DPoP {error}, {algs}"),
            })
        }
    }
}

/// The error code in a `WWW-Authenticate` that we receive, which may be all that an answer says
/// (RFC 6750 §3).
#[must_use]
pub fn challenge_error(www_authenticate: &str) -> Option<&str> {
    let (_, rest) = www_authenticate.split_once("error=\"")?;
    rest.split_once('"').map(|(code, _)| code).filter(|code| !code.is_empty())
}

/// The JSON body of every refusal we send (RFC 6749 §5.2).
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    /// The machine-readable part.
    pub error: ErrorCode,
    /// For the developer on the other side.
    pub error_description: &'static str,
}

/// The JSON body of a refusal we receive: a code we do not know, or no description, is no fault.
#[derive(Clone, Debug, Deserialize)]
pub struct ReceivedError {
    /// The machine-readable part, as it came: specs add codes, a Wallet must survive new ones
    /// (AMB-19).
    pub error: String,
    /// For us.
    pub error_description: Option<String>,
}

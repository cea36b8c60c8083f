//! What a draft calls a refusal.

use serde_json::{Map, Value, json};

use super::dialect::Draft;
use super::{Dialect, object, with_nonce};
use crate::credential::CredentialRefusal;
use crate::error::{ErrorCode, Refusal as _};
use crate::nonce::NonceResponse;

/// Why a request is none of its draft, or asks for what the draft's offer has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// As 1.0 has it.
    Refused(CredentialRefusal),
    /// Not an object, or a member stands in it twice.
    Unreadable,
    /// Neither JSON nor what the draft allows beside it.
    WrongMediaType,
    /// Larger than any honest request.
    TooLong,
    /// It is named by its format, and none is there.
    NoFormat,
    /// From draft 15 on it is named by its id.
    Format,
    /// Two names for one thing.
    FormatBesideIdentifier,
    /// The offer has none of this format.
    UnsupportedFormat,
    /// The offer has none of this type.
    UnsupportedType,
    /// A batch has one answer for several keys.
    Encryption,
    /// The key for the answer says one thing, the member beside it another.
    TwoAlgorithms,
    /// No draft encrypts requests.
    Covered,
    /// A deferred request names what waits.
    NoTransactionId,
    /// Not a list of requests that go together.
    BatchShape,
    /// What waits is asked for alone.
    DeferredInBatch,
    /// What waits is told in words of 1.0 at its own endpoint.
    DeferredAtShared,
    /// The offer cannot be taken yet.
    Pending,
    /// The same, to who asked a moment ago.
    TooSoon,
}

/// What a code was called, and until which draft; the first row counts.
const RENAMED: [(ErrorCode, Draft, &str); 11] = [
    (ErrorCode::InvalidTxCode, Draft::D15, "invalid_grant"),
    (ErrorCode::UnknownCredentialConfiguration, Draft::D15, "unsupported_credential_type"),
    (ErrorCode::UnknownCredentialIdentifier, Draft::D15, "unsupported_credential_type"),
    (ErrorCode::InvalidProof, Draft::D9, "invalid_or_missing_proof"),
    (ErrorCode::InvalidNonce, Draft::D9, "invalid_or_missing_proof"),
    (ErrorCode::InvalidNonce, Draft::D14, "invalid_proof"),
    (ErrorCode::InvalidCredentialRequest, Draft::D11, "invalid_request"),
    (ErrorCode::InvalidEncryptionParameters, Draft::D11, "invalid_request"),
    (ErrorCode::CredentialRequestDenied, Draft::D11, "invalid_request"),
    (ErrorCode::CredentialRequestDenied, Draft::D13, "invalid_credential_request"),
    (ErrorCode::InvalidTransactionId, Draft::D11, "invalid_token"),
];

impl From<CredentialRefusal> for Misfit {
    fn from(refusal: CredentialRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Dialect {
    /// The draft's code for a refusal of 1.0.
    #[must_use]
    pub fn error_code(self, code: ErrorCode) -> &'static str {
        let row = RENAMED.iter().find(|(renamed, until, _)| *renamed == code && self.0 <= *until);
        row.map_or(code.name(), |(.., name)| name)
    }

    /// Code and text for what was refused before any rule of 1.0 saw it.
    pub(super) fn misfit(self, misfit: Misfit) -> (&'static str, &'static str) {
        let request = self.error_code(ErrorCode::InvalidCredentialRequest);
        match misfit {
            Misfit::Refused(refusal) => {
                let (code, text) = refusal.answer();
                (self.error_code(code), text)
            }
            Misfit::Unreadable => (request, "the body is not an object, or repeats a member"),
            Misfit::WrongMediaType => (request, "Content-Type must be application/json"),
            Misfit::TooLong => (request, "the request is too large"),
            Misfit::NoFormat => {
                (request, "format is missing: this offer is of a draft that needs it")
            }
            Misfit::Format => (
                request,
                "use credential_configuration_id, no format: this offer is of a draft that needs it",
            ),
            Misfit::FormatBesideIdentifier => {
                (request, "send format or credential_identifier, not both")
            }
            Misfit::UnsupportedFormat => {
                ("unsupported_credential_format", "the offer has no credential of this format")
            }
            Misfit::UnsupportedType => {
                ("unsupported_credential_type", "the offer has no credential of this type")
            }
            Misfit::Encryption => (
                self.error_code(ErrorCode::InvalidEncryptionParameters),
                "answers to a batch are not encrypted: ask one by one at the credential endpoint",
            ),
            Misfit::TwoAlgorithms => (
                self.error_code(ErrorCode::InvalidEncryptionParameters),
                "alg of the key for the response is not the alg that is asked for",
            ),
            Misfit::Covered => (
                self.error_code(ErrorCode::InvalidEncryptionParameters),
                "requests are not encrypted at this endpoint: send application/json",
            ),
            Misfit::NoTransactionId => (request, "transaction_id is missing, or no text"),
            Misfit::BatchShape => {
                (request, "credential_requests must be a list of requests, each with its own proof")
            }
            Misfit::Pending => (
                "authorization_pending",
                "the issuer is not ready: redeem the same code again after the interval",
            ),
            Misfit::TooSoon => {
                ("slow_down", "ask less often: wait five seconds longer from now on")
            }
            Misfit::DeferredInBatch => {
                (request, "this credential comes later: ask for it at the credential endpoint")
            }
            Misfit::DeferredAtShared => (
                request,
                "this credential comes later: ask for it in the words of 1.0, or the issuer for an \
                 offer of this draft",
            ),
        }
    }

    /// Code and text for what waits for an officer: each has a wait of its own.
    #[must_use]
    pub fn not_in_a_batch(self) -> (&'static str, &'static str) {
        self.misfit(Misfit::DeferredInBatch)
    }

    /// Code and text for what waits for an officer, asked for in a draft at the identifier of 1.0: who
    /// asks again, is in no draft.
    #[must_use]
    pub fn not_at_a_shared_identifier(self) -> (&'static str, &'static str) {
        self.misfit(Misfit::DeferredAtShared)
    }

    /// The answer to who takes an offer that somebody is still to release (draft 13, section 6.3). The
    /// drafts until 11 have one word for it, and the seconds to wait beside it (draft 11, section 6.2).
    #[must_use]
    pub fn not_yet(self, is_too_soon: bool, interval: u64) -> Value {
        let says_interval = self.has_interval_in_answers();
        let is_slower = is_too_soon && !says_interval;
        let (code, text) = self.misfit(if is_slower { Misfit::TooSoon } else { Misfit::Pending });
        let mut body = object(json!({ "error": code, "error_description": text }));
        body.extend(says_interval.then(|| ("interval".to_owned(), interval.into())));
        body.into()
    }

    /// The answer to who asks too early for what waits (draft 12, section 9.3).
    #[must_use]
    pub fn pending(self, interval: u32) -> Value {
        json!({
            "error": "issuance_pending",
            "error_description": "the credential is not ready: ask again after interval seconds",
            "interval": interval,
        })
    }

    /// The body of a refusal. Until draft 14 one for a proof brings the nonce for the next try.
    #[must_use]
    pub fn error(
        self,
        (code, text): (&'static str, &'static str),
        nonce: impl FnOnce() -> NonceResponse,
    ) -> Value {
        let body = object(json!({ "error": code, "error_description": text }));
        let is_about_proof = ["invalid_proof", "invalid_or_missing_proof"].contains(&code);
        if is_about_proof && !self.has_nonce_endpoint() {
            return with_nonce(body, &nonce());
        }
        Map::into(body)
    }
}

//! Answers that say no.

use std::fmt;

use oid4vci::error::{ReceivedError, challenge_error};

use crate::display::clean;
use crate::http::{Response, WWW_AUTHENTICATE};

/// What the wallet asks other sides for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// VCI §4.1.3
    Offer,
    /// VCI §12.2, RFC 8414 §3
    Metadata,
    /// RFC 9126 §2
    SignIn,
    /// VCI §6
    Token,
    /// VCI §7
    Nonce,
    /// VCI §8
    Credential,
    /// VCI §11
    Notification,
    /// The key behind `iss`.
    IssuerKeys,
    /// WALATT-10
    Challenge,
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What we asked for.
    pub question: Question,
    /// The status code of HTTP.
    pub status: u16,
    /// The error code, when the answer has one.
    pub error: Option<String>,
    /// The other side's own words, made fit to be shown.
    pub description: Option<String>,
}

impl Refused {
    /// Reads an answer that is not a success, whatever its form.
    #[must_use]
    pub fn read(question: Question, status: u16, body: &[u8]) -> Self {
        let received: Option<ReceivedError> = keys::json::from_slice(body).ok();
        let (error, description) = match received {
            Some(received) => (Some(clean(&received.error)), received.error_description),
            None => (None, None),
        };
        Self { question, status, error, description: description.map(|text| clean(&text)) }
    }

    /// An issuer that is not ready and says so in an answer of success.
    pub(crate) fn pending(status: u16) -> Self {
        let error = Some("authorization_pending".to_owned());
        Self { question: Question::Token, status, error, description: None }
    }

    /// Reads the refusal of a request that brought a token: what was wrong with that may stand in
    /// the header alone (RFC 6750 §3).
    #[must_use]
    pub fn with_token(question: Question, answer: &Response) -> Self {
        let refused = Self::read(question, answer.status, &answer.body);
        let challenge = || answer.header(WWW_AUTHENTICATE).and_then(challenge_error).map(clean);
        let error = refused.error.or_else(challenge);
        Self { error, ..refused }
    }

    /// Whether the token is dead: no other request with it will fare better (RFC 6750 §3.1).
    #[must_use]
    pub fn is_dead_token(&self) -> bool {
        self.status == 401 && self.is("invalid_token")
    }

    /// Whether the answer has this error code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.error.as_deref() == Some(code)
    }
}

impl Refused {
    pub(super) fn hint(&self) -> &'static str {
        match (self.question, self.error.as_deref(), self.status) {
            (_, _, 429 | 503) => "wait a moment, then try again",
            (Question::Token, Some("authorization_pending" | "slow_down"), _) => {
                "the issuer is not ready yet: wait a moment, then take the same offer again"
            }
            (Question::Token, Some("invalid_tx_code"), _) => {
                "check the transaction code and type it again: the offer stays good until it was \
                 wrong too often"
            }
            (Question::Token, Some("invalid_grant"), _) | (Question::Offer, _, 404 | 410) => {
                "the offer is used, withdrawn or too old: get a new one from the issuer"
            }
            (Question::Credential, Some("invalid_token"), _) | (Question::Credential, _, 401) => {
                "it took too long: get a new offer from the issuer"
            }
            (Question::Credential, Some("credential_request_denied"), _) => {
                "ask the issuer why; to try again will not help"
            }
            _ => "tell the issuer",
        }
    }
}

impl Question {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Offer => "the Credential Offer",
            Self::Metadata => "the issuer's metadata",
            Self::SignIn => "the sign-in",
            Self::Token => "the token",
            Self::Nonce => "the nonce",
            Self::Credential => "the credential",
            Self::Notification => "the notification",
            Self::IssuerKeys => "the issuer's keys",
            Self::Challenge => "the challenge",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused", self.question.name())?;
        match (&self.description, &self.error) {
            (Some(text), _) | (None, Some(text)) => write!(f, ": {text}"),
            (None, None) => write!(f, " with HTTP status {}", self.status),
        }
    }
}

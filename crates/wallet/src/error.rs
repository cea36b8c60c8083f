//! What can go wrong between a scan and a card, told to a person.

use std::fmt;

use keys::signer::SignError;
use oid4vci::encryption::EncryptionError;
use oid4vci::error::ReceivedError;
use oid4vci::metadata::MetadataError;
use oid4vci::offer::OfferError;

use crate::display::clean;
use crate::http::HttpError;
use crate::store::StoreError;
use crate::trust::VerificationError;

/// Why a step of the flow was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalletError {
    /// What was scanned is no offer that can be used.
    Offer(OfferError),
    /// The holder has not agreed to talk to this host; nothing was sent to it.
    NotAgreed {
        /// Whom the next request would go to.
        host: String,
    },
    /// The offer needs a sign-in in the browser, which this wallet does not do.
    SignInNeeded,
    /// The offer names something that its issuer does not describe (OFFER-06).
    UnknownConfiguration {
        /// What was offered.
        id: String,
    },
    /// Nothing in the offer is of a format that this wallet holds.
    UnsupportedFormat {
        /// What was offered.
        format: String,
    },
    /// The issuer takes none of this wallet's signature algorithms, or not the chosen one.
    UnsupportedAlgorithm,
    /// The issuer binds credentials in none of this wallet's ways, or not in the chosen one.
    UnsupportedBinding,
    /// The issuer demands a kind of token that this wallet cannot present.
    UnsupportedToken,
    /// No key of that name is in the store.
    UnknownKey,
    /// The issuer asks for a Transaction Code.
    TxCodeNeeded,
    /// The Transaction Code cannot be right; nothing was sent.
    TxCodeMisfit,
    /// No answer.
    Network {
        /// Who was asked.
        host: String,
        /// Why.
        cause: HttpError,
    },
    /// The issuer's metadata cannot be used.
    Metadata(MetadataError),
    /// Messages cannot be encrypted as this issuer wants it, or its answer is not (VCI §10).
    Encryption(EncryptionError),
    /// The metadata send us to a host that is not the issuer's (catalogue M02 to M05).
    ForeignEndpoint {
        /// Where we would have gone.
        host: String,
    },
    /// The other side said no.
    Refused(Refused),
    /// The other side answered what no rule allows.
    BadAnswer(Question),
    /// The issuer needs more time, and names no place where to ask again.
    NotYet {
        /// Seconds to wait at least.
        interval: Option<u64>,
    },
    /// What was received is not what was asked for, or not from whom it should be.
    NotVerified(VerificationError),
    /// The store refused.
    Store(StoreError),
    /// The key of a credential is in the store no more.
    LostKey,
    /// Signing failed.
    Signing,
}

/// What the wallet asks other sides for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// VCI §4.1.3
    Offer,
    /// VCI §12.2, RFC 8414 §3
    Metadata,
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

    /// Whether the answer has this error code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.error.as_deref() == Some(code)
    }
}

/// Kinds of failure that scripts tell apart; the numbers are the command line's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Our own fault, or this machine's.
    OwnFault = 1,
    /// The person asked for what cannot be done.
    Usage = 2,
    /// The other side said no, or something of no use.
    Refused = 3,
    /// Nobody answered.
    Network = 4,
    /// The person said no.
    Declined = 5,
    /// What came is not to be trusted.
    NotVerified = 6,
    /// Later, perhaps.
    NotYet = 7,
}

impl WalletError {
    /// Which kind of failure this is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Offer(_)
            | Self::SignInNeeded
            | Self::UnsupportedFormat { .. }
            | Self::UnsupportedAlgorithm
            | Self::UnsupportedBinding
            | Self::UnsupportedToken
            | Self::UnknownKey
            | Self::TxCodeNeeded
            | Self::TxCodeMisfit => Class::Usage,
            Self::NotAgreed { .. } => Class::Declined,
            Self::Network { .. } => Class::Network,
            Self::Encryption(
                EncryptionError::NoCommonMethod
                | EncryptionError::NoRequestKey
                | EncryptionError::NotAskedFor,
            ) => Class::Refused,
            Self::Metadata(MetadataError::OtherIssuer)
            | Self::Encryption(_)
            | Self::ForeignEndpoint { .. }
            | Self::NotVerified(_) => Class::NotVerified,
            Self::Metadata(_)
            | Self::UnknownConfiguration { .. }
            | Self::Refused(_)
            | Self::BadAnswer(_) => Class::Refused,
            Self::NotYet { .. } => Class::NotYet,
            Self::Store(_) | Self::LostKey | Self::Signing => Class::OwnFault,
        }
    }

    /// A stable name for scripts; that of the other side when it gave one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Offer(_) => "bad_offer",
            Self::NotAgreed { .. } => "not_agreed",
            Self::SignInNeeded => "sign_in_needed",
            Self::UnknownConfiguration { .. } => "unknown_configuration",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnsupportedBinding => "unsupported_binding",
            Self::UnsupportedToken => "unsupported_token",
            Self::UnknownKey => "unknown_key",
            Self::TxCodeNeeded => "tx_code_needed",
            Self::TxCodeMisfit => "tx_code_misfit",
            Self::Network { cause, .. } => cause.code(),
            Self::Metadata(_) => "bad_metadata",
            Self::Encryption(_) => "bad_encryption",
            Self::ForeignEndpoint { .. } => "foreign_endpoint",
            Self::Refused(refused) => refused.error.as_deref().unwrap_or("refused"),
            Self::BadAnswer(_) => "bad_answer",
            Self::NotYet { .. } => "not_yet",
            Self::NotVerified(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::LostKey => "lost_key",
            Self::Signing => "signing_failed",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Offer(_) => "scan the QR code again, or ask the issuer for a new one",
            Self::NotAgreed { .. } => "agree to the host if you know it",
            Self::SignInNeeded => "ask the issuer for an offer with a pre-authorized code",
            Self::UnsupportedFormat { .. } => "this wallet holds dc+sd-jwt and jwt_vc_json",
            Self::UnsupportedAlgorithm => "leave the choice of the algorithm to the wallet",
            Self::UnsupportedBinding => "leave the choice of the binding to the wallet",
            Self::UnknownKey => "list the wallet's keys and name one of them",
            Self::TxCodeNeeded => "look for the code in the issuer's message or letter",
            Self::TxCodeMisfit => "check the code and type it again; no attempt was used up",
            Self::Network { cause, .. } => cause.hint(),
            Self::UnknownConfiguration { .. }
            | Self::UnsupportedToken
            | Self::Metadata(_)
            | Self::Encryption(_)
            | Self::BadAnswer(_) => "tell the issuer",
            Self::ForeignEndpoint { .. } => "do not go on; tell the issuer",
            Self::Refused(refused) => refused.hint(),
            Self::NotYet { .. } => {
                "this wallet cannot fetch it later, as the issuer does not say where: ask it for a \
                 new offer, to be taken when the credential is ready"
            }
            Self::NotVerified(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::LostKey => "nothing was stored; get a new offer from the issuer",
            Self::Signing => "try again with a new key",
        }
    }
}

impl Refused {
    fn hint(&self) -> &'static str {
        match (self.question, self.error.as_deref(), self.status) {
            (_, _, 429 | 503) => "wait a moment, then try again",
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
    const fn name(self) -> &'static str {
        match self {
            Self::Offer => "the Credential Offer",
            Self::Metadata => "the issuer's metadata",
            Self::Token => "the token",
            Self::Nonce => "the nonce",
            Self::Credential => "the credential",
            Self::Notification => "the notification",
            Self::IssuerKeys => "the issuer's keys",
        }
    }
}

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer(error) => f.write_str(error.message()),
            Self::NotAgreed { host } => write!(f, "you have not agreed to contact {host}"),
            Self::SignInNeeded => f.write_str("this offer needs a sign-in in the browser"),
            Self::UnknownConfiguration { id } => {
                write!(f, "the issuer offers {} but does not describe it", clean(id))
            }
            Self::UnsupportedFormat { format } => {
                write!(f, "this wallet cannot hold credentials of the format {}", clean(format))
            }
            Self::UnsupportedAlgorithm => {
                f.write_str("the issuer does not take this signature algorithm")
            }
            Self::UnsupportedBinding => f.write_str("the issuer does not bind keys in this way"),
            Self::UnsupportedToken => f.write_str("the issuer's token is of an unknown type"),
            Self::UnknownKey => f.write_str("the wallet has no such key"),
            Self::TxCodeNeeded => f.write_str("the issuer asks for a transaction code"),
            Self::TxCodeMisfit => f.write_str("the transaction code has the wrong form"),
            Self::Network { host, cause } => write!(f, "{host}: {}", cause.message()),
            Self::Metadata(error) => f.write_str(error.message()),
            Self::Encryption(error) => f.write_str(error.message()),
            Self::ForeignEndpoint { host } => {
                write!(f, "the issuer's metadata lead to {host}, which is not the issuer's")
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::BadAnswer(question) => {
                write!(f, "the answer about {} makes no sense", question.name())
            }
            Self::NotYet { .. } => {
                f.write_str("the issuer has accepted the request, and the credential is not ready")
            }
            Self::NotVerified(error) => f.write_str(error.message()),
            Self::Store(error) => f.write_str(error.message()),
            Self::LostKey => f.write_str("the key of this credential is in the wallet no more"),
            Self::Signing => f.write_str("the key could not sign"),
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

impl std::error::Error for WalletError {}

impl From<OfferError> for WalletError {
    fn from(error: OfferError) -> Self {
        Self::Offer(error)
    }
}

impl From<MetadataError> for WalletError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

impl From<EncryptionError> for WalletError {
    fn from(error: EncryptionError) -> Self {
        Self::Encryption(error)
    }
}

impl From<VerificationError> for WalletError {
    fn from(error: VerificationError) -> Self {
        Self::NotVerified(error)
    }
}

impl From<StoreError> for WalletError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SignError> for WalletError {
    fn from(_: SignError) -> Self {
        Self::Signing
    }
}

//! What can go wrong between a scan and a card, told to a person.

use std::fmt;

use keys::signer::SignError;
use oid4vci::authorization::ResponseError;
use oid4vci::encryption::EncryptionError;
use oid4vci::haip::HaipFinding;
use oid4vci::metadata::MetadataError;
use oid4vci::offer::OfferError;
use oid4vci::signed_metadata::SignedMetadataError;

use crate::attestation::{AttestationError, KeyAttestationError};
use crate::display::clean;
use crate::http::HttpError;
use crate::store::StoreError;
use crate::trust::VerificationError;

mod refused;

pub use refused::{Question, Refused};

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
    /// The offer needs a sign-in in the browser.
    SignInNeeded,
    /// The offer needs a sign-in, and the issuer does not say where.
    NoSignIn,
    /// The server knows ways of PKCE, and not `S256`: a code that is overheard would be anybody's.
    NoPkce,
    /// The offer can be taken in no way that this wallet knows.
    UnknownGrant,
    /// The browser came back with something else than a code.
    SignIn(ResponseError),
    /// The offer names something that its issuer does not describe (OFFER-06).
    UnknownConfiguration {
        /// What was offered.
        id: String,
    },
    /// The token is not good for this part of the offer (RFC 6749 §3.3).
    NotGranted {
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
    /// A key was proved, and the token is good for everybody who sees it (catalogue D17).
    UnboundToken,
    /// The issuer gives tokens only to wallets that somebody vouches for.
    AttestationNeeded,
    /// Who should vouch for this wallet did not.
    Attestation(AttestationError),
    /// There is no attestation of the wallet's keys, or none that is of use.
    KeyAttestation(KeyAttestationError),
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
    /// The issuer does not keep the profile that the owner asks for.
    Haip(HaipFinding),
    /// The issuer's signed metadata cannot be used (VCI §12.2.3).
    SignedMetadata(SignedMetadataError),
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
    /// What was still to come will never come, and is no longer waited for (DEFER-18).
    Ended(Refused),
    /// What was received is not what was asked for, or not from whom it should be.
    NotVerified(VerificationError),
    /// The store refused.
    Store(StoreError),
    /// The key of a credential is in the store no more.
    LostKey,
    /// Signing failed.
    Signing,
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
            | Self::UnknownGrant
            | Self::UnsupportedFormat { .. }
            | Self::UnsupportedAlgorithm
            | Self::UnsupportedBinding
            | Self::UnsupportedToken
            | Self::AttestationNeeded
            | Self::KeyAttestation(KeyAttestationError::Needed)
            | Self::UnknownKey
            | Self::TxCodeNeeded
            | Self::TxCodeMisfit => Class::Usage,
            Self::NotAgreed { .. } | Self::SignIn(ResponseError::Denied) => Class::Declined,
            Self::Network { .. } => Class::Network,
            Self::Encryption(
                EncryptionError::NoCommonMethod
                | EncryptionError::NoRequestKey
                | EncryptionError::NotAskedFor,
            ) => Class::Refused,
            Self::SignIn(
                ResponseError::OtherServer | ResponseError::NoIss | ResponseError::OtherState,
            )
            | Self::Metadata(MetadataError::OtherIssuer)
            | Self::SignedMetadata(_)
            | Self::Encryption(_)
            | Self::Haip(_)
            | Self::ForeignEndpoint { .. }
            | Self::UnboundToken
            | Self::NotVerified(_) => Class::NotVerified,
            Self::Metadata(_)
            | Self::NoSignIn
            | Self::NoPkce
            | Self::SignIn(_)
            | Self::UnknownConfiguration { .. }
            | Self::NotGranted { .. }
            | Self::Refused(_)
            | Self::Ended(_)
            | Self::BadAnswer(_) => Class::Refused,
            Self::NotYet { .. } => Class::NotYet,
            Self::Attestation(_)
            | Self::KeyAttestation(_)
            | Self::Store(_)
            | Self::LostKey
            | Self::Signing => Class::OwnFault,
        }
    }

    /// A stable name for scripts; that of the other side when it gave one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Offer(_) => "bad_offer",
            Self::NotAgreed { .. } => "not_agreed",
            Self::SignInNeeded => "sign_in_needed",
            Self::NoSignIn => "no_sign_in",
            Self::NoPkce => "no_pkce",
            Self::UnknownGrant => "unknown_grant",
            Self::SignIn(ResponseError::Denied) => "access_denied",
            Self::SignIn(ResponseError::Refused(_)) => "sign_in_refused",
            Self::SignIn(_) => "bad_sign_in",
            Self::UnknownConfiguration { .. } => "unknown_configuration",
            Self::NotGranted { .. } => "not_granted",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnsupportedBinding => "unsupported_binding",
            Self::UnsupportedToken => "unsupported_token",
            Self::UnboundToken => "unbound_token",
            Self::AttestationNeeded => "attestation_needed",
            Self::Attestation(_) => "no_attestation",
            Self::KeyAttestation(KeyAttestationError::Needed) => "key_attestation_needed",
            Self::KeyAttestation(KeyAttestationError::Unfit(_)) => "bad_key_attestation",
            Self::UnknownKey => "unknown_key",
            Self::TxCodeNeeded => "tx_code_needed",
            Self::TxCodeMisfit => "tx_code_misfit",
            Self::Network { cause, .. } => cause.code(),
            Self::Metadata(_) => "bad_metadata",
            Self::Haip(_) => "haip",
            Self::SignedMetadata(_) => "bad_signed_metadata",
            Self::Encryption(_) => "bad_encryption",
            Self::ForeignEndpoint { .. } => "foreign_endpoint",
            Self::Refused(refused) | Self::Ended(refused) => {
                refused.error.as_deref().unwrap_or("refused")
            }
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
            Self::SignInNeeded => "sign in with the issuer, in a browser",
            Self::NoSignIn | Self::UnknownGrant => {
                "ask the issuer for an offer with a pre-authorized code"
            }
            Self::SignIn(ResponseError::Denied) => "begin again, and allow it on the issuer's page",
            Self::SignIn(
                ResponseError::OtherServer
                | ResponseError::NoIss
                | ResponseError::OtherState
                | ResponseError::Unreadable
                | ResponseError::NoCode,
            ) => "do not go on in that browser window; begin again",
            Self::NotGranted { .. } => {
                "ask the issuer why, or take a new offer and allow all of it"
            }
            Self::UnsupportedFormat { .. } => "ask for SD-JWT VC, an mdoc or a W3C credential",
            Self::UnsupportedAlgorithm => "leave the choice of the algorithm to the wallet",
            Self::UnsupportedBinding => "leave the choice of the binding to the wallet",
            Self::AttestationNeeded => {
                "ask the issuer which wallets it knows, or use one whose maker vouches for it"
            }
            Self::KeyAttestation(KeyAttestationError::Needed) => {
                "take the offer with a wallet whose maker vouches for its keys"
            }
            Self::Attestation(_) | Self::KeyAttestation(_) => {
                "update the wallet, or tell its maker"
            }
            Self::SignedMetadata(SignedMetadataError::Untrusted) => {
                "give the certificate of an authority that you trust to vouch for this issuer"
            }
            Self::UnknownKey => "list the wallet's keys and name one of them",
            Self::TxCodeNeeded => "look for the code in the issuer's message or letter",
            Self::TxCodeMisfit => "check the code and type it again; no attempt was used up",
            Self::Network { cause, .. } => cause.hint(),
            Self::UnknownConfiguration { .. }
            | Self::SignIn(ResponseError::Refused(_))
            | Self::UnsupportedToken
            | Self::NoPkce
            | Self::Metadata(_)
            | Self::Encryption(_)
            | Self::BadAnswer(_) => "tell the issuer",
            Self::Haip(_) => "tell the issuer, or take its offers without this profile",
            Self::ForeignEndpoint { .. } | Self::UnboundToken | Self::SignedMetadata(_) => {
                "do not go on; tell the issuer"
            }
            Self::Refused(refused) => refused.hint(),
            Self::Ended(_) => "nothing more can be fetched: ask the issuer for a new offer",
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

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer(error) => f.write_str(error.message()),
            Self::NotAgreed { host } => write!(f, "you have not agreed to contact {host}"),
            Self::SignInNeeded => f.write_str("this offer needs a sign-in in the browser"),
            Self::NoSignIn => f.write_str("the issuer does not say where to sign in"),
            Self::NoPkce => f.write_str("the issuer's sign-in does not take PKCE with S256"),
            Self::UnknownGrant => f.write_str("this offer can be taken in no known way"),
            Self::SignIn(ResponseError::Refused(error)) => {
                write!(f, "the issuer refused the sign-in: {}", clean(error))
            }
            Self::SignIn(error) => f.write_str(error.message()),
            Self::UnknownConfiguration { id } => {
                write!(f, "the issuer offers {} but does not describe it", clean(id))
            }
            Self::NotGranted { id } => write!(f, "the issuer gave no right to {}", clean(id)),
            Self::UnsupportedFormat { format } => {
                write!(f, "this wallet cannot hold credentials of the format {}", clean(format))
            }
            Self::UnsupportedAlgorithm => {
                f.write_str("the issuer takes no such signature algorithm")
            }
            Self::UnsupportedBinding => f.write_str("the issuer does not bind keys in this way"),
            Self::UnsupportedToken => f.write_str("the issuer's token is of an unknown type"),
            Self::UnboundToken => {
                f.write_str("the issuer's token is not bound to the key that was proved for it")
            }
            Self::AttestationNeeded => {
                f.write_str("the issuer takes only wallets that it knows somebody to vouch for")
            }
            Self::Attestation(error) => error.fmt(f),
            Self::KeyAttestation(error) => error.fmt(f),
            Self::UnknownKey => f.write_str("the wallet has no such key"),
            Self::TxCodeNeeded => f.write_str("the issuer asks for a transaction code"),
            Self::TxCodeMisfit => f.write_str("the transaction code has the wrong form"),
            Self::Network { host, cause } => write!(f, "{host}: {}", cause.message()),
            Self::Metadata(error) => f.write_str(error.message()),
            Self::Haip(finding) => f.write_str(finding.message()),
            Self::SignedMetadata(error) => f.write_str(error.message()),
            Self::Encryption(error) => f.write_str(error.message()),
            Self::ForeignEndpoint { host } => {
                write!(f, "the issuer's metadata lead to {host}, which is not the issuer's")
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::Ended(refused) => write!(f, "{refused}; it is no longer waited for"),
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

impl From<HaipFinding> for WalletError {
    fn from(finding: HaipFinding) -> Self {
        Self::Haip(finding)
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

impl From<AttestationError> for WalletError {
    fn from(error: AttestationError) -> Self {
        Self::Attestation(error)
    }
}

impl From<KeyAttestationError> for WalletError {
    fn from(error: KeyAttestationError) -> Self {
        Self::KeyAttestation(error)
    }
}

impl From<SignError> for WalletError {
    fn from(_: SignError) -> Self {
        Self::Signing
    }
}

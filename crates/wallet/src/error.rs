//! What can go wrong between a scan and a card, told to a person.

use std::borrow::Cow;

use keys::signer::SignError;
use oid4vci::authorization::ResponseError;
use oid4vci::encryption::EncryptionError;
use oid4vci::haip::HaipFinding;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::MetadataError;
use oid4vci::offer::OfferError;
use oid4vci::signed_metadata::SignedMetadataError;

use crate::attestation::{AttestationError, KeyAttestationError};
use crate::client_key::ClientKeyError;
use crate::flow::state::StateError;
use crate::http::HttpError;
use crate::store::StoreError;
use crate::trust::VerificationError;

mod refused;
mod words;

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
    /// The wallet's own key is needed and not there, or there and not taken.
    ClientKey(ClientKeyError),
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
    /// The issuer does not speak 1.0, or not well, and the owner asks for that.
    NotFinal {
        /// What it speaks; `None` is 1.0.
        dialect: Option<Dialect>,
        /// What would have been excused.
        finding: Option<Cow<'static, str>>,
    },
    /// The issuer breaks what it speaks in a way that could be excused, and the owner wants to hear of it.
    Excusable {
        /// What would have been excused.
        finding: Cow<'static, str>,
    },
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
    /// Nothing is still to come under this name: it is kept by now, or given up.
    NoLongerPending,
    /// What was received is not what was asked for, or not from whom it should be.
    NotVerified(VerificationError),
    /// What is to be gone on with is no state of a flow that this wallet can read.
    State(StateError),
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
            | Self::ClientKey(_)
            | Self::KeyAttestation(KeyAttestationError::Needed)
            | Self::UnknownKey
            | Self::TxCodeNeeded
            | Self::TxCodeMisfit
            | Self::State(_)
            | Self::NoLongerPending => Class::Usage,
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
            | Self::NotFinal { .. }
            | Self::Excusable { .. }
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
            Self::ClientKey(error) => error.code(),
            Self::Attestation(_) => "no_attestation",
            Self::KeyAttestation(KeyAttestationError::Needed) => "key_attestation_needed",
            Self::KeyAttestation(KeyAttestationError::Unfit(_)) => "bad_key_attestation",
            Self::UnknownKey => "unknown_key",
            Self::TxCodeNeeded => "tx_code_needed",
            Self::TxCodeMisfit => "tx_code_misfit",
            Self::Network { cause, .. } => cause.code(),
            Self::Metadata(_) => "bad_metadata",
            Self::Haip(_) => "haip",
            Self::NotFinal { .. } => "not_final",
            Self::Excusable { .. } => "excusable",
            Self::SignedMetadata(_) => "bad_signed_metadata",
            Self::Encryption(_) => "bad_encryption",
            Self::ForeignEndpoint { .. } => "foreign_endpoint",
            Self::Refused(refused) | Self::Ended(refused) => {
                refused.error.as_deref().unwrap_or("refused")
            }
            Self::BadAnswer(_) => "bad_answer",
            Self::NotYet { .. } => "not_yet",
            Self::NoLongerPending => "no_longer_pending",
            Self::NotVerified(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::LostKey => "lost_key",
            Self::Signing => "signing_failed",
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

impl From<StateError> for WalletError {
    fn from(error: StateError) -> Self {
        Self::State(error)
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

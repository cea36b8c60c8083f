//! What a person is told of each failure, and what to do next.

use std::fmt;

use oid4vci::authorization::ResponseError;
use oid4vci::legacy::Dialect;
use oid4vci::signed_metadata::SignedMetadataError;

use super::WalletError;
use crate::attestation::KeyAttestationError;
use crate::display::clean;

impl WalletError {
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
            Self::SignIn(error) => after_sign_in(error),
            Self::NotGranted { .. } => {
                "ask the issuer why, or take a new offer and allow all of it"
            }
            Self::UnsupportedFormat { .. } => "ask for SD-JWT VC, an mdoc or a W3C credential",
            Self::UnsupportedAlgorithm => "leave the choice of the algorithm to the wallet",
            Self::UnsupportedBinding => {
                "leave the choice of the binding to the wallet; where the issuer takes keys of a did:web \
                 alone, publish one first"
            }
            Self::AttestationNeeded => {
                "ask the issuer which wallets it knows, or use one whose maker vouches for it"
            }
            Self::ClientKey(error) => error.hint(),
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
            | Self::UnsupportedToken
            | Self::NoPkce
            | Self::Metadata(_)
            | Self::Encryption(_)
            | Self::BadAnswer(_) => "tell the issuer",
            Self::NotFinal { .. } | Self::Excusable { .. } => {
                "tell the issuer, or take its offers without being strict"
            }
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
            Self::NoLongerPending => "look at what the wallet holds: it may have been kept already",
            Self::NotVerified(error) => error.hint(),
            Self::State(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::LostKey => "nothing was stored; get a new offer from the issuer",
            Self::Signing => "try again with a new key",
        }
    }
}

const fn after_sign_in(error: &ResponseError) -> &'static str {
    match error {
        ResponseError::Denied => "begin again, and allow it on the issuer's page",
        ResponseError::Refused(_) => "tell the issuer",
        ResponseError::OtherServer
        | ResponseError::NoIss
        | ResponseError::OtherState
        | ResponseError::Unreadable
        | ResponseError::NoCode => "do not go on in that browser window; begin again",
    }
}

fn not_final(
    f: &mut fmt::Formatter<'_>,
    dialect: Option<Dialect>,
    finding: Option<&str>,
) -> fmt::Result {
    match (dialect, finding) {
        (_, Some(finding)) => f.write_str(finding),
        (Some(dialect), None) => {
            write!(f, "the issuer speaks draft {dialect} of OpenID4VCI, and not 1.0")
        }
        (None, None) => f.write_str("the issuer does not speak OpenID4VCI 1.0"),
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
            Self::ClientKey(error) => error.fmt(f),
            Self::Attestation(error) => error.fmt(f),
            Self::KeyAttestation(error) => error.fmt(f),
            Self::UnknownKey => f.write_str("the wallet has no such key"),
            Self::TxCodeNeeded => f.write_str("the issuer asks for a transaction code"),
            Self::TxCodeMisfit => f.write_str("the transaction code has the wrong form"),
            Self::Network { host, cause } => write!(f, "{host}: {}", cause.message()),
            Self::Metadata(error) => f.write_str(error.message()),
            Self::Excusable { finding } => f.write_str(finding),
            Self::NotFinal { dialect, finding } => not_final(f, *dialect, finding.as_deref()),
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
            Self::NoLongerPending => f.write_str("this is no longer still to come"),
            Self::NotVerified(error) => f.write_str(error.message()),
            Self::State(error) => f.write_str(error.message()),
            Self::Store(error) => f.write_str(error.message()),
            Self::LostKey => f.write_str("the key of this credential is in the wallet no more"),
            Self::Signing => f.write_str("the key could not sign"),
        }
    }
}

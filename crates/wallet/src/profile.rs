//! What the wallet asks of issuers beside OpenID4VCI: nothing, or the high assurance profile.

use formats::KeyReference;
use formats::binding::Binding;
use formats::status_list::CredentialStatus;
use formats::verified::Verified;
use oid4vci::haip::{self, HaipFinding};
use oid4vci::metadata::{ReceivedIssuerMetadata, ReceivedServerMetadata};

use crate::Wallet;
use crate::error::WalletError;
use crate::flow::metadata::FORMATS;
use crate::trust::VerificationError;

/// A set of rules that issuers are held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// None but those of `OpenID4VCI`.
    #[default]
    None,
    /// `OpenID4VC` High Assurance Interoperability Profile 1.0: who does not keep it is refused.
    Haip,
}

impl Profile {
    /// As it is typed.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "haip" => Some(Self::Haip),
            _ => None,
        }
    }

    /// Formats that are taken (HAIP-03); the others of an offer are left with the issuer.
    pub(crate) fn formats(self) -> &'static [&'static str] {
        match self {
            Self::None => &FORMATS,
            Self::Haip => &["dc+sd-jwt", "mso_mdoc"],
        }
    }

    /// What an issuer publishes, before anything secret is sent.
    pub(crate) fn check_metadata(
        self,
        issuer: &ReceivedIssuerMetadata,
        server: &ReceivedServerMetadata,
    ) -> Result<(), WalletError> {
        match self {
            Self::None => Ok(()),
            Self::Haip => Ok(haip::check_metadata(issuer, server)?),
        }
    }

    /// By which scopes to ask for these configurations; `None` where it is not to be by scope.
    pub(crate) fn scopes(
        self,
        issuer: &ReceivedIssuerMetadata,
        ids: &[String],
    ) -> Option<Vec<String>> {
        let ids = ids.iter().map(String::as_str);
        match self {
            Self::None => issuer.exact_scopes(ids),
            Self::Haip => issuer.scopes(ids), // HAIP-19, HAIP-23
        }
    }

    /// How a credential names the key that signed it, before that key is looked for (HAIP-46).
    pub(crate) fn check_key(self, reference: &KeyReference) -> Result<(), VerificationError> {
        match self {
            Self::None => Ok(()),
            Self::Haip => Ok(haip::check_chain(reference.x5c.as_deref())?),
        }
    }

    /// What a credential says, once its signature is known to be right (HAIP-42, HAIP-43).
    pub(crate) fn check_credential(self, verified: &Verified) -> Result<(), VerificationError> {
        if self == Self::None {
            return Ok(());
        }
        if matches!(verified.binding, Some(Binding::Kid(_))) {
            return Err(HaipFinding::NoJwk.into());
        }
        if matches!(verified.status, Some(CredentialStatus::Other)) {
            return Err(HaipFinding::OtherStatus.into());
        }
        Ok(())
    }
}

impl Wallet {
    /// Whether the wallet must be attested to go on (HAIP-25, HAIP-30).
    pub(crate) fn must_be_attested(&self, server: &ReceivedServerMetadata) -> bool {
        self.settings.profile == Profile::Haip || server.sender.needs_attestation
    }
}

impl From<HaipFinding> for VerificationError {
    fn from(finding: HaipFinding) -> Self {
        Self::Haip(finding)
    }
}

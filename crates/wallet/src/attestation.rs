//! Who vouches for this wallet and its keys: its maker, through a backend of theirs, or a file
//! (VCI §D, VCI §E).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keys::signer::Signer;
use oid4vci::attestation::client::client_id;
use oid4vci::attestation::key::{KeyAttestationRefusal, WantedKeyAttestation};
use oid4vci::error::Refusal as _;

/// Where a wallet gets its attestation from; handed in by whoever makes the wallet.
#[async_trait]
pub trait AttestationSource: fmt::Debug + Send + Sync {
    /// An attestation for this authorization server. Where wallets are not to be known again, each
    /// server gets one of its own, for a key of its own (HAIP-28).
    async fn attestation(
        &self,
        authorization_server: &str,
    ) -> Result<WalletAttestation, AttestationError>;
}

/// Where a wallet gets attestations of its keys from (KEYATT-02); handed in by whoever makes the
/// wallet, who knows where the keys are kept and verifies it first (KEYATT-01).
#[async_trait]
pub trait KeyAttestationSource: fmt::Debug + Send + Sync {
    /// An attestation (VCI §D.1) of just these keys, for this issuer.
    async fn key_attestation(
        &self,
        wanted: WantedKeyAttestation<'_>,
    ) -> Result<String, AttestationError>;
}

/// What the maker of a wallet says of this instance of it.
#[derive(Clone)]
pub struct WalletAttestation {
    jwt: String,
    client_id: String,
    instance: Arc<dyn Signer>,
}

impl WalletAttestation {
    /// Takes the JWT, and the key that it is for.
    pub fn new(
        jwt: impl Into<String>,
        instance: Arc<dyn Signer>,
    ) -> Result<Self, AttestationError> {
        let jwt = jwt.into();
        let client_id = client_id(&jwt).ok_or(AttestationError::Unreadable)?;
        Ok(Self { jwt, client_id, instance })
    }

    pub(crate) fn jwt(&self) -> &str {
        &self.jwt
    }

    /// `sub`: who the wallet is to the server (WALATT-07).
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn instance(&self) -> &dyn Signer {
        &*self.instance
    }

    /// Names the key of this instance (WALATT-12).
    pub(crate) fn thumbprint(&self) -> String {
        self.instance.public_key().thumbprint().to_string()
    }
}

impl fmt::Debug for WalletAttestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletAttestation")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// One attestation for all servers: for tests, and for wallets that may be known again.
#[async_trait]
impl AttestationSource for WalletAttestation {
    async fn attestation(&self, _: &str) -> Result<WalletAttestation, AttestationError> {
        Ok(self.clone())
    }
}

/// Why there is no attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttestationError {
    /// It is no attestation.
    Unreadable,
    /// Whoever makes them gave none, of the wallet or of its keys.
    Unavailable,
    /// It is for another key than the one that a token was given to (WALATT-12).
    OtherInstance,
}

impl fmt::Display for AttestationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it is no client attestation",
            Self::Unavailable => "whoever vouches for this wallet gave no attestation",
            Self::OtherInstance => {
                "the client attestation is for another key than the one that began this"
            }
        })
    }
}

impl std::error::Error for AttestationError {}

/// Why no key attestation is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAttestationError {
    /// The issuer binds credentials only to keys that somebody vouches for (META-37), and nobody
    /// does.
    Needed,
    /// It is not what the issuer asks for; nothing was sent.
    Unfit(KeyAttestationRefusal),
}

impl fmt::Display for KeyAttestationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needed => f.write_str("the issuer takes only keys that somebody vouches for"),
            Self::Unfit(refusal) => {
                let (_, why) = refusal.answer();
                write!(f, "the issuer would refuse the attestation of the wallet's keys: {why}")
            }
        }
    }
}

impl std::error::Error for KeyAttestationError {}

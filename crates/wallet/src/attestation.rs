//! Who vouches for this wallet: its maker, through a backend of theirs, or a file (VCI §E).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keys::signer::Signer;
use oid4vci::attestation::client::client_id;

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
    /// Whoever makes them gave none.
    Unavailable,
}

impl fmt::Display for AttestationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it is no client attestation",
            Self::Unavailable => "the maker of the wallet gave no attestation",
        })
    }
}

impl std::error::Error for AttestationError {}

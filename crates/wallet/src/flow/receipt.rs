//! Step 19: the holder looks at what came and keeps it.

use crate::Wallet;
use crate::error::WalletError;
use crate::store::{StoredCredential, StoredKey};
use crate::trust::{Doubt, VerificationError};

/// What came, checked and not yet stored. It can be shown; [`Wallet::keep`] stores it.
#[derive(Debug)]
pub struct Received {
    previews: Vec<Preview>,
    failures: Vec<Failure>,
    accepted: bool,
}

/// One credential that may be stored.
#[derive(Clone, Debug)]
pub struct Preview {
    /// As it will be stored.
    pub(super) credential: StoredCredential,
    /// Set when nothing ties the key that signed to the issuer.
    pub(super) doubt: Option<Doubt>,
}

/// One credential that did not come, or did not pass.
#[derive(Debug)]
pub struct Failure {
    /// Its `credential_configuration_id`.
    pub id: String,
    /// Why.
    pub error: WalletError,
}

impl Preview {
    /// What will be stored.
    #[must_use]
    pub const fn credential(&self) -> &StoredCredential {
        &self.credential
    }

    /// Why the issuer is not verified, if it is not.
    #[must_use]
    pub const fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }
}

impl Received {
    pub(super) fn new(
        previews: Vec<Preview>,
        mut failures: Vec<Failure>,
    ) -> Result<Self, WalletError> {
        if previews.is_empty() && !failures.is_empty() {
            return Err(failures.swap_remove(0).error);
        }
        Ok(Self { previews, failures, accepted: false })
    }

    /// The credentials that may be stored.
    #[must_use]
    pub fn previews(&self) -> &[Preview] {
        &self.previews
    }

    /// What else was offered, and why it is not here.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Why an issuer is not verified; if there is a reason, nothing is stored without
    /// [`Self::accept_unverified_issuer`].
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        self.previews.iter().find_map(|preview| preview.doubt)
    }

    /// The holder has read the warning and wants the credentials nevertheless.
    #[must_use]
    pub fn accept_unverified_issuer(mut self) -> Self {
        self.accepted = true;
        self
    }
}

impl Wallet {
    /// Stores what came; after a failure of the disk it may be tried again.
    pub async fn keep(&self, received: &Received) -> Result<Vec<StoredCredential>, WalletError> {
        if let Some(doubt) = received.doubt().filter(|_| !received.accepted) {
            return Err(VerificationError::Doubtful(doubt).into());
        }
        let mut kept = Vec::new();
        for Preview { credential, .. } in &received.previews {
            let keys = self.keys_of(credential).await?;
            self.store.save_credential(credential.clone()).await?;
            for key in keys {
                self.settle(key).await?;
            }
            kept.push(credential.clone());
        }
        Ok(kept)
    }

    /// A credential without its key is worthless; better to say so than to keep it.
    async fn keys_of(&self, credential: &StoredCredential) -> Result<Vec<StoredKey>, WalletError> {
        let mut keys = Vec::new();
        for holder_key in credential.holder_keys() {
            let key = self.store.key(&holder_key.kid).await?;
            keys.push(key.ok_or(WalletError::LostKey)?);
        }
        Ok(keys)
    }
}

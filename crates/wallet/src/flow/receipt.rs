//! Step 19: the holder looks at what came and keeps it.

use std::borrow::Cow;

use oid4vci::notification::Event;

use crate::Wallet;
use crate::error::WalletError;
use crate::store::{PendingCredential, Reporter, StoredCredential, StoredKey};
use crate::trust::{Doubt, VerificationError};

/// What came, checked and not yet stored. It can be shown; [`Wallet::keep`] stores it.
#[derive(Debug)]
pub struct Received {
    previews: Vec<Preview>,
    pending: Vec<PendingCredential>,
    failures: Vec<Failure>,
    accepted: bool,
    findings: Vec<Cow<'static, str>>,
    /// What is no longer still to come, once this is kept.
    resumed: Option<PendingCredential>,
}

/// What an issuer gave for one request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Credentials that passed.
    Issued(Vec<Preview>),
    /// It comes later.
    PutOff(Box<PendingCredential>),
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
        outcomes: Vec<Outcome>,
        mut failures: Vec<Failure>,
        findings: Vec<Cow<'static, str>>,
    ) -> Result<Self, WalletError> {
        if outcomes.is_empty() && !failures.is_empty() {
            return Err(failures.swap_remove(0).error);
        }
        let (mut previews, mut pending) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Issued(issued) => previews.extend(issued),
                Outcome::PutOff(put_off) => pending.push(*put_off),
            }
        }
        Ok(Self { previews, pending, failures, accepted: false, findings, resumed: None })
    }

    /// What came in the end.
    ///
    /// Its names follow from that of what it was: whoever stores it a second time, because it was ended
    /// before the first time was over, stores the same.
    pub(super) fn resumed(mut previews: Vec<Preview>, pending: PendingCredential) -> Self {
        for (place, preview) in previews.iter_mut().enumerate() {
            preview.credential.id = pending.id.for_credential(place);
        }
        let fetched = pending.fetched.as_ref();
        let findings = fetched.map(|fetched| fetched.findings.clone()).unwrap_or_default();
        Self {
            previews,
            pending: Vec::new(),
            failures: Vec::new(),
            accepted: false,
            findings: findings.into_iter().map(Cow::Owned).collect(),
            resumed: Some(pending),
        }
    }

    /// What it was that came in the end.
    pub(super) const fn resumed_from(&self) -> Option<&PendingCredential> {
        self.resumed.as_ref()
    }

    /// Whether it is kept already, until it is stored or declined: what came later is.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.resumed.is_some()
    }

    /// What had to be excused until it was here, for the people on the other side; of what came later, what
    /// was excused then.
    #[must_use]
    pub fn findings(&self) -> &[Cow<'static, str>] {
        &self.findings
    }

    /// What comes later; it is kept already.
    #[must_use]
    pub fn pending(&self) -> &[PendingCredential] {
        &self.pending
    }

    /// Those who want to know what becomes of it: one for each response.
    pub(super) fn reporters(&self) -> Vec<Reporter> {
        let mut reporters: Vec<Reporter> = Vec::new();
        for reporter in self.previews.iter().filter_map(|one| one.credential.reporter.as_ref()) {
            if !reporters.iter().any(|known| known.notification_id == reporter.notification_id) {
                reporters.push(reporter.clone());
            }
        }
        reporters
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
        match &received.resumed {
            None => self.save_all(received).await?,
            Some(pending) => {
                let Some(taken) = self.take_by_id(&pending.id).await? else {
                    return self.kept_before(received).await;
                };
                if let Err(error) = self.save_resumed(received, &taken).await {
                    self.release(taken).await;
                    return Err(error);
                }
            }
        }
        self.tell(&received.reporters(), Event::CredentialAccepted).await;
        Ok(received.previews.iter().map(|preview| preview.credential.clone()).collect())
    }

    async fn save_resumed(
        &self,
        received: &Received,
        taken: &PendingCredential,
    ) -> Result<(), WalletError> {
        self.save_all(received).await?;
        self.store.delete_pending(&taken.id).await?;
        Ok(())
    }

    /// Another program has kept it, or given it up: only what the store holds is kept.
    async fn kept_before(&self, received: &Received) -> Result<Vec<StoredCredential>, WalletError> {
        let mut kept = Vec::new();
        for Preview { credential, .. } in &received.previews {
            let stored = self.store.credential(&credential.id).await?;
            kept.push(stored.ok_or(WalletError::NoLongerPending)?);
        }
        Ok(kept)
    }

    /// All keys first: what cannot be kept as a whole is not begun.
    async fn save_all(&self, received: &Received) -> Result<(), WalletError> {
        let mut keys = Vec::new();
        for Preview { credential, .. } in &received.previews {
            keys.extend(self.keys_of(credential).await?);
        }
        for Preview { credential, .. } in &received.previews {
            self.store.save_credential(credential.clone()).await?;
        }
        for key in keys {
            self.settle(key).await?;
        }
        Ok(())
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

//! The wallet's store in a folder, encrypted at rest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use keys::outside::Random;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::vault::{Found, Kind, Vault, Writer};
use super::{
    CredentialId, KeyId, Listed, Notice, PendingCredential, Protection, SharedToken, Store,
    StoreError, StoredCredential, StoredKey, Unlock, upgrade,
};
use crate::status::KnownStatus;

/// [`Store`] in a folder; several programs may have it open at the same time.
#[derive(Clone, Debug)]
pub struct FileStore {
    vault: Arc<Vault>,
}

impl FileStore {
    /// How the store in this folder is locked; `None` when there is none yet.
    pub fn protection(directory: &Path) -> Result<Option<Protection>, StoreError> {
        Vault::protection(directory)
    }

    /// Where the key file of a store is: beside its folder, so that a copy of the folder alone
    /// opens nothing.
    #[must_use]
    pub fn key_file(directory: &Path) -> PathBuf {
        directory.with_added_extension("key")
    }

    /// Opens the store, or makes it when the folder is empty or not there.
    pub async fn open(
        directory: PathBuf,
        unlock: Unlock,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        let vault = aside(move || {
            let vault = Vault::open(&directory, &unlock, random)?;
            // Where that cannot be written now, all else is there nevertheless.
            let _ = upgrade::share_tokens(&vault);
            if let Ok(Some(writer)) = vault.writer_if_free() {
                let _ = forget_unused_tokens(&vault, &writer);
            }
            Ok(vault)
        });
        Ok(Self { vault: Arc::new(vault.await?) })
    }

    async fn put(&self, kind: Kind, id: String, record: &impl Serialize) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        let record = written(record)?;
        aside(move || vault.writer()?.put(kind, &id, &record)).await
    }

    /// Puts the record in the place of the one of this revision; `false` where that is not there.
    async fn replace(
        &self,
        (kind, id): (Kind, String),
        revision: u64,
        record: &impl Serialize,
    ) -> Result<bool, StoreError> {
        #[derive(Deserialize)]
        struct Revision {
            #[serde(default)]
            revision: u64,
        }
        let vault = Arc::clone(&self.vault);
        let record = written(record)?;
        aside(move || {
            let writer = vault.writer()?;
            let there = vault.get(kind, &id)?;
            let there: Option<Revision> = there.map(|there| parse(&there)).transpose()?;
            let is_seen = there.is_some_and(|there| there.revision == revision);
            if is_seen {
                writer.put(kind, &id, &record)?;
            }
            Ok(is_seen)
        })
        .await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: String,
    ) -> Result<Option<T>, StoreError> {
        let vault = Arc::clone(&self.vault);
        let record = aside(move || vault.get(kind, &id)).await?;
        record.map(|record| parse(&record)).transpose()
    }

    async fn list<T: DeserializeOwned>(&self, kind: Kind) -> Result<Listed<T>, StoreError> {
        let vault = Arc::clone(&self.vault);
        let mut listed = Listed { records: Vec::new(), damaged: Vec::new() };
        for Found { name, record } in aside(move || vault.list(kind)).await? {
            match record.and_then(|record| parse(&record)) {
                Ok(record) => listed.records.push(record),
                Err(StoreError::Damaged) => listed.damaged.push(name),
                Err(error) => return Err(error),
            }
        }
        Ok(listed)
    }

    async fn delete(&self, kind: Kind, id: String) -> Result<bool, StoreError> {
        let vault = Arc::clone(&self.vault);
        aside(move || vault.writer()?.delete(kind, &id)).await
    }
}

#[async_trait]
impl Store for FileStore {
    async fn save_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.put(Kind::Key, key.id.to_string(), &key).await
    }

    async fn key(&self, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
        self.get(Kind::Key, id.to_string()).await
    }

    async fn keys(&self) -> Result<Listed<StoredKey>, StoreError> {
        let mut keys: Listed<StoredKey> = self.list(Kind::Key).await?;
        keys.records.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(keys)
    }

    async fn delete_key(&self, id: &KeyId) -> Result<bool, StoreError> {
        self.delete(Kind::Key, id.to_string()).await
    }

    async fn save_credential(&self, credential: StoredCredential) -> Result<(), StoreError> {
        self.put(Kind::Credential, credential.id.to_string(), &credential).await
    }

    async fn credential(&self, id: &CredentialId) -> Result<Option<StoredCredential>, StoreError> {
        self.get(Kind::Credential, id.to_string()).await
    }

    async fn credentials(&self) -> Result<Listed<StoredCredential>, StoreError> {
        let mut credentials: Listed<StoredCredential> = self.list(Kind::Credential).await?;
        credentials.records.sort_by(|a, b| (a.received_at, &a.id).cmp(&(b.received_at, &b.id)));
        Ok(credentials)
    }

    async fn record_statuses(
        &self,
        id: &CredentialId,
        statuses: Vec<(String, KnownStatus)>,
    ) -> Result<bool, StoreError> {
        let (vault, id) = (Arc::clone(&self.vault), id.to_string());
        aside(move || {
            let writer = vault.writer()?;
            let Some(there) = vault.get(Kind::Credential, &id)? else { return Ok(false) };
            let mut credential: StoredCredential = parse(&there)?;
            for (raw, status) in statuses {
                credential.learn(&raw, &status);
            }
            writer.put(Kind::Credential, &id, &written(&credential)?)?;
            Ok(true)
        })
        .await
    }

    async fn delete_credential(&self, id: &CredentialId) -> Result<bool, StoreError> {
        self.delete(Kind::Credential, id.to_string()).await
    }

    async fn put_off(
        &self,
        pending: PendingCredential,
        token: SharedToken,
    ) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        let records = (written(&pending)?, written(&token)?);
        let (id, token) = (pending.id.to_string(), token.id.to_string());
        aside(move || {
            let writer = vault.writer()?;
            if vault.get(Kind::Token, &token)?.is_none() {
                writer.put(Kind::Token, &token, &records.1)?;
            }
            writer.put(Kind::Pending, &id, &records.0)
        })
        .await
    }

    async fn pending_credential(
        &self,
        id: &CredentialId,
    ) -> Result<Option<PendingCredential>, StoreError> {
        self.get(Kind::Pending, id.to_string()).await
    }

    async fn pending(&self) -> Result<Listed<PendingCredential>, StoreError> {
        let mut pending: Listed<PendingCredential> = self.list(Kind::Pending).await?;
        pending.records.sort_by(|a, b| (a.asked_at, &a.id).cmp(&(b.asked_at, &b.id)));
        Ok(pending)
    }

    async fn delete_pending(&self, id: &CredentialId) -> Result<bool, StoreError> {
        let (vault, id) = (Arc::clone(&self.vault), id.to_string());
        aside(move || {
            let writer = vault.writer()?;
            let deleted = writer.delete(Kind::Pending, &id)?;
            forget_unused_tokens(&vault, &writer)?;
            Ok(deleted)
        })
        .await
    }

    async fn replace_pending(
        &self,
        seen: &PendingCredential,
        next: PendingCredential,
    ) -> Result<Option<PendingCredential>, StoreError> {
        let next = PendingCredential { revision: seen.revision + 1, ..next };
        let place = (Kind::Pending, seen.id.to_string());
        let is_written = self.replace(place, seen.revision, &next).await?;
        Ok(is_written.then_some(next))
    }

    async fn shared_token(&self, id: &CredentialId) -> Result<Option<SharedToken>, StoreError> {
        self.get(Kind::Token, id.to_string()).await
    }

    async fn replace_token(
        &self,
        seen: &SharedToken,
        next: SharedToken,
    ) -> Result<Option<SharedToken>, StoreError> {
        let next = SharedToken { revision: seen.revision + 1, ..next };
        let place = (Kind::Token, seen.id.to_string());
        let is_written = self.replace(place, seen.revision, &next).await?;
        Ok(is_written.then_some(next))
    }

    async fn save_notice(&self, notice: Notice) -> Result<(), StoreError> {
        self.put(Kind::Notice, notice.id.to_string(), &notice).await
    }

    async fn notices(&self) -> Result<Listed<Notice>, StoreError> {
        let mut notices: Listed<Notice> = self.list(Kind::Notice).await?;
        notices.records.sort_by(|a, b| (a.made_at, &a.id).cmp(&(b.made_at, &b.id)));
        Ok(notices)
    }

    async fn delete_notice(&self, id: &CredentialId) -> Result<bool, StoreError> {
        self.delete(Kind::Notice, id.to_string()).await
    }
}

/// Also those that a program left which was ended in the middle. Where something that is still to come
/// is damaged nothing is forgotten: the token may be the one of it.
fn forget_unused_tokens(vault: &Vault, writer: &Writer<'_>) -> Result<(), StoreError> {
    let tokens = vault.list(Kind::Token)?;
    let pending = vault.list(Kind::Pending)?.into_iter().map(|found| parse(&found.record?));
    let Ok(pending): Result<Vec<PendingCredential>, StoreError> = pending.collect() else {
        return Ok(());
    };
    for Found { name, record } in tokens {
        let is_unused = match record.and_then(|record| parse::<SharedToken>(&record)) {
            Ok(token) => pending.iter().all(|one| one.token != token.id),
            Err(_) => pending.is_empty(), // which one it was, nobody can tell
        };
        if is_unused {
            writer.delete(Kind::Token, &name)?;
        }
    }
    Ok(())
}

/// Disk and Argon2 must not hold up whoever else waits for this thread.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Unavailable))
}

/// As it is sealed.
pub(super) fn written(record: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let record = serde_json::to_vec(record).map(Zeroizing::new);
    record.map_err(|_| StoreError::Unavailable)
}

/// Our own words, sealed by us: no rule for strangers applies.
fn parse<T: DeserializeOwned>(record: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(record).map_err(|_| StoreError::Damaged)
}

//! A store for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use wallet::status::KnownStatus;
use wallet::store::{
    CredentialId, KeyId, Listed, Notice, PendingCredential, SharedToken, Store, StoreError,
    StoredCredential, StoredKey,
};

/// A store without a disk.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) keys: Mutex<BTreeMap<KeyId, StoredKey>>,
    pub(crate) credentials: Mutex<BTreeMap<CredentialId, StoredCredential>>,
    pub(crate) pending: Mutex<BTreeMap<CredentialId, PendingCredential>>,
    pub(crate) tokens: Mutex<BTreeMap<CredentialId, SharedToken>>,
    pub(crate) notices: Mutex<BTreeMap<CredentialId, Notice>>,
    /// How many writes there are until the program is killed.
    pub(crate) writes_left: Mutex<Option<usize>>,
}

impl Memory {
    /// Nothing is written any more by a program that was killed.
    fn write(&self) -> Result<(), StoreError> {
        match &mut *self.writes_left.lock().unwrap() {
            Some(0) => return Err(StoreError::Unavailable),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }
}

/// Others get their turn after each read, so that what races decides on the same state.
async fn read<K: Ord + Sync, V: Clone + Send>(
    records: &Mutex<BTreeMap<K, V>>,
    id: &K,
) -> Result<Option<V>, StoreError> {
    let record = records.lock().unwrap().get(id).cloned();
    tokio::task::yield_now().await;
    Ok(record)
}

async fn list<K: Sync, V: Clone + Send>(
    records: &Mutex<BTreeMap<K, V>>,
) -> Result<Listed<V>, StoreError> {
    let records = records.lock().unwrap().values().cloned().collect();
    tokio::task::yield_now().await;
    Ok(Listed { records, damaged: Vec::new() })
}

#[async_trait]
impl Store for Memory {
    async fn save_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.write()?;
        self.keys.lock().unwrap().insert(key.id.clone(), key);
        Ok(())
    }

    async fn key(&self, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
        read(&self.keys, id).await
    }

    async fn keys(&self) -> Result<Listed<StoredKey>, StoreError> {
        list(&self.keys).await
    }

    async fn delete_key(&self, id: &KeyId) -> Result<bool, StoreError> {
        self.write()?;
        Ok(self.keys.lock().unwrap().remove(id).is_some())
    }

    async fn save_credential(&self, credential: StoredCredential) -> Result<(), StoreError> {
        self.write()?;
        self.credentials.lock().unwrap().insert(credential.id.clone(), credential);
        Ok(())
    }

    async fn credential(&self, id: &CredentialId) -> Result<Option<StoredCredential>, StoreError> {
        read(&self.credentials, id).await
    }

    async fn credentials(&self) -> Result<Listed<StoredCredential>, StoreError> {
        list(&self.credentials).await
    }

    async fn record_statuses(
        &self,
        id: &CredentialId,
        statuses: Vec<(String, KnownStatus)>,
    ) -> Result<bool, StoreError> {
        self.write()?;
        let mut credentials = self.credentials.lock().unwrap();
        let Some(credential) = credentials.get_mut(id) else { return Ok(false) };
        for (raw, status) in statuses {
            credential.learn(&raw, &status);
        }
        Ok(true)
    }

    async fn delete_credential(&self, id: &CredentialId) -> Result<bool, StoreError> {
        self.write()?;
        Ok(self.credentials.lock().unwrap().remove(id).is_some())
    }

    async fn put_off(
        &self,
        pending: PendingCredential,
        token: SharedToken,
    ) -> Result<(), StoreError> {
        self.write()?;
        self.tokens.lock().unwrap().entry(token.id.clone()).or_insert(token);
        self.pending.lock().unwrap().insert(pending.id.clone(), pending);
        Ok(())
    }

    async fn pending_credential(
        &self,
        id: &CredentialId,
    ) -> Result<Option<PendingCredential>, StoreError> {
        read(&self.pending, id).await
    }

    async fn pending(&self) -> Result<Listed<PendingCredential>, StoreError> {
        list(&self.pending).await
    }

    async fn replace_pending(
        &self,
        seen: &PendingCredential,
        next: PendingCredential,
    ) -> Result<Option<PendingCredential>, StoreError> {
        self.write()?;
        let mut pending = self.pending.lock().unwrap();
        let there = pending.get_mut(&seen.id).filter(|there| there.revision == seen.revision);
        Ok(there.map(|there| {
            *there = PendingCredential { revision: seen.revision + 1, ..next };
            there.clone()
        }))
    }

    async fn delete_pending(&self, id: &CredentialId) -> Result<bool, StoreError> {
        self.write()?;
        let mut pending = self.pending.lock().unwrap();
        let is_deleted = pending.remove(id).is_some();
        let mut tokens = self.tokens.lock().unwrap();
        tokens.retain(|token, _| pending.values().any(|one| one.token == *token));
        Ok(is_deleted)
    }

    async fn shared_token(&self, id: &CredentialId) -> Result<Option<SharedToken>, StoreError> {
        read(&self.tokens, id).await
    }

    async fn replace_token(
        &self,
        seen: &SharedToken,
        next: SharedToken,
    ) -> Result<Option<SharedToken>, StoreError> {
        self.write()?;
        let mut tokens = self.tokens.lock().unwrap();
        let there = tokens.get_mut(&seen.id).filter(|there| there.revision == seen.revision);
        Ok(there.map(|there| {
            *there = SharedToken { revision: seen.revision + 1, ..next };
            there.clone()
        }))
    }

    async fn save_notice(&self, notice: Notice) -> Result<(), StoreError> {
        self.write()?;
        self.notices.lock().unwrap().insert(notice.id.clone(), notice);
        Ok(())
    }

    async fn notices(&self) -> Result<Listed<Notice>, StoreError> {
        list(&self.notices).await
    }

    async fn delete_notice(&self, id: &CredentialId) -> Result<bool, StoreError> {
        self.write()?;
        Ok(self.notices.lock().unwrap().remove(id).is_some())
    }
}

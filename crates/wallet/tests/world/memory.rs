//! A store for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use wallet::store::{
    CredentialId, KeyId, Listed, Notice, PendingCredential, Store, StoreError, StoredCredential,
    StoredKey,
};

/// A store without a disk.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) keys: Mutex<BTreeMap<KeyId, StoredKey>>,
    pub(crate) credentials: Mutex<BTreeMap<CredentialId, StoredCredential>>,
    pub(crate) pending: Mutex<BTreeMap<CredentialId, PendingCredential>>,
    pub(crate) notices: Mutex<BTreeMap<CredentialId, Notice>>,
}

#[async_trait]
impl Store for Memory {
    async fn save_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.keys.lock().unwrap().insert(key.id.clone(), key);
        Ok(())
    }

    async fn key(&self, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
        Ok(self.keys.lock().unwrap().get(id).cloned())
    }

    async fn keys(&self) -> Result<Listed<StoredKey>, StoreError> {
        let records = self.keys.lock().unwrap().values().cloned().collect();
        Ok(Listed { records, damaged: Vec::new() })
    }

    async fn delete_key(&self, id: &KeyId) -> Result<bool, StoreError> {
        Ok(self.keys.lock().unwrap().remove(id).is_some())
    }

    async fn save_credential(&self, credential: StoredCredential) -> Result<(), StoreError> {
        self.credentials.lock().unwrap().insert(credential.id.clone(), credential);
        Ok(())
    }

    async fn credential(&self, id: &CredentialId) -> Result<Option<StoredCredential>, StoreError> {
        Ok(self.credentials.lock().unwrap().get(id).cloned())
    }

    async fn credentials(&self) -> Result<Listed<StoredCredential>, StoreError> {
        let records = self.credentials.lock().unwrap().values().cloned().collect();
        Ok(Listed { records, damaged: Vec::new() })
    }

    async fn delete_credential(&self, id: &CredentialId) -> Result<bool, StoreError> {
        Ok(self.credentials.lock().unwrap().remove(id).is_some())
    }

    async fn save_pending(&self, pending: PendingCredential) -> Result<(), StoreError> {
        self.pending.lock().unwrap().insert(pending.id.clone(), pending);
        Ok(())
    }

    async fn pending(&self) -> Result<Listed<PendingCredential>, StoreError> {
        let records = self.pending.lock().unwrap().values().cloned().collect();
        Ok(Listed { records, damaged: Vec::new() })
    }

    async fn delete_pending(&self, id: &CredentialId) -> Result<bool, StoreError> {
        Ok(self.pending.lock().unwrap().remove(id).is_some())
    }

    async fn save_notice(&self, notice: Notice) -> Result<(), StoreError> {
        self.notices.lock().unwrap().insert(notice.id.clone(), notice);
        Ok(())
    }

    async fn notices(&self) -> Result<Listed<Notice>, StoreError> {
        let records = self.notices.lock().unwrap().values().cloned().collect();
        Ok(Listed { records, damaged: Vec::new() })
    }

    async fn delete_notice(&self, id: &CredentialId) -> Result<bool, StoreError> {
        Ok(self.notices.lock().unwrap().remove(id).is_some())
    }
}

//! A store for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use wallet::store::{CredentialId, KeyId, Listed, Store, StoreError, StoredCredential, StoredKey};

/// A store without a disk.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) keys: Mutex<BTreeMap<KeyId, StoredKey>>,
    pub(crate) credentials: Mutex<BTreeMap<CredentialId, StoredCredential>>,
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
}

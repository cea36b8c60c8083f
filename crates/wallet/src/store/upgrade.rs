//! Records as they were before tokens had records of their own: each pending credential held its token.

use keys::digest::sha256;
use serde_json::{Map, Value};

use super::file::written;
use super::vault::{Kind, Vault, Writer};
use super::{CredentialId, KeptToken, SharedToken, StoreError};

/// Moves tokens out of pending credentials, those that were alike into one record. A program that is
/// ended in the middle goes on the next time. Damaged ones stay as they are.
pub(super) fn share_tokens(vault: &Vault) -> Result<(), StoreError> {
    if old_records(vault)?.is_empty() {
        return Ok(());
    }
    let writer = vault.writer()?;
    for pending in old_records(vault)? {
        match share_token(vault, &writer, pending) {
            Ok(()) | Err(StoreError::Damaged) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn old_records(vault: &Vault) -> Result<Vec<Map<String, Value>>, StoreError> {
    let found = vault.list(Kind::Pending)?.into_iter();
    let records = found.filter_map(|found| serde_json::from_slice(&found.record.ok()?).ok());
    let is_old = |pending: &Map<String, Value>| pending.get("token").is_some_and(Value::is_object);
    Ok(records.filter(is_old).collect())
}

fn share_token(
    vault: &Vault,
    writer: &Writer<'_>,
    mut pending: Map<String, Value>,
) -> Result<(), StoreError> {
    let token = pending.remove("token").unwrap_or_default();
    let server = token.pointer("/renewal/authorization_server").and_then(Value::as_str);
    let server = server.unwrap_or_default().to_owned();
    let token: KeptToken = serde_json::from_value(token).map_err(|_| StoreError::Damaged)?;
    let token = KeptToken { authorization_server: server, ..token };
    // What the same flow has put off is renewed by the same.
    let renewal = token.renewal.as_ref().map(|renewal| renewal.refresh_token.expose());
    let secret = renewal.unwrap_or_else(|| token.access_token.expose());
    let id = CredentialId::of_digest(&sha256(secret.as_bytes()));
    let shared = SharedToken { id, token, taken_until: None, revision: 0 };
    let token_id = shared.id.to_string();
    if vault.get(Kind::Token, &token_id)?.is_none() {
        writer.put(Kind::Token, &token_id, &written(&shared)?)?;
    }
    pending.insert("token".to_owned(), token_id.into());
    let id = pending.get("id").and_then(Value::as_str).ok_or(StoreError::Damaged)?;
    writer.put(Kind::Pending, id, &written(&pending)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keys::outside::SystemRandom;
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::super::vault::{Kind, Vault};
    use super::super::{CredentialId, FileStore, Store as _, Unlock};

    /// One that cannot be read costs neither the others nor the wallet.
    #[tokio::test]
    async fn a_damaged_record_keeps_no_wallet_shut() {
        let folder = TempDir::new().unwrap();
        let directory = folder.path().join("wallet");
        let unlock = || Unlock::KeyFile(FileStore::key_file(&directory));
        let vault = Vault::open(&directory, &unlock(), Arc::new(SystemRandom)).unwrap();
        for (id, token) in [("1", json!({ "odd": 1 })), ("2", json!({ "access_token": "a" }))] {
            let record = old(id, &token).to_string();
            vault.writer().unwrap().put(Kind::Pending, id, record.as_bytes()).unwrap();
        }
        drop(vault);
        let store = FileStore::open(directory.clone(), unlock(), Arc::new(SystemRandom));
        let store = store.await.unwrap();
        let pending = store.pending().await.unwrap();
        assert_eq!(pending.damaged.len(), 1);
        let [other] = pending.records.as_slice() else { unreachable!() };
        assert!(store.shared_token(&other.token).await.unwrap().is_some());
    }

    /// As they were written then.
    fn old(id: &str, token: &Value) -> Value {
        json!({
            "id": id, "token": token, "transaction_id": "t", "asked_at": 0, "ask_at": 60,
            "holder_keys": [],
            "expected": {
                "credential_issuer": "https://issuer.example", "format": "dc+sd-jwt",
                "credential_configuration_id": "card", "types": [],
                "display": { "issuer": [], "faces": [], "claims": [] },
            },
        })
    }

    #[tokio::test]
    async fn old_records_share_their_tokens_from_now_on() {
        let folder = TempDir::new().unwrap();
        let directory = folder.path().join("wallet");
        let unlock = || Unlock::KeyFile(FileStore::key_file(&directory));
        let vault = Vault::open(&directory, &unlock(), Arc::new(SystemRandom)).unwrap();
        let server = "https://login.example";
        let renewal = json!({ "refresh_token": "r", "authorization_server": server });
        let shared = json!({ "access_token": "a", "renewal": renewal });
        let records = [("1", shared.clone()), ("2", shared), ("3", json!({ "access_token": "b" }))];
        for (id, token) in &records {
            let record = old(id, token).to_string();
            vault.writer().unwrap().put(Kind::Pending, id, record.as_bytes()).unwrap();
        }
        drop(vault);
        let store = FileStore::open(directory.clone(), unlock(), Arc::new(SystemRandom));
        let store = store.await.unwrap();
        let mut tokens = Vec::new();
        for (id, _) in &records {
            let pending = store.pending_credential(&CredentialId::new(*id)).await.unwrap();
            let token = store.shared_token(&pending.unwrap().token).await.unwrap().unwrap();
            tokens.push(token);
        }
        let [one, two, three] = tokens.as_slice() else { unreachable!() };
        assert_eq!(one.id, two.id, "what one flow has put off");
        assert_ne!(one.id, three.id);
        assert_eq!(
            (one.token.access_token.expose(), three.token.access_token.expose()),
            ("a", "b")
        );
        assert_eq!(one.token.renewal.as_ref().unwrap().refresh_token.expose(), "r");
        assert_eq!(one.token.authorization_server, server);
        assert_eq!(three.token.authorization_server, "", "nobody knows it any more");
    }
}

//! What is still to come, and its token: each is replaced by whoever has read the last one.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use wallet::store::{CredentialId, PendingCredential, SharedToken, Store};

use crate::{files, key_file, open};

fn pending(id: &str, token: &str) -> PendingCredential {
    let pending = json!({
        "id": id, "token": token, "transaction_id": "t", "asked_at": 0, "ask_at": 60,
        "holder_keys": [],
        "expected": {
            "credential_issuer": "https://issuer.example", "credential_configuration_id": "card",
            "format": "dc+sd-jwt", "types": [],
            "display": { "issuer": [], "faces": [], "claims": [] },
        },
    });
    serde_json::from_value(pending).unwrap()
}

fn token(id: &str, access_token: &str) -> SharedToken {
    let token = json!({ "id": id, "token": { "access_token": access_token } });
    serde_json::from_value(token).unwrap()
}

fn text(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[tokio::test]
async fn what_has_changed_meanwhile_is_not_replaced() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let one = open(&directory, key_file(&directory)).await.unwrap();
    let other = open(&directory, key_file(&directory)).await.unwrap();
    let (first, shared) = (pending("p", "t"), token("t", "old"));
    one.put_off(first.clone(), shared.clone()).await.unwrap();
    let next = PendingCredential { ask_at: first.ask_at.plus(60), ..first.clone() };
    let second = one.replace_pending(&first, next.clone()).await.unwrap().unwrap();
    assert_eq!((second.revision, second.ask_at), (1, next.ask_at));
    assert!(other.replace_pending(&first, first.clone()).await.unwrap().is_none());
    let found = other.pending_credential(&first.id).await.unwrap().unwrap();
    assert_eq!(text(&found), text(&second));
    let renewed = one.replace_token(&shared, token("t", "new")).await.unwrap().unwrap();
    assert!(other.replace_token(&shared, shared.clone()).await.unwrap().is_none());
    let found = other.shared_token(&shared.id).await.unwrap().unwrap();
    assert_eq!(text(&found), text(&renewed));
    one.delete_pending(&first.id).await.unwrap();
    assert!(other.replace_pending(&second, second.clone()).await.unwrap().is_none(), "it is gone");
    assert!(other.pending().await.unwrap().records.is_empty());
}

/// What is put off later under the same token waits with what that became.
#[tokio::test]
async fn a_token_is_kept_once_and_as_long_as_something_waits_with_it() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let (one, other) = (pending("one", "t"), pending("other", "t"));
    store.put_off(one.clone(), token("t", "old")).await.unwrap();
    store.replace_token(&token("t", "old"), token("t", "new")).await.unwrap().unwrap();
    store.put_off(other.clone(), token("t", "old")).await.unwrap();
    store.put_off(pending("third", "u"), token("u", "its own")).await.unwrap();
    let access_token = async |id: &str| {
        let token = store.shared_token(&CredentialId::new(id)).await.unwrap()?;
        Some(token.token.access_token.expose().to_owned())
    };
    assert!(store.delete_pending(&one.id).await.unwrap());
    assert_eq!(access_token("t").await.as_deref(), Some("new"));
    assert!(store.delete_pending(&other.id).await.unwrap());
    assert_eq!((access_token("t").await, files(&directory.join("tokens")).len()), (None, 1));
    assert_eq!(access_token("u").await.as_deref(), Some("its own"));
}

/// A token may be the one of what is damaged: a backup of that is worth something.
#[tokio::test]
async fn a_token_is_not_forgotten_while_something_is_damaged() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    store.put_off(pending("one", "t"), token("t", "x")).await.unwrap();
    let file = files(&directory.join("pending")).remove(0);
    fs::write(&file, "no sealed record").unwrap();
    store.put_off(pending("other", "u"), token("u", "y")).await.unwrap();
    store.delete_pending(&CredentialId::new("other")).await.unwrap();
    assert_eq!(files(&directory.join("tokens")).len(), 2);
    let damaged = store.pending().await.unwrap().damaged.remove(0);
    store.delete_pending(&CredentialId::new(damaged)).await.unwrap();
    assert!(files(&directory.join("tokens")).is_empty(), "also what was left of before");
}

/// A program was ended after it had written the token, and before what waits with it; or the disk
/// spoiled a token.
#[tokio::test]
async fn a_token_that_nothing_waits_with_is_gone_after_the_next_start() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    store.put_off(pending("one", "t"), token("t", "x")).await.unwrap();
    store.put_off(pending("other", "u"), token("u", "y")).await.unwrap();
    fs::remove_file(files(&directory.join("pending")).remove(0)).unwrap();
    let left = store.pending().await.unwrap().records.remove(0);
    drop(open(&directory, key_file(&directory)).await.unwrap());
    assert_eq!(files(&directory.join("tokens")).len(), 1);
    assert!(store.shared_token(&left.token).await.unwrap().is_some(), "the other one is kept");
    fs::write(files(&directory.join("tokens")).remove(0), "no sealed record").unwrap();
    drop(open(&directory, key_file(&directory)).await.unwrap());
    assert_eq!(files(&directory.join("tokens")).len(), 1, "something waits");
    store.delete_pending(&left.id).await.unwrap();
    assert!(files(&directory.join("tokens")).is_empty());
}

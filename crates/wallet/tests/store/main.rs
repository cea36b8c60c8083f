//! The wallet's folder: encrypted, whole after a crash, for its owner only.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod later;
mod upkeep;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keys::algorithm::Algorithm;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer, SoftwareKey};
use oid4vci::proof::BindingMethod;
use serde_json::json;
use tempfile::TempDir;
use wallet::display::Display;
use wallet::store::{
    CredentialCopy, CredentialId, FileStore, HolderKey, KeyId, Pkcs8, Protection, Store,
    StoreError, StoredCredential, StoredKey, Trust, Unlock,
};
use zeroize::Zeroizing;

const CANARY: &str = "canary-7f3a";

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Zeroizing::new(text.to_owned()))
}

fn key_file(directory: &Path) -> Unlock {
    Unlock::KeyFile(FileStore::key_file(directory))
}

async fn open(directory: &Path, unlock: Unlock) -> Result<FileStore, StoreError> {
    FileStore::open(directory.to_owned(), unlock, Arc::new(SystemRandom)).await
}

fn key() -> StoredKey {
    let key = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    StoredKey {
        id: KeyId::from(&key.public_key().thumbprint()),
        algorithm: Algorithm::EdDsa,
        pkcs8: Pkcs8::new(key.to_pkcs8()),
        binding: BindingMethod::DidKey,
        created_at: Timestamp(1_700_000_000),
        awaits_credential: false,
    }
}

fn holder_key() -> HolderKey {
    HolderKey {
        kid: KeyId::new(CANARY),
        binding: BindingMethod::DidJwk,
        did: Some(format!("did:jwk:{CANARY}")),
    }
}

fn credential(received_at: u64) -> StoredCredential {
    let claims = json!({ "given_name": CANARY, "address": { "locality": CANARY } });
    StoredCredential {
        id: CredentialId::fresh(&SystemRandom),
        format: "dc+sd-jwt".to_owned(),
        credential_configuration_id: "student_card".to_owned(),
        credential_issuer: format!("https://{CANARY}.example"),
        raw: format!("{CANARY}~"),
        types: vec![CANARY.to_owned()],
        claims: claims.as_object().unwrap().clone(),
        display: Display::default(),
        credential_metadata: None,
        trust: Trust::Anchor { subject: Some(CANARY.to_owned()) },
        holder_key: Some(holder_key()),
        copies: vec![CredentialCopy {
            raw: CANARY.to_owned(),
            holder_key: holder_key(),
            status: None,
        }],
        status: None,
        reporter: None,
        received_at: Timestamp(received_at),
        expires_at: Some(Timestamp(received_at + 1)),
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn what_was_saved_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let (key, early, late) = (key(), credential(1), credential(2));
    let store = open(&directory, passphrase("correct horse")).await.unwrap();
    store.save_key(key.clone()).await.unwrap();
    store.save_credential(late.clone()).await.unwrap();
    store.save_credential(early.clone()).await.unwrap();
    drop(store);

    let store = open(&directory, passphrase("correct horse")).await.unwrap();
    let found = store.key(&key.id).await.unwrap().unwrap();
    assert_eq!(found.pkcs8.expose(), key.pkcs8.expose());
    assert_eq!((found.algorithm, found.binding), (key.algorithm, key.binding));
    assert_eq!(store.keys().await.unwrap().records.len(), 1);
    let held = store.credentials().await.unwrap();
    let ids: Vec<_> = held.records.into_iter().map(|c| c.id).collect();
    assert_eq!(ids, [early.id.clone(), late.id.clone()], "oldest first");
    let found = store.credential(&early.id).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(&found).unwrap(), serde_json::to_value(&early).unwrap());

    assert!(store.delete_credential(&early.id).await.unwrap());
    assert!(!store.delete_credential(&early.id).await.unwrap());
    assert!(store.credential(&early.id).await.unwrap().is_none());
    assert!(store.delete_key(&key.id).await.unwrap());
    assert!(store.key(&key.id).await.unwrap().is_none());
}

/// SEC-31, PRIV-05
#[tokio::test]
async fn nothing_can_be_read_without_the_key() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let (key, credential) = (key(), credential(1));
    store.save_key(key.clone()).await.unwrap();
    store.save_credential(credential.clone()).await.unwrap();
    let secrets = [CANARY.as_bytes(), key.pkcs8.expose()];
    let names = [key.id.to_string(), credential.id.to_string()];
    let files = files(&directory);
    assert_eq!(files.len(), 4, "header, lock, key, credential: {files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        for secret in secrets.into_iter().chain(names.iter().map(String::as_bytes)) {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{file:?}");
        }
        let path = file.to_string_lossy();
        assert!(!names.iter().any(|name| path.contains(name)), "{path}");
    }
}

#[tokio::test]
async fn records_are_not_printed() {
    let printed = format!("{:?}{:?}", key(), credential(1));
    assert!(!printed.contains(CANARY) && printed.contains("Pkcs8(..)"), "{printed}");
    assert!(!format!("{:?}", passphrase(CANARY)).contains(CANARY));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    store.save_credential(credential(1)).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files(folder.path()) {
        assert_eq!(mode(&file), 0o600, "{file:?}");
        assert_eq!(
            mode(file.parent().filter(|p| *p != folder.path()).unwrap_or(&directory)),
            0o700
        );
    }
}

#[tokio::test]
async fn the_wrong_passphrase_opens_nothing_and_says_so() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    assert_eq!(FileStore::protection(&directory).unwrap(), None);
    assert_eq!(open(&directory, passphrase("")).await.unwrap_err(), StoreError::EmptyPassphrase);
    drop(open(&directory, passphrase("correct horse")).await.unwrap());
    let protection = FileStore::protection(&directory).unwrap();
    assert!(matches!(protection, Some(Protection::Passphrase { .. })));
    for wrong in ["", "Correct horse", "correct horse "] {
        let refused = open(&directory, passphrase(wrong)).await.unwrap_err();
        assert_eq!(refused, StoreError::WrongPassphrase, "{wrong:?}");
    }
    let refused = open(&directory, key_file(&directory)).await.unwrap_err();
    assert_eq!(refused, StoreError::PassphraseNeeded);
}

#[tokio::test]
async fn the_wrong_key_file_opens_nothing_and_says_so() {
    let folder = TempDir::new().unwrap();
    let (directory, other) = (folder.path().join("wallet"), folder.path().join("other"));
    drop(open(&directory, key_file(&directory)).await.unwrap());
    drop(open(&other, key_file(&other)).await.unwrap());
    let file = FileStore::key_file(&directory);
    assert_eq!(fs::read(&file).unwrap().len(), 32);
    assert!(!file.starts_with(&directory), "a copy of the folder must open nothing");
    assert_eq!(open(&directory, key_file(&other)).await.unwrap_err(), StoreError::WrongKeyFile);
    let refused = open(&directory, passphrase("x")).await.unwrap_err();
    assert_eq!(refused, StoreError::KeyFileNeeded);
    fs::write(&file, b"short").unwrap();
    assert_eq!(open(&directory, key_file(&directory)).await.unwrap_err(), StoreError::WrongKeyFile);
    fs::remove_file(&file).unwrap();
    let refused = open(&directory, key_file(&directory)).await.unwrap_err();
    assert_eq!(refused, StoreError::KeyFileMissing);
}

#[tokio::test]
async fn a_changed_file_is_not_believed() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let (one, two) = (credential(1), credential(2));
    store.save_credential(one.clone()).await.unwrap();
    let first = files(&directory.join("credentials")).remove(0);
    store.save_credential(two.clone()).await.unwrap();
    let second = files(&directory.join("credentials")).into_iter().find(|f| *f != first).unwrap();
    let whole = fs::read(&first).unwrap();
    for place in [0, 12, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&first, changed).unwrap();
        assert_eq!(store.credential(&one.id).await.unwrap_err(), StoreError::Damaged, "{place}");
    }
    for length in [0, 11, whole.len() - 1] {
        fs::write(&first, &whole[..length]).unwrap();
        assert_eq!(store.credential(&one.id).await.unwrap_err(), StoreError::Damaged, "{length}");
    }
    fs::copy(&second, &first).unwrap();
    let swapped = store.credential(&one.id).await.unwrap_err();
    assert_eq!(swapped, StoreError::Damaged, "one record in the place of another");
    assert_eq!(store.credential(&two.id).await.unwrap().unwrap().id, two.id);
}

#[tokio::test]
async fn a_changed_header_is_not_believed() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    drop(open(&directory, passphrase("correct horse")).await.unwrap());
    let header = directory.join("header.json");
    let text = fs::read_to_string(&header).unwrap();
    for (from, to, error) in [
        ("\"version\": 1", "\"version\": 2", StoreError::TooNew),
        ("\"iterations\": 3", "\"iterations\": 1", StoreError::WrongPassphrase),
        ("\"memory_kib\": 65536", "\"memory_kib\": 4294967295", StoreError::Damaged),
        ("{", "", StoreError::Damaged),
    ] {
        assert!(text.contains(from), "{text}");
        fs::write(&header, text.replacen(from, to, 1)).unwrap();
        assert_eq!(open(&directory, passphrase("correct horse")).await.unwrap_err(), error, "{to}");
    }
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let refused = open(folder.path(), passphrase("x")).await.unwrap_err();
    assert_eq!(refused, StoreError::NotAStore);
    assert_eq!(fs::read_to_string(folder.path().join("letter.txt")).unwrap(), "dear");
    assert!(!folder.path().join("header.json").exists());
}

#[tokio::test]
async fn records_without_their_header_are_not_hidden_by_a_new_one() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    store.save_credential(credential(1)).await.unwrap();
    fs::remove_file(directory.join("header.json")).unwrap();
    let refused = open(&directory, key_file(&directory)).await.unwrap_err();
    assert_eq!(refused, StoreError::Damaged);
}

#[tokio::test]
async fn two_programs_share_a_store_and_one_that_hangs_is_named() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let one = open(&directory, key_file(&directory)).await.unwrap();
    let two = open(&directory, key_file(&directory)).await.unwrap();
    let writes = (0..20).map(|i| {
        let store = if i % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move { store.save_credential(credential(i)).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    assert_eq!(one.credentials().await.unwrap().records.len(), 20);

    let lock = fs::File::open(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(two.save_credential(credential(99)).await.unwrap_err(), StoreError::Busy);
    assert_eq!(two.credentials().await.unwrap().records.len(), 20, "reading needs no lock");
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let mut huge = credential(1);
    huge.raw = "x".repeat(12 * 1024 * 1024);
    assert_eq!(store.save_credential(huge).await.unwrap_err(), StoreError::TooMuch);
    assert!(store.credentials().await.unwrap().records.is_empty());
}

const VICTIM: &str = "BESTOW_TEST_STORE";

/// Run by [`a_kill_leaves_the_old_or_the_new_state`] in a process of its own.
#[tokio::test]
async fn victim_of_the_kill() {
    let Ok(directory) = std::env::var(VICTIM) else { return };
    let directory = PathBuf::from(directory);
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let mut credential = credential(0);
    credential.id = CredentialId::new("same");
    for round in 0.. {
        credential.received_at = Timestamp(round);
        credential.raw = round.to_string().repeat(20_000);
        store.save_credential(credential.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn a_kill_leaves_the_old_or_the_new_state() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let mut seen = BTreeSet::new();
    // Until enough of them lived long enough to write, however busy the machine is.
    for round in 0..100 {
        if round >= 12 && seen.len() > 1 {
            break;
        }
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim_of_the_kill"])
            .env(VICTIM, &directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(60 + 17 * round)).await;
        victim.kill().unwrap();
        victim.wait().unwrap();
        let store = open(&directory, key_file(&directory)).await.unwrap();
        let rest = files(&directory).into_iter().find(|f| f.extension() == Some("tmp".as_ref()));
        assert_eq!(rest, None);
        for found in store.credentials().await.unwrap().records {
            assert_eq!(found.raw, found.received_at.0.to_string().repeat(20_000));
            seen.insert(found.received_at.0);
        }
    }
    assert!(seen.len() > 1, "the victims wrote something: {seen:?}");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    store.save_credential(credential(1)).await.unwrap();
    assert_eq!(files(&directory.join("credentials")).len(), 2, "nothing half-written stays");
}

//! What time, disks and kills leave behind: damaged records, half-written files, unused keys.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use wallet::store::{
    CredentialId, HolderKey, KeyId, Store, StoreError, StoredKey, UNUSED_KEY_SECONDS,
    forget_unused_keys,
};

use crate::{credential, files, key, key_file, open};

#[tokio::test]
async fn one_damaged_record_is_named_and_can_be_deleted_and_the_others_work() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let (one, two, key) = (credential(1), credential(2), key());
    store.save_credential(one.clone()).await.unwrap();
    store.save_key(key.clone()).await.unwrap();
    let spoiled = [files(&directory.join("credentials")), files(&directory.join("keys"))].concat();
    store.save_credential(two.clone()).await.unwrap();
    for file in &spoiled {
        fs::write(file, "no sealed record").unwrap();
    }
    fs::write(directory.join("credentials/notes.txt"), "not ours").unwrap();

    let (credentials, keys) = (store.credentials().await.unwrap(), store.keys().await.unwrap());
    let name = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!((credentials.records.len(), &credentials.records[0].id), (1, &two.id));
    assert_eq!((keys.records.len(), &keys.damaged), (0, &vec![name(&spoiled[1])]));
    assert_eq!(credentials.damaged, [name(&spoiled[0])]);

    let damaged = CredentialId::new(credentials.damaged[0].clone());
    assert_eq!(store.credential(&damaged).await.unwrap_err(), StoreError::Damaged);
    assert!(store.delete_credential(&damaged).await.unwrap());
    assert!(!store.delete_credential(&damaged).await.unwrap());
    assert!(store.delete_key(&KeyId::new(keys.damaged[0].clone())).await.unwrap());
    assert!(store.credentials().await.unwrap().damaged.is_empty());
    assert!(store.credential(&two.id).await.unwrap().is_some());
    for stranger in ["../header.json", "notes.txt", "../keys", ""] {
        assert!(
            !store.delete_credential(&CredentialId::new(stranger)).await.unwrap(),
            "{stranger}"
        );
    }
}

/// A kill leaves them; whoever writes right now may still need them.
#[tokio::test]
async fn what_was_half_written_is_gone_after_the_next_start() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let foreign = folder.path().join("letter.tmp");
    fs::write(&foreign, "dear").unwrap();
    fs::write(folder.path().join("wallet.key.00.tmp"), "half").unwrap();
    drop(open(&directory, key_file(&directory)).await.unwrap());
    let rests = ["header.json.00.tmp", "credentials/0f.00.tmp", "keys/0f.00.tmp"];
    let left =
        || files(folder.path()).into_iter().filter(|f| f.extension() == Some("tmp".as_ref()));
    assert_eq!(left().collect::<Vec<_>>(), std::slice::from_ref(&foreign), "only what is ours");
    for rest in rests {
        fs::write(directory.join(rest), "half").unwrap();
    }
    let writer = fs::File::open(directory.join("lock")).unwrap();
    writer.lock().unwrap();
    drop(open(&directory, key_file(&directory)).await.unwrap());
    assert_eq!(left().count(), 1 + rests.len(), "somebody is writing");
    drop(writer);
    drop(open(&directory, key_file(&directory)).await.unwrap());
    assert_eq!(left().collect::<Vec<_>>(), [foreign]);
}

#[tokio::test]
async fn a_key_whose_credential_never_came_is_forgotten_after_a_day() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let store = open(&directory, key_file(&directory)).await.unwrap();
    let waiting = || StoredKey { awaits_credential: true, ..key() };
    let (cut_off, bound, chosen) = (waiting(), waiting(), key());
    for key in [&cut_off, &bound, &chosen] {
        store.save_key(key.clone()).await.unwrap();
    }
    let mut held = credential(1);
    held.holder_key = held.holder_key.map(|key| HolderKey { kid: bound.id.clone(), ..key });
    store.save_credential(held).await.unwrap();
    let damaged = directory.join("credentials").join("0f".repeat(32));
    fs::write(&damaged, "spoiled").unwrap();

    let kept = async |age: u64| {
        forget_unused_keys(&store, cut_off.created_at.plus(age)).await.unwrap();
        let keys = store.keys().await.unwrap().records;
        keys.into_iter().map(|key| key.id).collect::<BTreeSet<_>>()
    };
    let all = BTreeSet::from([&cut_off, &bound, &chosen].map(|key| key.id.clone()));
    assert_eq!(kept(UNUSED_KEY_SECONDS).await, all, "it may be the key of what is damaged");
    fs::remove_file(damaged).unwrap();
    assert_eq!(kept(UNUSED_KEY_SECONDS - 1).await, all, "somebody may be receiving right now");
    assert_eq!(
        kept(UNUSED_KEY_SECONDS).await,
        BTreeSet::from([bound.id.clone(), chosen.id.clone()])
    );
}

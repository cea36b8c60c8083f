//! What is refused, and in which words.

use std::fs;

use issuer::store::sqlite::{self, Sqlite, journal_path};
use issuer::store::transfer::{Progress, TransferError, transfer};
use issuer::store::{Schema, Store as _};
use testkit::postgres::Server;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::source::{change, dump};
use crate::{Source, file, moved, place, refused, server, stopped_behind};

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_empty_is_named_and_left_alone() {
    let (source, machine) = (Source::new().await, Server::shared());
    let target = source.path("target.db");
    sqlite::migrate(&target).unwrap();
    change(&target, "INSERT INTO spent_nonces VALUES ('default', x'01'), ('other', x'02')");
    let before = dump(&target);
    let (from, to) = (file(&source.file), file(&target));
    let told = refused(&from, &to).await.to_string();
    assert!(told.contains("target.db is not empty") && told.contains("spent_nonces 2"), "{told}");
    let again = transfer(place(&from), place(&to), true, &mut |_| {}).await.unwrap_err();
    assert!(matches!(again, TransferError::NotEmpty(..)), "also with begin_again: {again}");
    assert_eq!(dump(&target), before);

    let database = machine.migrated().await;
    let client = database.client().await;
    let sql = "INSERT INTO statuses VALUES ('default', 1, 1, 1, 1)";
    client.batch_execute(sql).await.unwrap();
    let told = refused(&from, &server(&database)).await.to_string();
    assert!(told.contains("statuses 1"), "{told}");
    let count = client.query_one("SELECT count(*) FROM offers", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_is_not_moved() {
    let (source, machine) = (Source::new().await, Server::shared());
    let (database, empty) = (machine.database().await, source.path("empty.db"));
    sqlite::migrate(&empty).unwrap();
    let node = Sqlite::open(&source.file, "default").unwrap();
    assert_in_use(&refused(&file(&source.file), &file(&empty)).await, "source.db");
    drop(node);
    let node = Sqlite::open(&empty, "default").unwrap();
    assert_in_use(&refused(&file(&source.file), &file(&empty)).await, "empty.db");
    drop(node);

    moved(&file(&source.file), &server(&database)).await;
    let node = database.open("default").await;
    node.check().await.unwrap(); // it connects with the first step
    assert_in_use(&refused(&server(&database), &file(&empty)).await, &database.name);
    drop(node);
    moved(&server(&database), &file(&empty)).await;
}

fn assert_in_use(error: &TransferError, name: &str) {
    let told = error.to_string();
    assert!(matches!(error, TransferError::InUse(_)) && told.contains(name), "{told}");
    assert!(told.contains("stop every node"), "{told}");
}

/// Nobody else can open a file meanwhile; a server lets others write.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_written_to_meanwhile_is_noticed() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.database().await;
    moved(&file(&source.file), &server(&database)).await;
    let (from, to) = (server(&database), file(&source.path("target.db")));
    let client = database.client().await;
    let mut tell = during(|| {
        let sql = "UPDATE offers SET attempts = attempts + 1 WHERE issuer_id = 'default'";
        block_in_place(|| Handle::current().block_on(client.batch_execute(sql))).unwrap();
    });
    let error = transfer(place(&from), place(&to), false, &mut tell).await.unwrap_err();
    assert!(matches!(&error, TransferError::Changed(_, tables) if tables == &["offers"]));
    assert!(error.to_string().contains("written to meanwhile (offers)"), "{error}");
    assert_eq!(sqlite::schema(&source.path("target.db")).unwrap(), Schema::Unfinished);
    transfer(place(&from), place(&to), true, &mut |_| {}).await.unwrap();
    assert_eq!(sqlite::schema(&source.path("target.db")).unwrap(), Schema::Current);
}

/// What is read back decides, not what was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_differs_is_named() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.migrated().await;
    let (from, to) = (file(&source.file), server(&database));
    let client = database.client().await;
    let mut tell = during(|| {
        let sql = "UPDATE datasets SET datasets = '{}' WHERE issuer_id = 'Über'";
        block_in_place(|| Handle::current().block_on(client.batch_execute(sql))).unwrap();
    });
    let error = transfer(place(&from), place(&to), false, &mut tell).await.unwrap_err();
    let TransferError::Differs(checks) = &error else { panic!("{error}") };
    for check in checks {
        assert_eq!(check.is_equal(), check.table != "datasets", "{check:?}");
        assert_eq!(check.source.rows, check.target.rows, "{check:?}");
    }
    let told = error.to_string();
    assert!(told.contains("(datasets)"), "{told}");
    let schema = issuer::store::postgres::schema(&database.options()).await.unwrap();
    assert_eq!(schema, Schema::Unfinished, "nobody serves it");
}

/// Does something once, when the second half has begun.
fn during(something: impl FnOnce()) -> impl FnMut(Progress) {
    let mut something = Some(something);
    move |progress| {
        if let Progress::Moved("statuses", _) = progress
            && let Some(something) = something.take()
        {
            something();
        }
    }
}

/// A migration that forgets the list of `transfer/tables.rs` would lose what it added.
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_not_listed_is_refused() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.migrated().await;
    let client = database.client().await;
    client.batch_execute("ALTER TABLE offers ADD COLUMN wallet TEXT").await.unwrap();
    let told = refused(&file(&source.file), &server(&database)).await.to_string();
    assert!(told.contains("wallet of offers"), "{told}");
    change(&source.file, "ALTER TABLE datasets ADD COLUMN size INTEGER");
    let told = refused(&file(&source.file), &file(&source.path("target.db"))).await.to_string();
    assert!(told.contains("size of datasets"), "{told}");
    let missing = "ALTER TABLE offers DROP COLUMN wallet; ALTER TABLE offers DROP COLUMN client_id";
    client.batch_execute(missing).await.unwrap();
    let told = refused(&server(&database), &file(&source.path("other.db"))).await.to_string();
    assert!(told.contains("client_id of offers"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_is_named() {
    let source = Source::new().await;
    let (from, nothing) = (file(&source.file), source.path("nothing.db"));
    let error = refused(&from, &from).await;
    assert!(matches!(error, TransferError::Same), "{error}");
    let error = refused(&file(&nothing), &file(&source.path("target.db"))).await;
    assert!(matches!(error, TransferError::Source(_, Schema::Missing)), "{error}");
    assert!(!nothing.exists() && !source.path("target.db").exists());

    let journal = journal_path(&nothing);
    fs::write(&journal, "{\"issuer\":\"another\"}\n").unwrap();
    for is_there in [false, true] {
        if is_there {
            sqlite::migrate(&nothing).unwrap();
        }
        let error = refused(&from, &file(&nothing)).await;
        assert!(error.to_string().contains("nothing.revocations is there"), "{error}");
        assert_eq!(nothing.exists(), is_there);
    }
    assert_eq!(fs::read_to_string(&journal).unwrap(), "{\"issuer\":\"another\"}\n");
    fs::remove_file(&journal).unwrap();
    moved(&from, &file(&nothing)).await;
}

/// One that is itself being filled, by another one, stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_another_source_fills_is_left_alone() {
    let (source, other) = (Source::new().await, Source::new().await);
    let to = file(&source.path("target.db"));
    change(&other.file, "DELETE FROM spent_nonces");
    assert!(stopped_behind(2, &file(&source.file), &to).await);
    let told = refused(&file(&other.file), &to).await.to_string();
    assert!(told.contains("source.db"), "{told}");
    moved(&file(&source.file), &to).await;
    assert!(dump(&source.path("target.db")) == dump(&source.file));
}

//! SQLite keeps the contract of the store, also across a restart.

use std::sync::Arc;

use issuer::store::sqlite::{Sqlite, migrate, schema};
use issuer::store::{Schema, Store};
use tempfile::TempDir;
use testkit::contract::Contract;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bestow.db");
    migrate(&file).unwrap();
    Contract::check(Arc::new(Sqlite::open(&file, "one").unwrap())).await;
}

#[tokio::test]
async fn issuers_in_one_database_do_not_see_each_other() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bestow.db");
    migrate(&file).unwrap();
    let [one, two] = ["one", "two"].map(|id| Arc::new(Sqlite::open(&file, id).unwrap()));
    Contract::check(one).await;
    Contract::check(two).await;
}

#[tokio::test]
async fn an_unknown_schema_is_refused_and_the_command_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bestow.db");
    assert_eq!(schema(&file).unwrap(), Schema::Missing);
    let error = Sqlite::open(&file, "one").unwrap_err();
    assert!(error.to_string().contains("bestow issuer migrate"), "{error}");
    assert_eq!(migrate(&file).unwrap(), 8);
    assert_eq!(migrate(&file).unwrap(), 0, "a second time there is nothing to do");
    assert_eq!(schema(&file).unwrap(), Schema::Current);
    Sqlite::open(&file, "one").unwrap().check().await.unwrap();
}

#[test]
fn a_new_database_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bestow.db");
    migrate(&file).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

//! The contract, whatever the server's own settings.

use std::sync::Arc;

use testkit::contract::Contract;
use testkit::postgres::Server;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    let server = Server::shared();
    let database = server.migrated().await;
    Contract::check(Arc::new(database.open("one").await)).await;
}

/// Distributed engines know nothing below `serializable`: what fails for others is run again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_serialises_keeps_the_contract() {
    let server = Server::shared();
    let database = server.migrated().await;
    database.set("default_transaction_isolation = 'serializable'").await;
    Contract::check(Arc::new(database.open("one").await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_in_one_database_do_not_see_each_other() {
    let server = Server::shared();
    let database = server.migrated().await;
    Contract::check(Arc::new(database.open("one").await)).await;
    Contract::check(Arc::new(database.open("two").await)).await;
}

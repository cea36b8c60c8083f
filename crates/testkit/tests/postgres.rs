//! PostgreSQL keeps the contract of the store, also when it is killed, and with several nodes.

use std::sync::Arc;

use testkit::contract::Contract;
use testkit::postgres::Server;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    let server = Server::start();
    let database = server.migrated().await;
    Contract::check(Arc::new(database.open("one").await)).await;
}

//! The schema: numbered, forward only, known to the program or refused (X39, X41).

use issuer::store::Schema;
use issuer::store::postgres::{Postgres, migrate, schema};
use keys::outside::SystemRandom;
use testkit::postgres::Server;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_schema_is_refused_and_the_command_is_named() {
    let server = Server::shared();
    let database = server.database().await;
    let options = database.options();
    let refused = async || {
        let refused = Postgres::open(&options, "one", &SystemRandom).await;
        refused.unwrap_err().to_string()
    };
    assert_eq!(schema(&options).await.unwrap(), Schema::Missing);
    assert!(refused().await.contains("bestow issuer migrate"));
    let count = migrate(&options).await.unwrap();
    assert!(count > 1);
    assert_eq!(migrate(&options).await.unwrap(), 0, "a second time there is nothing to do");
    assert_eq!(schema(&options).await.unwrap(), Schema::Current);
    Postgres::open(&options, "one", &SystemRandom).await.unwrap();

    let client = database.client().await;
    let sql = "DELETE FROM bestow_migrations WHERE version > 1";
    client.batch_execute(sql).await.unwrap();
    assert_eq!(schema(&options).await.unwrap(), Schema::Older);
    assert!(refused().await.contains("bestow issuer migrate"));
    let sql = format!("INSERT INTO bestow_migrations SELECT generate_series(2, {count})");
    client.batch_execute(&sql).await.unwrap();

    let newer = "INSERT INTO bestow_migrations (version) VALUES (9999)";
    client.batch_execute(newer).await.unwrap();
    assert_eq!(schema(&options).await.unwrap(), Schema::Newer);
    assert!(refused().await.contains("newer bestow"));
    let error = migrate(&options).await.unwrap_err();
    assert!(error.to_string().contains("nothing was changed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_migrate_at_once_do_it_once() {
    let server = Server::shared();
    let first = server.database().await;
    let count = migrate(&first.options()).await.unwrap();
    for _ in 0..5 {
        let database = server.database().await;
        let mut nodes = JoinSet::new();
        for _ in 0..6 {
            let address = database.address.clone();
            nodes.spawn(async move {
                let options = issuer::store::postgres::Options {
                    address: &address,
                    password_file: None,
                    ca: None,
                };
                migrate(&options).await.unwrap()
            });
        }
        let done: usize = nodes.join_all().await.into_iter().sum();
        assert_eq!(done, count);
        assert_eq!(schema(&database.options()).await.unwrap(), Schema::Current);
    }
}

//! The SQL in use stays within what distributed engines of PostgreSQL's language understand.

use std::sync::Arc;

use issuer::config::Database;
use issuer::store::transfer::{Place, transfer};
use tempfile::TempDir;
use testkit::contract::Contract;
use testkit::postgres::Server;

/// What is not there, or means something else, or makes one place hot, on several machines.
const FORBIDDEN: [&str; 20] = [
    "SERIAL",
    "SEQUENCE",
    "NEXTVAL",
    "IDENTITY",
    "ADVISORY",
    "LISTEN",
    "NOTIFY",
    "SKIP LOCKED",
    "FOR UPDATE",
    "LOCK TABLE",
    "TRIGGER",
    "EXTENSION",
    "FUNCTION",
    "REFERENCES",
    "FOREIGN KEY",
    "NOW()",
    "CURRENT_TIMESTAMP",
    "RANDOM()",
    "GEN_RANDOM_UUID",
    "CTID",
];

/// Everything that the store says to the server, from the first migration to the last purge, and
/// to move all of it away and back.
#[tokio::test(flavor = "multi_thread")]
async fn the_sql_in_use_has_no_word_that_distributed_engines_lack() {
    let server = Server::with("log_statement = 'all'\nlog_duration = off");
    let database = server.migrated().await;
    Contract::check(Arc::new(database.open("one").await)).await;
    let (folder, other) = (TempDir::new().unwrap(), server.database().await);
    let file = Database::File(folder.path().join("moved.db"));
    let [first, last] = [&database, &other].map(|one| Database::Postgres(one.address.clone()));
    for (from, to) in [(&first, &file), (&file, &last)] {
        let [from, to] =
            [from, to].map(|database| Place { database, password_file: None, ca: None });
        transfer(from, to, false, &mut |_| {}).await.unwrap();
    }
    let prefixes = [&database, &other].map(|one| format!("{}|", one.name));
    let log = server.log();
    let said: Vec<&str> = log
        .split_inclusive('\n')
        .scan(false, |ours, line| {
            // A line that begins with white space goes on with the statement before it.
            let begins = prefixes.iter().any(|prefix| line.starts_with(prefix));
            *ours = begins || (*ours && line.starts_with(['\t', ' ']));
            Some(if *ours { line } else { "" })
        })
        .collect();
    let said = said.concat().to_uppercase();
    for word in
        ["CREATE TABLE OFFERS", "UNNEST", "ON CONFLICT DO NOTHING", "DELETE FROM OFFERS", "PG_STAT"]
    {
        assert!(said.contains(word), "the log does not show what was said: {word}");
    }
    for word in FORBIDDEN {
        assert!(!says(&said, word), "{word}");
    }
}

/// As a word of its own: the log has values beside the statements, and chance writes anything.
fn says(said: &str, word: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    said.match_indices(word).any(|(at, _)| {
        let before = said.get(..at).and_then(|front| front.chars().next_back());
        let after = said.get(at + word.len()..).and_then(|rest| rest.chars().next());
        !before.is_some_and(is_inside) && !after.is_some_and(is_inside)
    })
}

/// A tenant is one range of every table, so that a table can be shared out by tenant.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_begins_with_the_issuer() {
    let server = Server::shared();
    let database = server.migrated().await;
    let sql = "SELECT indrelid::regclass::text, attname::text FROM pg_index \
               JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] \
               WHERE indrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' \
               AND relnamespace = 'public'::regnamespace) ORDER BY 1";
    let indices = database.client().await.query(sql, &[]).await.unwrap();
    assert!(indices.len() > 7);
    for index in indices {
        let (table, column): (String, String) = (index.get(0), index.get(1));
        let wanted = if table == "bestow_migrations" { "version" } else { "issuer_id" };
        assert_eq!(column, wanted, "{table}");
    }
}

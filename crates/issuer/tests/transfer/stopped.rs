//! Stopped at any moment: no node serves a half, and the same call goes on.

use issuer::config::Database;
use issuer::store::sqlite::{self, Sqlite, journal_path};
use issuer::store::transfer::{TransferError, transfer};
use issuer::store::{Schema, postgres};
use keys::outside::SystemRandom;
use testkit::postgres::Server;

use crate::source::{change, dump};
use crate::{Source, file, moved, place, refused, server, stopped_behind};

/// Commits after which each run is stopped, one after the other.
const STOPS: [usize; 4] = [1, 2, 5, 1];

/// Opens it as a node does.
async fn opened(database: &Database) -> Result<(), String> {
    let opened = match database {
        Database::File(file) => Sqlite::open(file, "default").map(drop),
        Database::Postgres(address) => {
            let options = postgres::Options { address, password_file: None, ca: None };
            assert_eq!(postgres::schema(&options).await.unwrap(), Schema::Unfinished);
            postgres::Postgres::open(&options, "default", &SystemRandom).await.map(drop)
        }
    };
    opened.map_err(|error| error.to_string())
}

/// Stops a move again and again, until it has come to its end.
async fn stop_all_the_way(from: &Database, to: &Database) -> usize {
    let mut stops = 0;
    for commits in STOPS.into_iter().cycle() {
        if !stopped_behind(commits, from, to).await {
            return stops;
        }
        stops += 1;
        let refused = opened(to).await.unwrap_err();
        assert!(refused.contains("bestow issuer migrate-store"), "{refused}");
    }
    stops
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_stopped_goes_on_and_ends_in_the_same_state() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.database().await;
    let back = source.path("back.db");
    assert!(stop_all_the_way(&file(&source.file), &server(&database)).await > 5);
    assert!(stop_all_the_way(&server(&database), &file(&back)).await > 5);
    assert!(dump(&back) == dump(&source.file));
    assert!(opened(&file(&back)).await.is_ok());
}

/// Half of a database is no source, no backup, and nothing that `migrate` makes whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_half_is_taken_for_nothing_else() {
    let source = Source::new().await;
    let half = source.path("half.db");
    let (from, to) = (file(&source.file), file(&half));
    assert!(stopped_behind(3, &from, &to).await);
    assert_eq!(sqlite::schema(&half).unwrap(), Schema::Unfinished);
    assert!(!journal_path(&half).exists());
    let error = refused(&to, &file(&source.path("other.db"))).await;
    assert!(matches!(error, TransferError::Source(_, Schema::Unfinished)), "{error}");
    let now = keys::outside::Timestamp(1);
    let error = sqlite::restore(&half, &source.path("restored.db"), true, now).unwrap_err();
    assert!(error.to_string().contains("no backup"), "{error}");
    sqlite::migrate(&half).unwrap();
    assert_eq!(sqlite::schema(&half).unwrap(), Schema::Unfinished);
}

/// Another source, or one that a node has served meanwhile, is not mixed with what is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changed_between_two_runs_is_noticed() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.database().await;
    let ends = [
        (file(&source.file), server(&database)),
        (file(&source.file), file(&source.path("target.db"))),
    ];
    for (count, (from, to)) in ends.iter().enumerate() {
        assert!(stopped_behind(4, from, to).await);
        change(&source.file, &format!("UPDATE offers SET attempts = attempts + {}", count + 1));
        let error = refused(from, to).await;
        assert!(matches!(error, TransferError::OtherSource(..)), "{error}");
        assert!(error.to_string().contains("--begin-again"), "{error}");
        transfer(place(from), place(to), true, &mut |_| {}).await.unwrap();
        moved(from, to).await;
    }
    let back = source.path("back.db");
    moved(&server(&database), &file(&back)).await;
    change(&back, "UPDATE offers SET attempts = attempts + 2");
    assert!(dump(&back) == dump(&source.file), "with the first change, and nothing twice");
}

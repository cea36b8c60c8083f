//! What arrives is what was there.

use std::os::unix::fs::PermissionsExt as _;

use issuer::store::Store as _;
use issuer::store::sqlite::{Sqlite, backup, journal_path, read_journal, restore};
use issuer::store::status::StatusStore as _;
use keys::outside::{Clock as _, SystemRandom};
use oid4vci::secret::SecretDigest;
use testkit::outside::TestClock;
use testkit::postgres::Server;

use crate::source::{ISSUERS, STATUSES, dump};
use crate::{Source, file, moved, server};

/// SQLite to PostgreSQL, to another PostgreSQL, to SQLite, to SQLite again.
#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_around_and_comes_back_equal() {
    let (source, machine) = (Source::new().await, Server::shared());
    let before = dump(&source.file);
    let (first, second) = (machine.database().await, machine.database().await);
    let places = [
        file(&source.file),
        server(&first),
        server(&second),
        file(&source.path("back.db")),
        file(&source.path("again.db")),
    ];
    let mut known = Vec::new();
    for ends in places.windows(2) {
        let sums: Vec<_> = moved(&ends[0], &ends[1]).await.iter().map(|one| one.target).collect();
        known.push(sums);
    }
    assert!(known.windows(2).all(|sums| sums[0] == sums[1]), "a digest has nothing of its engine");
    assert!(known[0].iter().all(|sum| sum.rows > 0), "every table is tried: {known:?}");
    assert_eq!(dump(&source.file), before, "it is only read");
    for name in ["back.db", "again.db"] {
        assert!(dump(&source.path(name)) == before, "{name}");
    }
    let client = first.client().await;
    let count = "SELECT count(*) FROM offers";
    let count: i64 = client.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(u64::try_from(count).unwrap(), known[0][0].rows);
}

/// Steps find what they need, whoever is asked by its own issuer id.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_with_what_was_moved() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.database().await;
    moved(&file(&source.file), &server(&database)).await;
    for issuer_id in ISSUERS {
        let before = Sqlite::open(&source.file, issuer_id).unwrap();
        let after =
            issuer::store::postgres::Postgres::open(&database.options(), issuer_id, &SystemRandom)
                .await
                .unwrap();
        let page = issuer::store::OfferPage {
            state: None,
            after: None,
            limit: 2000,
            now: TestClock::new().now(),
            attempts_max: 3,
        };
        let offers = [before.offers(page.clone()).await, after.offers(page).await];
        let [before_offers, after_offers] = offers.map(Result::unwrap);
        assert_eq!(format!("{before_offers:?}"), format!("{after_offers:?}"));
        for offer in after_offers.iter().take(20) {
            let both = [before.datasets(offer.id).await, after.datasets(offer.id).await];
            let [one, other] = both.map(Result::unwrap);
            assert_eq!(one, other);
        }
        let (entries, wanted): (Vec<_>, Vec<_>) = STATUSES.into_iter().unzip();
        assert_eq!(after.statuses(&entries).await.unwrap(), wanted);
        let mut again = testkit::contract::new_offer(TestClock::new().now(), &SystemRandom);
        again.idempotency = Some(issuer::store::Idempotency {
            key_digest: SecretDigest([1; 32]),
            request_digest: SecretDigest([2; 32]),
            expires_at: TestClock::new().now().plus(60),
        });
        let opened = after.open_offer(again).await.unwrap();
        assert!(matches!(opened, issuer::store::Opened::Repeated(..)), "{opened:?}");
    }
}

/// I8: a backup of before the moves, restored after them, does not make a revoked credential valid.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_begins_with_what_was_revoked_before() {
    let (source, machine) = (Source::new().await, Server::shared());
    let copy = source.path("copy.db");
    backup(&source.file, &copy).unwrap();
    let late = (oid4vci::grant::StatusEntry { list: 1, idx: 500 }, STATUSES[0].1);
    let store = Sqlite::open(&source.file, ISSUERS[1]).unwrap();
    store.set_statuses(&[late], TestClock::new().now()).await.unwrap();
    drop(store);
    let (database, back) = (machine.database().await, source.path("back.db"));
    moved(&file(&source.file), &server(&database)).await;
    moved(&server(&database), &file(&back)).await;

    let journal = read_journal(&back).unwrap().unwrap();
    assert_eq!(journal.unreadable, 0);
    for issuer_id in ISSUERS {
        for (entry, status) in STATUSES {
            let told = journal
                .changes
                .iter()
                .find(|(of, change)| of == issuer_id && change.entry == entry);
            assert_eq!(told.unwrap().1.status, status, "{issuer_id}");
        }
    }
    let mode = journal_path(&back).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    restore(&copy, &back, false, TestClock::new().now()).unwrap();
    let store = Sqlite::open(&back, ISSUERS[1]).unwrap();
    assert_eq!(store.statuses(&[late.0]).await.unwrap(), [late.1]);
}

/// A move that was killed behind its last commit is told as done.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_done_is_found_done() {
    let (source, machine) = (Source::new().await, Server::shared());
    let database = machine.database().await;
    let (from, to) = (file(&source.file), server(&database));
    let first = moved(&from, &to).await;
    let again = moved(&from, &to).await;
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
    let back = file(&source.path("back.db"));
    moved(&to, &back).await;
    moved(&to, &back).await;
}

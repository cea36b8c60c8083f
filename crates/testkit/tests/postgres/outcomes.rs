//! X18: the answer to a commit is lost. Whoever waits is told what has happened, not what might
//! have, and nothing happens twice.

use issuer::application::ApplicationState;
use issuer::store::authorization::AuthorizationStore as _;
use issuer::store::held::HeldStore as _;
use issuer::store::postgres::{Options, Postgres};
use issuer::store::{Idempotency, Opened, Recorded, Redeemed, Store, StoreError};
use keys::outside::SystemRandom;
use oid4vci::secret::SecretDigest;
use testkit::postgres::{Database, Server, eventually};
use testkit::sender::used;

use crate::proxy::{Mood, Proxy};
use crate::steps::{application, new_offer, nonce, now, opened, record, redeemed, redemption};

/// A store behind a proxy; every kind of step has run, so that the next answer is that of a commit.
async fn behind(proxy: &Proxy, database: &Database<'_>) -> Postgres {
    let address = database.behind(proxy.port);
    let options = Options { address: &address, password_file: None, ca: None };
    let store = Postgres::open(&options, "one", &SystemRandom).await.unwrap();
    let grant = redeemed(&store).await;
    store.record_issuance(&record(&grant), &[nonce()], &[], now()).await.unwrap();
    let grant = opened(&store).await;
    assert!(store.count_wrong_tx_code(&grant).await.unwrap());
    store.note_fetched(grant.id, now()).await.unwrap();
    assert!(store.withdraw_offer(grant.id, now()).await.unwrap());
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_told_though_the_answer_was_lost() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy, &database).await;

    let offer = new_offer();
    let id = offer.grant.id;
    proxy.set(Mood::LoseNextAnswer);
    assert_eq!(store.open_offer(offer).await.unwrap(), Opened::Opened);
    assert_eq!(proxy.lost(), 1);

    let seen = store.grant(id).await.unwrap().unwrap();
    proxy.set(Mood::LoseNextAnswer);
    assert!(store.count_wrong_tx_code(&seen).await.unwrap());
    assert_eq!(proxy.lost(), 2);
    let seen = store.grant(id).await.unwrap().unwrap();
    assert_eq!(seen.attempts, 1, "counted once");

    let wanted = redemption(id);
    proxy.set(Mood::LoseNextAnswer);
    assert!(store.redeem(&seen, &wanted).await.unwrap());
    assert_eq!(proxy.lost(), 3);
    let seen = store.grant(id).await.unwrap().unwrap();
    assert!(seen.redemption.as_ref().unwrap().token_digest == wanted.token_digest);
    assert!(!store.redeem(&seen, &redemption(id)).await.unwrap(), "spent once");

    let spent = nonce();
    proxy.set(Mood::LoseNextAnswer);
    let outcome = store.record_issuance(&record(&seen), &[spent], &[], now()).await.unwrap();
    assert_eq!((outcome, proxy.lost()), (Recorded::Recorded, 4));
    let seen = store.grant(id).await.unwrap().unwrap();
    assert_eq!(seen.issued.len(), 1, "recorded once");
    let outcome = store.record_issuance(&record(&seen), &[spent], &[], now()).await.unwrap();
    assert_eq!(outcome, Recorded::NonceSpent, "another request does not pass for the lost one");

    let other = opened(&store).await;
    proxy.set(Mood::LoseNextAnswer);
    assert!(store.withdraw_offer(other.id, now()).await.unwrap());
    assert_eq!(proxy.lost(), 5);
}

/// RFC 9449 §11.1: a step whose answer was lost is not taken for a replay of itself; another is.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_not_taken_for_a_repetition_of_itself() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy, &database).await;
    let warm = opened(&store).await;
    let proofs = [used(now()).await, used(now()).await, used(now()).await];
    store.redeem_proved(&warm, &redemption(warm.id), &proofs[..1]).await.unwrap();

    let seen = opened(&store).await;
    proxy.set(Mood::LoseNextAnswer);
    let outcome = store.redeem_proved(&seen, &redemption(seen.id), &proofs[1..2]).await.unwrap();
    assert_eq!((outcome, proxy.lost()), (Redeemed::Redeemed, 1));
    let other = opened(&store).await;
    let outcome = store.redeem_proved(&other, &redemption(other.id), &proofs[1..2]).await.unwrap();
    assert_eq!(outcome, Redeemed::Replayed);

    let seen = store.grant(seen.id).await.unwrap().unwrap();
    let again = redemption(seen.id);
    proxy.set(Mood::LoseNextAnswer);
    let outcome = store.redeem_again(&seen, &again, &proofs[2..]).await.unwrap();
    assert_eq!((outcome, proxy.lost()), (Redeemed::Redeemed, 2));
    let seen = store.grant(seen.id).await.unwrap().unwrap();
    assert!(seen.redemption.unwrap().token_digest == again.token_digest);
}

/// RFC 9449 §11.1: nothing else is committed with such a proof, by which its outcome could be read
/// back; so nobody is called a thief, and another proof is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_whose_answer_was_lost_is_no_replay() {
    let server = Server::shared();
    let database = server.migrated().await;
    let direct = database.open("one").await;
    let mut unknown = 0;
    for count in 0..10 {
        let proxy = Proxy::before(server.port()).await;
        let address = database.behind(proxy.port);
        let options = Options { address: &address, password_file: None, ca: None };
        let store = Postgres::open(&options, "one", &SystemRandom).await.unwrap();
        assert!(store.spend(&[nonce()]).await.unwrap());
        let mark = nonce();
        proxy.lose_after(count);
        match store.spend(&[mark]).await {
            Ok(is_first) => assert!(is_first, "answer {count}"),
            Err(StoreError::InDoubt(_)) => unknown += 1,
            Err(error) => panic!("answer {count}: {error}"),
        }
        assert!(!direct.spend(&[mark]).await.unwrap(), "answer {count}: spent all the same");
    }
    assert!(unknown > 0, "one of them was the answer to the commit");
}

/// What the second try meets says nothing of the first, which was committed: nobody is told that
/// nothing was done.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_and_then_a_refusal_leave_the_outcome_in_doubt() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy, &database).await;
    let grant = opened(&store).await;
    let wanted = redemption(grant.id);
    let waiting = async |count: i64| {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock'";
        let client = database.client().await;
        let is_so = async || client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == count;
        eventually("somebody waits for a lock", is_so).await;
    };
    let (before, behind) = (database.client().await, database.client().await);
    before.batch_execute("BEGIN; SELECT 1 FROM offers FOR UPDATE").await.unwrap();
    let outcome = tokio::join!(store.redeem(&grant, &wanted), async {
        waiting(1).await;
        let taken = behind.batch_execute("BEGIN; LOCK TABLE offers");
        tokio::join!(taken, async {
            waiting(2).await; // it has the table as soon as the step is committed
            proxy.set(Mood::LoseNextAnswer);
            before.batch_execute("ROLLBACK").await.unwrap();
        })
    });
    assert!(matches!(outcome.0, Err(StoreError::InDoubt(_))), "{:?}", outcome.0);
    assert_eq!(proxy.lost(), 1);
    behind.batch_execute("ROLLBACK").await.unwrap();
    let seen = store.grant(grant.id).await.unwrap().unwrap();
    assert!(seen.redemption.unwrap().token_digest == wanted.token_digest, "it was done");
}

/// What was held is released though each answer was lost; what was not held never was.
#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_released_or_was_not_held_though_the_answer_was_lost() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy, &database).await;
    let id = opened(&store).await.id;
    assert!(!store.release_offer(id).await.unwrap(), "its statements are known from here on");
    for lost in 0..4 {
        store.hold_offer(id, now().plus(60)).await.unwrap();
        for was_held in [true, false] {
            proxy.lose_after(lost);
            let told = store.release_offer(id).await.unwrap();
            proxy.set(Mood::Open);
            assert_eq!(told, was_held, "{lost}");
        }
    }
    assert!(proxy.lost() > 0);
}

/// P13: a caller who asks again with the same key gets the same offer.
#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_not_taken_for_a_repetition_of_itself() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy, &database).await;
    let digest = |byte| SecretDigest([byte; 32]);
    let idempotency = Idempotency {
        key_digest: digest(1),
        request_digest: digest(2),
        expires_at: now().plus(60),
    };
    let mut first = new_offer();
    first.idempotency = Some(idempotency);
    let id = first.grant.id;
    proxy.set(Mood::LoseNextAnswer);
    assert_eq!(store.open_offer(first).await.unwrap(), Opened::Opened);
    assert_eq!(proxy.lost(), 1);
    let mut second = new_offer();
    second.idempotency = Some(idempotency);
    let outcome = store.open_offer(second).await.unwrap();
    assert_eq!(outcome, Opened::Repeated(id, digest(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_decided_and_has_its_offer_though_the_answers_were_lost() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy, &database).await;
    let application = application(ApplicationState::Waiting);
    proxy.set(Mood::LoseNextAnswer);
    store.open_application(application.clone()).await.unwrap();
    let yes = ApplicationState::Approved;
    let mut losses = 1;
    // A step of several questions loses each of its answers once.
    for lost in 0..6 {
        let seen = store.application(application.id).await.unwrap().unwrap();
        if lost == 0 {
            proxy.set(Mood::LoseNextAnswer);
            assert!(store.decide_application(&seen, yes, now()).await.unwrap());
            losses += 1;
        }
        let mut offer = new_offer();
        let id = offer.grant.id;
        let seen = store.application(application.id).await.unwrap().unwrap();
        assert_eq!((seen.state, seen.approvals), (yes, 1));
        offer.application = Some((application.id, seen.offer_id));
        proxy.set(Mood::LoseNextAnswer);
        assert_eq!(store.open_offer(offer).await.unwrap(), Opened::Opened);
        losses += 1;
        let seen = store.application(application.id).await.unwrap().unwrap();
        assert_eq!(seen.offer_id, Some(id));
        assert!(store.grant(id).await.unwrap().is_some());
    }
    assert_eq!(proxy.lost(), losses);
}

/// A step of several answers, each of them lost once: whatever it was the answer to.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_at_any_byte_spends_nothing_twice() {
    let server = Server::shared();
    let database = server.migrated().await;
    for count in 0..12 {
        let proxy = Proxy::before(server.port()).await;
        let address = database.behind(proxy.port);
        let options = Options { address: &address, password_file: None, ca: None };
        let store = Postgres::open(&options, "one", &SystemRandom).await.unwrap();
        let grant = opened(&store).await;
        let wanted = redemption(grant.id);
        database.cut().await; // the step begins with a new connection and new statements
        proxy.lose_after(count);
        assert!(store.redeem(&grant, &wanted).await.unwrap(), "answer {count}");
        let seen = store.grant(grant.id).await.unwrap().unwrap();
        assert!(seen.redemption.unwrap().token_digest == wanted.token_digest);
    }
}

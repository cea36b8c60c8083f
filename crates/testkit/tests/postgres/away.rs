//! The server is away, dies, or does not answer: whoever waits is told soon, nothing that was
//! acknowledged is lost, and all is well again by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use issuer::store::postgres::{Options, Postgres};
use issuer::store::{Recorded, Store, StoreError};
use keys::outside::SystemRandom;
use oid4vci::grant::Grant;
use oid4vci::secret::SecretDigest;
use testkit::postgres::{Server, eventually};
use tokio::task::JoinSet;

use crate::proxy::{Mood, Proxy};
use crate::steps::{new_offer, nonce, now, opened, record, redemption};

/// Who waits for a server that does not answer is told within this time.
const TOLD_WITHIN: Duration = Duration::from_secs(8);

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::InDoubt(_)))
}

/// X17
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_is_missed_at_once_and_found_again() {
    let server = Server::start();
    let database = server.migrated().await;
    let store = database.open("one").await;
    let grant = opened(&store).await;
    server.stop("fast");
    let begun = Instant::now();
    assert!(is_unavailable(&store.redeem(&grant, &redemption(grant.id)).await));
    assert!(begun.elapsed() < TOLD_WITHIN, "{:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..100 {
        assert!(is_unavailable(&store.redeem(&grant, &redemption(grant.id)).await));
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(is_unavailable(&store.check().await));
    server.resume();
    eventually("the server is found again", async || store.check().await.is_ok()).await;
    eventually("writers come back", async || store.open_offer(new_offer()).await.is_ok()).await;
    eventually("readers come back", async || store.grant(grant.id).await.is_ok()).await;
    let seen = store.grant(grant.id).await.unwrap().unwrap();
    assert!(seen.redemption.is_none(), "nothing was spent");
    assert!(store.redeem(&seen, &redemption(grant.id)).await.unwrap());
}

/// A host that has vanished answers nothing, not even that it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_is_not_waited_for() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let address = database.behind(proxy.port);
    let options = Options { address: &address, password_file: None, ca: None };
    let store = Arc::new(Postgres::open(&options, "one", &SystemRandom).await.unwrap());
    let grant = opened(&*store).await;
    proxy.set(Mood::Silent);
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let (store, grant) = (Arc::clone(&store), grant.clone());
        callers.spawn(async move {
            let outcome = store.redeem(&grant, &redemption(grant.id)).await;
            assert!(is_unavailable(&outcome));
            let read = store.grant(grant.id).await;
            assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
            matches!(outcome, Err(StoreError::InDoubt(_)))
        });
    }
    let in_doubt = callers.join_all().await.into_iter().filter(|doubt| *doubt).count();
    assert!((1..20).contains(&in_doubt), "those in work, not those that waited: {in_doubt}");
    assert!(begun.elapsed() < TOLD_WITHIN * 2, "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(is_unavailable(&store.redeem(&grant, &redemption(grant.id)).await));
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    proxy.set(Mood::Open);
    eventually("the server answers again", async || {
        store.open_offer(new_offer()).await.is_ok() && store.grant(grant.id).await.is_ok()
    })
    .await;
}

/// Q04: past what may wait, steps are refused at once.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_steps_are_refused_at_once() {
    let server = Server::shared();
    let database = server.migrated().await;
    let proxy = Proxy::before(server.port()).await;
    let address = database.behind(proxy.port);
    let options = Options { address: &address, password_file: None, ca: None };
    let store = Arc::new(Postgres::open(&options, "one", &SystemRandom).await.unwrap());
    let grant = opened(&*store).await;
    proxy.set(Mood::Silent);
    let refused_early = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..6000 {
        let (store, grant) = (Arc::clone(&store), grant.clone());
        let refused_early = Arc::clone(&refused_early);
        callers.spawn(async move {
            let begun = Instant::now();
            assert!(is_unavailable(&store.redeem(&grant, &redemption(grant.id)).await));
            if begun.elapsed() < Duration::from_millis(500) {
                refused_early.store(true, Ordering::SeqCst);
            }
        });
    }
    callers.join_all().await;
    assert!(refused_early.load(Ordering::SeqCst));
}

/// What a node has said of one offer.
struct Promise {
    grant: Grant,
    tokens: Vec<SecretDigest>,
    recorded: usize,
}

/// Takes one offer as far as it gets. An outcome that could not be known is not promised.
async fn flow(store: &dyn Store) -> Option<Promise> {
    let offer = new_offer();
    let id = offer.grant.id;
    store.open_offer(offer).await.ok()?;
    let grant = insist(|| store.grant(id)).await.unwrap();
    let mut promise = Promise { grant, tokens: Vec::new(), recorded: 0 };
    for _ in 0..3 {
        let redemption = redemption(id);
        if insist(|| store.redeem(&promise.grant, &redemption)).await {
            promise.tokens.push(redemption.token_digest);
        }
    }
    let grant = insist(|| store.grant(id)).await.unwrap();
    if grant.redemption.is_some()
        && let Ok(Recorded::Recorded) =
            store.record_issuance(&record(&grant), &[nonce()], &[], now()).await
    {
        promise.recorded += 1;
    }
    Some(promise)
}

/// Asks until the server is back.
async fn insist<T, F>(step: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match step().await {
            Ok(outcome) => return outcome,
            Err(StoreError::Unavailable(_) | StoreError::InDoubt(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(StoreError::Broken(text)) => panic!("{text}"),
        }
    }
}

/// I1, I7, X18: the server is killed again and again under the load of two nodes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing_that_was_acknowledged() {
    let server = Server::start();
    let database = server.migrated().await;
    let nodes = [Arc::new(database.open("one").await), Arc::new(database.open("one").await)];
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let (node, is_over) = (Arc::clone(&nodes[caller % 2]), Arc::clone(&is_over));
        callers.spawn(async move {
            let mut promises = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                match flow(&*node).await {
                    Some(promise) => promises.push(promise),
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
            promises
        });
    }
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.stop("immediate");
        server.resume();
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    is_over.store(true, Ordering::SeqCst);
    let promises: Vec<Promise> = callers.join_all().await.into_iter().flatten().collect();
    assert!(promises.len() > 50, "too few to say anything: {}", promises.len());
    for Promise { grant, tokens, recorded } in &promises {
        assert!(tokens.len() <= 1, "two tokens for one code");
        let seen = nodes[0].grant(grant.id).await.unwrap().unwrap();
        if let Some(token) = tokens.first() {
            assert!(seen.redemption.unwrap().token_digest == *token);
        }
        assert!(seen.issued.len() >= *recorded);
    }
}

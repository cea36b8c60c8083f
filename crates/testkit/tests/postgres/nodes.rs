//! Several nodes on one database: any of them does any step, and nothing is done twice (X22).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use issuer::store::postgres::Postgres;
use issuer::store::{Recorded, Redeemed, Store};
use testkit::postgres::{Database, Server};
use testkit::sender::used;
use tokio::task::JoinSet;

use crate::steps::{nonce, now, opened, record, redeemed, redemption};

/// Racing callers.
const RACERS: usize = 200;

async fn two(database: &Database<'_>) -> [Arc<Postgres>; 2] {
    [Arc::new(database.open("one").await), Arc::new(database.open("one").await)]
}

/// VCI §13.6.1, SEC-07, I1: over two nodes a code yields one token.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_yields_one_token_over_two_nodes() {
    let server = Server::shared();
    let database = server.migrated().await;
    let nodes = two(&database).await;
    let grant = opened(&*nodes[0]).await;
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (node, grant) = (Arc::clone(&nodes[racer % 2]), grant.clone());
        let redemption = redemption(grant.id);
        racers.spawn(async move {
            node.redeem(&grant, &redemption).await.unwrap().then_some(redemption.token_digest)
        });
    }
    let winners: Vec<_> = racers.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    for node in &nodes {
        let seen = node.grant(grant.id).await.unwrap().unwrap();
        assert!(seen.redemption.unwrap().token_digest == winners[0]);
    }
}

/// D05: over two nodes one proof redeems one code, and of racing retries one leaves its token.
#[tokio::test(flavor = "multi_thread")]
async fn proofs_and_retries_race_over_two_nodes() {
    let server = Server::shared();
    let database = server.migrated().await;
    let nodes = two(&database).await;
    let proof = used(now()).await;
    let mut racers = JoinSet::new();
    for racer in 0..40 {
        let (node, grant) = (Arc::clone(&nodes[racer % 2]), opened(&*nodes[0]).await);
        racers.spawn(async move {
            let outcome = node.redeem_proved(&grant, &redemption(grant.id), &[proof]).await;
            (outcome.unwrap() == Redeemed::Redeemed).then_some(grant.id)
        });
    }
    let winners: Vec<_> = racers.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let seen = nodes[1].grant(winners[0]).await.unwrap().unwrap();
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (node, seen) = (Arc::clone(&nodes[racer % 2]), seen.clone());
        let (again, proof) = (redemption(seen.id), used(now()).await);
        racers.spawn(async move {
            let outcome = node.redeem_again(&seen, &again, &[proof]).await.unwrap();
            (outcome == Redeemed::Redeemed).then_some(again.token_digest)
        });
    }
    let winners: Vec<_> = racers.join_all().await.into_iter().flatten().collect();
    let living = nodes[0].grant(seen.id).await.unwrap().unwrap().redemption.unwrap();
    assert_eq!(winners.len(), 1);
    assert!(living.token_digest == winners[0]);
}

/// VCI §13.6.3: guesses at two nodes count one by one too.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_two_nodes_count_one_by_one() {
    let server = Server::shared();
    let database = server.migrated().await;
    let nodes = two(&database).await;
    let grant = opened(&*nodes[0]).await;
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (node, grant) = (Arc::clone(&nodes[racer % 2]), grant.clone());
        racers.spawn(async move { node.count_wrong_tx_code(&grant).await.unwrap() });
    }
    let counted = racers.join_all().await.into_iter().filter(|counted| *counted).count();
    let attempts = nodes[0].grant(grant.id).await.unwrap().unwrap().attempts;
    assert_eq!((counted, attempts), (1, 1));
}

/// I6: a nonce is accepted once over all nodes, and a request that is refused spends none.
#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_spent_once_over_two_nodes() {
    let server = Server::shared();
    let database = server.migrated().await;
    let nodes = two(&database).await;
    for _ in 0..10 {
        let shared = nonce();
        let mut racers = JoinSet::new();
        for racer in 0..20 {
            let node = Arc::clone(&nodes[racer % 2]);
            let grant = redeemed(&*node).await;
            racers.spawn(async move {
                let (own, record) = (nonce(), record(&grant));
                // Its own nonce stands first or last, so that nodes spend them in either order.
                let nonces = if racer % 4 < 2 { [own, shared] } else { [shared, own] };
                let outcome = node.record_issuance(&record, &nonces, &[], now()).await.unwrap();
                let again = node.record_issuance(&record, &[own], &[], now()).await.unwrap();
                (outcome, again)
            });
        }
        let outcomes = racers.join_all().await;
        let recorded = outcomes.iter().filter(|(first, _)| *first == Recorded::Recorded).count();
        assert_eq!(recorded, 1);
        for (first, again) in outcomes {
            let wanted = match first {
                Recorded::NonceSpent | Recorded::Replayed => Recorded::Recorded,
                Recorded::Recorded | Recorded::Changed => Recorded::NonceSpent,
            };
            assert_eq!(again, wanted, "a refused request spends no nonce");
        }
    }
}

/// X17, X18: connections that are cut under load are made again, and every answer holds.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_are_made_again() {
    let server = Server::shared();
    let database = server.migrated().await;
    let nodes = two(&database).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let (node, is_over) = (Arc::clone(&nodes[caller % 2]), Arc::clone(&is_over));
        callers.spawn(async move {
            let mut done = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                let grant = redeemed(&*node).await;
                let outcome = node.record_issuance(&record(&grant), &[nonce()], &[], now()).await;
                assert_eq!(outcome.unwrap(), Recorded::Recorded);
                done.push(grant);
            }
            done
        });
    }
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        database.cut().await;
    }
    is_over.store(true, Ordering::SeqCst);
    let done: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    assert!(done.len() > 20, "too few to say anything: {}", done.len());
    for grant in &done {
        let seen = nodes[0].grant(grant.id).await.unwrap().unwrap();
        assert_eq!(seen.issued.len(), 1);
    }
}

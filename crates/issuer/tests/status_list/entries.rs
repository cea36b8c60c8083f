//! Which entries credentials get (HAIP-45, GEN-05).

use std::collections::BTreeSet;
use std::sync::Arc;

use formats::status_list::{Bits, Status};
use issuer::Issuer;
use issuer::credential_type::Revocation;
use issuer::http::public;
use issuer::store::status::NewLease;
use keys::outside::{SystemRandom, Timestamp};
use serde_json::json;
use testkit::outside::TestRandom;
use testkit::proof::holder_key;
use testkit::wire::Wire;
use testkit::world::World;
use tokio::task::JoinSet;

use crate::{CARD, DIPLOMA, TICKET, issue, issued, issued_together, status, verified};

/// DEP-10, HAIP-43: in both formats, and valid as long as nobody says otherwise.
#[tokio::test]
async fn a_credential_points_to_an_entry_that_says_valid() {
    let world = World::new().await;
    for id in [CARD, DIPLOMA] {
        let (_, reference) = issued(&world, id).await;
        assert_eq!(reference.uri, "https://issuer.example/status-lists/1");
        assert!(reference.idx < world.issuer.config.status.size);
        assert_eq!(status(&world, &world.public, &reference).await, Some(Status::Valid), "{id}");
    }
}

/// GEN-05, HAIP-45: nothing in the entries tells that credentials belong together.
#[tokio::test]
async fn credentials_of_one_request_have_entries_of_their_own() {
    let world = World::new().await;
    let (_, references) = issued_together(&world, CARD, 10).await;
    let idx: BTreeSet<u64> = references.iter().map(|reference| reference.idx).collect();
    assert_eq!(idx.len(), 10);
    let near = idx.iter().zip(idx.iter().skip(1)).filter(|(one, next)| *next - *one < 16).count();
    assert!(near < 2, "J03: {idx:?}");
}

/// Catalogue J01, J06: nodes in parallel, over the end of several lists.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_give_out_every_entry_once() {
    let world = World::with(|issuer| issuer.config.status.size = 1024).await;
    let nodes =
        [Arc::clone(&world.issuer), world.another_issuer(2).await, world.another_issuer(3).await];
    let mut racers = JoinSet::new();
    for racer in 0..30 {
        let node = Arc::clone(&nodes[racer % nodes.len()]);
        racers.spawn(async move {
            let mut entries = Vec::new();
            for _ in 0..20 {
                entries.extend(node.status_lists.take(&node, 5).await.unwrap());
            }
            entries
        });
    }
    let entries: Vec<_> = racers.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = entries.iter().collect();
    assert_eq!((entries.len(), distinct.len()), (3000, 3000));
    assert!(entries.iter().all(|entry| entry.idx < 1024));
    let lists = distinct.iter().map(|entry| entry.list).collect::<BTreeSet<_>>().len();
    assert!((3..=4).contains(&lists), "{lists}: no list is opened in vain");
}

/// Catalogue J02: a node that dies wastes what it had leased, and no other node gives it out again.
#[tokio::test]
async fn a_crash_wastes_a_lease_at_most() {
    let world = World::with(|issuer| issuer.config.status.size = 16_384).await;
    let mut seen = BTreeSet::new();
    for life in 0..10 {
        let node = world.another_issuer(10 + life).await;
        for entry in node.status_lists.take(&node, 3).await.unwrap() {
            assert!(seen.insert(entry), "{entry:?}");
        }
    }
    assert_eq!(seen.iter().map(|entry| entry.list).collect::<BTreeSet<_>>().len(), 1);
    let lists = world.issuer.store.status_lists(0).await.unwrap();
    assert_eq!(lists.len(), 1, "ten lives are ten leases of 512, of the 32 in this list");
}

/// A request that is refused at the last moment costs no entry: else replays would use up lists.
#[tokio::test]
async fn a_refused_request_costs_no_entry() {
    let world = World::with(|issuer| issuer.config.status.size = 1024).await;
    let token = world.token(CARD).await;
    let key = holder_key();
    let proof = world.proof(&key).await;
    world.credential(&token, CARD, std::slice::from_ref(&proof)).await.success();
    for _ in 0..200 {
        let again = world.credential(&token, CARD, std::slice::from_ref(&proof)).await;
        assert!(again.is(400, "invalid_nonce"));
    }
    let left = 64 - 1; // of one lease of such a list
    world.issuer.status_lists.take(&world.issuer, left).await.unwrap();
    let next = world.another_issuer(5).await;
    let entry = next.status_lists.take(&next, 1).await.unwrap()[0];
    assert_eq!(entry.list, 1);
    let wanted = NewLease {
        count: 64,
        bits: Bits::Two,
        size: 1024,
        shuffle_key: [0; 32],
        now: Timestamp(0),
    };
    let lease = world.issuer.store.lease_entries(&wanted).await.unwrap();
    assert_eq!(lease.start, 2 * 64, "one lease of each node so far");
}

/// A type, or the whole issuer, may go without.
#[tokio::test]
async fn without_a_status_list_there_is_no_claim() {
    let world = World::with(|issuer| {
        let ticket = issuer.types.get_mut(TICKET).unwrap();
        ticket.revocation = Revocation::Never;
    })
    .await;
    let answer = issue(&world, &world.token(TICKET).await, TICKET, 0).await;
    assert_eq!(verified(&world, TICKET, &answer)[0].status, None);
    let answer = issue(&world, &world.token(CARD).await, CARD, 1).await;
    assert!(verified(&world, CARD, &answer)[0].status.is_some());
    let world = World::with(|issuer| issuer.config.status.enabled = false).await;
    let answer = issue(&world, &world.token(CARD).await, CARD, 1).await;
    assert_eq!(verified(&world, CARD, &answer)[0].status, None);
    assert!(world.issuer.store.status_lists(0).await.unwrap().is_empty());
}

/// Switched off, the issuer still answers for what it has issued.
#[tokio::test]
async fn lists_that_were_begun_stay() {
    let world = World::new().await;
    let (offer, reference) = issued(&world, CARD).await;
    let mut config = world.issuer.config.clone();
    config.status.enabled = false;
    let (clock, random) = (Box::new(world.clock.clone()), Box::new(TestRandom::new(9)));
    let later = Arc::new(Issuer::open(config, clock, random).await.unwrap());
    let wire = Wire::new(public(Arc::clone(&later)));
    assert_eq!(status(&world, &wire, &reference).await, Some(Status::Valid));
    let path = format!("/admin/v1/offers/{offer}/status");
    let set = world.operator("POST", &path, Some(&json!({ "status": "invalid" }))).await;
    assert_eq!(set.status, 200, "{}", set.text());
    later.status_lists.bring_up_to_date(&later).await.unwrap();
    assert_eq!(status(&world, &wire, &reference).await, Some(Status::Invalid));
}

/// The keys of lists come from the machine's randomness: two issuers shuffle differently.
#[tokio::test]
async fn another_list_has_another_order() {
    let world = World::new().await;
    let other = World::new().await;
    let config = other.issuer.config.clone();
    let clock = Box::new(other.clock.clone());
    let other = Issuer::open(config, clock, Box::new(SystemRandom)).await.unwrap();
    let one = world.issuer.status_lists.take(&world.issuer, 50).await.unwrap();
    let two = other.status_lists.take(&other, 50).await.unwrap();
    assert!(one.iter().filter(|entry| two.contains(entry)).count() < 5);
}

/// IMPL-04: who asks again, with another key or the same one, loses nothing of what it has.
#[tokio::test]
async fn another_request_revokes_nothing() {
    let world = World::new().await;
    let token = world.token(CARD).await;
    let mut references = Vec::new();
    for count in [1, 2, 1] {
        let answer = issue(&world, &token, CARD, count).await;
        references.extend(verified(&world, CARD, &answer).iter().map(super::reference));
    }
    assert_eq!(references.len(), 4);
    for reference in &references {
        assert_eq!(status(&world, &world.public, reference).await, Some(Status::Valid));
    }
}

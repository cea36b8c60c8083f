//! Operators revoke, suspend and reinstate (TSL §7.1, catalogue J04, J05, J13).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use formats::status_list::Status;
use issuer::Issuer;
use issuer::credential_type::Revocation;
use issuer::flow::status::{StatusRequest, set_status};
use issuer::http::public;
use issuer::store::PurgeBefore;
use issuer::store::sqlite::{JournalContent, journal_path, read_journal};
use keys::outside::{Clock as _, SystemRandom, Timestamp};
use oid4vci::offer::OfferId;
use serde_json::{Value, json};
use testkit::wire::{Answer, Wire};
use testkit::world::World;

use crate::{CARD, TICKET, issue, issued, issued_together, status};

async fn set(world: &World, offer: &str, body: Value) -> Answer {
    let path = format!("/admin/v1/offers/{offer}/status");
    world.operator("POST", &path, Some(&body)).await
}

/// The statuses that the API tells after a change.
fn statuses(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let credentials = answer["credentials"].as_array().unwrap().iter();
    credentials.map(|one| one["status"].as_str().unwrap_or("none").to_owned()).collect()
}

/// A problem of the admin API, by its status and a word of its text.
fn is_problem(answer: &Answer, status: u16, word: &str) -> bool {
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    (answer.status, detail.contains(word)) == (status, true)
}

/// SEC-10: the way of a credential, as every verifier sees it at every node.
#[tokio::test]
async fn a_change_is_seen_on_every_node() {
    let world = World::new().await;
    let (offer, reference) = issued(&world, CARD).await;
    let (_, neighbour) = issued(&world, CARD).await;
    let other = world.another_issuer(4).await;
    let wire = Wire::new(public(Arc::clone(&other)));
    for (asked, expected) in [
        ("suspended", Status::Suspended),
        ("suspended", Status::Suspended),
        ("valid", Status::Valid),
        ("valid", Status::Valid),
        ("invalid", Status::Invalid),
        ("invalid", Status::Invalid),
    ] {
        let answer = set(&world, &offer, json!({ "status": asked })).await;
        assert_eq!(statuses(&answer), [asked]);
        for node in [&world.issuer, &other] {
            node.status_lists.bring_up_to_date(node).await.unwrap();
        }
        for wire in [&world.public, &wire] {
            assert_eq!(status(&world, wire, &reference).await, Some(expected), "{asked}");
            assert_eq!(status(&world, wire, &neighbour).await, Some(Status::Valid));
        }
    }
    for asked in ["valid", "suspended"] {
        let answer = set(&world, &offer, json!({ "status": asked })).await;
        assert!(is_problem(&answer, 409, "for good"), "J13: {answer:?}");
    }
    let late = world.another_node(5).await;
    assert_eq!(status(&world, &late, &reference).await, Some(Status::Invalid), "after a restart");
}

#[tokio::test]
async fn one_credential_of_several_can_be_meant() {
    let world = World::new().await;
    let (offer, references) = issued_together(&world, CARD, 3).await;
    let answer = set(&world, &offer, json!({ "status": "invalid", "credentials": [2] })).await;
    assert_eq!(statuses(&answer), ["valid", "invalid", "valid"]);
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
    for (reference, expected) in
        references.iter().zip([Status::Valid, Status::Invalid, Status::Valid])
    {
        assert_eq!(status(&world, &world.public, reference).await, Some(expected));
    }
    let answer = set(&world, &offer, json!({ "status": "suspended", "credentials": [1, 2] })).await;
    assert!(is_problem(&answer, 409, "Credential 2"), "{answer:?}");
    let answer = set(&world, &offer, json!({ "status": "suspended" })).await;
    assert_eq!(statuses(&answer), ["suspended", "invalid", "suspended"], "the revoked one stays");
    let answer = set(&world, &offer, json!({ "status": "valid", "credentials": [3] })).await;
    assert_eq!(statuses(&answer), ["suspended", "invalid", "valid"]);
    let shown = world.operator("GET", &format!("/admin/v1/offers/{offer}"), None).await.json();
    assert_eq!(shown["credentials"][0]["number"], 1);
    assert_eq!(shown["credentials"][0]["status"], "suspended");
    assert_eq!(shown["credentials"][0]["credential_configuration_id"], CARD);
    let listed = world.operator("GET", "/admin/v1/offers", None).await.json();
    assert_eq!(listed["offers"][0]["credentials"], shown["credentials"]);
}

/// Catalogue J05: whoever was revoked does not ask for another one with the token of the same offer.
#[tokio::test]
async fn an_offer_whose_credentials_were_all_revoked_gives_no_more() {
    for (asked, ends) in [("invalid", true), ("suspended", true), ("valid", false)] {
        let world = World::new().await;
        let offered = world.offer(CARD, &json!({})).await;
        let token = world.redeem(&offered.code, &[]).await.success();
        let token = token["access_token"].as_str().unwrap();
        issue(&world, token, CARD, 1).await.success();
        set(&world, &offered.id, json!({ "status": asked })).await;
        let again = issue(&world, token, CARD, 1).await;
        assert_eq!(again.status, if ends { 401 } else { 200 }, "{asked}");
    }
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({})).await;
    let token = world.redeem(&offered.code, &[]).await.success();
    let token = token["access_token"].as_str().unwrap();
    issue(&world, token, CARD, 1).await.success();
    set(&world, &offered.id, json!({ "status": "invalid", "credentials": [1] })).await;
    issue(&world, token, CARD, 1).await.success(); // one was meant, not the offer
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_and_changes_nothing() {
    let world = World::with(|issuer| {
        issuer.types.get_mut(TICKET).unwrap().revocation = Revocation::Never;
    })
    .await;
    let unknown = "01a20ad6-7e98-7723-a4f6-827abaf3b248";
    let invalid = json!({ "status": "invalid" });
    assert!(is_problem(&set(&world, unknown, invalid.clone()).await, 404, "no such offer"));
    assert!(is_problem(&set(&world, "x", invalid.clone()).await, 404, "no such offer"));
    let open = world.offer(CARD, &json!({})).await;
    assert!(is_problem(&set(&world, &open.id, invalid.clone()).await, 422, "withdraw"));
    assert_eq!(world.standing(&open).await["withdrawn_at"], Value::Null, "it is still open");
    let ticket = world.offer(TICKET, &json!({})).await;
    let token = world.redeem(&ticket.code, &[]).await.success();
    issue(&world, token["access_token"].as_str().unwrap(), TICKET, 0).await.success();
    assert!(is_problem(&set(&world, &ticket.id, invalid).await, 422, "in no status list"));
    assert_eq!(world.standing(&ticket).await["credentials"][0]["status"], Value::Null);
    let (offer, _) = issued(&world, CARD).await;
    for (body, code, word) in [
        (json!({ "status": "invalid", "credentials": [1, 2] }), 422, "no credential 2"),
        (json!({ "status": "invalid", "credentials": [0] }), 422, "no credential 0"),
        (json!({ "status": "invalid", "credentials": [] }), 400, "leave"),
        (json!({ "status": "revoked" }), 400, "does not fit"),
        (json!({ "status": "invalid", "credential": [1] }), 400, "does not fit"),
        (json!({}), 400, "does not fit"),
    ] {
        let answer = set(&world, &offer, body.clone()).await;
        assert!(is_problem(&answer, code, word), "{body}: {answer:?}");
    }
    let path = format!("/admin/v1/offers/{offer}/status");
    assert_eq!(statuses(&world.operator("GET", &path, None).await), ["valid"]);
}

/// A type that may not be suspended, and a list that has no room for it.
#[tokio::test]
async fn suspension_needs_a_type_and_a_list_that_have_it() {
    let world = World::with(|issuer| {
        issuer.types.get_mut(CARD).unwrap().revocation = Revocation::WithoutSuspension;
    })
    .await;
    let (offer, _) = issued(&world, CARD).await;
    let suspended = json!({ "status": "suspended" });
    assert!(is_problem(&set(&world, &offer, suspended.clone()).await, 422, "cannot be suspended"));
    assert_eq!(statuses(&set(&world, &offer, json!({ "status": "invalid" })).await), ["invalid"]);
    let world = World::with(|issuer| issuer.config.status.bits = 1).await;
    let (offer, reference) = issued(&world, CARD).await;
    assert!(is_problem(&set(&world, &offer, suspended).await, 422, "cannot be suspended"));
    assert_eq!(statuses(&set(&world, &offer, json!({ "status": "invalid" })).await), ["invalid"]);
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
    assert_eq!(status(&world, &world.public, &reference).await, Some(Status::Invalid));
}

/// A credential lives longer than the record of its offer.
#[tokio::test]
async fn a_credential_can_be_revoked_when_its_offer_is_forgotten() {
    let world = World::new().await;
    let (offer, reference) = issued(&world, CARD).await;
    world.clock.advance(200 * 24 * 3600);
    let now = world.clock.now();
    let before =
        PurgeBefore { now, claims: now, applications: now, offers: now, issuances: Timestamp(0) };
    world.issuer.store.purge(&before, 1000).await.unwrap();
    let forgotten = world.operator("GET", &format!("/admin/v1/offers/{offer}"), None).await;
    assert_eq!(forgotten.status, 404);
    assert_eq!(statuses(&set(&world, &offer, json!({ "status": "invalid" })).await), ["invalid"]);
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
    assert_eq!(status(&world, &world.public, &reference).await, Some(Status::Invalid));
}

fn database(world: &World) -> &Path {
    world.issuer.config.database.file().unwrap()
}

fn journal(world: &World) -> JournalContent {
    read_journal(database(world)).unwrap().unwrap()
}

/// The journal has what was changed, and nothing else; a line that a crash cut off harms no other.
#[tokio::test]
async fn the_journal_tells_every_change() {
    let world = World::new().await;
    assert_eq!(journal(&world), JournalContent::default(), "it is there from the first start");
    let (offer, reference) = issued(&world, CARD).await;
    for asked in ["suspended", "suspended", "valid", "valid", "invalid", "invalid", "valid"] {
        set(&world, &offer, json!({ "status": asked })).await;
    }
    let told = |content: &JournalContent| {
        let changes = content.changes.iter();
        changes.map(|(_, change)| (change.entry.idx, change.status)).collect::<Vec<_>>()
    };
    let idx = reference.idx;
    let expected = [(idx, Status::Suspended), (idx, Status::Valid), (idx, Status::Invalid)];
    let content = journal(&world);
    assert_eq!(told(&content), expected);
    let (issuer, first) = &content.changes[0];
    assert_eq!((issuer.as_str(), first.entry.list), ("default", 1));
    assert_eq!(first.changed_at, world.clock.now());
    let path = journal_path(database(&world));
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str(r#"{"issuer":"default","list":1,"id"#);
    fs::write(&path, text).unwrap();
    let other = world.another_issuer(3).await; // which appends behind the torn line
    let (offer, second) = issued(&world, CARD).await;
    let id = OfferId::parse(&offer).unwrap();
    let request = StatusRequest { status: Status::Invalid, credentials: None };
    set_status(&other, id, &request).await.unwrap();
    let content = journal(&world);
    assert_eq!(content.unreadable, 1);
    assert_eq!(told(&content)[3..], [(second.idx, Status::Invalid)]);
}

/// A change that cannot be noted would be unknown after a restore.
#[tokio::test]
async fn an_issuer_that_cannot_write_its_journal_does_not_start() {
    let world = World::new().await;
    let path = journal_path(database(&world));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let (clock, random) = (Box::new(world.clock.clone()), Box::new(SystemRandom));
    let opened = Issuer::open(world.issuer.config.clone(), clock, random).await;
    let error = opened.unwrap_err().to_string();
    assert!(error.contains("bestow.revocations"), "{error}");
}

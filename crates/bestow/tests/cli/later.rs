//! Copies, what an officer approves later (VCI §9), and what the issuer hears (VCI §11): by commands
//! alone.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Outcome, TRUST, World, text};

/// An issuer of cards that wait, whose wallets may ask again after a second.
fn world() -> World {
    let mut world = World::new();
    let change = |file: &str, from: &str, to: &str| {
        let path = world.path(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    let card = "issuer/credentials/student_card.toml";
    change(card, "approval = \"officer\"", "approval = \"deferred\"");
    change(card, "tx_code = true", "tx_code = false");
    change(card, "letter = true", "letter = false");
    change("issuer/bestow.toml", "#interval = 60", "interval = 1");
    world.serve();
    world
}

fn resume(world: &World, more: &[&str]) -> Outcome {
    sleep(Duration::from_millis(1100));
    world.bestow(&[&["wallet", "resume", "--yes", "--json"], TRUST, more].concat())
}

fn deferred(world: &World, arguments: &[&str]) -> Outcome {
    world.bestow(&[&["issuer", "deferred"], arguments].concat())
}

fn event(world: &World, offer: &Value) -> Value {
    let offer = world.admin("GET", &format!("/admin/v1/offers/{}", text(offer, "id")));
    offer["credentials"][0]["event"].clone()
}

#[test]
fn a_card_that_waits_is_approved_and_fetched() {
    let world = world();
    let offer = world.offer(&["student_card"]);
    let link = text(&offer, "uri");
    let received = world.receive(&link, &["--batch", "2", "--json"]).exits(7).json();
    assert_eq!(received["error"]["code"], "not_yet");
    assert_eq!(received["credentials"], json!([]));
    assert_eq!(received["pending"][0]["credential_configuration_id"], "student_card");
    assert_eq!(world.offer_state(&text(&offer, "id")), "deferred");
    let listed = world.bestow(&["wallet", "pending"]).exits(0);
    assert!(listed.stdout.contains("Student Card"), "{listed}");
    let waits = resume(&world, &[]).exits(7).json();
    assert_eq!(waits["pending"].as_array().unwrap().len(), 1);

    let queue = deferred(&world, &["list", "--json"]).exits(0).json();
    let id = text(&queue["deferrals"][0], "id");
    assert_eq!(queue["deferrals"][0]["copies"], 2);
    let approved = deferred(&world, &["approve", &id]).exits(0);
    assert_eq!(approved.stdout.trim(), format!("approved: {id}"));
    let empty = deferred(&world, &["list"]).exits(0);
    assert!(empty.stderr.contains("no credential is waiting"), "{empty}");

    let kept = resume(&world, &[]).exits(0).json();
    assert_eq!(kept["credentials"][0]["copies"], 2);
    assert_eq!(kept["pending"], json!([]));
    assert_eq!(event(&world, &offer), "credential_accepted");
    let list = world.bestow(&["wallet", "list"]).exits(0);
    assert!(list.stdout.contains("(2 copies)"), "{list}");
    assert_eq!(deferred(&world, &["reject", &id]).exits(3).code, Some(3), "too late");

    let card = text(&kept["credentials"][0], "id");
    world.bestow(&["wallet", "delete", &card, "--yes"]).exits(0);
    resume(&world, &[]).exits(0);
    assert_eq!(event(&world, &offer), "credential_deleted", "told the next time");
}

#[test]
fn a_card_that_is_rejected_is_no_longer_waited_for() {
    let world = world();
    world.receive(&world.link(&["student_card"]), &[]).exits(7);
    let queue = deferred(&world, &["list", "--json"]).exits(0).json();
    deferred(&world, &["reject", &text(&queue["deferrals"][0], "id")]).exits(0);
    let outcome = resume(&world, &[]).exits(3);
    let refused = outcome.json();
    assert_eq!(refused["error"]["code"], "credential_request_denied");
    assert!(text(&refused["error"], "message").ends_with("it is no longer waited for"));
    assert!(outcome.stderr.contains("Student Card did not come"), "{outcome}");
    let pending = world.bestow(&["wallet", "pending", "--json"]).exits(0).json();
    assert_eq!(pending, json!({ "pending": [] }));
}

#[test]
fn what_is_still_to_come_can_be_given_up() {
    let world = world();
    let received = world.receive(&world.link(&["student_card"]), &["--json"]).exits(7).json();
    let id = text(&received["pending"][0], "id");
    assert_eq!(resume(&world, &["nobody"]).exits(2).json()["error"]["code"], "unknown_credential");
    world.bestow(&["wallet", "delete", &id, "--yes"]).exits(0);
    assert_eq!(resume(&world, &[]).exits(0).json(), json!({ "credentials": [], "pending": [] }));
}

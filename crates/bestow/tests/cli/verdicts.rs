//! Exit codes 1 to 7 of `wallet receive`: scripts tell by them what to do next.

use serde_json::json;

use crate::stranger::Stranger;
use crate::world::{Outcome, TRUST, World, text};

/// The code of the one error object on standard output.
#[track_caller]
fn error(outcome: &Outcome) -> String {
    text(&outcome.json()["error"], "code")
}

#[test]
fn own_fault_is_1() {
    let world = World::new();
    let outcome = world.bestow(&["wallet", "--store", "/dev/null/wallet", "list", "--json"]);
    assert!(!error(&outcome.exits(1)).is_empty());
}

#[test]
fn a_used_offer_is_refused_with_3() {
    let world = World::serving();
    let offer = world.link(&["course_ticket", "--by-value"]);
    world.receive(&offer, &[]).exits(0);
    assert_eq!(error(&world.receive(&offer, &["--json"]).exits(3)), "invalid_grant");
}

/// Nobody is there to type it again, but the offer is not lost.
#[test]
fn a_wrong_tx_code_is_3_and_the_offer_survives() {
    let world = World::serving();
    let offer = world.offer(&["student_card", "--tx-code"]);
    let (link, tx_code) = (text(&offer, "uri"), text(&offer, "tx_code"));
    let wrong = if tx_code == "000000" { "000001" } else { "000000" };
    let outcome = world.receive(&link, &["--json", "--tx-code", wrong]).exits(3);
    assert_eq!(error(&outcome), "invalid_grant");
    assert!(text(&outcome.json()["error"], "hint").contains("try again"), "{outcome}");
    world.receive(&link, &["--tx-code", &tx_code]).exits(0);
}

#[test]
fn a_tx_code_that_is_missing_or_cannot_be_right_costs_no_attempt() {
    let world = World::serving();
    let offer = world.offer(&["student_card", "--tx-code"]);
    let link = text(&offer, "uri");
    let outcome = world.receive(&link, &["--json"]).exits(2);
    assert_eq!(error(&outcome), "tx_code_needed");
    assert!(text(&outcome.json()["error"], "hint").contains("--tx-code"), "{outcome}");
    let misfit = world.receive(&link, &["--json", "--tx-code", "12345"]).exits(2);
    assert_eq!(error(&misfit), "tx_code_misfit");
    assert!(!world.log().contains("wrong tx_code"), "{}", world.log());
}

#[test]
fn an_unknown_host_is_4() {
    let world = World::new();
    let uri =
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.invalid%2Foffer";
    let outcome = world.receive(uri, &["--json"]).exits(4);
    assert_eq!(error(&outcome), "unknown_host");
    assert!(text(&outcome.json()["error"], "message").contains("issuer.invalid"), "{outcome}");
}

/// Catalogue A01: `--yes` is a yes to an issuer, and none is there.
#[test]
fn a_link_to_a_clouds_metadata_service_is_not_followed() {
    let world = World::new();
    for host in ["169.254.169.254", "%5Bfe80%3A%3A1%5D", "%5B%3A%3Affff%3Aa9fe%3Aa9fe%5D"] {
        let link = format!(
            "openid-credential-offer://?credential_offer_uri=https%3A%2F%2F{host}%2Flatest"
        );
        let outcome = world.receive(&link, &["--json"]).exits(4);
        assert_eq!(error(&outcome), "off_limits_address", "{host}");
        assert!(text(&outcome.json()["error"], "message").contains("no issuer is there"));
    }
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_is_4() {
    let world = World::serving();
    let link = world.link(&["course_ticket"]);
    let outcome = world.bestow(&["wallet", "receive", &link, "--yes", "--json"]).exits(4);
    assert_eq!(error(&outcome), "untrusted_certificate");
    assert!(text(&outcome.json()["error"], "hint").contains("--ca"), "{outcome}");
}

/// Without `--yes` and without anybody to ask, nothing is sent.
#[test]
fn an_offer_that_nobody_agreed_to_is_5_and_stays_untouched() {
    let world = World::serving();
    let offer = world.offer(&["course_ticket"]);
    let link = text(&offer, "uri");
    let outcome = world.bestow(&[&["wallet", "receive", &link, "--json"], TRUST].concat());
    assert_eq!(error(&outcome.exits(5)), "declined");
    assert_eq!(world.offer_state(&text(&offer, "id")), "created");
}

#[test]
fn an_issuer_that_nobody_vouches_for_is_6_unless_accepted() {
    let world = World::serving();
    let receive = |more: &[&str]| {
        let link = world.link(&["course_ticket"]);
        let command = ["wallet", "receive", &link, "--ca", "issuer/tls/ca.pem", "--yes", "--json"];
        world.bestow(&[&command, more].concat())
    };
    let outcome = receive(&[]).exits(6);
    assert_eq!(error(&outcome), "issuer_not_verified");
    assert!(text(&outcome.json()["error"], "hint").contains("--trust-anchor"), "{outcome}");
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed, json!({ "credentials": [] }));
    receive(&["--accept-unverified-issuer"]).exits(0);
}

#[tokio::test]
async fn a_deferred_credential_is_7() {
    let stranger = Stranger::start().await;
    let link = stranger.link();
    let outcome = tokio::task::spawn_blocking(move || {
        let world = World::new();
        world.receive(&link, &["--json", "--allow-http-loopback"])
    });
    assert_eq!(error(&outcome.await.unwrap().exits(7)), "not_yet");
}

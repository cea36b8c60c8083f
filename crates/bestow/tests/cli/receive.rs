//! `wallet receive`: every way in, and the object that scripts get.

use std::fs;
use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::world::{Outcome, World, names, text};

/// The one credential that was received.
fn credential(outcome: Outcome) -> Value {
    let object = outcome.exits(0).json();
    assert_eq!(names(&object), ["credentials"]);
    let credentials = object["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 1, "{object}");
    credentials[0].clone()
}

#[test]
fn an_offer_comes_as_a_link_or_a_picture_or_on_standard_input() {
    let world = World::serving();
    let offer = |file: &str| drop(world.offer(&["course_ticket", "--qr", file]));
    offer("offer.png");
    offer("offer.svg");
    offer("photo.png");
    let photo = image::open(world.path("photo.png")).unwrap();
    DynamicImage::from(photo.to_rgb8()).save(world.path("photo.jpg")).unwrap();
    fs::write(world.path("link.txt"), world.link(&["course_ticket"])).unwrap();
    let link = world.link(&["course_ticket", "--by-value"]);
    for way in ["offer.png", "offer.svg", "photo.jpg", "link.txt", &link] {
        let received = credential(world.receive(way, &["--json"]));
        assert_eq!(received["credential_configuration_id"], "course_ticket", "{way}");
    }

    let read = ["wallet", "receive", "-", "--json", "--yes", "--ca", "issuer/tls/ca.pem"];
    let read = [&read[..], &["--trust-anchor", "issuer/tls/ca.pem"]].concat();
    let link = format!("{}\n", world.link(&["course_ticket"]));
    credential(world.bestow_reading(&read, link.as_bytes()));
    offer("offer.png");
    credential(world.bestow_reading(&read, &fs::read(world.path("offer.png")).unwrap()));
}

#[test]
fn json_says_what_was_received() {
    let world = World::serving();
    let received = credential(world.receive(&world.link(&["student_card"]), &["--json"]));
    let expected = [
        "claims",
        "copies",
        "credential_configuration_id",
        "expires_at",
        "format",
        "holder_key",
        "id",
        "issuer",
        "status",
    ];
    assert_eq!(names(&received), expected);
    assert_eq!(received["format"], "dc+sd-jwt");
    assert_eq!(received["issuer"], world.issuer());
    assert_eq!(received["claims"]["address"]["city"], "Köln");
    for protocol in ["_sd", "_sd_alg", "cnf", "iat", "exp", "iss", "vct"] {
        assert!(received["claims"].get(protocol).is_none(), "{protocol}");
    }
    let kid = text(&received["holder_key"], "kid");
    assert_eq!(received["holder_key"], json!({ "kid": kid, "binding": "jwk", "did": null }));
    let keys = world.bestow(&["wallet", "keys", "--json"]).exits(0).json();
    assert_eq!(keys["keys"][0]["kid"], kid.as_str());

    let shown = world.bestow(&["wallet", "show", &text(&received, "id"), "--json"]);
    assert_eq!(shown.exits(0).json(), received);
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed, json!({ "credentials": [received] }));
}

#[test]
fn the_claims_of_a_w3c_credential_are_its_subject_without_the_id() {
    let world = World::serving();
    let offer = world.link(&["diploma"]);
    let received = credential(world.receive(&offer, &["--json", "--binding", "did:key"]));
    assert_eq!(received["format"], "jwt_vc_json");
    assert_eq!(received["issuer"], world.issuer());
    assert_eq!(received["claims"]["degree"], "Bachelor of Science");
    assert!(received["claims"].get("id").is_none(), "{received}");
    assert!(text(&received["holder_key"], "did").starts_with("did:key:z"), "{received}");
}

#[test]
fn a_credential_that_is_bound_to_no_key_has_none() {
    let world = World::serving();
    let received = credential(world.receive(&world.link(&["course_ticket"]), &["--json"]));
    assert_eq!(received["holder_key"], Value::Null);
}

#[test]
fn key_binding_and_algorithm_can_be_chosen() {
    let world = World::serving();
    let wish = ["--json", "--alg", "EdDSA", "--binding", "did:jwk"];
    let first = credential(world.receive(&world.link(&["student_card"]), &wish));
    assert!(text(&first["holder_key"], "did").starts_with("did:jwk:"));
    let keys = world.bestow(&["wallet", "keys", "--json"]).exits(0).json();
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");

    let kid = text(&first["holder_key"], "kid");
    let second =
        credential(world.receive(&world.link(&["student_card"]), &["--json", "--key", &kid]));
    assert_eq!(second["holder_key"], json!({ "kid": kid, "binding": "jwk", "did": null }));
    let third = credential(world.receive(&world.link(&["student_card"]), &["--json"]));
    assert_ne!(third["holder_key"]["kid"], kid.as_str(), "a new key for each credential");
}

/// What came is kept; the same object says what did not come. Names of keys may begin with a hyphen.
#[test]
fn one_object_tells_of_both_when_one_of_several_failed() {
    let world = World::serving();
    let offer = world.link(&["course_ticket", "student_card"]);
    let outcome = world.receive(&offer, &["--json", "--key", "-no-such-key"]).exits(2);
    let object = outcome.json();
    assert_eq!(names(&object), ["credentials", "error"]);
    assert_eq!(object["credentials"][0]["credential_configuration_id"], "course_ticket");
    assert_eq!(object["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(names(&object["error"]), ["code", "hint", "message"]);
    assert_eq!(object["error"]["code"], "unknown_key");
    assert!(outcome.stderr.contains("student_card was not received"), "{outcome}");
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed["credentials"], object["credentials"]);
}

#[test]
fn people_get_a_card_on_standard_output_and_the_rest_beside_it() {
    let world = World::serving();
    let outcome = world.receive(&world.link(&["student_card"]), &[]).exits(0);
    assert!(outcome.stdout.starts_with('╭') && outcome.stdout.ends_with("╯\n"), "{outcome}");
    assert!(outcome.stdout.contains("Student Card"), "{outcome}");
    let question = format!("Contact {}", world.issuer().trim_start_matches("https://"));
    assert!(outcome.stderr.contains(&question), "{outcome}");
    assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'), "{outcome}");
}

/// A picture without an offer costs nothing and says why.
#[test]
fn a_picture_must_show_an_offer() {
    let world = World::new();
    let mut empty = Cursor::new(Vec::new());
    DynamicImage::new_luma8(200, 200).write_to(&mut empty, ImageFormat::Png).unwrap();
    fs::write(world.path("empty.png"), empty.into_inner()).unwrap();
    let outcome = world.receive("empty.png", &["--json"]).exits(2);
    assert_eq!(outcome.json()["error"]["code"], "no_qr_code");
    fs::write(world.path("broken.png"), b"\x89PNG\r\n\x1a\nand no more").unwrap();
    assert_eq!(
        world.receive("broken.png", &["--json"]).exits(2).json()["error"]["code"],
        "no_qr_code"
    );
}

#[test]
fn what_is_no_offer_is_called_by_its_name() {
    let world = World::new();
    fs::write(world.path("empty.txt"), " \n").unwrap();
    let by_value = |issuer: &str| {
        format!(
            "openid-credential-offer://?credential_offer={{\"credential_issuer\":\"{issuer}\",\
             \"credential_configuration_ids\":[\"a\"]}}"
        )
    };
    for (offer, message) in [
        ("", "the offer is an empty text"),
        (" ", "the offer is an empty text"),
        ("-", "standard input is empty"),
        ("empty.txt", "empty.txt is empty"),
        ("issuer", "issuer is a folder"),
        ("nowhere", "there is no file nowhere"),
        (
            "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fuser%40issuer.example%2Fo",
            "names a user",
        ),
        (&by_value("https://user@issuer.example"), "names its issuer by an address that is none"),
        (&by_value("https://issuer.example?a=b"), "names its issuer by an address that is none"),
    ] {
        let outcome = world.bestow(&["wallet", "receive", offer, "--json"]).exits(2);
        let said = text(&outcome.json()["error"], "message");
        assert!(said.contains(message), "{offer:?}: {said}");
    }
}

/// Findings are for the other side, so a flow that fails tells them, too: whoever runs an issuer looks just
/// then. Whether it may have any is the owner's to say.
#[test]
fn what_was_excused_is_told_however_it_ends() {
    let world = World::serving();
    let link = world.link(&["course_ticket", "--by-value"]).replace("=%7B", "=%7B+");
    let refused = world.receive(&link, &["--json", "--strict-draft"]).exits(3).json();
    assert_eq!(refused["error"]["code"], "excusable");
    assert!(text(&refused["error"], "message").contains("+ for a space"));

    let received = world.receive(&link, &["--json"]).exits(0).json();
    assert_eq!(names(&received), ["credentials", "draft", "findings"]);
    let again = world.receive(&link, &["--json", "--trace"]).exits(3);
    let object = again.json();
    assert_eq!(names(&object), ["draft", "error", "findings"]);
    assert_eq!(object["findings"], received["findings"]);
    assert!(again.stderr.contains("speaks OpenID4VCI 1.0"), "{again}");
    assert!(again.stderr.contains("excused: the link has + for a space"), "{again}");

    let nobody = link.replace("localhost", "nobody.invalid");
    let unknown = world.receive(&nobody, &["--trace"]).exits(4);
    assert!(unknown.stderr.contains("excused:") && !unknown.stderr.contains("speaks"), "{unknown}");
}

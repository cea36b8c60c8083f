//! The wallet's folder: what opens it, and what is taken out of it.

use std::fs;

use crate::world::{World, text};

#[test]
fn a_passphrase_file_protects_the_wallet() {
    let world = World::serving();
    fs::write(world.path("right"), "correct horse\n").unwrap();
    fs::write(world.path("wrong"), "battery staple\n").unwrap();
    let link = world.link(&["course_ticket"]);
    world.receive(&link, &["--passphrase-file", "right"]).exits(0);
    let list = |file: &str| world.bestow(&["wallet", "list", "--json", "--passphrase-file", file]);
    assert_eq!(list("right").exits(0).json()["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(text(&list("wrong").exits(2).json()["error"], "code"), "wrong_passphrase");
    let unasked = world.bestow(&["wallet", "list", "--json"]).exits(2);
    assert_eq!(text(&unasked.json()["error"], "code"), "passphrase_needed");
}

#[test]
fn without_a_passphrase_the_key_file_lies_beside_the_wallet_and_keys_says_what_that_means() {
    let world = World::new();
    world.bestow(&["wallet", "list"]).exits(0);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(world.path("wallet.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let outcome = world.bestow(&["wallet", "keys"]).exits(0);
    assert!(outcome.stdout.is_empty(), "{outcome}");
    assert!(outcome.stderr.contains("does not protect against"), "{outcome}");
}

#[test]
fn nothing_is_deleted_without_a_yes() {
    let world = World::serving();
    let received = world.receive(&world.link(&["course_ticket"]), &["--json"]).exits(0).json();
    let id = text(&received["credentials"][0], "id");
    let refused = world.bestow(&["wallet", "delete", &id, "--json"]).exits(5);
    assert_eq!(text(&refused.json()["error"], "code"), "declined");
    let deleted = world.bestow(&["wallet", "delete", &id, "--yes", "--json"]).exits(0).json();
    assert_eq!(text(&deleted, "deleted"), id);
    world.bestow(&["wallet", "show", &id]).exits(2);
}

#[test]
fn the_raw_credential_can_be_taken_out() {
    let world = World::serving();
    let received = world.receive(&world.link(&["student_card"]), &["--json"]).exits(0).json();
    let id = text(&received["credentials"][0], "id");
    let raw = world.bestow(&["wallet", "show", &id, "--raw"]).exits(0).stdout;
    assert!(raw.starts_with("eyJ") && raw.trim_end().ends_with('~'), "{raw}");
}

#[test]
fn one_damaged_credential_is_named_and_can_be_deleted_and_the_others_are_listed() {
    let world = World::serving();
    world.receive(&world.link(&["course_ticket"]), &[]).exits(0);
    let file = fs::read_dir(world.path("wallet/credentials")).unwrap().next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    fs::write(file.path(), "spoiled").unwrap();
    let received = world.receive(&world.link(&["course_ticket"]), &["--json"]).exits(0).json();

    let list = world.bestow(&["wallet", "list"]).exits(0);
    assert_eq!(list.stdout.lines().count(), 1, "{list}");
    assert!(list.stderr.starts_with("damaged: ") && list.stderr.contains(&name), "{list}");
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed["credentials"], received["credentials"]);
    assert_eq!(listed["damaged"], serde_json::json!([name]));

    let shown = world.bestow(&["wallet", "show", &name, "--json"]).exits(1).json();
    assert_eq!(text(&shown["error"], "code"), "store_damaged");
    world.bestow(&["wallet", "delete", &name, "--yes"]).exits(0);
    world.bestow(&["wallet", "delete", &name, "--yes"]).exits(2);
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed, received, "nothing is damaged any more");
}

#[test]
fn a_damaged_key_is_named_and_can_be_deleted_and_no_other_key() {
    let world = World::serving();
    let received = world.receive(&world.link(&["student_card"]), &["--json"]).exits(0).json();
    let kid = text(&received["credentials"][0]["holder_key"], "kid");
    world.bestow(&["wallet", "delete", "--yes", "--", &kid]).exits(2);
    let file = fs::read_dir(world.path("wallet/keys")).unwrap().next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    fs::write(file.path(), "spoiled").unwrap();
    let keys = world.bestow(&["wallet", "keys", "--json"]).exits(0).json();
    assert_eq!(keys, serde_json::json!({ "keys": [], "damaged": [name] }));
    world.bestow(&["wallet", "delete", &name, "--yes"]).exits(0);
    let keys = world.bestow(&["wallet", "keys", "--json"]).exits(0).json();
    assert_eq!(keys, serde_json::json!({ "keys": [] }));
}

/// One clear error, however much there was to say.
#[test]
fn a_full_standard_output_is_told_once() {
    let world = World::serving();
    for _ in 0..3 {
        world.receive(&world.link(&["course_ticket"]), &[]).exits(0);
    }
    for (arguments, code) in [
        (&["wallet", "list"][..], 1),
        (&["wallet", "list", "--json"], 1),
        (&["wallet", "--help"], 1),
        (&["--version"], 1),
        (&["wallet", "show", "none", "--json"], 2),
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = world.command(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert_eq!(said.matches("cannot write the result").count(), 1, "{arguments:?}: {said}");
        let is_failure_told = said.contains("the wallet holds no such credential");
        assert_eq!(is_failure_told, code == 2, "{arguments:?}: {said}");
    }
}

//! `bestow demo --once` in each draft: twenty steps, in the draft's own words.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;

/// What a draft says where another says something else: at this step, these words are there, and
/// those are not.
type Said = (u8, &'static [&'static str], &'static [&'static str]);

fn demo(arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_bestow"));
    let output = program.args(["demo", "--once"]).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}{trouble}");
    text
}

/// The number of each step, in the order in which they are told, and what is told.
fn steps(text: &str) -> Vec<(u8, &str)> {
    let number = |line: &str| line.get(..2)?.trim().parse::<u8>().ok();
    text.lines().filter_map(|line| Some((number(line)?, line))).collect()
}

fn told(draft: &str, said: &[Said]) {
    let text = demo(&["--draft", draft]);
    let steps = steps(&text);
    let numbers: Vec<u8> = steps.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<u8>>(), "draft {draft}: {text}");
    let place = format!("/draft-{}/", if draft == "10" { "11" } else { draft });
    for (at, line) in &steps {
        assert_eq!(line.contains(&place), [9, 14].contains(at), "draft {draft}: {line}");
        for (_, there, missing) in said.iter().filter(|(number, ..)| number == at) {
            assert!(there.iter().all(|word| line.contains(word)), "draft {draft}: {line}");
            assert!(!missing.iter().any(|word| line.contains(word)), "draft {draft}: {line}");
        }
    }
    assert!(text.contains("(draft "), "nothing is said of what is otherwise: {text}");
}

const PIN: Said = (8, &["user_pin"], &["tx_code"]);
const TX_CODE: Said = (8, &["tx_code"], &["user_pin"]);
const BY_NAME: Said = (13, &["format", "\"proof\""], &["credential_configuration_id", "proofs"]);

#[test]
fn the_first_drafts_have_offers_in_links_alone() {
    for draft in ["8", "9"] {
        told(draft, &[(5, &["in the link itself"], &[]), PIN, BY_NAME]);
    }
}

#[test]
fn drafts_10_to_12_have_a_pin() {
    for draft in ["10", "11", "12"] {
        told(draft, &[(5, &["by reference"], &[]), PIN, BY_NAME]);
    }
}

#[test]
fn drafts_13_and_14_have_a_transaction_code() {
    for draft in ["13", "14"] {
        told(draft, &[TX_CODE, BY_NAME]);
    }
}

#[test]
fn draft_15_names_what_it_asks_for_by_its_id() {
    let by_id: Said = (13, &["credential_configuration_id"], &["format"]);
    told("15", &[TX_CODE, by_id]);
}

/// Only what the draft has a word for; a draft that is none is refused before anything begins.
#[test]
fn formats_are_those_of_the_draft() {
    let text = demo(&["--all-formats", "--draft", "13"]);
    let formats = ["dc+sd-jwt", "mso_mdoc", "jwt_vc_json", "jwt_vc_json-ld", "ldp_vc"];
    for format in formats {
        assert!(text.contains(&format!("{format}: ")), "{format} is missing: {text}");
    }
    assert!(text.ends_with("5 formats: issued, verified and shown\n"), "{text}");
    let output = Command::new(env!("CARGO_BIN_EXE_bestow"))
        .args(["demo", "--once", "--draft", "7"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

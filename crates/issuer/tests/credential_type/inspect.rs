//! Files as `bestow issuer credential` writes and checks them.

use std::fs;
use std::path::{Path, PathBuf};

use issuer::credential_type::new::{NEW_FORMATS, blank, examples, from_example};
use issuer::credential_type::{CredentialType, Inspected};
use tempfile::TempDir;

use super::{CARD, HEAD, ISSUER};

fn inspect(text: &str) -> Inspected {
    let folder = TempDir::new().unwrap();
    let file: PathBuf = folder.path().join("card.toml");
    fs::write(&file, text).unwrap();
    CredentialType::inspect(&file, ISSUER)
}

/// Nobody wants to start an issuer once for each mistake.
#[test]
fn all_mistakes_are_told_with_their_lines() {
    let found = inspect(
        r#"format = "dc+sd-jwt"
validity_days = 0
scope = "two words"
letter = true

[[display]]
name = " "
locale = "en"

[[claims]]
path = ["given_name"]
type = "string"
required = true
max_items = 3

[[claims]]
path = ["age"]
type = "integer"
minimum = 3
maximum = 2
"#,
    );
    assert!(found.credential_types.is_empty());
    let lines: Vec<_> = found.mistakes.iter().map(|mistake| mistake.line).collect();
    let expected = [2, 3, 4, 7, 14, 20].map(Some);
    assert_eq!(lines, expected, "{:?}", found.mistakes);
    assert!(found.mistakes.iter().all(|mistake| !mistake.remedy.is_empty()));
}

/// Where the text cannot be read, no list of keys helps.
#[test]
fn json_that_is_none_is_to_be_corrected() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("card.json");
    for (text, line) in [("{\n\"format\": \"dc+sd-jwt\",\n}", Some(3)), ("{\n\"format\":", Some(2))]
    {
        fs::write(&file, text).unwrap();
        let mistakes = CredentialType::inspect(&file, ISSUER).mistakes;
        let told: Vec<_> = mistakes.iter().map(|one| (one.line, &*one.remedy)).collect();
        assert_eq!(told, [(line, "correct the JSON there")]);
    }
}

#[test]
fn what_had_better_be_otherwise_is_told() {
    let found = inspect(
        r##"format = "dc+sd-jwt"
vct = "urn:example:card"
validity_days = 1

[[display]]
name = "Card"
locale = "en"
background_color = "#ffffff"
text_color = "#eeeeee"

[[display]]
name = "Karte"
locale = "de"

[[claims]]
path = ["given_name"]
type = "string"
label = { en = "Given name" }

[[claims]]
path = ["family_name"]
type = "string"

[[claims]]
path = ["age"]
type = "integer"
label = { en = "Age", de = "Alter", fr = "Âge" }
"##,
    );
    assert_eq!(found.mistakes, []);
    let told: Vec<_> =
        found.warnings.iter().map(|one| (one.line.unwrap(), one.problem.as_str())).collect();
    let expected = [
        (2, "vct is no https: address, so nobody can fetch what describes the type"),
        (9, "text_color can hardly be read on background_color"),
        (11, "the card has no colour, so each wallet takes one of its own"),
        (18, "claim `given_name` has no label in de"),
        (20, "claim `family_name` has no label"),
        (27, "claim `age` has a label in fr, and the card has not"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_good_needs_no_word() {
    let found = inspect(
        &format!("{HEAD}background_color = \"#000000\"\n{CARD}").replace(", de = \"Vorname\"", ""),
    );
    assert_eq!(found.mistakes, []);
    assert_eq!(found.credential_types.len(), 1);
}

/// A new file is good at once, with nothing to be said against it.
#[test]
fn every_new_type_is_good() {
    for format in NEW_FORMATS {
        let found = inspect(&blank("card", format));
        assert_eq!((found.mistakes, found.warnings), (vec![], vec![]), "{format}");
        let read = &found.credential_types[0];
        assert_eq!(read.format.name(), format);
        assert!(!read.sample().is_empty(), "{format}");
    }
    for example in examples() {
        let found = inspect(&from_example(example, "My \"Own\" School").unwrap());
        assert_eq!(found.mistakes, [], "{example}");
    }
    assert!(from_example("nothing", "x").is_none());
}

/// A type that lies elsewhere is described by others: what stands here of its description, nobody
/// would find.
#[test]
fn a_description_is_of_a_type_below_the_issuer() {
    for line in ["vct_integrity = true", "extends = \"https://types.example/card\""] {
        let parse = |vct: &str| {
            let text = format!("{line}\n{vct}\n{HEAD}{CARD}");
            CredentialType::parse(Path::new("card.toml"), &text, ISSUER)
        };
        for good in ["", &format!("vct = \"{ISSUER}/credentials/card\"")] {
            parse(good).unwrap();
        }
        for vct in ["https://types.example/own", "urn:x:card", "https://issuer.example/card"] {
            let told = parse(&format!("vct = \"{vct}\"")).unwrap_err().to_string();
            assert!(told.starts_with("card.toml:1: ") && told.contains("leave vct out"), "{told}");
        }
    }
}

/// A wallet refuses what it cannot hold against this, and then each credential of the type.
#[test]
fn an_integrity_is_one_that_readers_understand() {
    for integrity in ["", "sha256-x", "sha256-…", "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="]
    {
        let extends = "extends = \"https://types.example/card\"";
        let text = format!("{extends}\nextends_integrity = \"{integrity}\"\n{HEAD}{CARD}");
        let told = inspect(&text).mistakes[0].to_string();
        assert!(told.contains("card.toml:2") && told.contains("sha256-"), "{told}");
    }
}

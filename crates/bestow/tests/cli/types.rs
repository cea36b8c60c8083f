//! `bestow issuer credential …`: a type of each format, from its file to what would be signed.

use std::fs;

use serde_json::json;

use crate::pki::wait_for_the_second_key;
use crate::world::{World, names};

/// Where each format has the name of a person.
const FORMATS: [(&str, &str); 7] = [
    ("dc+sd-jwt", "/unsigned/disclosures"),
    ("vc+sd-jwt", "/unsigned/disclosures"),
    ("mso_mdoc", "/unsigned/nameSpaces/org.example.card_mso_mdoc.1/given_name"),
    ("jwt_vc_json", "/unsigned/payload/vc/credentialSubject/given_name"),
    ("jwt_vc_json-ld", "/unsigned/payload/vc/credentialSubject/given_name"),
    ("vc+jwt", "/unsigned/payload/credentialSubject/given_name"),
    ("ldp_vc", "/unsigned/payload/credentialSubject/given_name"),
];

#[test]
fn a_new_type_of_each_format_is_good_and_can_be_looked_at() {
    let world = World::new();
    for (format, place) in FORMATS {
        let id = format!("card_{}", format.replace('+', "_"));
        let new = ["issuer", "credential", "new", &id, "--format", format];
        let file = world.bestow(&new).exits(0).stdout.trim().to_owned();
        let checked = world.bestow(&["issuer", "credential", "check", &file]).exits(0);
        assert!(!checked.stdout.contains("warning"), "{checked}");
        let claims = json!({ "given_name": "Zoë", "family_name": "Ólafsdóttir" });
        let claims = if format == "mso_mdoc" {
            json!({ "org.example.card_mso_mdoc.1": claims })
        } else {
            claims
        };
        let preview = ["issuer", "credential", "preview", &file, "--json", "--claims", "-"];
        let seen = world.bestow_reading(&preview, claims.to_string().as_bytes()).exits(0).json();
        let expected =
            ["claims", "configuration", "fields", "svg_templates", "type_metadata", "unsigned"];
        assert_eq!(names(&seen), expected);
        assert_eq!(seen["configuration"]["format"], format);
        assert_eq!(seen["type_metadata"].is_null(), format != "dc+sd-jwt", "{format}");
        assert_eq!(seen["fields"][0]["label"], "Given name");
        let said = seen.pointer(place).unwrap_or_else(|| panic!("{format}: {seen}"));
        assert!(said.to_string().contains("Zoë"), "{format}: {said}");
        world.bestow_reading(&preview, br#"{"given_name":"Zoe"}"#).exits(2);
    }
    world.bestow(&["issuer", "credential", "check"]).exits(0);
}

/// By the code that issues: who would sign, with which key, and where its status would be asked for.
#[test]
fn a_preview_shows_what_would_be_issued() {
    let world = World::new();
    world.bestow(&["issuer", "credential", "new", "card", "--format", "ldp_vc"]).exits(0);
    let preview =
        |id: &str| world.bestow(&["issuer", "credential", "preview", id, "--json"]).exits(0).json();
    let linked = preview("card");
    let payload = &linked["unsigned"]["payload"];
    assert!(payload["issuer"].as_str().unwrap().starts_with("did:web:localhost"), "{payload}");
    assert_eq!(payload["credentialStatus"][0]["type"], "BitstringStatusListEntry");
    let card = preview("student_card");
    assert!(card["unsigned"]["payload"]["status"]["status_list"]["uri"].is_string(), "{card}");
    let signs = |id: &str| {
        preview(id)["configuration"]["credential_signing_alg_values_supported"][0].clone()
    };
    assert_eq!((signs("card"), signs("student_card")), ("ecdsa-rdfc-2019".into(), "ES256".into()));
    let rotate = ["issuer", "keys", "rotate", "signing", "--now", "--algorithm", "EdDSA"];
    world.bestow(&rotate).exits(0);
    wait_for_the_second_key(&world);
    assert_eq!((signs("card"), signs("student_card")), ("eddsa-rdfc-2022".into(), "EdDSA".into()));
}

/// One file, three configurations; claims are given once, and are in each where its format has them.
#[test]
fn a_type_in_several_formats_is_checked_and_looked_at_as_one() {
    let world = World::new();
    let new = ["issuer", "credential", "new", "library_card", "--from", "library_card"];
    let file = world.bestow(&new).exits(0).stdout.trim().to_owned();
    let checked = world.bestow(&["issuer", "credential", "check", "library_card"]).exits(0);
    assert!(
        checked.stdout.ends_with("good, dc+sd-jwt, mso_mdoc, ldp_vc with 7 claims\n"),
        "{checked}"
    );
    let claims = r#"{"given_name":"Zoë","family_name":"Ólafsdóttir","card_number":"L-1"}"#;
    let preview = ["issuer", "credential", "preview", &file, "--json", "--claims", "-"];
    let seen = world.bestow_reading(&preview, claims.as_bytes()).exits(0).json();
    assert_eq!(names(&seen["also"]), ["library_card_ldp_vc", "library_card_mdoc"]);
    for place in [
        "/library_card_mdoc/unsigned/nameSpaces/org.example.library.1/given_name",
        "/library_card_ldp_vc/unsigned/payload/credentialSubject/given_name",
    ] {
        let said = seen["also"].pointer(place).unwrap_or_else(|| panic!("{place}: {seen}"));
        assert!(said.to_string().contains("Zoë"), "{place}: {said}");
    }
    let people = world.bestow(&["issuer", "credential", "preview", &file]).exits(0);
    assert_eq!(people.stdout.matches("The form:").count(), 1, "{people}");
    assert!(people.stdout.contains("The same as mso_mdoc, called library_card_mdoc"), "{people}");
}

#[test]
fn a_type_is_named_by_its_identifier_and_stays_in_its_folder() {
    let world = World::new();
    for command in ["check", "preview"] {
        world.bestow(&["issuer", "credential", command, "student_card"]).exits(0);
        let unknown = world.bestow(&["issuer", "credential", command, "nobodys_card"]).exits(2);
        assert!((unknown.stdout.clone() + &unknown.stderr).contains("nobodys_card"), "{unknown}");
    }
    for name in ["../evil", "", "bad name/..", "a/b"] {
        let refused = world.bestow(&["issuer", "credential", "new", name]).exits(2);
        assert!(refused.stderr.contains("name"), "{refused}");
    }
    assert!(!world.path("issuer/evil.toml").exists());
}

/// Each format is one of them; and what is none is not taken for a file that is missing.
#[test]
fn a_format_is_named_by_its_identifier_and_a_typo_is_answered_with_what_there_is() {
    let world = World::new();
    let new = |name: &str, more: &[&str]| {
        world.bestow(&[&["issuer", "credential", "new", name][..], more].concat())
    };
    let made = new("library_card", &["--from", "library_card"]).exits(0);
    assert!(made.stderr.contains(&format!("preview {}", made.stdout.trim())), "{made}");
    assert!(made.stderr.contains("started anew"), "{made}");
    for command in ["check", "preview"] {
        let run = |id: &str| world.bestow(&["issuer", "credential", command, id]);
        run("library_card_ldp_vc").exits(0);
        let told = run("library_crad").exits(2).stderr;
        assert!(told.contains("there is no type `library_crad`"), "{told}");
        assert!(told.contains("there is: course_ticket, diploma, library_card, library_card_mdoc"));
        // A file that is missing has nothing to do with a new issuer.
        let missing = run("nowhere/card.toml").exits(2);
        let told = missing.stdout + &missing.stderr;
        assert!(told.contains("check the path") && !told.contains("issuer init"), "{told}");
    }
    // A name that is taken: by one of its formats, by a file of JSON, or by a format of the new one.
    let folder = world.path("issuer/credentials");
    let json = include_str!("../cmd/credential.in/wrong.json");
    fs::write(folder.join("badge.json"), json).unwrap();
    for (name, more, file) in
        [("library_card_mdoc", &[][..], "library_card.toml"), ("badge", &[][..], "badge.json")]
    {
        let refused = new(name, more).exits(2);
        assert!(refused.stderr.contains(file), "{refused}");
        assert!(!folder.join(format!("{name}.toml")).exists());
    }
    fs::remove_file(folder.join("badge.json")).unwrap();
    new("members_mdoc", &[]).exits(0);
    let refused = new("members", &["--from", "library_card"]).exits(2);
    assert!(refused.stderr.contains("`members_mdoc` is described in"), "{refused}");
    world.bestow(&["issuer", "credential", "check"]).exits(0);
}

/// An issuer reads two endings, so a file of another one is not good.
#[test]
fn a_file_that_no_issuer_reads_is_not_good() {
    let world = World::new();
    let text = fs::read(world.path("issuer/credentials/course_ticket.toml")).unwrap();
    fs::write(world.path("ticket.yaml"), text).unwrap();
    let checked = world.bestow(&["issuer", "credential", "check", "./ticket.yaml"]).exits(2);
    assert!(checked.stdout.contains("no issuer reads it"), "{checked}");
    let inspected = world.bestow(&["inspect", "issuer/credentials/course_ticket.toml"]).exits(2);
    assert!(inspected.stderr.contains("bestow issuer credential check"), "{inspected}");
}

/// What a file may say by itself, the rest of the configuration may forbid.
#[test]
fn the_whole_configuration_is_checked_where_no_file_is_named() {
    let world = World::new();
    let file = world.path("issuer/credentials/course_ticket.toml");
    let text = fs::read_to_string(&file).unwrap();
    let long = text.replace("offer_seconds = 600", "offer_seconds = 9999999");
    fs::write(&file, long).unwrap();
    let one = file.display().to_string();
    world.bestow(&["issuer", "credential", "check", &one]).exits(0);
    let all = world.bestow(&["issuer", "credential", "check"]).exits(2);
    assert!(all.stdout.contains("course_ticket.toml:6: offer_seconds"), "{all}");
    assert!(all.stderr.contains("there is a mistake"), "{all}");
}

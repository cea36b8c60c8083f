//! `bestow derive`: from what the wallet holds to what a verifier accepts, with parts left out.

use std::fs;

use serde_json::Value;

use crate::world::{World, text};

const DEGREE: &str = r#"
    format = "ldp_vc"
    cryptosuite = "ecdsa-sd-2023"
    types = ["VerifiableCredential", "Degree"]
    validity_days = 30
    [[display]]
    name = "Degree"
    locale = "en"
    [[claims]]
    path = ["name"]
    type = "string"
    disclosure = "selective"
    example = "Ada"
    [[claims]]
    path = ["grade"]
    type = "string"
    disclosure = "selective"
    example = "1.7"
    [[claims]]
    path = ["school"]
    type = "string"
    disclosure = "always"
    example = "Riverside"
"#;

#[test]
fn what_is_shown_is_verified_and_the_rest_is_gone() {
    let mut world = World::new();
    fs::write(world.path("issuer/credentials/degree.toml"), DEGREE).unwrap();
    world.serve();
    let received = world.receive(&world.link(&["degree"]), &["--json"]).exits(0).json();
    let id = text(&received["credentials"][0], "id");
    let raw = world.bestow(&["wallet", "show", &id, "--raw"]).exits(0).stdout;
    let whole: Value = serde_json::from_str(&raw).unwrap();

    let listed = world.bestow_reading(&["derive", "-", "--list"], raw.as_bytes()).exits(0);
    assert_eq!(listed.stdout, "/credentialSubject/grade\n/credentialSubject/name\n");
    let derive = ["derive", "-", "--pointer", "/credentialSubject/name"];
    let shown = world.bestow_reading(&derive, raw.as_bytes()).exits(0);
    assert_eq!(shown.stderr, "left out: /credentialSubject/grade\n");
    let subject = &shown.json()["credentialSubject"];
    assert_eq!((&subject["name"], &subject["school"]), (&"Ada".into(), &"Riverside".into()));
    assert!(subject["id"].as_str().unwrap().starts_with("did:"));
    assert!(!shown.stdout.contains("grade") && !shown.stdout.contains("1.7"));

    let verify = |credential: &str| {
        let verify = [
            &["verify", "-", "--json", "--allow-private-addresses"][..],
            &["--ca", "issuer/tls/ca.pem"],
        ];
        world.bestow_reading(&verify.concat(), credential.as_bytes())
    };
    assert_eq!(verify(&shown.stdout).exits(0).json()["verdict"], "verified");
    let forged = shown.stdout.replace("Ada", "Eve");
    assert_eq!(verify(&forged).exits(6).json()["verdict"], "failed");
    // Only what its issuer made can be shown in part, and only what is in it.
    for (arguments, input, code) in [
        (&derive[..], shown.stdout.as_str(), "not_derivable"),
        (&["derive", "-", "--pointer", "/credentialSubject/age"], &raw, "bad_pointer"),
        (&["derive", "-", "--pointer", "/proof"], &raw, "bad_pointer"),
        (&["derive", "-", "--pointer", "name"], &raw, "bad_pointer"),
        (&["derive", "-"], r#"{"@context":[],"credentialSubject":{}}"#, "not_derivable"),
    ] {
        let refused = world.bestow_reading(&[arguments, &["--json"]].concat(), input.as_bytes());
        assert_eq!(refused.exits(2).json()["error"]["code"], code, "{arguments:?}");
    }
    let plain = r#"{"@context":[],"credentialSubject":{}}"#;
    let refused = world.bestow_reading(&["derive", "-"], plain.as_bytes()).exits(2);
    assert!(refused.stderr.contains("cryptosuite = \"ecdsa-sd-2023\""), "{refused}");
    assert_eq!(whole["credentialSubject"]["grade"], "1.7");
}

/// `bbs-2023`: the key is made by the command that an operator runs anyway, and no two disclosures are
/// alike.
#[cfg(feature = "bbs-2023")]
#[test]
fn disclosures_that_cannot_be_linked_are_verified() {
    let mut world = World::new();
    let bearer = "validity_days = 30\nkey_binding = false\nstatus_list = false";
    let degree = DEGREE.replace("ecdsa-sd-2023", "bbs-2023");
    let degree = degree.replace("validity_days = 30", bearer);
    fs::write(world.path("issuer/credentials/degree.toml"), degree).unwrap();
    let refused = world.bestow(&["issuer", "check-config"]).exits(2);
    assert!(refused.stderr.contains("`bestow issuer migrate`"), "{refused}");
    let made = world.bestow(&["issuer", "migrate"]).exits(0);
    for file in ["bbs-key.multikey", "bbs-public-key.multikey", "generations.toml"] {
        assert!(made.stderr.contains(&format!("{file}: made")), "{made}");
    }
    world.bestow(&["issuer", "check-config"]).exits(0);
    world.serve();
    let received = world.receive(&world.link(&["degree"]), &["--json"]).exits(0).json();
    let id = text(&received["credentials"][0], "id");
    let raw = world.bestow(&["wallet", "show", &id, "--raw"]).exits(0).stdout;

    let verify = |credential: &str| {
        let verify = [
            &["verify", "-", "--json", "--allow-private-addresses"][..],
            &["--ca", "issuer/tls/ca.pem"],
        ];
        world.bestow_reading(&verify.concat(), credential.as_bytes())
    };
    assert_eq!(verify(&raw).exits(0).json()["verdict"], "verified");
    let derive = ["derive", "-", "--pointer", "/credentialSubject/name"];
    let [one, other] = [(); 2].map(|()| world.bestow_reading(&derive, raw.as_bytes()).exits(0));
    assert_eq!(one.stderr, "left out: /credentialSubject/grade\n");
    assert_ne!(one.json()["proof"]["proofValue"], other.json()["proof"]["proofValue"]);
    for shown in [one, other] {
        let subject = &shown.json()["credentialSubject"];
        assert_eq!(*subject, serde_json::json!({ "name": "Ada", "school": "Riverside" }));
        assert_eq!(verify(&shown.stdout).exits(0).json()["verdict"], "verified");
        let forged = shown.stdout.replace("Ada", "Eve");
        assert_eq!(verify(&forged).exits(6).json()["verdict"], "failed");
        let again = world.bestow_reading(&derive, shown.stdout.as_bytes()).exits(2);
        assert!(again.stderr.contains("derived already"), "{again}");
    }

    let rotated = world.bestow(&["issuer", "keys", "rotate", "bbs", "--now"]).exits(0);
    assert!(rotated.stdout.starts_with("bbs: generation 2 is made"), "{rotated}");
    let listed = world.bestow(&["issuer", "keys", "list"]).exits(0);
    assert_eq!(listed.stdout.lines().filter(|line| line.starts_with("bbs ")).count(), 2);
}

/// Without it, no key is made that nothing could use; nor is one missed.
#[cfg(not(feature = "bbs-2023"))]
#[test]
fn a_program_without_it_makes_no_key_for_it() {
    let world = World::new();
    let refused = world.bestow(&["issuer", "keys", "rotate", "bbs"]).exits(2);
    assert!(refused.stderr.contains("--features bbs-2023"), "{refused}");
    let rotated = world.bestow(&["issuer", "keys", "rotate", "--all"]).exits(0);
    assert!(!rotated.stdout.contains("bbs"), "{rotated}");
    assert!(!world.path("issuer/keys/bbs-key.multikey").exists());
}

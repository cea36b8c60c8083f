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
    assert_eq!(whole["credentialSubject"]["grade"], "1.7");
}

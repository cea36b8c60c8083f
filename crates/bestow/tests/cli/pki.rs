//! `bestow issuer pki …`: an authority of one's own, from its root to the mdoc in a wallet.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{BADGE, World};

const AUTHORITY: [&str; 10] = [
    "pki",
    "iaca",
    "--country",
    "UT",
    "--name",
    "Utopia IACA",
    "--contact",
    "pki@authority.example",
    "--crl",
    "https://authority.example/crl",
];

fn make(world: &World, folder: &str, more: &[&str]) -> crate::world::Outcome {
    world.bestow(&[&["issuer"], &AUTHORITY[..], more, &[folder]].concat())
}

/// ISO/IEC 18013-5 Annex B: the wallet trusts the authority alone, and finds the issuer named.
#[test]
fn what_a_document_signer_signs_is_verified_by_its_authority() {
    let mut world = World::new();
    let file = world.path("issuer/credentials/badge.toml");
    let country = "[[claims]]\npath = [\"org.example.badge.1\", \"issuing_country\"]\n\
                   type = \"string\"\n";
    fs::write(&file, format!("{BADGE}\n{country}example = \"UT\"\n")).unwrap();
    make(&world, "authority", &[]).exits(0);
    let rotate = ["issuer", "keys", "rotate", "signing"];
    world.bestow(&[&rotate[..], &["--csr", "signing.csr"]].concat()).exits(0);
    let signed = world.bestow(&["issuer", "pki", "sign", "authority", "signing.csr"]).exits(0);
    fs::write(world.path("signing.pem"), signed.stdout).unwrap();
    let install = ["--certificate", "signing.pem", "--now"];
    world.bestow(&[&rotate[..], &install].concat()).exits(0);
    wait_for_the_second_key(&world);
    world.serve();
    let receive = |anchor: &str| {
        let link = world.link(&["badge"]);
        let trust = ["--trust-anchor", anchor, "--ca", "issuer/tls/ca.pem", "--yes", "--json"];
        world.bestow(&[&["wallet", "receive", &link][..], &trust].concat())
    };
    let received = receive("authority/iaca.pem").exits(0).json();
    assert_eq!(received["credentials"][0]["claims"]["org.example.badge.1"]["room"], 7);
    receive("issuer/tls/ca.pem").exits(6);

    // What says another country than its signer is neither offered nor configured.
    let claims = json!({ "org.example.badge.1": { "room": 7, "issuing_country": "DE" } });
    fs::write(world.path("claims.json"), claims.to_string()).unwrap();
    let offer = ["issuer", "offer", "badge", "--claims", "claims.json"];
    let refused = world.bestow(&offer).exits(2).stderr;
    assert!(refused.contains("issuing_country: must be the country"), "{refused}");
    for (of, is_good) in [("UT", true), ("DE", false)] {
        fs::write(&file, format!("{BADGE}\n{country}default = \"{of}\"\n")).unwrap();
        let checked = world.bestow(&["issuer", "check-config"]);
        let told = checked.exits(if is_good { 0 } else { 2 }).stderr;
        assert!(is_good || told.contains("badge.toml") && told.contains("of UT"), "{told}");
    }
}

/// Also with `--now` a key is published before it signs.
pub(crate) fn wait_for_the_second_key(world: &World) {
    let until = Instant::now() + Duration::from_mins(1);
    while Instant::now() < until {
        let listed = world.bestow(&["issuer", "keys", "list"]).exits(0).stdout;
        if listed.lines().any(|line| line.contains("signing    2           active")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("the second key does not come into use");
}

#[cfg(unix)]
#[test]
fn the_authoritys_key_is_for_its_owner_and_nothing_is_written_over() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    make(&world, "authority", &[]).exits(0);
    let key = world.path("authority/iaca-key.pem");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&key).unwrap();
    make(&world, "authority", &[]).exits(2);
    assert_eq!(fs::read(&key).unwrap(), before);
}

/// Killed at its first byte on disk, it leaves nothing that keeps the next try from its folder.
#[cfg(unix)]
#[test]
fn an_authority_is_there_as_a_whole_or_not_at_all() {
    use std::os::unix::process::ExitStatusExt as _;
    let world = World::new();
    let program = world.command(&[&["issuer"], &AUTHORITY[..], &["authority"]].concat());
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(program.get_program());
    limited.args(program.get_args()).current_dir(world.folder());
    assert!(limited.status().unwrap().signal().is_some());
    make(&world, "authority", &[]).exits(0);
    for name in ["authority/iaca.pem", "authority/iaca-key.pem"] {
        assert!(fs::read_to_string(world.path(name)).unwrap().starts_with("-----BEGIN"));
    }
}

#[test]
fn what_cannot_be_certified_is_told() {
    let world = World::new();
    let wrong = ["issuer", "pki", "iaca", "new", "--country", "ut", "--name", "U"];
    let wrong = [&wrong[..], &["--contact", "a@b.example", "--crl", "https://b.example"]].concat();
    assert!(world.bestow(&wrong).exits(2).stderr.contains("ISO 3166-1"));
    assert!(!world.path("new").exists());
    make(&world, "authority", &[]).exits(0);
    let junk = ["issuer", "pki", "sign", "authority", "authority/iaca.pem"];
    assert!(world.bestow(&junk).exits(2).stderr.contains("certificate request"));
}

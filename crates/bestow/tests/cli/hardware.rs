//! A signing key in hardware (`SoftHSM` stands for it), and one of another algorithm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use keys::algorithm::Algorithm;
use keys::signer::SoftwareKey;

use crate::pki::wait_for_the_second_key;
use crate::world::World;

const PIN: &str = "271828";
const URI: &str = "pkcs11:token=issuer;object=2027?module-path=/usr/lib/softhsm/libsofthsm2.so&\
                   pin-source=file:hsm.pin";

/// A token with a fresh key of P-384.
fn token(world: &World) {
    fs::create_dir(world.path("tokens")).unwrap();
    let conf = format!("directories.tokendir = {}\n", world.path("tokens").display());
    fs::write(world.path("softhsm2.conf"), conf).unwrap();
    let softhsm = |arguments: &[&str]| {
        let mut command = Command::new("softhsm2-util");
        command.env("SOFTHSM2_CONF", world.path("softhsm2.conf")).current_dir(world.folder());
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let label = ["--init-token", "--free", "--label", "issuer"];
    softhsm(&[&label[..], &["--pin", PIN, "--so-pin", "314159"]].concat());
    let key = SoftwareKey::generate(Algorithm::Es384).unwrap();
    fs::write(world.path("key.pem"), key.to_pem()).unwrap();
    let names = ["--token", "issuer", "--label", "2027", "--id", "01", "--pin", PIN];
    softhsm(&[&["--import", "key.pem"][..], &names].concat());
    fs::remove_file(world.path("key.pem")).unwrap();
}

fn pin(world: &World, pin: &str, mode: u32) {
    let file = world.path("issuer/keys/hsm.pin");
    fs::write(&file, pin).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_in_hardware_signs_credentials() {
    let mut world = World::new();
    token(&world);
    let rotate = ["issuer", "keys", "rotate", "signing", "--now", "--pkcs11"];
    let rotate = |uri: &str| world.bestow(&[&rotate[..], &[uri]].concat());
    for (text, mode, problem) in [
        ("000000\n", 0o600, "the token does not take the PIN"),
        (PIN, 0o644, "other users may get at this key"),
    ] {
        pin(&world, text, mode);
        let refused = rotate(URI).exits(2);
        assert!(refused.stderr.contains(problem), "{refused}");
        assert!(!refused.stderr.contains(PIN), "{refused}");
    }
    pin(&world, PIN, 0o600);
    let refused = rotate(&URI.replace("object=2027", "object=2028")).exits(2);
    assert!(refused.stderr.contains("no private key of this name"), "{refused}");

    rotate(URI).exits(0);
    let kept = fs::read_to_string(world.path("issuer/keys/signing-key.2.pem")).unwrap();
    assert_eq!(kept.trim(), URI, "the key itself stays where it is");
    wait_for_the_second_key(&world);
    world.serve();
    let link = world.link(&["student_card"]);
    let received = world.receive(&link, &["--json"]).exits(0).json();
    let card = &received["credentials"][0];
    assert_eq!(card["claims"]["given_name"], "Erika", "{card}");
    assert_eq!(algorithm_of_newest(&world), "ES384");
}

/// HAIP §7, RFC 7518 §3.1
#[test]
fn keys_of_other_algorithms_sign_credentials() {
    for algorithm in ["ES512", "EdDSA"] {
        let mut world = World::new();
        let rotate = ["issuer", "keys", "rotate", "signing", "--now", "--algorithm", algorithm];
        world.bestow(&rotate).exits(0);
        wait_for_the_second_key(&world);
        world.serve();
        for id in ["student_card", "diploma"] {
            let link = world.link(&[id]);
            world.receive(&link, &[]).exits(0);
            assert_eq!(algorithm_of_newest(&world), algorithm, "{id}");
        }
    }
    let world = World::new();
    let rsa = ["issuer", "keys", "rotate", "signing", "--algorithm", "RS256"];
    let refused = world.bestow(&rsa).exits(2);
    assert!(refused.stderr.contains("one of ES256, ES384, ES512 and EdDSA"), "{refused}");
}

/// What a card of the wallet is signed with, by its own header.
fn algorithm_of_newest(world: &World) -> String {
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    let cards = listed["credentials"].as_array().unwrap();
    let id = cards.last().unwrap()["id"].as_str().unwrap();
    let raw = world.bestow(&["wallet", "show", id, "--raw"]).exits(0).stdout;
    let told = world.bestow_reading(&["inspect", "-", "--json"], raw.as_bytes()).exits(0).json();
    told["header"]["alg"].as_str().unwrap().to_owned()
}

const WORDS: &str = r#"
    format = "ldp_vc"
    types = ["VerifiableCredential", "Words"]
    validity_days = 30
    [[display]]
    name = "Words"
    locale = "en"
    [[claims]]
    path = ["word"]
    type = "string"
    required = true
    example = "yes"
"#;

/// An operator hears it now, not when the issuer does not start.
#[test]
fn a_key_that_cannot_sign_what_is_issued_is_not_made() {
    let world = World::new();
    fs::write(world.path("issuer/credentials/words.toml"), WORDS).unwrap();
    let rotate = ["issuer", "keys", "rotate", "signing", "--now", "--algorithm"];
    let refused = world.bestow(&[&rotate[..], &["ES512"]].concat()).exits(2);
    assert!(refused.stderr.contains("which no `ldp_vc` is signed with"), "{refused}");
    assert!(!world.path("issuer/keys/signing-key.2.pem").exists());
    world.bestow(&[&rotate[..], &["ES384"]].concat()).exits(0);
    world.bestow(&["issuer", "check-config"]).exits(0);
}

/// Whoever asks for another key than is there already gets neither in silence.
#[test]
fn another_key_than_was_asked_for_is_refused() {
    let world = World::new();
    token(&world);
    pin(&world, PIN, 0o600);
    let rotate = |more: &[&str]| {
        world.bestow(&[&["issuer", "keys", "rotate", "signing"][..], more].concat())
    };
    rotate(&["--algorithm", "ES384"]).exits(0);
    for other in [["--algorithm", "EdDSA"], ["--pkcs11", URI]] {
        let refused = rotate(&[&["--now"][..], &other].concat()).exits(2);
        assert!(refused.stderr.contains("another signing key was requested"), "{refused}");
    }
    rotate(&["--now", "--algorithm", "ES384"]).exits(0);

    let world = World::new();
    let rotate = |more: &[&str]| {
        world.bestow(&[&["issuer", "keys", "rotate", "signing"][..], more].concat())
    };
    rotate(&["--csr", "signing.csr"]).exits(0);
    let certified = fs::read(world.path("issuer/keys/signing-certificate.pem")).unwrap();
    fs::write(world.path("signing.pem"), certified).unwrap();
    let refused = rotate(&["--certificate", "signing.pem", "--pkcs11", URI]).exits(2);
    assert!(refused.stderr.contains("another signing key was requested"), "{refused}");
}

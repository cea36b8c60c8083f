//! A wallet that the issuer has registered with a key (RFC 7523, RFC 9101): by commands alone.

use std::fs;
use std::time::{Duration, Instant};

use keys::algorithm::Algorithm;
use keys::signer::{Signer as _, SoftwareKey};

use crate::world::{TRUST, World, text};

const OWN: [&str; 4] = ["--client-id", "keyed", "--client-key", "own.pem"];

/// An issuer that takes nothing of this wallet but what its key has signed; its offer.
fn world() -> (World, String) {
    let mut world = World::new();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    fs::write(world.path("own.pem"), key.to_pem().as_bytes()).unwrap();
    let jwk = key.public_key().to_jwk();
    let member = |name: &str| jwk[name].as_str().unwrap();
    fs::create_dir(world.path("issuer/clients")).unwrap();
    let client = format!(
        "client_id = \"keyed\"\nname = \"Keyed Wallet\"\nauthentication = \"private_key_jwt\"\n\
         redirect_uris = [\"http://127.0.0.1/cb\"]\nrequire_signed_request_object = true\n\
         keys = [{{ kid = \"1\", kty = \"EC\", crv = \"P-256\", x = \"{}\", y = \"{}\" }}]\n",
        member("x"),
        member("y")
    );
    fs::write(world.path("issuer/clients/keyed.toml"), client).unwrap();
    world.serve();
    let add = ["issuer", "account", "add", "ada", "--sample", "student_card"];
    world.bestow_reading(&add, b"correct horse battery staple\n").exits(0);
    let link = world.link(&["student_card", "--grants", "authorization_code"]);
    (world, link)
}

#[test]
fn a_wallet_with_its_key_is_let_in() {
    let (world, link) = world();
    let without = world.receive(&link, &["--json", "--client-id", "keyed"]).exits(3);
    assert_eq!(text(&without.json()["error"], "code"), "invalid_client");
    let unsigned = world.receive(&link, &[&["--json"][..], &OWN].concat()).exits(3);
    assert_eq!(text(&unsigned.json()["error"], "code"), "invalid_request", "it signs always");

    let typed = [&["--yes", "--sign-request", "--client-key-id", "1"][..], &OWN].concat();
    let arguments = [&["wallet", "receive", &link][..], TRUST, &typed].concat();
    let told = fs::File::create(world.path("told")).unwrap();
    let mut wallet = world.command(&arguments).stderr(told).spawn().unwrap();
    let (began, patience) = (Instant::now(), Duration::from_secs(20));
    let said = || fs::read_to_string(world.path("told")).unwrap();
    while !said().contains("request_uri=") && began.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    wallet.kill().unwrap();
    wallet.wait().unwrap();
    assert!(said().contains("/authorize?client_id=keyed&request_uri="), "{}", said());
}

#[test]
fn what_is_no_key_is_said_before_anybody_is_asked() {
    let world = World::new();
    fs::write(world.path("own.pem"), "no key\n").unwrap();
    let link = "openid-credential-offer://?credential_offer=%7B%7D";
    let wrong = world.bestow(&[&["wallet", "receive", link, "--sign-request"][..], TRUST].concat());
    wrong.exits(2);
    let offer = "{\"credential_issuer\":\"https://localhost:1\",\
                 \"credential_configuration_ids\":[\"a\"]}";
    let link = format!(
        "openid-credential-offer://?credential_offer={}",
        url::form_urlencoded::byte_serialize(offer.as_bytes()).collect::<String>()
    );
    let refused = world.receive(&link, &[&["--json"][..], &OWN].concat()).exits(2);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "own.pem holds no private key in PEM form");
}

//! An operator's own wallet asks for the password at the terminal, and everybody else's opens a
//! browser (First-Party Apps §5).

use std::fs;
use std::time::{Duration, Instant};

use keys::outside::{Clock as _, SystemClock};
use testkit::haip::{Maker, edit};
use testkit::outside::TestClock;

use crate::world::{TRUST, World, text};

const PASSWORD: &str = "correct horse battery staple";
const ATTESTED: [&str; 4] =
    ["--client-attestation", "attestation.jwt", "--client-attestation-key", "instance.pem"];

/// An issuer with an account and a wallet, which is its own or not; its offer, to be taken by signing
/// in.
fn world(is_own: bool) -> (World, String) {
    let mut world = World::new();
    let maker = Maker::new(TestClock::at(SystemClock.now()));
    let key = "client_attestation_trust_anchors";
    let (off, on) = (format!("#{key} = []"), format!("{key} = [\"makers.pem\"]"));
    edit(&world.path("issuer"), "bestow.toml", &off, &on);
    fs::write(world.path("issuer/makers.pem"), maker.anchor()).unwrap();
    fs::create_dir(world.path("issuer/clients")).unwrap();
    let client = format!(
        "client_id = \"{}\"\nname = \"Own Wallet\"\nfirst_party = {is_own}\n\
         redirect_uris = [\"http://127.0.0.1/cb\"]\n",
        testkit::sender::CLIENT
    );
    fs::write(world.path("issuer/clients/wallet.toml"), client).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (jwt, instance) = runtime.block_on(maker.attest(Some(&maker.chain(false))));
    fs::write(world.path("attestation.jwt"), jwt).unwrap();
    fs::write(world.path("instance.pem"), instance.to_pem().as_bytes()).unwrap();
    fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
    fs::write(world.path("slip"), "slip\n").unwrap();
    world.serve();
    let add = ["issuer", "account", "add", "ada", "--sample", "student_card"];
    world.bestow_reading(&add, format!("{PASSWORD}\n").as_bytes()).exits(0);
    let link = world.link(&["student_card", "--grants", "authorization_code"]);
    (world, link)
}

#[test]
fn a_password_is_enough_where_the_wallet_is_the_issuers_own() {
    let (world, link) = world(true);
    let with = |file: &'static str| {
        let typed = ["--json", "--account", "ada", "--password-file", file];
        [&typed[..], &ATTESTED].concat()
    };
    let wrong = world.receive(&link, &with("slip")).exits(3);
    assert_eq!(text(&wrong.json()["error"], "code"), "wrong_password");
    let nobody = [&["--json", "--account", "ada"][..], &ATTESTED].concat();
    let nobody = world.receive(&link, &nobody).exits(5);
    assert!(text(&nobody.json()["error"], "hint").contains("--password-file"), "{nobody}");
    let received = world.receive(&link, &with("password")).exits(0);
    assert_eq!(received.json()["credentials"].as_array().unwrap().len(), 1);
    assert!(!world.log().contains(PASSWORD), "{}", world.log());
}

#[test]
fn a_browser_is_opened_where_it_is_not() {
    let (world, link) = world(false);
    let typed = ["--yes", "--account", "ada", "--password-file", "password"];
    let arguments = [&["wallet", "receive", &link][..], TRUST, &typed, &ATTESTED].concat();
    let told = fs::File::create(world.path("told")).unwrap();
    let mut wallet = world.command(&arguments).stderr(told).spawn().unwrap();
    let (began, patience) = (Instant::now(), Duration::from_secs(20));
    let said = || fs::read_to_string(world.path("told")).unwrap();
    while !said().contains("request_uri=") && began.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    wallet.kill().unwrap();
    wallet.wait().unwrap();
    assert!(said().contains("open this address in a browser"), "{}", said());
    assert!(said().contains("/authorize?"), "{}", said());
}

//! The high assurance profile on the command line: `profile = "haip"` for an issuer,
//! `--profile haip` for a wallet (HAIP §4).

use std::fs;

use keys::outside::{Clock as _, SystemClock};
use testkit::haip::{Maker, configure, edit};
use testkit::outside::TestClock;

use crate::world::{World, text};

/// An issuer as an operator configures it for the profile, not serving yet; its wallet has what its
/// maker gave it.
fn configured() -> World {
    let world = World::new();
    let maker = Maker::new(TestClock::at(SystemClock.now()));
    configure(&world.path("issuer"), maker.anchor());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (jwt, key) = runtime.block_on(maker.attest(Some(&maker.chain(false))));
    fs::write(world.path("attestation.jwt"), jwt).unwrap();
    fs::write(world.path("instance.pem"), key.to_pem().as_bytes()).unwrap();
    world
}

const ATTESTED: [&str; 6] = [
    "--profile",
    "haip",
    "--client-attestation",
    "attestation.jwt",
    "--client-attestation-key",
    "instance.pem",
];

/// X39: what the profile asks for is said, with the rule.
#[test]
fn check_config_lists_what_the_profile_asks_for() {
    let world = World::new();
    let plain = world.bestow(&["issuer", "check-config"]).exits(0);
    assert!(plain.stdout.contains("profile = \"none\"") && !plain.stderr.contains("HAIP"));
    let world = configured();
    let outcome = world.bestow(&["issuer", "check-config"]).exits(0);
    assert!(outcome.stdout.contains("profile = \"haip\""), "{outcome}");
    assert!(outcome.stdout.contains("require_pushed_authorization_requests = true"), "{outcome}");
    for told in ["haip: dpop.required = true", "HAIP-05", "HAIP-13", "HAIP-25", "HAIP-46"] {
        assert!(outcome.stderr.contains(told), "{told}: {outcome}");
    }
    assert!(outcome.stderr.contains("diploma.toml: jwt_vc_json is no format of HAIP"), "{outcome}");
}

#[test]
fn a_contradiction_is_a_mistake_with_its_line_and_a_way_out() {
    let world = configured();
    edit(
        &world.path("issuer"),
        "bestow.toml",
        "#anonymous_access = true",
        "anonymous_access = true",
    );
    for command in ["check-config", "serve"] {
        let outcome = world.bestow(&["issuer", command]).exits(2);
        assert!(outcome.stderr.contains("bestow.toml:"), "{outcome}");
        assert!(outcome.stderr.contains("HAIP-25"), "{outcome}");
        assert!(outcome.stderr.contains("write anonymous_access = false"), "{outcome}");
    }
}

/// HAIP-20, HAIP-25, HAIP-30: by the link of the profile, as a text and as a picture.
#[test]
fn a_wallet_and_an_issuer_of_the_profile_find_each_other() {
    let mut world = configured();
    world.serve();
    let link = || world.link(&["course_ticket"]).replace("openid-credential-offer:", "haip-vci:");
    assert!(link().starts_with("haip-vci://?"));
    world.receive(&link(), &ATTESTED).exits(0);
    let picture = qr::QrCode::encode(&link(), qr::Level::M).unwrap().to_svg();
    fs::write(world.path("offer.svg"), picture).unwrap();
    world.receive("offer.svg", &ATTESTED).exits(0);
    let outcome = world.receive(&link(), &["--profile", "haip", "--json"]).exits(2);
    assert_eq!(text(&outcome.json()["error"], "code"), "attestation_needed");
    assert!(text(&outcome.json()["error"], "hint").contains("--client-attestation"), "{outcome}");
}

/// V11-15: an issuer of the next version says which of the two codes was wrong.
#[test]
fn a_wrong_tx_code_is_told_apart_from_a_used_offer() {
    let mut world = World::new();
    let switch = "invalid_tx_code = ";
    let (off, on) = (format!("#{switch}false"), format!("{switch}true"));
    edit(&world.path("issuer"), "bestow.toml", &off, &on);
    world.serve();
    let offer = world.offer(&["course_ticket", "--tx-code"]);
    let (link, tx_code) = (text(&offer, "uri"), text(&offer, "tx_code"));
    let wrong = if tx_code == "000000" { "000001" } else { "000000" };
    let outcome = world.receive(&link, &["--json", "--tx-code", wrong]).exits(3);
    let error = &outcome.json()["error"];
    assert_eq!(text(error, "code"), "invalid_tx_code");
    assert!(text(error, "hint").contains("try again"), "{outcome}");
    world.receive(&link, &["--tx-code", &tx_code]).exits(0);
}

/// HAIP-02: an issuer that does not keep the profile is left, and keeps its offer.
#[test]
fn an_issuer_without_the_profile_is_6_with_the_rule() {
    let world = World::serving();
    let link = world.link(&["course_ticket"]);
    let outcome = world.receive(&link, &["--profile", "haip", "--json"]).exits(6);
    let error = &outcome.json()["error"];
    assert_eq!(text(error, "code"), "haip");
    assert!(text(error, "message").contains("HAIP §4"), "{outcome}");
    world.receive(&link, &[]).exits(0);
    let outcome = world.receive(&link, &["--profile", "high"]).exits(2);
    assert!(outcome.stderr.contains("one of none and haip"), "{outcome}");
}

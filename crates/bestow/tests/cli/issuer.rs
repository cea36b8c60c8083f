//! `bestow issuer …`: offers, applications, letters, and what is wrong with a configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

use issuer::Issuer;
use issuer::config::Config;
use issuer::flow::application::apply;
use keys::outside::{SystemClock, SystemRandom};
use serde_json::Value;

use crate::world::{BADGE, World, names, text};

#[test]
fn an_offer_is_made_directly_while_nobody_serves_and_by_the_admin_api_while_somebody_does() {
    let mut world = World::new();
    let before = world.link(&["course_ticket"]);
    world.serve();
    let after = world.link(&["course_ticket"]);
    for link in [before, after] {
        world.receive(&link, &[]).exits(0);
    }
    assert_eq!(world.logged("offer made"), 1, "{}", world.log());
}

#[test]
fn json_says_what_was_offered() {
    let world = World::new();
    let offer = world.offer(&["student_card"]);
    assert_eq!(names(&offer), ["expires_at", "id", "tx_code", "uri"]);
    assert_eq!(offer["tx_code"], Value::Null);
    assert!(text(&offer, "uri").starts_with("openid-credential-offer://?credential_offer_uri="));
    assert!(keys::outside::Timestamp::from_rfc3339(&text(&offer, "expires_at")).is_some());
    let guarded = world.offer(&["student_card", "--tx-code", "--by-value"]);
    assert!(text(&guarded, "uri").starts_with("openid-credential-offer://?credential_offer="));
    let tx_code = text(&guarded, "tx_code");
    assert!(tx_code.len() == 6 && tx_code.bytes().all(|byte| byte.is_ascii_digit()), "{tx_code}");
}

/// FMT-MDOC-06: the name space of an element has dots of its own.
#[test]
fn a_claim_of_an_mdoc_is_named_whole() {
    let world = World::new();
    let floor = r#"
        [[claims]]
        path = ["org.example.badge.1", "floor"]
        type = "object"
        [[claims]]
        path = ["org.example.badge.1", "floor", "number"]
        type = "integer"
        required = true
        example = 1
    "#;
    fs::write(world.path("issuer/credentials/badge.toml"), format!("{BADGE}{floor}")).unwrap();
    let claims = ["org.example.badge.1.room=7", "org.example.badge.1.floor.number=-1"];
    let offer = ["issuer", "offer", "badge", "--claim", claims[0], "--claim", claims[1]];
    world.bestow(&offer).exits(0);
    let unknown = [&offer[..], &["--claim", "org.example.x=1"]].concat();
    assert!(world.bestow(&unknown).exits(2).stderr.contains("org"));
}

/// The later wins: examples, then the object, then single claims.
#[test]
fn claims_come_from_examples_a_file_standard_input_and_options() {
    let world = World::serving();
    fs::write(world.path("claims.json"), r#"{"given_name":"Ada","family_name":"File"}"#).unwrap();
    let more = ["--claims", "claims.json", "--claim", "family_name=Option"];
    let more = [&more[..], &["--claim", "address.city=Bremen", "student_card"]].concat();
    let received = world.receive(&world.link(&more), &["--json"]).exits(0).json();
    let claims = &received["credentials"][0]["claims"];
    assert_eq!(claims["given_name"], "Ada");
    assert_eq!(claims["family_name"], "Option");
    assert_eq!(claims["address"]["city"], "Bremen");
    assert_eq!(claims["address"]["postal_code"], "51147");

    let offer =
        ["issuer", "offer", "course_ticket", "--claims", "-", "--claim", "seat=7", "--json"];
    let claims = br#"{"course":"Logic","starts_on":"2026-12-01"}"#;
    let link = text(&world.bestow_reading(&offer, claims).exits(0).json(), "uri");
    let received = world.receive(&link, &["--json"]).exits(0).json();
    let claims = serde_json::json!({ "course": "Logic", "starts_on": "2026-12-01", "seat": 7 });
    assert_eq!(received["credentials"][0]["claims"], claims);
}

#[test]
fn claims_that_do_not_fit_are_refused_by_name_and_no_offer_is_made() {
    let world = World::new();
    let offer = |more: &[&str]| {
        let outcome =
            world.bestow(&[&["issuer", "offer", "student_card", "--json"], more].concat());
        text(&outcome.exits(2).json()["error"], "message")
    };
    assert!(offer(&["--sample", "--claim", "nickname=x"]).contains("nickname"));
    assert!(offer(&["--sample", "--claim", "address.planet=x"]).contains("address.planet"));
    let missing = offer(&["--claim", "given_name=Ada"]);
    for name in ["family_name", "birth_date", "student_id"] {
        assert!(missing.contains(name), "{missing}");
    }
}

#[test]
fn a_letter_has_the_transaction_code_on_a_sheet_of_its_own() {
    let world = World::new();
    let letter = |more: &[&str]| {
        world.offer(&[&["student_card", "--print", "letter.pdf"], more].concat());
        pages(&world.path("letter.pdf"))
    };
    assert_eq!(letter(&["--without-tx-code"]), 1);
    assert_eq!(letter(&["--tx-code"]), 3, "letter, its empty back, code");
    let unguarded = ["issuer", "offer", "student_card", "--sample", "--print", "no.pdf", "--json"];
    let outcome = world.bestow(&unguarded).exits(2);
    assert!(text(&outcome.json()["error"], "hint").contains("--without-tx-code"), "{outcome}");
    assert!(!world.path("no.pdf").exists());
}

/// As `pdfinfo` counts them.
fn pages(letter: &Path) -> u32 {
    let output = Command::new("pdfinfo").arg(letter).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pages = text.lines().find_map(|line| line.strip_prefix("Pages:"));
    pages.unwrap().trim().parse().unwrap()
}

#[test]
fn an_officer_lists_approves_and_rejects_applications() {
    let world = World::new();
    let (first, second) = (applied(&world), applied(&world));
    let applications =
        |more: &[&str]| world.bestow(&[&["issuer", "applications"], more, &["--json"]].concat());
    let listed = applications(&["list"]).exits(0).json();
    for id in [&first, &second] {
        let ids = listed["applications"].as_array().unwrap().iter().map(|one| text(one, "id"));
        assert_eq!(ids.filter(|listed| listed == id).count(), 1, "{listed}");
    }
    let approved = applications(&["approve", &first]).exits(0).json();
    assert_eq!(
        (text(&approved, "id"), text(&approved, "state")),
        (first.clone(), "approved".into())
    );
    assert_eq!(text(&approved, "tx_code").len(), 6, "for the officer to hand on");
    assert_eq!(text(&applications(&["reject", &second]).exits(0).json(), "state"), "rejected");
    applications(&["approve", &second]).exits(3);
    applications(&["approve", "nobody"]).exits(2);
    assert_eq!(applications(&["list"]).exits(0).json()["applications"], serde_json::json!([]));
    let rejected = applications(&["list", "--state", "rejected"]).exits(0).json();
    assert_eq!(text(&rejected["applications"][0], "id"), second);
}

/// More than one page of the admin API: none is left out.
#[test]
fn every_application_is_listed() {
    let world = World::new();
    let ids = apply_often(&world, 501);
    let listed = world.bestow(&["issuer", "applications", "list", "--json"]).exits(0).json();
    let listed = listed["applications"].as_array().unwrap();
    assert_eq!(listed.iter().map(|one| text(one, "id")).collect::<Vec<_>>(), ids, "oldest first");
}

/// Somebody fills in the form of the diploma; the id of the application.
fn applied(world: &World) -> String {
    apply_often(world, 1).pop().unwrap()
}

fn apply_often(world: &World, count: usize) -> Vec<String> {
    let config = Config::load(&world.path("issuer/bestow.toml")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let issuer = Issuer::open(config, Box::new(SystemClock), Box::new(SystemRandom));
    let issuer = runtime.block_on(issuer).unwrap();
    let diploma = &issuer.types["diploma"];
    let one = |_| {
        let secret = runtime.block_on(apply(&issuer, diploma, diploma.sample())).unwrap();
        issuer::application::ApplicationSecret::parse(secret.expose()).unwrap().0.to_string()
    };
    let mut ids: Vec<String> = (0..count).map(one).collect();
    ids.sort();
    ids
}

/// OFFER-24: the code goes to a program; one that fails is named, and is asked again with the next
/// approval.
#[test]
fn a_program_that_hands_on_transaction_codes_is_named_when_it_fails() {
    let world = World::new();
    let types = world.path("issuer/credentials/diploma.toml");
    let program = world.path("send");
    let command = format!("tx_code_command = [\"/bin/sh\", \"{}\"]\n", program.display());
    let written = fs::read_to_string(&types).unwrap();
    let lines = written.lines().filter(|line| !line.starts_with("tx_code"));
    let rest = lines.collect::<Vec<_>>().join("\n");
    let head = "tx_code = true\ntx_code_channel = \"command\"\n";
    fs::write(&types, format!("{head}{command}{rest}")).unwrap();
    let id = applied(&world);
    let approve = ["issuer", "applications", "approve", &id, "--json"];

    fs::write(&program, "exit 7").unwrap();
    let error = world.bestow(&approve).exits(1).json()["error"].clone();
    assert_eq!(text(&error, "code"), "not_delivered");
    let message = text(&error, "message");
    assert!(message.contains("/bin/sh") && message.contains("exit status: 7"), "{message}");

    fs::write(&program, format!("cat > {}", world.path("letter").display())).unwrap();
    let approved = world.bestow(&approve).exits(0).json();
    assert_eq!(approved["tx_code"], Value::Null, "it is the program's");
    let letter: Value = serde_json::from_slice(&fs::read(world.path("letter")).unwrap()).unwrap();
    assert_eq!((text(&letter, "id"), text(&letter, "tx_code").len()), (id.clone(), 6));
    assert_eq!(world.bestow(&approve).exits(0).json(), approved, "a lost letter is sent again");

    let offer = ["issuer", "offer", "diploma", "--sample", "--tx-code"];
    let outcome = world.bestow(&offer).exits(0);
    assert!(outcome.stderr.contains("went to the program"), "{outcome}");
    fs::write(&program, "exit 7").unwrap();
    let outcome = world.bestow(&offer).exits(1);
    assert!(outcome.stderr.contains("/bin/sh") && outcome.stdout.is_empty(), "{outcome}");
}

/// What was made and cannot be handed over is taken back: nobody else could find it.
#[test]
fn an_offer_that_cannot_be_written_is_withdrawn_and_said_once() {
    let world = World::serving();
    let state = |at: usize| {
        let list = world.admin("GET", "/admin/v1/offers");
        text(&list["offers"][at], "state")
    };
    let offer = ["issuer", "offer", "student_card", "--sample"];
    let unwritable = [&offer[..], &["--qr", "no/such/code.png", "--json"]].concat();
    let error = world.bestow(&unwritable).exits(2).json()["error"].clone();
    assert!(text(&error, "message").ends_with("the offer was withdrawn"), "{error}");
    assert_eq!(state(0), "withdrawn");
    for more in [&[][..], &["--json"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = world.command(&[&offer[..], more].concat());
        let output = command.stdout(full).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(told.matches("cannot write the result").count(), 1, "{told}");
        assert!(told.ends_with("the offer was withdrawn\n"), "{told}");
        assert_eq!(state(0), "withdrawn");
    }
    let list = world.admin("GET", "/admin/v1/offers");
    assert_eq!(list["offers"].as_array().unwrap().len(), 3);
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_alone() {
    let world = World::new();
    let file = world.path("issuer/bestow.db");
    fs::write(&file, "years of work").unwrap();
    let commands: [&[&str]; 5] = [
        &["issuer", "check-config"],
        &["issuer", "migrate"],
        &["issuer", "serve"],
        &["issuer", "offer", "student_card", "--sample"],
        &["issuer", "applications", "list"],
    ];
    for command in commands {
        let outcome = world.bestow(command).exits(2);
        assert!(outcome.stderr.contains("bestow.db"), "{command:?}: {outcome}");
        assert!(outcome.stderr.contains("`database` in bestow.toml"), "{command:?}: {outcome}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "years of work");
}

#[test]
fn a_server_of_another_issuer_is_not_taken_for_ours() {
    let mut other = World::new();
    other.serve();
    let world = World::new();
    let url = format!("url = \"{}\"", other.issuer());
    let file = world.path("issuer/bestow.toml");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(&file, config.replace(&format!("url = \"{}\"", world.issuer()), &url)).unwrap();
    let offer = ["issuer", "offer", "course_ticket", "--sample", "--json"];
    let outcome = world.bestow(&offer).exits(2);
    assert_eq!(text(&outcome.json()["error"], "code"), "another_issuer");
}

#[test]
fn a_database_of_another_version_is_refused_with_the_command_that_helps() {
    let world = World::new();
    fs::remove_file(world.path("issuer/bestow.db")).unwrap();
    let outcome = world.bestow(&["issuer", "serve"]).exits(2);
    assert!(outcome.stderr.contains("bestow issuer migrate"), "{outcome}");
    world.bestow(&["issuer", "migrate"]).exits(0);
    world.offer(&["course_ticket"]);
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.bestow(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("receive") && script.contains("check-config"), "{shell}");
    }
    world.bestow(&["man-pages", "man"]).exits(0);
    let page = fs::read_to_string(world.path("man/bestow-wallet-receive.1")).unwrap();
    assert!(page.contains("Transaction") || page.contains("transaction"), "{page}");
    assert!(page.contains("Examples"), "{page}");
}

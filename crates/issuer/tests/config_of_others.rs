//! What `bestow.toml` may say of other servers (databases, providers, authorization servers), and a
//! credential type of their claims.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use issuer::config::{Config, ConfigError};
use issuer::credential_type::CredentialType;
use issuer::external::External;
use issuer::provider::Provider;
use serde_json::json;

fn load(lines: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bestow.toml");
    fs::write(&file, format!("url = \"https://issuer.example\"\n{lines}")).unwrap();
    Config::load(&file)
}

fn problem(lines: &str) -> String {
    let error = load(lines).unwrap_err();
    assert!(error.line.is_some() && !error.remedy.is_empty());
    error.problem
}

/// With its line, and without the name of the file.
fn mistake(lines: &str) -> String {
    let error = load(lines).unwrap_err();
    format!("{}: {}; {}", error.line.unwrap_or_default(), error.problem, error.remedy)
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    let found = mistake("database = \"mysql://host/bestow\"\n");
    assert!(found.starts_with("2: ") && found.contains("`mysql`"), "{found}");
}

#[test]
fn the_address_of_a_server_says_whose_certificate_is_checked() {
    let table = [
        ("postgres://bestow@db.example/bestow", false),
        ("postgres://bestow@db.example:5433/bestow?sslmode=verify-full", false),
        ("postgres://bestow@one.example,two.example:5433/bestow", false),
        ("postgres://bestow@127.0.0.1/bestow", false),
        ("postgres://bestow@localhost/bestow?sslmode=disable", false),
        ("postgres://bestow@/bestow?host=/run/postgresql", false),
        ("postgresql://bestow@10.0.0.7/bestow?sslmode=disable", true),
        ("postgres://bestow@localhost,db.example/bestow?sslmode=disable", true),
    ];
    for (address, is_open) in table {
        let config = load(&format!("database = \"{address}\"\n")).unwrap();
        assert_eq!(config.database.to_string(), address);
        assert_eq!(config.database.file(), None);
        let warnings = config.warnings(&BTreeMap::new());
        assert_eq!(warnings.iter().any(|text| text.starts_with("database: ")), is_open);
    }
}

/// Catalogue R03: `bestow.toml` may be read by many, be printed and be copied.
#[test]
fn an_address_of_a_server_has_no_password_in_it() {
    for address in [
        "postgres://bestow:hunter2@db.example/bestow",
        "postgres://bestow@db.example/bestow?password=hunter2",
        "postgres://bestow@db.example/bestow?sslmode=disable&password=hunter2",
    ] {
        let found = mistake(&format!("database = \"{address}\"\n"));
        assert!(found.starts_with("2: there is a password"), "{found}");
        assert!(found.contains("database_password_file") && !found.contains("hunter2"), "{found}");
    }
}

#[test]
fn an_address_of_a_server_that_is_none_is_refused() {
    for address in [
        "postgres://",
        "postgres://db.example/bestow",
        "postgres://bestow@/bestow",
        "postgres://bestow@db.example",
        "postgres://bestow@db.example:port/bestow",
        "postgres://bestow@db.example/bestow?sslmode=require",
        "postgres://bestow@db.example/bestow?options=-csynchronous_commit%3Doff",
    ] {
        let found = mistake(&format!("database = \"{address}\"\n"));
        assert!(found.starts_with("2: "), "{found}");
    }
    for key in ["database_password_file", "database_ca"] {
        let found = mistake(&format!("{key} = \"file\"\n"));
        assert!(found.starts_with("2: the database is a file"), "{found}");
    }
}

#[test]
fn a_provider_that_could_sign_nobody_in_refuses_to_start() {
    let known = "provider = \"https://login.example\"\nclient_id = \"us\"\n";
    for (lines, expected) in [
        ("accounts = false".to_owned(), "nobody can sign in"),
        ("provider = \"login.example\"".to_owned(), "no provider can be there"),
        ("provider = \"http://login.example\"".to_owned(), "no provider can be there"),
        ("provider = \"https://login.example/?a\"".to_owned(), "no provider can be there"),
        ("provider = \"https://login.example\"".to_owned(), "who we are is missing"),
        (format!("{known}scopes = [\"profile\"]"), "there is no ID token"),
        (format!("{known}scopes = [\"openid email\"]"), "there is no ID token"),
        (format!("{known}provider_name = \"a\\u200Bb\""), "no one can read this"),
    ] {
        let found = problem(&format!("[sign_in]\n{lines}\n"));
        assert!(found.contains(expected), "{lines}: {found}");
    }
    for (lines, expected) in [
        ("issuer = \"as.example\"", "no authorization server can be there"),
        ("issuer = \"https://issuer.example\"", "this is ourselves"),
        ("issuer = \"https://as.example\"\nintrospection = true", "who asks"),
    ] {
        let found = problem(&format!("[authorization_server]\n{lines}\n"));
        assert!(found.contains(expected), "{lines}: {found}");
    }
}

/// R03: what others can read is no secret.
#[test]
fn a_secret_of_ours_is_read_by_us_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    write("open.secret", "secret", 0o644);
    write("empty.secret", "\n", 0o600);
    write("good.secret", "secret\n", 0o600);
    write("no.pem", "no certificate", 0o644);
    let config = |lines: &str| {
        let file = folder.path().join("bestow.toml");
        let text = "url = \"https://issuer.example\"\n[sign_in]\nclient_id = \"us\"\n\
                    provider = \"https://login.example\"\n";
        let server = "[authorization_server]\nissuer = \"https://as.example\"\n";
        let theirs = lines.replace("provider_ca", "ca");
        fs::write(&file, format!("{text}{lines}\n{server}{theirs}\n")).unwrap();
        Config::load(&file).unwrap()
    };
    for (lines, expected) in [
        ("client_secret_file = \"open.secret\"", "other users"),
        ("client_secret_file = \"empty.secret\"", "is empty"),
        ("client_secret_file = \"none.secret\"", "cannot be read"),
        ("provider_ca = \"no.pem\"", "no authority"),
        ("provider_ca = \"none.pem\"", "cannot be read"),
    ] {
        let config = config(lines);
        let provider = Provider::open(&config.sign_in).unwrap_err().problem;
        let external = External::open(&config.authorization_server).unwrap_err().problem;
        assert!(provider.contains(expected), "{lines}: {provider}");
        assert!(external.contains(expected), "{lines}: {external}");
    }
    let config = config("client_secret_file = \"good.secret\"");
    let provider = Provider::open(&config.sign_in).unwrap().unwrap();
    assert_eq!(provider.name(), "login.example");
    assert!(!format!("{provider:?}").contains("\"secret"), "{provider:?}");
    assert!(!config.effective().contains("good\n"));
}

const TYPE: &str = "format = \"dc+sd-jwt\"\nvalidity_days = 1\n";
const CLAIMS: &str = "[[display]]\nname = \"A\"\nlocale = \"en\"\n\
    [[claims]]\npath = [\"name\"]\ntype = \"string\"\n\
    [[claims]]\npath = [\"address\"]\ntype = \"object\"\n\
    [[claims]]\npath = [\"address\", \"city\"]\ntype = \"string\"\n";

fn read(line: &str) -> Result<CredentialType, String> {
    let text = format!("{TYPE}{line}\n{CLAIMS}");
    CredentialType::parse(Path::new("card.toml"), &text, "https://issuer.example")
        .map_err(|error| error.problem)
}

#[test]
fn claims_of_a_provider_become_those_of_the_type() {
    let line =
        "sign_in_claims = { name = \"https://x.example/name\", \"address.city\" = \"home.city\" }";
    let claims = read(line).unwrap().sign_in_claims.unwrap();
    let provided = json!({
        "https://x.example/name": "Ada", "home": { "city": "London", "zip": "1" }, "name": "Eve",
    });
    let taken = claims.of(provided.as_object().unwrap());
    assert_eq!(json!(taken), json!({ "name": "Ada", "address": { "city": "London" } }));
    assert_eq!(json!(claims.of(json!({ "home": null }).as_object().unwrap())), json!({}));
    assert!(read("").unwrap().sign_in_claims.is_none());
    for (line, expected) in [
        ("sign_in_claims = { nickname = \"nickname\" }", "`nickname` is no claim"),
        ("sign_in_claims = { address = \"address\" }", "`address` is no claim"),
        ("sign_in_claims = { name = \"\" }", "where the provider has `name`"),
        ("sign_in_claims = { name = \"a..b\" }", "where the provider has `name`"),
    ] {
        let found = read(line).unwrap_err();
        assert!(found.contains(expected), "{line}: {found}");
    }
}

/// First-Party Apps §9.1: a wallet that is to ask for passwords can prove that it is the operator's.
#[test]
fn a_first_party_wallet_that_can_prove_nothing_refuses_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("clients");
    fs::create_dir(&clients).unwrap();
    let file = folder.path().join("bestow.toml");
    let written = |lines: &str, client: &str| {
        fs::write(&file, format!("url = \"https://issuer.example\"\n{lines}")).unwrap();
        let base =
            "client_id = \"own\"\nname = \"Own\"\nredirect_uris = [\"https://own.example/\"]\n";
        fs::write(clients.join("own.toml"), format!("{base}{client}")).unwrap();
        Config::load(&file).unwrap().registered_clients()
    };
    let own = "first_party = true\n";
    let error = written("", own).unwrap_err();
    assert!(error.problem.contains("`own`"), "{}", error.problem);
    assert!(error.remedy.contains("private_key_jwt"), "{}", error.remedy);
    let trust = "[authorization]\nclient_attestation_trust_anchors = [\"makers.pem\"]\n";
    assert!(written(trust, own).unwrap()["own"].is_first_party);
    assert!(!written("", "").unwrap()["own"].is_first_party, "off by default");
}

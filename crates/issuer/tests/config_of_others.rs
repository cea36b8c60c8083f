//! What `bestow.toml` may say of servers of others, and a credential type of their claims.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use issuer::config::Config;
use issuer::credential_type::CredentialType;
use issuer::external::External;
use issuer::provider::Provider;
use serde_json::json;

fn problem(lines: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bestow.toml");
    fs::write(&file, format!("url = \"https://issuer.example\"\n{lines}")).unwrap();
    let error = Config::load(&file).unwrap_err();
    assert!(error.line.is_some() && !error.remedy.is_empty());
    error.problem
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

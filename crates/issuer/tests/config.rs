//! `bestow.toml`: what it may say, and that its reference is current.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use issuer::config::{Config, ConfigError, IssuerUrl, example, reference};
use issuer::credential_type::CredentialType;

const URL: &str = "url = \"https://issuer.example\"\n";

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bestow.toml");
    fs::write(&file, text).unwrap();
    Config::load(&file)
}

/// Line, problem and remedy of what is wrong.
fn mistake(text: &str) -> String {
    let error = load(text).unwrap_err();
    assert!(error.file.ends_with("bestow.toml"));
    assert!(!error.remedy.is_empty());
    format!("{}: {}; {}", error.line.unwrap_or(0), error.problem, error.remedy)
}

#[test]
fn the_address_alone_is_enough() {
    let config = load(URL).unwrap();
    assert_eq!(config.url.as_str(), "https://issuer.example");
    assert_eq!(config.listen().to_string(), "0.0.0.0:443");
    assert_eq!(config.admin_listen().to_string(), "127.0.0.1:444");
    assert_eq!(config.offer.credentials_per_offer, 10);
    assert_eq!(config.offer.tx_code_attempts_max, 5);
    assert!(config.compatibility.single_proof);
    assert!(config.authorization.anonymous_access);
}

#[test]
fn an_issuer_on_this_machine_listens_on_this_machine_only() {
    let config = load("url = \"https://localhost:8443\"").unwrap();
    assert_eq!(config.listen().to_string(), "127.0.0.1:8443");
    assert_eq!(config.admin_listen().to_string(), "127.0.0.1:8444");
    let config = load("url = \"https://[::1]:8443/a\"").unwrap();
    assert_eq!(config.listen().to_string(), "[::1]:8443");
    assert_eq!((config.url.host().as_str(), config.url.path()), ("::1", "/a"));
    let shown = |url: &str| IssuerUrl::try_from(url.to_owned()).unwrap().host_and_port();
    assert_eq!(shown("https://localhost:8443/a"), "localhost:8443");
    assert_eq!(shown("https://issuer.example"), "issuer.example");
}

#[test]
fn relative_paths_begin_at_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bestow.toml");
    fs::write(&file, format!("{URL}keys = \"/etc/keys\"\n")).unwrap();
    let config = Config::load(&file).unwrap();
    assert_eq!(config.keys, Path::new("/etc/keys"));
    assert_eq!(config.admin_key_file(), Path::new("/etc/keys/admin.key"));
    assert_eq!(config.credentials, folder.path().join("credentials"));
    assert_eq!(config.server.certificate, folder.path().join("tls/cert.pem"));
    assert_eq!(config.database.file(), Some(&*folder.path().join("bestow.db")));
}

/// CRED-01, DEFER-02, NOTIF-05, META-03, VCI §12.2.1, META-01: wallets compare it byte by byte, so
/// there is one way to write it.
#[test]
fn an_address_that_is_no_credential_issuer_identifier_is_refused() {
    let table = [
        "issuer.example",
        "https://issuer.example/",
        "https://issuer.example/a/",
        "https://issuer.example?a=b",
        "https://issuer.example#a",
        "https://me@issuer.example",
        "https://Issuer.example",
        "https://issuer.example:443",
        "https://issuer.example/a/../b",
        "ftp://issuer.example",
        "http://issuer.example",
        "http://localhost:8080",
        "https://localhost:0",
        "https://",
    ];
    for url in table {
        let found = mistake(&format!("name = \"A\"\nurl = \"{url}\"\n"));
        assert!(found.starts_with("2: "), "{url}: {found}");
    }
    assert!(mistake("name = \"A\"").contains("address of the issuer is missing"));
}

/// X39: the text says which of the rules was broken, and repeats no password.
#[test]
fn what_is_wrong_with_an_address_is_said() {
    let table = [
        ("issuer.example", "does not begin with https://"),
        ("ftp://issuer.example", "does not begin with https://"),
        ("https://me:secret@issuer.example", "no user name and no password"),
        ("https://issuer.example?a=b", "a query"),
        ("https://issuer.example#a", "a fragment"),
        ("https://localhost:0", "port 0"),
        ("https://localhost:99999", "port"),
    ];
    for (url, expected) in table {
        let found = IssuerUrl::try_from(url.to_owned()).unwrap_err();
        assert!(found.contains(expected) && !found.contains("secret"), "{url}: {found}");
    }
}

/// I21, N04: the name is on pages, letters and certificates.
#[test]
fn a_name_can_be_seen_as_a_whole() {
    for name in ["", "  ", "A\\nB", "Riverside\\u200B", "A\\u2028B", "\\u202Eytisrevinu"] {
        let found = mistake(&format!("{URL}name = \"{name}\"\n"));
        assert!(found.starts_with("2: no one can read this name"), "{name}: {found}");
    }
    let found = mistake(&format!("{URL}[portal]\nhelp_line = \"1\\u200B2\"\n"));
    assert!(found.starts_with("3: "), "{found}");
}

#[test]
fn two_listeners_have_two_addresses() {
    let table = [
        "url = \"https://localhost:65535\"\n".to_owned(),
        "url = \"https://issuer.example:65535\"\n".to_owned(),
        format!("{URL}[server]\nlisten = \"0.0.0.0:9\"\n[admin]\nlisten = \"127.0.0.1:9\"\n"),
    ];
    for text in table {
        let found = mistake(&text);
        assert!(found.contains("same address as the public listener"), "{text}: {found}");
        assert!(found.contains("listen = \"127.0.0.1:9443\""), "{text}: {found}");
    }
    for section in ["server", "admin"] {
        let found = mistake(&format!("{URL}[{section}]\nlisten = \"127.0.0.1:0\"\n"));
        assert!(found.starts_with("3: nobody can reach port 0"), "{found}");
    }
}

/// B19, VCI §13.10: only a token that is bound to a key may live longer than 300 seconds.
#[test]
fn a_bearer_token_lives_for_minutes() {
    let token = |text: &str| load(&format!("{URL}[token]\n{text}\n"));
    assert!(token("expires_in = 301").is_err());
    assert!(token("expires_in = 300\ndpop_expires_in = 86400").is_ok());
    assert!(token("dpop_expires_in = 86401").is_err());
}

/// What is required must be possible: else nobody gets a token.
#[test]
fn what_senders_must_prove_can_be_proved() {
    let dpop =
        mistake(&format!("{URL}[dpop]\nrequired = true\nsigning_alg_values_supported = []\n"));
    assert!(dpop.starts_with("3: no proof could be made for it"), "{dpop}");
    let unknown = mistake(&format!("{URL}[dpop]\nsigning_alg_values_supported = [\"HS256\"]\n"));
    assert!(unknown.contains("`HS256` is not known here"), "D10: {unknown}");
    let nobody = mistake(&format!("{URL}[authorization]\nclient_attestation_required = true\n"));
    assert!(nobody.starts_with("3: nobody is trusted"), "D13: {nobody}");
    let text = "[authorization]\nclient_attestation_trust_anchors = [\"gone.pem\"]\n";
    let config = load(&format!("{URL}{text}")).unwrap();
    let error = config.client_attesters().unwrap_err();
    assert!(error.to_string().contains("gone.pem"), "{error}");
    assert!(load(URL).unwrap().client_attesters().unwrap().is_none(), "D13");
}

/// A type cannot promise what the issuer as a whole forbids; both are named.
#[test]
fn a_type_keeps_to_the_longest_life_of_offers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bestow.toml");
    fs::write(&file, format!("{URL}[offer]\nexpires_in_max = 3600\n")).unwrap();
    fs::create_dir(folder.path().join("credentials")).unwrap();
    let display = "[[display]]\nname = \"Card\"\nlocale = \"en\"\n";
    let written = |seconds: u32| {
        let head = "format = \"dc+sd-jwt\"\nvalidity_days = 1\n";
        let text = format!("{head}offer_seconds = {seconds}\n{display}");
        fs::write(folder.path().join("credentials/card.toml"), text).unwrap();
        Config::load(&file).unwrap().credential_types()
    };
    assert!(written(3600).is_ok());
    let error = written(3601).unwrap_err();
    assert!(error.file.ends_with("credentials/card.toml"));
    assert_eq!(error.line, Some(3));
    assert!(error.problem.contains("offer_seconds = 3601"), "{error}");
    assert!(error.problem.contains("expires_in_max = 3600"), "{error}");
}

#[test]
fn an_unknown_key_refuses_to_start_and_the_known_ones_are_named() {
    let found = mistake(&format!("{URL}[offer]\nexpire_in = 5\n"));
    assert!(
        found.starts_with("3: unknown key `expire_in`; expected one of `expires_in`"),
        "{found}"
    );
    assert!(mistake(&format!("{URL}[ofer]\n")).starts_with("2: unknown key `ofer`"));
}

#[test]
fn tls_ends_here_or_at_a_proxy_that_is_named() {
    let off = "[server]\ntls = \"off\"\n";
    let found = mistake(&format!("{URL}{off}"));
    assert!(found.starts_with("3: nobody ends TLS"), "{found}");

    let off = format!("{off}trusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]\n");
    let config = load(&format!("{URL}{off}")).unwrap();
    let trusted = |address: &str| {
        config.server.trusted_proxies.iter().any(|proxy| proxy.contains(address.parse().unwrap()))
    };
    assert!(trusted("10.1.2.3") && trusted("::ffff:10.1.2.3") && trusted("192.0.2.1"));
    assert!(!trusted("11.1.2.3") && !trusted("192.0.2.2"));

    assert!(load(&format!("url = \"http://127.0.0.1:8080\"\n{off}")).is_ok());
    assert!(mistake(&format!("url = \"http://10.0.0.1\"\n{off}")).contains("plain http"));
    let proxies = "[server]\ntrusted_proxies = [\"10.0.0.0/33\"]\n";
    assert!(mistake(&format!("{URL}{proxies}")).contains("neither an address nor a network"));
}

#[test]
fn administration_is_not_open_to_the_network_without_tls() {
    let admin = "[admin]\nlisten = \"0.0.0.0:9000\"\n";
    assert!(mistake(&format!("{URL}{admin}")).starts_with("3: administration would be open"));
    let half = format!("{URL}{admin}certificate = \"a.pem\"\n");
    assert!(mistake(&half).contains("belong together"));
    assert!(load(&format!("{half}private_key = \"a-key.pem\"\n")).is_ok());
    let same =
        format!("{URL}[server]\nlisten = \"127.0.0.1:1\"\n[admin]\nlisten = \"127.0.0.1:1\"\n");
    assert!(mistake(&same).contains("same address"));
}

#[test]
fn numbers_out_of_range_are_refused() {
    let table = [
        ("token", "expires_in", "301", "300"),     // VCI §13.10
        ("proof", "window_seconds", "119", "120"), // PROOF-33
        ("offer", "tx_code_length", "3", "4"),
        ("offer", "tx_code_attempts_max", "0", "1"),
        ("offer", "expires_in", "29", "30"),
        ("offer", "credentials_per_offer", "0", "1"),
    ];
    for (section, key, wrong, right) in table {
        let found = mistake(&format!("{URL}[{section}]\n{key} = {wrong}\n"));
        assert!(found.starts_with(&format!("3: {wrong} is out of range")), "{key}: {found}");
        assert!(load(&format!("{URL}[{section}]\n{key} = {right}\n")).is_ok(), "{key}");
    }
    assert!(mistake(&format!("{URL}[offer]\ntx_code_attempts_max = -1\n")).starts_with("3: "));
}

#[test]
fn the_wallet_of_the_holders_is_reached_by_a_scheme_or_an_address() {
    let line = |endpoint| format!("{URL}[offer]\ncredential_offer_endpoint = \"{endpoint}\"\n");
    for good in ["haip-vci://", "https://wallet.example/offer?a=b", "eudi.wallet://offer"] {
        assert!(load(&line(good)).is_ok(), "{good}");
    }
    let bad = [
        "",
        "wallet",
        "http://wallet.example/",
        "javascript://x",
        "https://w.example/#a",
        "a://b c",
    ];
    for bad in bad {
        assert!(mistake(&line(bad)).starts_with("3: no wallet is reached there"), "{bad}");
    }
}

#[test]
fn text_that_is_not_toml_names_its_line() {
    assert!(mistake(&format!("{URL}name = \n")).starts_with("2: "));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("no/such/bestow.toml")).unwrap_err();
    assert!(error.to_string().starts_with("no/such/bestow.toml: cannot be read"));
}

/// Paths are text here, and what is no text would be another path.
#[test]
fn a_file_that_is_no_text_or_lies_where_no_text_leads_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bestow.toml");
    fs::write(&file, b"url = \"\xff\"").unwrap();
    assert_eq!(Config::load(&file).unwrap_err().problem, "is no UTF-8 text");
    let odd = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("bestow.toml"), URL).unwrap();
    let error = Config::load(&odd.join("bestow.toml")).unwrap_err();
    assert!(error.problem.contains("no UTF-8 text") && error.remedy == "rename the folder");
}

#[test]
fn what_is_in_force_can_be_written_again() {
    let config = load(&format!("{URL}[log]\nformat = \"json\"\n")).unwrap();
    let effective = config.effective();
    assert!(effective.contains("listen = \"0.0.0.0:443\""), "{effective}");
    assert_eq!(load(&effective).unwrap().effective(), effective);
}

#[test]
fn the_example_explains_every_key_and_shows_what_holds() {
    let url = IssuerUrl::try_from("https://localhost:8443".to_owned()).unwrap();
    let text = example(&url, "A \"quoted\" name");
    let config = load(&text).unwrap();
    assert_eq!(config.name, "A \"quoted\" name");

    let with_logo = load(&text.replace("#logo = ", "logo = ")).unwrap();
    assert!(with_logo.logo.is_some() && config.logo.is_none(), "shown as it could be written");
    let said: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .filter(|line| !line.ends_with("\"FILE\"") && !shown_alone(line))
        .fold(String::new(), |all, line| all + line + "\n");
    let without_folder = |config: &Config| config.effective().replace(folder(config).as_str(), "");
    let said = load(&said).unwrap();
    assert_eq!(without_folder(&said), without_folder(&config));
}

/// Shown as it could be written; nothing holds where it is not.
fn shown_alone(line: &str) -> bool {
    let keys = ["logo", "portal", "credential_offer_endpoint"];
    keys.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" = ")))
}

fn folder(config: &Config) -> String {
    config.credentials.parent().unwrap().display().to_string()
}

#[test]
fn the_reference_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIGURATION.md");
    let stored = fs::read_to_string(file).unwrap_or_default();
    assert!(
        stored == reference(),
        "write docs/CONFIGURATION.md again: bestow issuer config-reference"
    );
}

#[test]
fn what_should_not_stay_so_is_warned_of() {
    let config = load(URL).unwrap();
    let ticket = |lines: &str| {
        let text = format!(
            "format = \"dc+sd-jwt\"\nvalidity_days = 1\n{lines}\n\
             [[display]]\nname = \"Ticket\"\nlocale = \"en\"\n"
        );
        let ticket = CredentialType::parse(Path::new("ticket.toml"), &text, config.url.as_str());
        [("ticket".to_owned(), ticket.unwrap())].into()
    };
    assert!(config.warnings(&ticket("")).is_empty());
    let warnings = config.warnings(&ticket("approval = \"at-once\""));
    assert!(warnings.iter().any(|warning| warning.contains("at-once")), "{warnings:?}");
    let warnings = config.warnings(&ticket("tx_code = true\ntx_code_channel = \"screen\""));
    assert!(warnings.iter().any(|warning| warning.contains("screen")), "{warnings:?}");
    let program = |name: &str| {
        let channel = "tx_code = true\ntx_code_channel = \"command\"";
        config.warnings(&ticket(&format!("{channel}\ntx_code_command = [\"{name}\"]")))
    };
    assert!(program("/no/such/program").iter().any(|one| one.contains("`/no/such/program`")));
    assert!(program("/bin/sh").is_empty());
}

/// Catalogue J10: a short list tells too much; one that is renewed at half time must then be good for
/// as long as it may be kept.
#[test]
fn status_lists_are_long_and_live_longer_than_copies_of_them() {
    let status = |lines: &str| format!("{URL}[status]\n{lines}\n");
    assert!(load(&status("size = 1024\nbits = 1\nttl = 10\nexpires_in = 20")).is_ok());
    for (lines, found) in [
        ("size = 1016", "3: 1016 is out of range; write 1024 to 16777216"),
        ("size = 1025", "3: the last byte is not full"),
        ("bits = 4", "3: 4 is out of range; write 1 to 2"),
        ("ttl = 5", "3: 5 is out of range"),
        ("ttl = 300\nexpires_in = 599", "4: 599 is out of range; write 600 to"),
    ] {
        let told = mistake(&status(lines));
        assert!(told.starts_with(found), "{lines}: {told}");
    }
}

/// A type cannot promise a suspension that no list has room for.
#[test]
fn a_suspension_needs_two_bits() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("credentials")).unwrap();
    let file = folder.path().join("bestow.toml");
    let types = |status: &str, of_type: &str| {
        fs::write(&file, format!("{URL}[status]\n{status}\n")).unwrap();
        let (head, display) = (
            "format = \"dc+sd-jwt\"\nvalidity_days = 1\n",
            "[[display]]\nname = \"Card\"\nlocale = \"en\"\n",
        );
        let text = format!("{head}{of_type}\n{display}");
        fs::write(folder.path().join("credentials/card.toml"), text).unwrap();
        Config::load(&file).unwrap().credential_types()
    };
    for (status, of_type) in [
        ("bits = 2", "suspendable = true"),
        ("bits = 1", "suspendable = false"),
        ("bits = 1", ""),
        ("enabled = false", ""),
        ("", "status_list = false"),
    ] {
        assert!(types(status, of_type).is_ok(), "{status} {of_type}");
    }
    for (status, of_type, problem) in [
        ("bits = 1", "suspendable = true", "bits = 1 have no room"),
        ("enabled = false", "suspendable = true", "there are no status lists"),
        ("", "status_list = false\nsuspendable = true", "nobody would see"),
    ] {
        let error = types(status, of_type).unwrap_err();
        assert!(error.file.ends_with("credentials/card.toml"), "{error}");
        assert!(
            error.line.is_some_and(|line| line >= 3) && error.problem.contains(problem),
            "{error}"
        );
    }
    let config = |status: &str| load(&format!("{URL}[status]\n{status}\n")).unwrap();
    let of_type = types("bits = 2", "").unwrap().remove("card").unwrap();
    assert!(config("bits = 2").may_suspend(&of_type) && !config("bits = 1").may_suspend(&of_type));
}

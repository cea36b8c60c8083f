//! HAIP §4 in the configuration: what `profile = "haip"` turns on, and what contradicts it.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use issuer::config::{Config, ConfigError, IssuerUrl, Profile};
use issuer::init::{NewIssuer, Purpose, init, load_keys};
use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, SystemClock};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::proof::BindingMethod;
use serde_json::Value;
use tempfile::TempDir;
use testkit::haip::{Maker, configure, edit};
use testkit::outside::{TestClock, TestRandom};
use testkit::proof::holder_key;

const CARD: &str = "credentials/student_card.toml";
const TICKET: &str = "credentials/course_ticket.toml";
const DIPLOMA: &str = "credentials/diploma.toml";

/// The folder of an issuer as `bestow issuer init` makes it.
fn made() -> (TempDir, PathBuf) {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("issuer");
    let url = IssuerUrl::try_from("https://issuer.example".to_owned()).unwrap();
    let new = NewIssuer { url: &url, name: "Riverside University", purpose: Purpose::Service };
    init(&folder, &new, &TestClock::new(), &TestRandom::new(1)).unwrap();
    (parent, folder)
}

/// The same, with all that the profile needs.
fn configured() -> (TempDir, PathBuf) {
    let (parent, folder) = made();
    configure(&folder, Maker::new(TestClock::new()).anchor());
    (parent, folder)
}

/// All that `serve` reads before it opens the database.
fn read(folder: &Path) -> Result<Config, ConfigError> {
    let config = Config::load(&folder.join("bestow.toml"))?;
    config.credential_types()?;
    config.registered_clients()?;
    config.client_attesters()?;
    load_keys(&config, SystemClock.now())?;
    Ok(config)
}

/// HAIP-04, HAIP-05, HAIP-25: one line turns on what the profile needs; without it nothing changes.
#[test]
fn one_line_turns_on_what_the_profile_needs() {
    let (_parent, folder) = made();
    let plain = read(&folder).unwrap();
    assert_eq!((plain.profile, plain.demands().len()), (Profile::None, 0));
    assert!(plain.authorization.anonymous_access && !plain.dpop.required);
    assert!(!plain.authorization.client_attestation_required);
    assert!(!plain.authorization.require_pushed_authorization_requests);
    let card = &plain.credential_types().unwrap()["student_card"];
    assert!(card.scope.is_none() && card.key_binding.as_ref().unwrap().methods.len() == 3);

    let (_parent, folder) = configured();
    let config = read(&folder).unwrap();
    assert!(config.dpop.required, "HAIP-05");
    assert!(config.authorization.require_pushed_authorization_requests, "HAIP-04");
    assert!(!config.authorization.anonymous_access, "HAIP-25");
    assert!(config.authorization.client_attestation_required, "HAIP-25");
    assert!(config.client_attesters().unwrap().unwrap().is_anchor_refused, "HAIP-27");
    let types = config.credential_types().unwrap();
    assert_eq!(types["student_card"].scope.as_deref(), Some("student_card"), "HAIP-13");
    let methods = &types["student_card"].key_binding.as_ref().unwrap().methods;
    assert_eq!(*methods, [BindingMethod::Jwk], "HAIP-42");
    let told = config.demands().join("\n");
    for row in ["HAIP-02", "HAIP-03", "HAIP-04", "HAIP-05", "HAIP-13", "HAIP-25", "HAIP-46"] {
        assert!(told.contains(row), "{row}: {told}");
    }
    let warnings = config.warnings(&types).join("\n");
    assert!(warnings.contains("diploma.toml: jwt_vc_json is no format of HAIP"), "{warnings}");
    // What is in force can be written again.
    let again = folder.join("again.toml");
    fs::write(&again, config.effective()).unwrap();
    assert_eq!(Config::load(&again).unwrap().effective(), config.effective());
}

/// One change of one file: which file, what stands there, what takes its place.
type Change = (&'static str, &'static str, &'static str);

/// Each contradiction, and a word of what is told: which rule, and what to do.
const CONTRADICTIONS: [(&str, Change, &str, &str); 18] = [
    (
        "HAIP-05",
        ("bestow.toml", "#required = false", "required = false"),
        "HAIP-05",
        "required = true",
    ),
    (
        "HAIP-05",
        (
            "bestow.toml",
            "#signing_alg_values_supported = [\"ES256\"",
            "signing_alg_values_supported = []\n#[\"ES256\"",
        ),
        "HAIP §4",
        "name algorithms",
    ),
    (
        "HAIP-04",
        (
            "bestow.toml",
            "#require_pushed_authorization_requests = false",
            "require_pushed_authorization_requests = false",
        ),
        "HAIP-04",
        "require_pushed_authorization_requests = true",
    ),
    (
        "HAIP-25",
        ("bestow.toml", "#anonymous_access = true", "anonymous_access = true"),
        "HAIP-25",
        "anonymous_access = false",
    ),
    (
        "HAIP-25",
        (
            "bestow.toml",
            "#client_attestation_required = false",
            "client_attestation_required = false",
        ),
        "HAIP-25",
        "client_attestation_required = true",
    ),
    (
        "HAIP-26",
        (
            "bestow.toml",
            "client_attestation_trust_anchors = [\"makers.pem\"]",
            "client_attestation_trust_anchors = []",
        ),
        "HAIP §4.4.1",
        "name files",
    ),
    (
        "HAIP-23",
        (CARD, "#scope = \"student_card\"", "scope = \"course_ticket\""),
        "HAIP §4.3",
        "another",
    ),
    ("HAIP-42", (CARD, "[\"jwk\"]", "[\"jwk\", \"did:jwk\"]"), "HAIP-42", "[\"jwk\"]"),
    ("HAIP-49", (CARD, "[\"ES256\", \"EdDSA\"]", "[\"EdDSA\"]"), "HAIP-49", "ES256"),
    (
        "HAIP-49",
        (DIPLOMA, "key_binding = true", "proof_algorithms = [\"EdDSA\"]"),
        "HAIP-49",
        "ES256",
    ),
    (
        "HAIP-33",
        (
            CARD,
            "#key_attestation_trust_anchors = [\"makers.pem\"]",
            "key_attestation_trust_anchors = [\"bare.json\"]",
        ),
        "bare key",
        "certificates",
    ),
    (
        "HAIP-27",
        ("bestow.toml", "[\"makers.pem\"]", "[\"makers.pem\", \"credentials/bare.json\"]"),
        "bare key",
        "certificates",
    ),
    (
        "HAIP-02, HAIP-18",
        ("clients/wallet.toml", "", "REMOVE"),
        "HAIP §4",
        "a file for each wallet",
    ),
    (
        "HAIP-02, beside a draft",
        ("bestow.toml", "#shared = false", "shared = true"),
        "kept by 1.0 alone",
        "remove the line",
    ),
    (
        "HAIP-02, in a browser",
        ("clients/wallet.toml", "name = ", "first_party = true\nname = "),
        "HAIP §4",
        "first_party = false",
    ),
    (
        "HAIP-44, of the credential",
        (CARD, "#issuer_identity = \"x509\"", "issuer_identity = \"did:web\""),
        "HAIP §6.1.1",
        "issuer_identity = \"x509\"",
    ),
    ("HAIP-46", ("keys/signing-certificate.pem", "", "ANCHOR"), "HAIP §6.1.1", "remove the last"),
    (
        "HAIP-15",
        ("keys/signing-certificate.pem", "", "SELF"),
        "HAIP §6.1.1",
        "have the key certified",
    ),
];

#[test]
fn what_contradicts_the_profile_is_refused_with_a_way_out() {
    for (rule, (file, from, to), problem, remedy) in CONTRADICTIONS {
        let (_parent, folder) = configured();
        let bare = Value::Object(holder_key().public_key().to_jwk()).to_string();
        fs::write(folder.join("credentials/bare.json"), bare).unwrap();
        match to {
            "REMOVE" => fs::remove_file(folder.join(file)).unwrap(),
            "ANCHOR" => {
                let anchor = fs::read_to_string(folder.join("tls/ca.pem")).unwrap();
                let chain = fs::read_to_string(folder.join(file)).unwrap() + &anchor;
                fs::write(folder.join(file), chain).unwrap();
            }
            "SELF" => certify_itself(&folder),
            _ => edit(&folder, file, from, to),
        }
        let error = read(&folder).unwrap_err();
        assert!(error.problem.contains(problem), "{rule} {file} {to}: {error}");
        assert!(error.problem.contains("haip"), "{rule}: who asks for it: {error}");
        assert!(error.remedy.contains(remedy), "{rule} {file} {to}: {error}");
        // Without the profile it may stand.
        edit(&folder, "bestow.toml", "profile = \"haip\"", "profile = \"none\"");
        let plain = read(&folder);
        assert!(
            plain.is_ok() || to == "client_attestation_trust_anchors = []",
            "{rule}: {plain:?}"
        );
    }
}

/// A mistake has the line of the key, not of its section.
#[test]
fn a_contradiction_names_its_line() {
    let (_parent, folder) = configured();
    let text = "url = \"https://issuer.example\"\nprofile = \"haip\"\n[dpop]\n\nrequired = false\n";
    fs::write(folder.join("bestow.toml"), text).unwrap();
    assert_eq!(read(&folder).unwrap_err().line, Some(5));
    let unknown = "url = \"https://issuer.example\"\nprofile = \"high\"\n";
    fs::write(folder.join("bestow.toml"), unknown).unwrap();
    let error = read(&folder).unwrap_err();
    assert_eq!(error.line, Some(2), "{error}");
}

/// HAIP-03: a format of the profile, whatever else there is.
#[test]
fn there_is_a_type_in_a_format_of_the_profile() {
    let (_parent, folder) = configured();
    for file in [CARD, TICKET] {
        fs::remove_file(folder.join(file)).unwrap();
    }
    let error = read(&folder).unwrap_err();
    assert!(error.problem.contains("dc+sd-jwt") && error.file.ends_with("credentials"), "{error}");
    edit(&folder, "bestow.toml", "profile = \"haip\"", "profile = \"none\"");
    assert!(read(&folder).is_ok());
}

/// A type that says nothing of its binding gets that of the profile.
#[test]
fn a_type_that_does_not_say_how_it_is_bound_is_bound_to_the_key() {
    let (_parent, folder) = configured();
    edit(&folder, CARD, "binding_methods = [\"jwk\"]", "");
    let types = read(&folder).unwrap().credential_types().unwrap();
    let methods = |id: &str| types[id].key_binding.as_ref().unwrap().methods.clone();
    assert_eq!(methods("student_card"), [BindingMethod::Jwk], "HAIP-42");
    assert_eq!(methods("diploma").len(), 3, "which is no SD-JWT VC");
}

/// HAIP-33: who attests keys comes without the anchor, as who attests wallets.
#[test]
fn attested_keys_come_without_the_anchor() {
    let (_parent, folder) = configured();
    fs::copy(folder.join("makers.pem"), folder.join("credentials/makers.pem")).unwrap();
    edit(&folder, CARD, "#key_attestation_trust_anchors", "key_attestation_trust_anchors");
    for (profile, is_refused) in [("haip", true), ("none", false)] {
        edit(&folder, "bestow.toml", "profile = \"haip\"", &format!("profile = \"{profile}\""));
        let types = read(&folder).unwrap().credential_types().unwrap();
        let key_binding = types["student_card"].key_binding.as_ref().unwrap();
        let attesters = &key_binding.key_attestations.as_ref().unwrap().attesters;
        assert_eq!(attesters.is_anchor_refused, is_refused, "{profile}");
    }
}

/// Whoever signs credentials and has signed the certificate of it.
fn certify_itself(folder: &Path) {
    let pem = fs::read_to_string(folder.join("keys/development-ca-key.pem")).unwrap();
    let certificate = fs::read_to_string(folder.join("tls/ca.pem")).unwrap();
    assert!(
        SoftwareKey::from_pem(&pem).is_ok() && DevelopmentCa::from_pem(&certificate, &pem).is_ok()
    );
    fs::write(folder.join("keys/signing-key.pem"), pem).unwrap();
    fs::write(folder.join("keys/signing-certificate.pem"), certificate).unwrap();
}

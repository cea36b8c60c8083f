//! Credential types: what a file may say, and what comes from it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;

use issuer::config::ConfigError;
use issuer::credential_type::{
    Approval, Claim, ClaimsError, CredentialType, Fault, Format, Pictures, TxCodeChannel,
};
use serde_json::{Map, Value, json};

mod claims;
mod constants;
mod form;
mod inspect;
mod lists;
mod never;
mod pictures;
mod pinned_contexts;
mod several;
mod svg_templates;
mod values;

const ISSUER: &str = "https://issuer.example/tenant";

const HEAD: &str = r#"format = "dc+sd-jwt"
validity_days = 365

[[display]]
name = "Card"
locale = "en"
"#;

const CARD: &str = r#"
[[claims]]
path = ["given_name"]
type = "string"
required = true
label = { en = "Given name", de = "Vorname" }
max_length = 5
example = "Erika"

[[claims]]
path = ["birth_date"]
type = "date"
example = 2003-08-12

[[claims]]
path = ["seat"]
type = "integer"
minimum = 1
maximum = 9

[[claims]]
path = ["height"]
type = "number"

[[claims]]
path = ["member"]
type = "boolean"
disclosure = "always"

[[claims]]
path = ["mail"]
type = "email"

[[claims]]
path = ["photo"]
type = "image"

[[claims]]
path = ["address"]
type = "object"
label = { en = "Address" }

[[claims]]
path = ["address", "street"]
type = "string"
required = true
example = "Main Street 1"

[[claims]]
path = ["address", "country"]
type = "string"
default = "Germany"
form = false
"#;

fn read(text: &str) -> Result<CredentialType, ConfigError> {
    CredentialType::parse(Path::new("credentials/card.toml"), text, ISSUER)
}

fn card() -> CredentialType {
    read(&format!("{HEAD}{CARD}")).unwrap()
}

fn claims(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn faults(result: Result<Map<String, Value>, ClaimsError>) -> Vec<(String, Fault)> {
    let faults = result.unwrap_err().0;
    faults.into_iter().map(|fault| (fault.name, fault.fault)).collect()
}

/// The mistake in a file, as an operator sees it.
fn mistake(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn the_name_of_the_file_is_the_identifier_and_vct_lies_below_the_issuer() {
    let card = card();
    assert_eq!(card.id, "card");
    let vct = "https://issuer.example/tenant/credentials/card".to_owned();
    assert_eq!(card.format, Format::SdJwtVc { vct });
    assert_eq!(card.approval, Approval::Officer);
    assert_eq!(card.tx_code_channel, TxCodeChannel::Caller);
}

/// VCI §B.2: a path to each claim, mandatory only what is always there (CLAIM-04, CLAIM-05).
#[test]
fn metadata_describes_the_claims_in_their_order() {
    let metadata = card().credential_metadata();
    assert_eq!(metadata["display"], json!([{ "name": "Card", "locale": "en" }]));
    let label = [("en", "Given name"), ("de", "Vorname")];
    let label = label.map(|(locale, name)| json!({ "locale": locale, "name": name }));
    let first = json!({ "path": ["given_name"], "mandatory": true, "display": label });
    assert_eq!(metadata["claims"][0], first);
    let street = json!({ "path": ["address", "street"], "mandatory": false });
    assert_eq!(metadata["claims"][8], street);
}

#[test]
fn the_sample_holds_the_examples_and_passes_the_check() {
    let card = card();
    let sample = card.sample();
    let address = json!({ "street": "Main Street 1", "country": "Germany" });
    let expected = json!({ "given_name": "Erika", "birth_date": "2003-08-12", "address": address });
    assert_eq!(Value::from(sample.clone()), expected);
    assert_eq!(card.claims.check(&sample, &Pictures::none()).unwrap(), sample);
}

#[test]
fn everything_is_selective_unless_it_says_otherwise() {
    let card = card();
    let selective = card.selective_paths();
    let paths: Vec<String> =
        card.claims.iter().filter(|it| selective.contains(&it.path)).map(Claim::name).collect();
    assert!(paths.contains(&"given_name".to_owned()));
    assert!(paths.contains(&"address".to_owned()));
    assert!(paths.contains(&"address.street".to_owned()));
    assert!(!paths.contains(&"member".to_owned()));
}

/// FMT-JWT-04 and FMT-JWT-06.
#[test]
fn a_w3c_credential_has_types_and_its_paths_begin_at_the_subject() {
    let diploma = r#"
format = "jwt_vc_json"
types = ["VerifiableCredential", "Diploma"]
validity_days = 1
key_binding = false
[[display]]
name = "Diploma"
locale = "en"
[[claims]]
path = ["degree"]
type = "string"
"#;
    let diploma = read(diploma).unwrap();
    let definition =
        json!({ "credential_definition": { "type": ["VerifiableCredential", "Diploma"] } });
    assert_eq!(Value::from(diploma.format.members()), definition);
    let path = json!(["credentialSubject", "degree"]);
    assert_eq!(diploma.credential_metadata()["claims"][0]["path"], path);
    assert!(diploma.selective_paths().is_empty());
    assert!(diploma.key_binding.is_none());
}

/// RFC 9901 §4.2.5
#[test]
fn decoys_are_for_digests_to_hide_among() {
    assert_eq!((card().decoys, read(&format!("decoys = 4\n{HEAD}")).unwrap().decoys), (0, 4));
    let w3c = HEAD.replace("dc+sd-jwt", "jwt_vc_json");
    assert!(mistake(&format!("decoys = 4\n{w3c}")).contains("`decoys` belongs to dc+sd-jwt"));
}

#[test]
fn a_mistake_names_file_line_and_remedy() {
    let text = format!("{HEAD}\n[[claims]]\npath = [\"name\"]\ntype = \"text\"\n");
    let found = mistake(&text);
    assert!(found.starts_with("credentials/card.toml:10: unknown variant `text`"), "{found}");
    assert!(found.contains("expected one of `string`"), "{found}");

    let text = format!("{HEAD}\n[[claims]]\npath = [\"exp\"]\ntype = \"date\"\n");
    let expected = "credentials/card.toml:9: claim `exp`: this name is reserved for the issuer\n  \
                    choose another";
    assert_eq!(mistake(&text), expected);
}

#[test]
fn claims_that_contradict_each_other_are_refused() {
    let table = [
        (r#"path = ["_sd"]"#, "is reserved"),
        (r#"path = ["a", "_sd"]"#, "is reserved"),
        (r#"path = ["..."]"#, "no name that every wallet can show"),
        (r#"path = ["a.b"]"#, "no name that every wallet can show"),
        (r"path = []", "is empty or too deep"),
        (r#"path = ["given_name"]"#, "is there twice"),
        (r#"path = ["given_name", "first"]"#, "inside a claim that is a value itself"),
        ("path = [\"x\"]\nmaximum = 5", "`maximum` means nothing for type `string`"),
        ("path = [\"x\"]\nmin_length = 6\nmax_length = 5", "is less than min_length"),
        ("path = [\"x\"]\nmax_length = 0", "no text is so short"),
        ("path = [\"x\"]\nmin_length = 201", "is more than max_length, which is 200"),
        ("path = [\"x\"]\nexample = 5", "`example` must be text"),
        ("path = [\"x\"]\ndefault = \"\"", "`default` must have at least 1 character"),
        ("path = [\"x\"]\nrequired = true", "has no example"),
        ("path = [\"x\"]\nrequired = true\nexample = \"x\"\nform = false", "nobody can fill it in"),
        ("path = [\"x\"]\nlabel = { e_n = \"x\" }", "no language tag"),
        ("path = [\"x\"]\nlabel = { en = \"x\\u200B\" }", "nobody can read this text"),
        ("path = [\"x\"]\nlabel = { en = \"x\", EN = \"y\" }", "a second label"),
        ("path = [\"x\"]\nlabel = { en = \" \" }", "nobody can read this text"),
        (r#"path = ["csrf"]"#, "the form has a field of its own with this name"),
        ("path = [\"x\"]\nlabels = { en = \"x\" }", "unknown key `labels`"),
    ];
    for (claim, expected) in table {
        let text = format!("{HEAD}{CARD}\n[[claims]]\ntype = \"string\"\n{claim}\n");
        let found = mistake(&text);
        assert!(found.contains(expected), "{claim}: {found}");
    }
}

/// P01: the guard of the form is read from the field of this name; elsewhere the name is free.
#[test]
fn only_a_field_of_the_form_cannot_be_called_like_its_guard() {
    let claim = "\n[[claims]]\ntype = \"string\"\npath = [\"csrf\"]\n";
    let found = mistake(&format!("{HEAD}{claim}"));
    assert!(found.starts_with("credentials/card.toml:10: claim `csrf`"), "{found}");
    assert!(found.contains("choose another name, or set form = false"), "{found}");
    assert!(read(&format!("{HEAD}{claim}form = false\n")).is_ok());
    assert!(read(&format!("portal = false\n{HEAD}{claim}")).is_ok());
    let inside = "\n[[claims]]\ntype = \"string\"\npath = [\"x\", \"csrf\"]\n";
    assert!(read(&format!("{HEAD}{inside}")).is_ok());
}

#[test]
fn a_file_that_contradicts_itself_is_refused() {
    let table = [
        ("types = [\"VerifiableCredential\"]", "`types` belongs to jwt_vc_json"),
        ("key_binding = false\nbinding_methods = [\"jwk\"]", "bound to a key"),
        ("binding_methods = [\"did:ebsi\"]", "`did:ebsi` is not known"),
        ("binding_methods = []", "the list is empty"),
        ("proof_algorithms = [\"HS256\"]", "`HS256` is not known"),
        ("proof_algorithms = [\"ES256\", \"ES256\"]", "is there twice"),
        ("tx_code_channel = \"command\"", "which program"),
        ("tx_code_channel = \"command\"\ntx_code_command = [\"\"]", "which program"),
        ("decoys = 33", "these make a credential too long"),
        ("scope = \"\"", "this is no scope"),
        ("scope = \"a b\"", "this is no scope"),
        ("vct = \"\"", "this names no type"),
        ("vct = \"https://a.example/\\u200B\"", "this names no type"),
        ("vct = \"a type\"", "this names no type"),
        ("tx_code_command = [\"/bin/true\"]", "is never called"),
        ("letter = true", "whoever opens the letter gets the credential"),
        ("tx_code = true\napproval = \"at-once\"", "nobody is told the transaction code"),
        ("offer_seconds = 5", "such a short offer"),
        ("aproval = \"officer\"", "unknown key `aproval`"),
    ];
    for (line, expected) in table {
        let found = mistake(&format!("{line}\n{HEAD}"));
        assert!(found.starts_with("credentials/card.toml:"), "{found}");
        assert!(found.contains(expected), "{line}: {found}");
    }
}

/// META-25, META-26, META-41.
#[test]
fn a_display_that_a_wallet_cannot_show_is_refused() {
    let display = "\n[[display]]\nname = \"Karte\"\n";
    let table = [
        ("locale = \"en\"", "a second display for `en`"),
        ("locale = \"EN\"", "a second display for `EN`"),
        ("locale = \"de\"\nbackground_color = \"red\"", "`red` is no colour"),
        (
            "locale = \"de\"\nlogo = { uri = \"http://x/y.png\", alt_text = \"\" }",
            "https: or a data:",
        ),
        ("locale = \"\"", "no language tag"),
        (
            "locale = \"de\"\nlogo = { uri = \"data:text/html,<b>\", alt_text = \"\" }",
            "data:image/",
        ),
        ("locale = \"de\"\ndescription = \"a\\nb\"", "nobody can read this text"),
        (
            "locale = \"de\"\nlogo = { uri = \"https://x/y.png\", alt_text = \"\\u202E\" }",
            "nobody can read this text",
        ),
    ];
    for (lines, expected) in table {
        let found = mistake(&format!("{HEAD}{display}{lines}\n"));
        assert!(found.contains(expected), "{lines}: {found}");
    }
    let long = format!("\n[[display]]\nname = \"{}\"\nlocale = \"de\"\n", "x".repeat(501));
    assert!(mistake(&format!("{HEAD}{long}")).contains("at most 500 characters"));
}

#[test]
fn a_file_whose_name_needs_escaping_names_no_type() {
    for name in ["a card.toml", "käse.toml"] {
        let error = CredentialType::parse(Path::new(name), HEAD, ISSUER).unwrap_err();
        assert!(error.problem.contains("cannot name a credential type"), "{error}");
    }
}

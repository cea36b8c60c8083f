//! Claims that the issuer asks for, checks and keeps, and that are in no credential.

use issuer::credential_type::{CredentialType, Disclosure, Pictures};
use serde_json::{Value, json};

use super::{HEAD, claims, mistake, read};

const CLAIMS: &str = r#"
[[claims]]
path = ["given_name"]
type = "string"
required = true
example = "Erika"

[[claims]]
path = ["register_number"]
type = "string"
required = true
disclosure = "never"
label = { en = "Number in the register" }
example = "R-17"

[[claims]]
path = ["address"]
type = "object"

[[claims]]
path = ["address", "city"]
type = "string"
example = "Köln"

[[claims]]
path = ["address", "checked_by"]
type = "string"
disclosure = "never"
example = "MK"

[[claims]]
path = ["letters"]
type = "list"
disclosure = "never"

[[claims]]
path = ["letters", "*"]
type = "string"
example = "of 1 May"
"#;

fn card() -> CredentialType {
    read(&format!("{HEAD}{CLAIMS}")).unwrap()
}

fn disclosed(given: &Value) -> Value {
    Value::Object(card().claims.to_disclose(&claims(given)).into_owned())
}

#[test]
fn they_are_asked_for_and_checked_as_others() {
    let card = card();
    let fields: Vec<String> = card.fields("en").into_iter().map(|field| field.name).collect();
    assert!(fields.contains(&"register_number".to_owned()), "{fields:?}");
    let given = claims(&json!({ "given_name": "Erika" }));
    let error = card.claims.check(&given, &Pictures::none()).unwrap_err().to_string();
    assert_eq!(error, "register_number: required, but missing");
    let sample = card.sample();
    assert_eq!(sample["register_number"], "R-17");
    assert_eq!(card.claims.check(&sample, &Pictures::none()).as_ref(), Ok(&sample));
}

#[test]
fn they_are_in_no_credential_and_described_to_nobody() {
    let card = card();
    let sample = Value::Object(card.sample());
    assert_eq!(disclosed(&sample), json!({ "given_name": "Erika", "address": { "city": "Köln" } }));
    // Nor is an object that had nothing else.
    let hollow = json!({ "given_name": "Erika", "address": { "checked_by": "MK" } });
    assert_eq!(disclosed(&hollow), json!({ "given_name": "Erika" }));
    let metadata = card.credential_metadata().to_string();
    let document = String::from_utf8(card.type_metadata().unwrap()).unwrap();
    for text in [metadata, document] {
        assert!(text.contains("city"), "{text}");
        for never in ["register", "checked_by", "letters"] {
            assert!(!text.contains(never), "{never} in {text}");
        }
    }
    let of = |name: &str| card.claims.iter().find(|claim| claim.name() == name).unwrap();
    assert_eq!(of("letters.*").disclosure, Disclosure::Never, "as the list around it");
    let paths = format!("{:?}{:?}", card.selective_paths(), card.mandatory_paths());
    assert!(!paths.contains("letters") && !paths.contains("register_number"), "{paths}");
}

#[test]
fn what_can_not_be_meant_is_refused() {
    for (from, to, expected) in [
        (
            "\"letters\", \"*\"]\ntype = \"string\"",
            "\"letters\", \"*\"]\ntype = \"string\"\ndisclosure = \"always\"",
            "claim `letters.*`: lies inside a claim that is never disclosed\n  remove the line",
        ),
        ("type = \"list\"\ndisclosure = \"never\"", "type = \"list\"", ""),
        (
            "path = [\"address\", \"city\"]\ntype = \"string\"",
            "path = [\"address\", \"city\"]\ntype = \"string\"\ndisclosure = \"never\"",
            "claim `address`: nothing that is in it is ever disclosed\n  write disclosure = \"never\" \
             for it instead",
        ),
    ] {
        let text = format!("{HEAD}{CLAIMS}");
        let changed = text.replace(from, to);
        assert_ne!(text, changed, "{from}");
        match expected {
            "" => drop(read(&changed).unwrap()),
            _ => assert!(mistake(&changed).contains(expected), "{}", mistake(&changed)),
        }
    }
    let element = format!("{HEAD}{CLAIMS}")
        .replace("type = \"list\"\ndisclosure = \"never\"", "type = \"list\"")
        .replace("example = \"of 1 May\"", "example = \"of 1 May\"\ndisclosure = \"never\"");
    let told = mistake(&element);
    assert!(told.contains("claim `letters`: nothing that is in it is ever disclosed"), "{told}");
    let object = element.replace(
        "\"*\"]\ntype = \"string\"\nexample = \"of 1 May\"",
        "\"*\", \"of\"]\ntype = \"string\"\n[[claims]]\npath = [\"letters\", \"*\"]\ntype = \"object\"",
    );
    let told = mistake(&object);
    assert!(told.contains("claim `letters.*`: a list is disclosed with its elements"), "{told}");
    let mdoc = format!("{HEAD}{CLAIMS}").replacen(
        "format = \"dc+sd-jwt\"",
        "format = \"mso_mdoc\"\ndoctype = \"org.example.1\"\nname_space = \"org.example.1\"",
        1,
    );
    assert!(read(&mdoc).is_ok());
    let silent = mdoc.replacen("required = true", "", 1);
    assert!(mistake(&silent).contains("an mdoc says something"), "{}", mistake(&silent));
}

//! Claims that the issuer asks for and checks, and that are in no credential.

use issuer::credential_type::{CredentialType, Disclosure, Fault, Pictures};
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

/// An mdoc has elements (ISO 18013-5 §9.1.2.4): what is held back with the object around it is none, nor
/// is what goes with an object that may be left out.
#[test]
fn what_is_not_in_every_mdoc_is_no_reason_to_take_its_type() {
    let head =
        HEAD.replacen("dc+sd-jwt\"", "mso_mdoc\"\ndoctype = \"o.1\"\nname_space = \"o.1\"", 1);
    let object = |lines: &str| {
        format!(
            "{head}\n[[claims]]\npath = [\"a\"]\ntype = \"object\"\n{lines}\n[[claims]]\n\
             path = [\"a\", \"b\"]\ntype = \"string\"\nrequired = true\nexample = \"b\"\n\
             [[claims]]\npath = [\"c\"]\ntype = \"string\"\nexample = \"c\"\n"
        )
    };
    assert!(read(&object("required = true")).is_ok());
    for lines in ["", "disclosure = \"never\"", "required = true\ndisclosure = \"never\""] {
        let told = mistake(&object(lines));
        assert!(told.contains("an mdoc says something"), "{lines}: {told}");
    }
}

/// VCDM 2.0 §4.8: a subject without a key has a claim; what would leave it without is not offered.
#[test]
fn a_credential_says_something() {
    let of = |format: &str, lines: &str| {
        let head = HEAD.replacen("format = \"dc+sd-jwt\"", &format!("format = \"{format}\""), 1);
        let claims = CLAIMS.replacen("required = true\n", "", 1);
        read(&format!("{lines}\n{head}{claims}")).unwrap()
    };
    let nothing = claims(&json!({ "register_number": "R-17" }));
    let something = claims(&json!({ "register_number": "R-17", "given_name": "Erika" }));
    let types = "types = [\"VerifiableCredential\"]";
    let bearer = format!("{types}\nkey_binding = false");
    for (card, is_refused) in [
        (of("vc+jwt", &bearer), true),
        (of("vc+sd-jwt", &bearer), true),
        (of("vc+jwt", types), false),
        (of("jwt_vc_json", &bearer), false),
        (of("dc+sd-jwt", "key_binding = false"), false),
    ] {
        let told = card.check_says_something(&nothing).map_err(|error| error.to_string());
        let wanted = "given_name: give it, or another claim that is disclosed: the credential would \
                      say nothing";
        let wanted = if is_refused { Err(wanted.to_owned()) } else { Ok(()) };
        assert_eq!(told, wanted, "{:?}", card.format);
        assert!(card.check_says_something(&something).is_ok(), "{:?}", card.format);
    }
    let form = [("register_number".to_owned(), "R-17".to_owned())];
    let refused = of("vc+jwt", &bearer).from_form(&form, &Pictures::none()).unwrap_err();
    assert_eq!(refused.0[0].fault, Fault::SaysNothing);
}

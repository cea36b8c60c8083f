//! Contexts that an operator brings.

use std::fs;

use issuer::config::ConfigError;
use issuer::credential_type::CredentialType;
use keys::digest::sha256;
use tempfile::TempDir;

use super::ISSUER;

const URL: &str = "https://words.example/v1";
const CONTEXT: &str =
    r#"{ "@context": { "@protected": true, "degree": "https://words.example/#degree" } }"#;
const TYPE: &str = r#"format = "ldp_vc"
types = ["VerifiableCredential", "Degree"]
validity_days = 30

[[display]]
name = "Degree"
locale = "en"

[[claims]]
path = ["degree"]
type = "string"
example = "BSc"
"#;

fn digest(text: &str) -> String {
    sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat()
}

fn read(context: &str, lines: &str) -> Result<CredentialType, ConfigError> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("words.jsonld"), context).unwrap();
    // The type itself is none of the contexts' business here.
    let text = TYPE.replace("[\"VerifiableCredential\", \"Degree\"]", "[\"VerifiableCredential\"]");
    CredentialType::parse(&folder.path().join("degree.toml"), &format!("{lines}\n{text}"), ISSUER)
}

fn pinned(url: &str, file: &str, sha256: &str) -> String {
    format!("pinned_contexts = [{{ url = \"{url}\", file = \"{file}\", sha256 = \"{sha256}\" }}]")
}

#[test]
fn a_context_is_taken_by_its_digest_and_gives_claims_a_meaning() {
    let contexts = format!("contexts = [\"{URL}\"]");
    let good = pinned(URL, "words.jsonld", &digest(CONTEXT));
    assert!(read(CONTEXT, &format!("{contexts}\n{good}")).is_ok());
    let told = |context: &str, lines: &str| read(context, lines).unwrap_err().to_string();
    let unknown = told(CONTEXT, &contexts);
    assert!(unknown.contains("a context that is not known"), "{unknown}");
    let other = CONTEXT.replace("#degree", "#grade");
    let changed = told(&other, &format!("{contexts}\n{good}"));
    assert!(changed.contains("another digest") && changed.contains(&digest(&other)), "{changed}");
    let unnamed = told(CONTEXT, &good);
    assert!(unnamed.contains("names no such context"), "{unnamed}");
    let missing = pinned(URL, "nothing.jsonld", &digest(CONTEXT));
    let missing = told(CONTEXT, &format!("{contexts}\n{missing}"));
    assert!(missing.contains("nothing.jsonld cannot be read"), "{missing}");
    let own = "https://www.w3.org/ns/credentials/status/v1";
    let own = pinned(own, "words.jsonld", &digest(CONTEXT));
    let own = told(CONTEXT, &format!("{contexts}\n{own}"));
    assert!(own.contains("part of the program"), "{own}");
    let empty = pinned(URL, "words.jsonld", &digest("{}"));
    let empty = told("{}", &format!("{contexts}\n{empty}"));
    assert!(empty.contains("@context"), "{empty}");
}

/// What it does not define is not signed.
#[test]
fn a_claim_that_no_context_defines_is_refused() {
    let other = CONTEXT.replace("degree", "grade");
    let lines = format!("contexts = [\"{URL}\"]\n{}", pinned(URL, "words.jsonld", &digest(&other)));
    let told = read(&other, &lines).unwrap_err().to_string();
    assert!(told.contains("no meaning by its contexts"), "{told}");
}

/// A context that is called like a type and lies beside it is none.
#[test]
fn a_context_in_the_folder_is_no_type() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("words.json"), CONTEXT).unwrap();
    let pinned = pinned(URL, "words.json", &digest(CONTEXT));
    let text = TYPE.replace("[\"VerifiableCredential\", \"Degree\"]", "[\"VerifiableCredential\"]");
    let text = format!("contexts = [\"{URL}\"]\n{pinned}\n{text}");
    fs::write(folder.path().join("degree.toml"), text).unwrap();
    let types = CredentialType::load_all(folder.path(), ISSUER).unwrap();
    assert_eq!(types.keys().collect::<Vec<_>>(), ["degree"]);
    // A file that says its format is a type, whatever else stands in it.
    fs::write(folder.path().join("card.json"), r#"{ "@context": {}, "format": "ldp_vc" }"#)
        .unwrap();
    assert!(CredentialType::load_all(folder.path(), ISSUER).is_err());
}

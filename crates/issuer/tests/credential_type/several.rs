//! One type in several formats: one file describes it once.

use std::fs;
use std::path::Path;

use issuer::config::ConfigError;
use issuer::credential_type::new::from_example;
use issuer::credential_type::{CredentialType, Disclosure, Format, Pictures, Securing};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CARD, HEAD, ISSUER};

const MDOC: &str = r#"
[[also]]
format = "mso_mdoc"
doctype = "org.example.card.1.card"
name_space = "org.example.card.1"
"#;

const LINKED: &str = r#"
[[also]]
id = "linked_card"
format = "ldp_vc"
types = ["VerifiableCredential", "Card"]
"#;

fn read_all(text: &str) -> Result<Vec<CredentialType>, ConfigError> {
    CredentialType::parse_all(Path::new("credentials/card.toml"), text, ISSUER)
}

fn formats(also: &str) -> Vec<CredentialType> {
    read_all(&format!("{HEAD}{CARD}{also}")).unwrap()
}

fn mistake(also: &str) -> String {
    read_all(&format!("{HEAD}{CARD}{also}")).unwrap_err().to_string()
}

#[test]
fn each_format_is_a_configuration_of_the_same_type() {
    let all = formats(&format!("{MDOC}{LINKED}"));
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["card", "card_mdoc", "linked_card"]);
    for one in &all {
        assert_eq!(one.origin.ids(), ids);
        assert_eq!(one.origin.is_first(), one.id == "card");
        assert_eq!((one.validity_days, one.display.len()), (365, 1));
        assert_eq!(one.sample(), all[0].sample());
        let labels = |one: &CredentialType| {
            one.claims.iter().map(|claim| claim.label("de")).collect::<Vec<_>>()
        };
        assert_eq!(labels(one), labels(&all[0]));
    }
    let Format::W3c(w3c) = &all[2].format else { panic!("{:?}", all[2].format) };
    assert!(matches!(w3c.securing, Securing::LdpVc(_)));
    let meaning = json!({ "@vocab": "https://issuer.example/tenant/credentials/card#" });
    assert_eq!(w3c.contexts, [meaning], "in all formats the claims mean the same");
}

/// FMT-MDOC-06, FMT-JWT-06: what stands in front of a path belongs to the format.
#[test]
fn metadata_have_the_paths_of_each_format() {
    let all = formats(&format!("{MDOC}{LINKED}"));
    let first = |one: &CredentialType| one.credential_metadata()["claims"][0]["path"].clone();
    assert_eq!(first(&all[0]), json!(["given_name"]));
    assert_eq!(first(&all[1]), json!(["org.example.card.1", "given_name"]));
    assert_eq!(first(&all[2]), json!(["credentialSubject", "given_name"]));
}

#[test]
fn the_doctype_is_the_name_space_unless_another_is_written() {
    let without = MDOC.replace("name_space = \"org.example.card.1\"\n", "");
    let space = |also: &str| {
        let format = formats(also)[1].format.clone();
        let Format::MsoMdoc { name_space, .. } = format else { panic!("{format:?}") };
        name_space.unwrap()
    };
    assert_eq!(space(MDOC), "org.example.card.1");
    assert_eq!(space(&without), "org.example.card.1.card");
    // Also where it stands first, and of a type in this format alone.
    let text = format!("{HEAD}{CARD}").replace("disclosure = \"always\"\n", "").replace(
        "format = \"dc+sd-jwt\"",
        "format = \"mso_mdoc\"\ndoctype = \"org.example.1\"\nname_space = \"org.example.space\"",
    );
    let alone = read_all(&text).unwrap();
    let path = &alone[0].credential_metadata()["claims"][0]["path"];
    assert_eq!(*path, json!(["org.example.space", "given_name"]));
}

/// What a format cannot do of what the file says for all, it does as it can.
#[test]
fn disclosure_is_what_each_format_can_do() {
    use Disclosure::{Always, Selective};
    let all = formats(&format!("{MDOC}{LINKED}"));
    let of = |one: &CredentialType, name: &str| {
        one.claims.iter().find(|claim| claim.name() == name).unwrap().disclosure
    };
    let each = |name| [of(&all[0], name), of(&all[1], name), of(&all[2], name)];
    assert_eq!(each("member"), [Always, Selective, Always]);
    assert_eq!(each("seat"), [Selective, Selective, Always]);
    // Where no format can do it, it is a mistake, as of one format alone.
    let whole = format!("{HEAD}{CARD}{LINKED}")
        .replace("dc+sd-jwt\"", "vc+jwt\"\ntypes = [\"VerifiableCredential\", \"Card\"]");
    assert!(read_all(&whole).is_ok());
    let selective = whole.replace("disclosure = \"always\"", "disclosure = \"selective\"");
    let error = read_all(&selective).unwrap_err().to_string();
    assert!(error.contains("are shown as a whole"), "{error}");
}

/// Keys of holders are bound in the same way in all formats, unless one says otherwise.
#[test]
fn what_is_said_of_keys_holds_for_all_formats() {
    let head = HEAD.replace("validity_days", "proof_algorithms = [\"ES384\"]\nvalidity_days");
    let text = format!("{head}{CARD}{MDOC}{LINKED}proof_algorithms = [\"EdDSA\"]\n");
    let names = |one: &CredentialType| {
        let algorithms = &one.key_binding.as_ref().unwrap().proof_algorithms;
        algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>()
    };
    let all = read_all(&text).unwrap();
    assert_eq!([names(&all[0]), names(&all[1]), names(&all[2])], [["ES384"], ["ES384"], ["EdDSA"]]);
    let methods = |one: &CredentialType| {
        let methods = &one.key_binding.as_ref().unwrap().methods;
        methods.iter().map(|method| method.name()).collect::<Vec<_>>()
    };
    assert_eq!(methods(&all[1]), ["cose_key"]);
    assert_eq!(methods(&all[2]), ["jwk", "did:jwk", "did:key"]);
    let bearer = read_all(&format!("{head}{CARD}{LINKED}key_binding = false\n")).unwrap();
    assert!(bearer[0].key_binding.is_some() && bearer[1].key_binding.is_none());
}

/// Claims are held against the same rules, whichever format is asked for.
#[test]
fn the_same_claims_are_good_for_all_formats() {
    for one in formats(&format!("{MDOC}{LINKED}")) {
        let check =
            |claims: Value| one.claims.check(claims.as_object().unwrap(), &Pictures::none());
        assert!(check(json!({ "given_name": "Erika" })).is_ok(), "{}", one.id);
        // Linked data has no such text, so the type has none.
        let error = check(json!({ "given_name": "_:b0" })).unwrap_err().to_string();
        assert!(error.starts_with("given_name: must not begin with _:"), "{}: {error}", one.id);
    }
}

/// Each names the format, the key and what to do.
#[test]
fn a_mistake_of_a_format_names_it() {
    for (also, expected) in [
        (
            MDOC.replace("doctype", "#doctype"),
            "credentials/card.toml:61: card_mdoc (mso_mdoc): mso_mdoc needs the doctype of the \
             credential\n  write it like doctype",
        ),
        (
            MDOC.replace("name_space = \"org.example.card.1\"", "name_space = \"two words\""),
            "credentials/card.toml:64: card_mdoc (mso_mdoc): this names no name space\n  write it",
        ),
        (
            LINKED.replace("types", "decoys = 2\ntypes"),
            "credentials/card.toml:64: linked_card (ldp_vc): `decoys` belongs to dc+sd-jwt and \
             vc+sd-jwt\n  remove the line",
        ),
        (
            LINKED.replace("types", "status = \"token\"\ntypes"),
            "credentials/card.toml:64: linked_card (ldp_vc): credentials of this format have no place",
        ),
        (
            LINKED.replace("linked_card", "linked card"),
            "credentials/card.toml:62: linked card (ldp_vc): this cannot name a format of a \
             credential type\n  use letters",
        ),
        (
            LINKED.replace("linked_card", "card"),
            "credentials/card.toml:62: card (ldp_vc): another format of this type has the same \
             identifier\n  write another one",
        ),
        (
            format!("{MDOC}{MDOC}"),
            "credentials/card.toml:66: card_mdoc (mso_mdoc): another format of this type has the \
             same identifier",
        ),
        (
            LINKED.replace("types", "name_space = \"x\"\ntypes"),
            "linked_card (ldp_vc): `name_space` belongs to mso_mdoc\n  remove it",
        ),
        (
            format!("{MDOC}key_binding = false\n"),
            "card_mdoc (mso_mdoc): there is no mdoc without a key of its holder\n  write \
             key_binding = true here",
        ),
        (
            format!("{MDOC}binding_methods = [\"jwk\"]\n"),
            "card_mdoc (mso_mdoc): `jwk` is not known here, or is there twice\n  an mdoc takes",
        ),
        (
            LINKED.replace("types", "validity_days = 3\ntypes"),
            "unknown key `validity_days`\n  expected",
        ),
        (
            MDOC.repeat(8),
            "credentials/card.toml:97: there are more than 8 formats of one type\n  remove those",
        ),
    ] {
        let told = mistake(&also);
        assert!(told.contains(expected), "{told}\n--- {expected}");
    }
}

/// What all formats have in common, and one of them cannot have.
#[test]
fn a_claim_that_a_format_cannot_have_names_both() {
    let claim = |path: &str| {
        format!("{HEAD}{CARD}\n[[claims]]\npath = {path}\ntype = \"string\"\n{MDOC}{LINKED}")
    };
    for (path, expected) in [
        (
            r#"["id"]"#,
            ":62: linked_card (ldp_vc): claim `id`: this name is reserved for the issuer\n",
        ),
        (
            r#"["place", "town"]"#,
            ":62: card_mdoc (mso_mdoc): claim `place.town`: lies in an element that is not \
             declared\n  declare the element around it",
        ),
        // No format can have it: told once, and of none of them.
        (r#"["vct"]"#, ":62: claim `vct`: this name is reserved"),
        (r#"["a b"]"#, ":62: claim `a b`: is no name that every wallet can show"),
    ] {
        let told = read_all(&claim(path)).unwrap_err().to_string();
        assert!(told.starts_with(&format!("credentials/card.toml{expected}")), "{told}");
    }
    let optional = CARD.replace("required = true", "required = false");
    let told = read_all(&format!("{HEAD}{optional}{MDOC}")).unwrap_err().to_string();
    assert!(told.contains("card_mdoc (mso_mdoc): an mdoc says something"), "{told}");
    let listed = format!(
        "{HEAD}{CARD}[[claims]]\npath = [\"pets\"]\ntype = \"list\"\n[[claims]]\npath = [\"pets\", \
         \"*\"]\ntype = \"object\"\n[[claims]]\npath = [\"pets\", \"*\", \"name\"]\ntype = \
         \"string\"\nexample = \"Rex\"\n{LINKED}"
    );
    let told = read_all(&listed).unwrap_err().to_string();
    assert!(told.contains("linked_card (ldp_vc): claim `pets`: a list of objects"), "{told}");
}

#[test]
fn what_is_wrong_in_all_formats_is_told_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("card.toml");
    let text = format!("{HEAD}{CARD}{MDOC}{LINKED}")
        .replace("max_length = 5", "min_length = 9\nmax_length = 5")
        .replace("validity_days = 365", "validity_days = 0");
    fs::write(&file, text).unwrap();
    let found = CredentialType::inspect(&file, ISSUER);
    let told: Vec<&str> = found.mistakes.iter().map(|one| one.problem.as_str()).collect();
    let expected =
        ["no credential can be good for so long", "claim `given_name`: is less than min_length"];
    assert_eq!(told, expected);
}

/// ISO 18013-5 §9.1.2.4: every element of an mdoc can be left out, whatever the others do.
#[test]
fn what_an_mdoc_cannot_insist_on_is_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("card.toml");
    fs::write(&file, format!("{HEAD}{CARD}{MDOC}")).unwrap();
    let found = CredentialType::inspect(&file, ISSUER);
    assert_eq!((found.credential_types.len(), found.mistakes), (2, vec![]));
    let told = found.warnings.iter().find(|one| one.problem.contains("the holder of card_mdoc"));
    let told = told.unwrap();
    assert_eq!((told.line, told.problem.starts_with("claim `member`: ")), (Some(34), true));
}

/// Whoever takes the marks away from the lines that explain it has a good file.
#[test]
fn the_lines_in_the_first_type_of_an_issuer_are_good() {
    let text = from_example("student_card", "My School").unwrap();
    let (before, also) = text.split_at(text.find("#[[also]]").unwrap());
    let all = read_all(&format!("{before}{}", also.replace('#', ""))).unwrap();
    assert_eq!(all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["card", "card_mdoc"]);
}

#[test]
fn no_two_files_describe_the_same_identifier() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("card.toml", &format!("{HEAD}{CARD}{MDOC}"));
    write("other.toml", HEAD);
    let types = CredentialType::load_all(folder.path(), ISSUER).unwrap();
    assert_eq!(types.keys().collect::<Vec<_>>(), ["card", "card_mdoc", "other"]);
    write("card_mdoc.toml", HEAD);
    let error = CredentialType::load_all(folder.path(), ISSUER).unwrap_err();
    assert_eq!(error.problem, "`card_mdoc` is described in credentials/card.toml too");
}

/// The same file as JSON: the same type, and the same words about the same mistakes.
mod as_json {
    use super::*;

    fn parse(text: &str) -> Result<Vec<CredentialType>, ConfigError> {
        CredentialType::parse_all(Path::new("credentials/card.json"), text, ISSUER)
    }

    const JSON: &str = r#"{
  "format": "dc+sd-jwt",
  "validity_days": 365,
  "display": [{ "name": "Card", "locale": "en" }],
  "claims": [
    {
      "path": ["given_name"], "type": "string", "required": true,
      "label": { "en": "Given name", "de": "Vorname" }, "example": "Erika"
    },
    { "path": ["member_since"], "type": "date", "example": "2024-05-01" },
    { "path": ["pets"], "type": "list", "max_items": 3 },
    { "path": ["pets", null], "type": "string", "example": "Rex" },
    { "path": ["toys"], "type": "list" },
    { "path": ["toys", "*"], "type": "integer", "example": 3 }
  ],
  "also": [
    { "format": "mso_mdoc", "doctype": "org.example.card.1" }
  ]
}"#;

    #[test]
    fn a_file_can_be_json() {
        let all = parse(JSON).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].id.as_str(), all[1].id.as_str()), ("card", "card_mdoc"));
        let sample = json!({
            "given_name": "Erika", "member_since": "2024-05-01", "pets": ["Rex"], "toys": [3],
        });
        assert_eq!(json!(all[0].sample()), sample);
        let path = |at: usize| all[1].credential_metadata()["claims"][at]["path"].clone();
        assert_eq!(path(3), json!(["org.example.card.1", "pets", null]));
        assert_eq!(path(5), json!(["org.example.card.1", "toys", null]));
    }

    #[test]
    fn it_stands_beside_others_in_the_folder() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("card.json"), JSON).unwrap();
        fs::write(folder.path().join("other.toml"), HEAD).unwrap();
        // Whom types trust to attest keys lies there, too.
        fs::write(folder.path().join("makers.json"), r#"{ "keys": [] }"#).unwrap();
        fs::write(folder.path().join("maker.json"), r#"{ "kty": "EC" }"#).unwrap();
        let types = CredentialType::load_all(folder.path(), ISSUER).unwrap();
        assert_eq!(types.len(), 3);
        fs::write(folder.path().join("card.toml"), HEAD).unwrap();
        let error = CredentialType::load_all(folder.path(), ISSUER).unwrap_err().to_string();
        assert!(
            error.contains("card.toml: `card` is described in credentials/card.json too"),
            "{error}"
        );
    }

    #[test]
    fn mistakes_have_their_lines_and_remedies() {
        for (from, to, line, problem) in [
            ("365", "0", 3, "no credential can be good for so long"),
            ("365", "\"long\"", 3, "invalid type: string \"long\""),
            (
                "\"validity_days\": 365",
                "\"validity_days\": 365, \"colour\": 1",
                3,
                "unknown key `colour`",
            ),
            ("\"validity_days\": 365,", "\"validity_days\": 365", 4, "expected `,` or `}`"),
            ("\"Erika\"", "17", 8, "claim `given_name`: `example` must be text"),
            ("\"2024-05-01\"", "\"1 May\"", 10, "claim `member_since`: `example` must be a day"),
            ("\"max_items\": 3", "\"max_items\": 0", 11, "claim `pets`: no list is so short"),
            ("\"doctype\"", "\"vct\"", 17, "card_mdoc (mso_mdoc): `vct` belongs to dc+sd-jwt"),
            ("\"de\": \"Vorname\"", "\"en\": \"Vorname\"", 0, "an object has two members"),
            ("\"locale\": \"en\"", "\"locale\": \"?\"", 4, "`?` is no language tag"),
        ] {
            let text = JSON.replace(from, to);
            assert_ne!(text, JSON, "{from}");
            let error = parse(&text).unwrap_err();
            assert_eq!(error.line.unwrap_or_default(), line, "{error}");
            assert!(error.problem.starts_with(problem), "{error}");
            assert!(!error.problem.contains(" column "), "{error}");
            assert!(!error.remedy.is_empty(), "{error}");
        }
    }
}

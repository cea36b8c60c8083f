//! Claims that are lists: of values, of objects, and of objects with lists in them.

use issuer::credential_type::{
    ClaimsError, CredentialType, FORM_ROWS_MAX, Fault, Pictures, ValueType,
};
use serde_json::{Map, Value, json};
use testkit::degrees::DEGREES;

use super::{HEAD, ISSUER, claims, faults, mistake, read};

const NATIONALITIES: &str = r#"
[[claims]]
path = ["name"]
type = "string"
required = true
example = "Erika"

[[claims]]
path = ["nationalities"]
type = "list"
required = true
min_items = 2
max_items = 3
label = { en = "Nationalities" }

[[claims]]
path = ["nationalities", "*"]
type = "string"
max_length = 2
example = "DE"
"#;

/// Below [`DEGREES`].
const MORE: &str = r#"
[[claims]]
path = ["degrees", "*", "year"]
type = "integer"
label = { en = "Year" }

[[claims]]
path = ["degrees", "*", "honours"]
type = "boolean"
default = false
form = false

[[claims]]
path = ["degrees", "*", "marks"]
type = "list"
form = false

[[claims]]
path = ["degrees", "*", "marks", "*"]
type = "integer"
maximum = 6
example = 1
"#;

fn lists() -> String {
    format!("{NATIONALITIES}{DEGREES}{MORE}")
}

fn graduate() -> CredentialType {
    read(&format!("{HEAD}{}", lists())).unwrap()
}

fn checked(given: &Value) -> Result<Map<String, Value>, ClaimsError> {
    let mut all = claims(&json!({ "name": "Erika", "nationalities": ["DE", "AT"] }));
    all.extend(claims(given));
    graduate().claims.check(&all, &Pictures::none())
}

#[test]
fn lists_are_taken_with_defaults_in_each_element() {
    let given = json!({ "degrees": [{ "title": "BSc", "marks": [1, 2] }, { "title": "MSc" }] });
    let expected = json!([
        { "title": "BSc", "marks": [1, 2], "honours": false },
        { "title": "MSc", "honours": false },
    ]);
    let taken = checked(&given).unwrap();
    assert_eq!((&taken["degrees"], &taken["nationalities"]), (&expected, &json!(["DE", "AT"])));
    assert!(!checked(&json!({})).unwrap().contains_key("degrees"));
}

#[test]
fn what_is_wrong_with_an_element_names_its_place() {
    let table = [
        (json!({ "nationalities": "DE" }), "nationalities", Fault::NotList),
        (json!({ "nationalities": { "0": "DE" } }), "nationalities", Fault::NotList),
        (json!({ "nationalities": [] }), "nationalities", Fault::TooFew(2)),
        (json!({ "nationalities": ["DE"] }), "nationalities", Fault::TooFew(2)),
        (json!({ "nationalities": ["A", "B", "C", "D"] }), "nationalities", Fault::TooMany(3)),
        (json!({ "nationalities": ["DE", "AUT"] }), "nationalities.1", Fault::TooLong(2)),
        (json!({ "nationalities": ["DE", null] }), "nationalities.1", Fault::NotText),
        (json!({ "nationalities": ["DE", ["AT"]] }), "nationalities.1", Fault::NotText),
        (json!({ "degrees": [] }), "degrees", Fault::TooFew(1)),
        (json!({ "degrees": ["BSc"] }), "degrees.0", Fault::NotObject),
        (json!({ "degrees": [{}] }), "degrees.0", Fault::Missing),
        (json!({ "degrees": [{ "year": 2020 }] }), "degrees.0.title", Fault::Missing),
        (
            json!({ "degrees": [{ "title": "BSc" }, { "title": "MSc", "mark": 1 }] }),
            "degrees.1.mark",
            Fault::Unknown,
        ),
        (
            json!({ "degrees": [{ "title": "BSc", "marks": [1, 7] }] }),
            "degrees.0.marks.1",
            Fault::TooLarge(6),
        ),
        (json!({ "degrees": vec![json!({ "title": "x" }); 21] }), "degrees", Fault::TooMany(20)),
    ];
    for (given, name, fault) in table {
        assert_eq!(faults(checked(&given)), [(name.to_owned(), fault)], "{given}");
    }
    let missing = graduate().claims.check(&claims(&json!({ "name": "x" })), &Pictures::none());
    assert_eq!(faults(missing), [("nationalities".to_owned(), Fault::Missing)]);
}

/// Lists in lists multiply: what could not get a disclosure for each value is refused.
#[test]
fn the_values_of_all_lists_are_bounded() {
    let element = json!({ "title": "x", "marks": vec![1; 20] });
    let degrees = |count| json!({ "degrees": vec![element.clone(); count] });
    assert!(checked(&degrees(20)).is_ok());
    let wide = lists().replace("label = { en = \"Degree\" }", "max_items = 100");
    let wide = read(&format!("{HEAD}{wide}")).unwrap();
    let mut given = claims(&degrees(100));
    given.extend(claims(&json!({ "name": "x", "nationalities": ["DE", "AT"] })));
    let found = faults(wide.claims.check(&given, &Pictures::none()));
    assert!(found.iter().any(|(_, fault)| *fault == Fault::TooMany(1000)), "{found:?}");
}

/// PATH-04, CLAIM-05: `null` stands for every element.
#[test]
fn metadata_says_null_for_every_element() {
    let metadata = graduate().credential_metadata();
    let described = |path: &Value| {
        let claims = metadata["claims"].as_array().unwrap();
        claims.iter().find(|one| one["path"] == *path).unwrap()["mandatory"].clone()
    };
    assert_eq!(described(&json!(["nationalities"])), true);
    assert_eq!(described(&json!(["nationalities", null])), true);
    assert_eq!(described(&json!(["degrees"])), false);
    assert_eq!(described(&json!(["degrees", null, "title"])), false);
    assert_eq!(described(&json!(["degrees", null, "marks", null])), false);
}

#[test]
fn the_sample_of_a_list_has_as_many_elements_as_it_must() {
    let graduate = graduate();
    let sample = graduate.sample();
    let degree = json!({ "title": "BSc", "honours": false, "marks": [1] });
    let expected = json!({ "name": "Erika", "nationalities": ["DE", "DE"], "degrees": [degree] });
    assert_eq!(Value::from(sample.clone()), expected);
    assert_eq!(graduate.claims.check(&sample, &Pictures::none()).unwrap(), sample);
}

#[test]
fn a_form_has_rows_for_a_list() {
    let graduate = graduate();
    let fields = graduate.fields("en");
    let shown: Vec<_> = fields
        .iter()
        .map(|it| (it.name.as_str(), it.group.as_deref(), it.label.as_str(), it.required))
        .collect();
    let expected = [
        ("name", None, "name", true),
        ("nationalities.0", Some("Nationalities"), "Nationalities 1", true),
        ("nationalities.1", Some("Nationalities"), "Nationalities 2", true),
        ("nationalities.2", Some("Nationalities"), "Nationalities 3", false),
        ("degrees.0.title", Some("Degree 1"), "Title", false),
        ("degrees.0.year", Some("Degree 1"), "Year", false),
        ("degrees.1.title", Some("Degree 2"), "Title", false),
    ];
    assert_eq!(shown[..7], expected);
    assert_eq!(fields.len(), 4 + 2 * FORM_ROWS_MAX);
    assert!(fields.iter().all(|field| field.value_type != ValueType::List));
}

/// A row that was left empty is no element, and complaints come back to the row that was typed in.
#[test]
fn a_filled_in_form_becomes_lists() {
    let typed = |form: &[(&str, &str)]| {
        let form: Vec<(String, String)> =
            form.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        graduate().from_form(&form, &Pictures::none())
    };
    let good = [
        ("name", "Erika"),
        ("nationalities.0", "DE"),
        ("nationalities.2", "AT"),
        ("nationalities.7", "no row"),
        ("degrees.0.title", " "),
        ("degrees.3.title", "MSc"),
        ("degrees.3.year", "2020"),
        ("degrees.3.honours", "true"),
    ];
    let degree = json!({ "title": "MSc", "year": 2020, "honours": false });
    let expected = json!({ "name": "Erika", "nationalities": ["DE", "AT"], "degrees": [degree] });
    assert_eq!(Value::from(typed(&good).unwrap()), expected);

    let bad = [
        ("name", "Erika"),
        ("nationalities.0", "DE"),
        ("nationalities.2", "AUT"),
        ("degrees.1.title", "MSc"),
        ("degrees.1.year", "soon"),
        ("degrees.4.year", "2020"),
    ];
    let expected = [
        ("degrees.1.year", Fault::NotInteger),
        ("nationalities.2", Fault::TooLong(2)),
        ("degrees.4.title", Fault::Missing),
    ];
    assert_eq!(faults(typed(&bad)), expected.map(|(name, fault)| (name.to_owned(), fault)));
    let unread = [("name", "Erika"), ("degrees.0.year", "soon")];
    let expected = [("degrees.0.year", Fault::NotInteger), ("nationalities", Fault::Missing)];
    assert_eq!(faults(typed(&unread)), expected.map(|(name, fault)| (name.to_owned(), fault)));
}

/// The consent page shows every value under a label that a person understands.
#[test]
fn values_in_lists_have_labels_with_numbers() {
    let given = json!({ "degrees": [{ "title": "BSc" }, { "title": "MSc", "year": 2020 }] });
    let taken = checked(&given).unwrap();
    let graduate = graduate();
    let shown = graduate.claims.values(&taken, "en");
    let labels: Vec<&str> = shown.iter().map(|(_, label, _)| label.as_str()).collect();
    let expected = [
        "name",
        "Nationalities 1",
        "Nationalities 2",
        "Degree 1 › Title",
        "Degree 2 › Title",
        "Degree 2 › Year",
    ];
    assert_eq!(labels[..6], expected);
}

#[test]
fn lists_that_contradict_themselves_are_refused() {
    let list = "path = [\"x\"]\ntype = \"list\"\n";
    let element = "[[claims]]\npath = [\"x\", \"*\"]\ntype = \"string\"\nexample = \"a\"\n";
    let table = [
        (list.to_owned(), "what the list holds is not said"),
        ("path = [\"*\"]\ntype = \"string\"".into(), "no name that every wallet can show"),
        ("path = [\"name\", \"*\"]\ntype = \"string\"".into(), "comes after what is no list"),
        ("path = [\"x\", \"*\"]\ntype = \"string\"".into(), "comes after what is no list"),
        ("path = [\"degrees\", \"title\"]\ntype = \"string\"".into(), "as no element of it"),
        (format!("{list}default = []\n{element}"), "`default` means nothing for type `list`"),
        (format!("{list}min_items = 30\n{element}"), "is more than max_items, which is 20"),
        (format!("{list}max_items = 0\n{element}"), "no list is so short or so long"),
        (format!("{list}max_items = 101\n{element}"), "no list is so short or so long"),
        (format!("{list}minimum = 1\n{element}"), "`minimum` means nothing for type `list`"),
        (format!("{list}{element}required = true"), "`required` means nothing for each element"),
        (format!("{list}{element}default = \"b\""), "`default` means nothing for each element"),
        (format!("{list}{element}max_items = 2"), "`max_items` means nothing for type `string`"),
        (format!("{list}required = true\nform = false\n{element}"), "nobody can fill it in"),
        (
            format!("{list}[[claims]]\npath = [\"x\", \"*\", \"y\"]\ntype = \"string\""),
            "what the list holds is not said",
        ),
    ];
    for (claim, expected) in table {
        let found = mistake(&format!("{HEAD}{}\n[[claims]]\n{claim}\n", lists()));
        assert!(found.contains(expected), "{claim}: {found}");
    }
    let found = mistake(&format!(
        "{HEAD}{}",
        lists().replace("type = \"list\"\nform = false", "type = \"list\"")
    ));
    assert!(found.contains("is a list in a list, which no form has"), "{found}");
    assert!(found.starts_with("credentials/card.toml:"), "{found}");
    let inner = lists().replace("type = \"list\"\nform = false", "type = \"list\"");
    assert!(read(&format!("portal = false\n{HEAD}{inner}")).is_ok());
}

/// Each can be issued as it is.
#[test]
fn every_example_of_the_documentation_is_a_type_whose_sample_fits() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/credential-types");
    let types = CredentialType::load_all(folder.as_ref(), ISSUER).unwrap();
    let in_three = ["library_card", "library_card_ldp_vc", "library_card_mdoc"];
    let names: Vec<&str> = types.keys().map(String::as_str).collect();
    assert_eq!(names, [&in_three[..], &["mdl", "open_badge", "pid", "pid_mdoc"]].concat());
    for (name, read) in types {
        let sample = read.sample();
        let taken = read.claims.check(&sample, &Pictures::of_store()).unwrap();
        let has_constants = read.claims.iter().any(|claim| claim.constant.is_some());
        assert!(has_constants || taken == sample, "{name}");
    }
}

/// RDF has sets: of a list neither the order nor what is there twice would be signed. Plain values can
/// do without.
#[test]
fn lists_of_plain_values_are_signed_as_sets() {
    let of = |more: &str, limits: &str| {
        let format = "format = \"ldp_vc\"\ntypes = [\"VerifiableCredential\", \"Degree\"]";
        let head = HEAD.replace("format = \"dc+sd-jwt\"", &format!("{format}\n{more}"));
        let courses = "[[claims]]\npath = [\"courses\"]\ntype = \"list\"\n";
        let course =
            "[[claims]]\npath = [\"courses\", \"*\"]\ntype = \"string\"\nexample = \"A\"\n";
        read(&format!("{head}{courses}{limits}\n{course}"))
    };
    for line in ["", "cryptosuite = \"ecdsa-sd-2023\""] {
        let read = of(line, "").unwrap();
        let given = |value: Value| read.claims.check(&claims(&value), &Pictures::none());
        assert!(given(json!({ "courses": ["A", "B"] })).is_ok());
        let twice = given(json!({ "courses": ["A", "B", "A"] }));
        assert_eq!(faults(twice), [("courses.2".to_owned(), Fault::Twice)]);
        for limits in ["min_items = 0", "min_items = 2"] {
            let told = of(line, limits).unwrap_err().to_string();
            assert!(told.contains("one element or more"), "{told}");
        }
    }
    let as_written = of("canonicalization = \"jcs\"", "min_items = 0").unwrap();
    let given = claims(&json!({ "courses": ["A", "A"] }));
    assert!(as_written.claims.check(&given, &Pictures::none()).is_ok());
}

/// Objects in a list look alike: a verifier would have to try all their orders (RDFC-1.0).
#[test]
fn linked_data_that_are_signed_as_statements_have_no_lists_of_objects() {
    let of = |canonicalization: &str| {
        let format = "format = \"ldp_vc\"\ntypes = [\"VerifiableCredential\", \"Degree\"]";
        let head = HEAD.replace("format = \"dc+sd-jwt\"", &format!("{format}\n{canonicalization}"));
        read(&format!("{head}{}", lists()))
    };
    let told = of("").unwrap_err().to_string();
    assert!(told.contains("canonicalization = \"jcs\""), "{told}");
    assert!(of("canonicalization = \"jcs\"").is_ok());
}

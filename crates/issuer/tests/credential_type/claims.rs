//! Claims that are given for a credential.

use issuer::credential_type::{Fault, Pictures, check_all};
use serde_json::{Value, json};

use super::{HEAD, card, claims, faults, read};

fn fault_of(value: &Value) -> Vec<(String, Fault)> {
    let mut given = claims(&json!({ "given_name": "Erika" }));
    given.extend(claims(value));
    faults(card().claims.check(&given, &Pictures::none()))
}

#[test]
fn claims_that_fit_are_taken_with_defaults_and_without_empty_objects() {
    let given = json!({ "given_name": "Erika", "address": { "street": "Main Street 1" } });
    let taken = card().claims.check(&claims(&given), &Pictures::none()).unwrap();
    let street = json!({ "street": "Main Street 1", "country": "Germany" });
    assert_eq!(Value::from(taken), json!({ "given_name": "Erika", "address": street }));

    let given = json!({ "given_name": "Erika", "address": {} });
    let taken = card().claims.check(&claims(&given), &Pictures::none()).unwrap();
    assert_eq!(Value::from(taken), json!({ "given_name": "Erika" }));
}

#[test]
fn every_unknown_missing_and_wrong_claim_is_named_at_once() {
    let given = json!({
        "nickname": "E", "seat": "7", "extra": { "deep": { "er": 1 } },
        "address": { "country": "Germany", "zip": "1" },
    });
    let found = faults(card().claims.check(&claims(&given), &Pictures::none()));
    let expected = [
        ("address.zip", Fault::Unknown),
        ("extra.deep.er", Fault::Unknown),
        ("nickname", Fault::Unknown),
        ("seat", Fault::NotInteger),
        ("given_name", Fault::Missing),
        ("address.street", Fault::Missing),
    ];
    assert_eq!(found, expected.map(|(name, fault)| (name.to_owned(), fault)));
}

#[test]
fn what_the_issuer_alone_sets_cannot_be_given() {
    for name in ["iss", "exp", "cnf", "vct", "status", "_sd", "..."] {
        assert_eq!(fault_of(&json!({ name: 1 })), [(name.to_owned(), Fault::Unknown)]);
    }
}

#[test]
fn a_claim_of_an_absent_optional_object_is_not_missing() {
    let given = json!({ "given_name": "Erika" });
    assert!(card().claims.check(&claims(&given), &Pictures::none()).is_ok());
}

#[test]
fn a_value_of_the_wrong_kind_or_size_is_refused() {
    let table = [
        (json!({ "given_name": 1 }), Fault::NotText),
        (json!({ "given_name": null }), Fault::NotText),
        (json!({ "given_name": "" }), Fault::TooShort(1)),
        (json!({ "given_name": "Friederike" }), Fault::TooLong(5)),
        (json!({ "given_name": " " }), Fault::TooShort(1)),
        (json!({ "given_name": "a\nb" }), Fault::HiddenCharacter),
        (json!({ "given_name": "a\u{200b}b" }), Fault::HiddenCharacter), // I21, N04
        (json!({ "given_name": "a\u{2028}b" }), Fault::HiddenCharacter),
        (json!({ "given_name": "\u{202e}ab" }), Fault::HiddenCharacter),
        (json!({ "mail": "a\u{ad}@b.example" }), Fault::HiddenCharacter),
        (json!({ "birth_date": "12.08.2003" }), Fault::NotDate),
        (json!({ "birth_date": "2003-02-29" }), Fault::NotDate),
        (json!({ "birth_date": "2003-08-12T00:00:00Z" }), Fault::NotDate),
        (json!({ "seat": 0 }), Fault::TooSmall(1)),
        (json!({ "seat": 10 }), Fault::TooLarge(9)),
        (json!({ "seat": 1.5 }), Fault::NotInteger),
        (json!({ "height": "1.5" }), Fault::NotNumber),
        (json!({ "member": "yes" }), Fault::NotBoolean),
        (json!({ "mail": "nobody" }), Fault::NotEmail),
        (json!({ "mail": "a@b@.org" }), Fault::NotEmail),
        (json!({ "address": "Main Street 1" }), Fault::NotObject),
    ];
    for (value, fault) in table {
        let name = value.as_object().unwrap().keys().next().unwrap().clone();
        assert_eq!(fault_of(&value), [(name, fault)], "{value}");
    }
}

/// Found when it is given, not when it is to be signed and everything is spent.
#[test]
fn linked_data_take_no_text_that_would_be_a_blank_node() {
    let format = "format = \"ldp_vc\"\ntypes = [\"VerifiableCredential\", \"Card\"]";
    let head = HEAD.replace("format = \"dc+sd-jwt\"", format);
    let claim = "[[claims]]\npath = [\"name\"]\ntype = \"string\"\n";
    let of = |head: &str| read(&format!("{head}{claim}")).unwrap();
    let given = claims(&json!({ "name": "_:Ada" }));
    let refused = of(&head).claims.check(&given, &Pictures::none());
    assert_eq!(faults(refused), [("name".to_owned(), Fault::BlankNode)]);
    assert!(
        of(&head).claims.check(&claims(&json!({ "name": "Ada _:" })), &Pictures::none()).is_ok()
    );
    assert!(of(HEAD).claims.check(&given, &Pictures::none()).is_ok());
    let example = format!("{head}{claim}example = \"_:Ada\"\n");
    assert!(read(&example).unwrap_err().to_string().contains("must not begin with _:"));
}

#[test]
fn one_object_serves_several_types_and_each_takes_its_own() {
    let ticket = format!(
        "{HEAD}{}",
        r#"
[[claims]]
path = ["given_name"]
type = "string"

[[claims]]
path = ["address", "zip"]
type = "string"

[[claims]]
path = ["course"]
type = "string"
required = true
example = "Chess"
"#
    );
    let (card, ticket) = (card(), read(&ticket).unwrap());
    let both = [&card.claims, &ticket.claims];
    let given = json!({
        "given_name": "Erika", "course": "Go", "address": { "street": "A 1", "zip": "12345" },
    });
    let taken = check_all(&both, &claims(&given), &Pictures::none()).unwrap();
    let street = json!({ "street": "A 1", "country": "Germany" });
    let expected = [
        json!({ "given_name": "Erika", "address": street }),
        json!({ "given_name": "Erika", "course": "Go", "address": { "zip": "12345" } }),
    ];
    assert_eq!(taken.into_iter().map(Value::from).collect::<Vec<_>>(), expected);

    let given = json!({ "seat": "x", "address": { "street": "A 1", "lift": true } });
    let found = check_all(&both, &claims(&given), &Pictures::none()).unwrap_err().to_string();
    let expected = "address.lift: no such claim; seat: must be a whole number; \
                    given_name: required, but missing; course: required, but missing";
    assert_eq!(found, expected);
}

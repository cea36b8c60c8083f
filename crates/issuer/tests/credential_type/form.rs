//! The application form.

use issuer::credential_type::{ClaimsError, Fault, Pictures, ValueType};
use serde_json::{Map, Value, json};

use super::{card, faults};

fn from_form(form: &[(&str, &str)]) -> Result<Map<String, Value>, ClaimsError> {
    let form: Vec<(String, String)> =
        form.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    card().from_form(&form, &Pictures::none())
}

#[test]
fn a_filled_in_form_becomes_claims() {
    let form = [
        ("given_name", "  Erika "),
        ("birth_date", "2003-08-12"),
        ("seat", "7"),
        ("height", "1,75"),
        ("member", "on"),
        ("mail", "   "),
        ("address.street", "A 1"),
        ("csrf", "not a claim"),
    ];
    let expected = json!({
        "given_name": "Erika", "birth_date": "2003-08-12", "seat": 7, "height": 1.75,
        "member": true, "address": { "street": "A 1", "country": "Germany" },
    });
    assert_eq!(Value::from(from_form(&form).unwrap()), expected);
}

#[test]
fn every_field_that_is_wrong_is_named_once() {
    let form = [("seat", "seven"), ("height", "1"), ("height", "2")];
    let expected =
        [("seat", Fault::NotInteger), ("height", Fault::Repeated), ("given_name", Fault::Missing)];
    let expected = expected.map(|(name, fault)| (name.to_owned(), fault));
    assert_eq!(faults(from_form(&form)), expected);
}

#[test]
fn an_applicant_cannot_set_what_the_form_does_not_show() {
    let form = [("given_name", "Erika"), ("address.street", "A 1"), ("address.country", "Utopia")];
    let claims = Value::from(from_form(&form).unwrap());
    assert_eq!(claims["address"]["country"], "Germany");
}

#[test]
fn fields_have_labels_in_the_language_of_the_reader() {
    let card = card();
    let fields = card.fields("de-AT");
    let first = fields.first().unwrap();
    assert_eq!((first.name.as_str(), first.label.as_str()), ("given_name", "Vorname"));
    assert!(first.required);
    assert_eq!(first.limits.max_length, Some(5));
    assert_eq!(card.fields("fr").first().unwrap().label, "Given name");

    let last = fields.last().unwrap();
    assert_eq!((last.name.as_str(), last.group.as_deref()), ("address.street", Some("Address")));
    assert!(!last.required, "the object around it may be absent");
    assert!(fields.iter().all(|field| field.value_type != ValueType::Object));
    assert!(fields.iter().all(|field| field.name != "address.country"));
}

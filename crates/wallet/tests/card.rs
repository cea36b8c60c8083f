//! The lines of a card: the issuer's labels and order, and nothing lost.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use serde_json::{Value, json};
use wallet::card::{LINES_MAX, lines};
use wallet::display::ClaimLabel;

fn shown(claims: &Value, labels: &Value) -> Vec<(String, String)> {
    let labels: Vec<ClaimLabel> = serde_json::from_value(labels.clone()).unwrap();
    let lines = lines(claims.as_object().unwrap(), &labels, "en");
    assert_eq!(lines.more, 0);
    lines.shown.iter().map(|line| (line.label.clone(), line.text())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(label, text)| ((*label).to_owned(), (*text).to_owned())).collect()
}

/// CLAIM-07
#[test]
fn labels_and_order_are_the_issuers() {
    let claims = json!({
        "address": { "country": "NL", "locality": "Delft" },
        "given_name": "Ada", "courses": ["a", "b"], "extra": 1, "member": true,
    });
    let labels = json!([
        { "path": ["given_name"], "names": [{ "locale": "en", "text": "Given name" }] },
        { "path": ["address"], "names": [{ "locale": null, "text": "Address" }] },
        { "path": ["address", "locality"], "names": [{ "locale": null, "text": "Town" }] },
        { "path": ["courses", null], "names": [{ "locale": null, "text": "Courses" }] },
    ]);
    let expected = pairs(&[
        ("Given name", "Ada"),
        ("Address › country", "NL"),
        ("Town", "Delft"),
        ("Courses", "a, b"),
        ("extra", "1"),
        ("member", "yes"),
    ]);
    assert_eq!(shown(&claims, &labels), expected);
}

#[test]
fn a_claim_without_a_label_is_shown_by_its_name() {
    let claims = json!({ "a": { "b": { "c": null } }, "d": [{ "e": 1 }], "f": "x\u{1b}[31m" });
    let labels = json!([{ "path": ["d"], "names": [] }]);
    let expected = pairs(&[("d 1 › e", "1"), ("a › b › c", "–"), ("f", "x[31m")]);
    assert_eq!(shown(&claims, &labels), expected);
}

/// Driving privileges and degrees: what belongs to one element stays together (CLAIM-07).
#[test]
fn lists_of_objects_are_opened_and_numbered() {
    let claims = json!({
        "degrees": [
            { "type": "BSc", "year": 2020, "marks": [1, 2], "by": { "name": "TU" } },
            { "type": "MSc", "year": 2022, "theses": [{ "title": "T" }] },
        ],
        "name": "Ada", "empty": [], "photos": ["data:image/png;base64,AA"],
    });
    let label = |path: Value, text: &str| json!({ "path": path, "names": [{ "locale": "en", "text": text }] });
    let labels = json!([
        label(json!(["name"]), "Name"),
        label(json!(["degrees"]), "Degree"),
        label(json!(["degrees", null, "year"]), "Year"),
        label(json!(["degrees", null, "type"]), "Kind"),
        label(json!(["degrees", null, "by", "name"]), "Awarded by"),
        label(json!(["degrees", null, "theses", null, "title"]), "Title"),
    ]);
    let expected = pairs(&[
        ("Name", "Ada"),
        ("Degree 1 › marks", "1, 2"),
        ("Degree 1 › Year", "2020"),
        ("Degree 1 › Kind", "BSc"),
        ("Degree 1 › Awarded by", "TU"),
        ("Degree 2 › Year", "2022"),
        ("Degree 2 › Kind", "MSc"),
        ("Degree 2 › theses 1 › Title", "T"),
        ("empty", ""),
        ("photos 1", "data:image/png;base64,AA"),
    ]);
    assert_eq!(shown(&claims, &labels), expected);
}

/// What the issuer describes is shown first, so a flood of other claims does not push it out.
#[test]
fn a_flood_of_claims_is_cut_and_counted() {
    let mut claims = json!({ "z": "described", "deep": {} });
    for number in 0..30_000 {
        claims["deep"][format!("n{number}")] = json!(number);
    }
    let labels = json!([{ "path": ["z"], "names": [{ "locale": null, "text": "Name" }] }]);
    let labels: Vec<ClaimLabel> = serde_json::from_value(labels).unwrap();
    let lines = lines(claims.as_object().unwrap(), &labels, "en");
    assert_eq!((lines.shown.len(), lines.more), (LINES_MAX, 30_001 - LINES_MAX));
    assert_eq!(lines.shown[0].label, "Name");
}

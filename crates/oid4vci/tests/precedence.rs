//! V11-17 and V11-18 as a table: what comes with a credential, over what the Issuer publishes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use oid4vci::metadata::merged;
use serde_json::{Value, json};

fn merge(general: &Value, specific: &Value) -> Value {
    merged(general.as_object().unwrap(), specific.as_object().unwrap()).into()
}

/// A rule, what is published, what came with the credential, and what holds then.
type Case = (&'static str, Value, Value, Value);

fn check(cases: &[Case]) {
    for (rule, general, specific, expected) in cases {
        assert_eq!(merge(general, specific), *expected, "{rule}");
    }
}

#[test]
fn the_specific_counts_and_the_rest_is_kept() {
    check(&[
        ("nothing", json!({ "a": 1 }), json!({}), json!({ "a": 1 })),
        ("V11-18: unknown", json!({}), json!({ "com.example": { "x": 1 } }), {
            json!({ "com.example": { "x": 1 } })
        }),
        (
            "V11-17: member by member",
            json!({ "com.example": { "x": 1, "y": { "z": 1 } } }),
            json!({ "com.example": { "x": 2, "y": { "w": 2 } } }),
            json!({ "com.example": { "x": 2, "y": { "z": 1, "w": 2 } } }),
        ),
        ("another list", json!({ "a": [1, 2] }), json!({ "a": [3] }), json!({ "a": [3] })),
        ("another kind", json!({ "a": { "b": 1 } }), json!({ "a": "c" }), json!({ "a": "c" })),
    ]);
}

#[test]
fn elements_that_mean_the_same_are_merged() {
    check(&[
        (
            "a display without locale speaks for every language",
            json!({ "display": [
                {
                    "name": "Card", "locale": "en",
                    "logo": { "uri": "https://a.example/l", "alt_text": "a" },
                },
                { "name": "Karte", "locale": "de" },
            ] }),
            json!({ "display": [
                { "name": "Ausweis", "locale": "de" },
                { "logo": { "uri": "data:image/png;base64,AA==" }, "name": "X", "com.example": {} },
                { "name": "Carte", "locale": "fr" },
            ] }),
            json!({ "display": [
                {
                    "name": "X", "locale": "en", "com.example": {},
                    "logo": { "uri": "data:image/png;base64,AA==", "alt_text": "a" },
                },
                {
                    "name": "Ausweis", "locale": "de", "com.example": {},
                    "logo": { "uri": "data:image/png;base64,AA==" },
                },
                { "name": "Carte", "locale": "fr" },
            ] }),
        ),
        (
            "nothing was published",
            json!({ "display": [] }),
            json!({ "display": [{ "name": "Card" }] }),
            json!({ "display": [{ "name": "Card" }] }),
        ),
        (
            "claims by path",
            json!({ "claims": [
                { "path": ["a"], "mandatory": true, "display": [{ "name": "A", "locale": "en" }] },
                { "path": ["b"] },
            ] }),
            json!({ "claims": [
                { "path": ["a"], "display": [{ "name": "Alpha", "locale": "en" }] },
                { "path": ["c"] },
                { "mandatory": false },
            ] }),
            json!({ "claims": [
                {
                    "path": ["a"], "mandatory": true,
                    "display": [{ "name": "Alpha", "locale": "en" }],
                },
                { "path": ["b"] },
                { "path": ["c"] },
                { "mandatory": false },
            ] }),
        ),
    ]);
}

/// A stranger's list does not cost the square of its length.
#[test]
fn long_lists_are_not_merged_to_their_end() {
    let list = |name: &str| {
        let elements = (0..5_000).map(|at| json!({ "locale": format!("x-{at}"), "name": name }));
        json!({ "display": elements.collect::<Vec<_>>() })
    };
    let merged = merge(&list("below"), &list("above"));
    let display = merged["display"].as_array().unwrap();
    assert_eq!(display.len(), 2 * 5_000 - 256);
    assert_eq!((&display[255]["name"], &display[256]["name"]), (&json!("above"), &json!("below")));
}

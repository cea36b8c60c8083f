//! VCI §C.1.1 and VCI §B.3 as tables: what a claims path pointer selects, and which paths cannot all
//! be meant.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use oid4vci::claims_path::{PATH_MAX, has_contradiction, is_path, select};
use serde_json::{Map, Value, json};

fn claims() -> Map<String, Value> {
    let claims = json!({
        "name": "Ada",
        "address": { "city": "Köln", "lines": ["a", "b"] },
        "degrees": [
            { "type": "BSc", "marks": [1, 2] },
            { "type": "MSc", "marks": [3] },
            { "marks": [] },
        ],
        "nationalities": ["British", "Betelgeusian"],
        "nothing": [],
    });
    claims.as_object().unwrap().clone()
}

fn path(path: &Value) -> Vec<Value> {
    path.as_array().unwrap().clone()
}

#[test]
fn a_path_selects_what_it_names() {
    let cases = [
        ("PATH-02", json!(["name"]), Some(json!(["Ada"]))),
        ("PATH-03", json!(["address", "city"]), Some(json!(["Köln"]))),
        ("PATH-04", json!(["nationalities", null]), Some(json!(["British", "Betelgeusian"]))),
        ("PATH-06", json!(["nationalities", 1]), Some(json!(["Betelgeusian"]))),
        ("PATH-02: a set", json!(["degrees", null, "type"]), Some(json!(["BSc", "MSc"]))),
        ("PATH-06: a set", json!(["degrees", null, "marks", 0]), Some(json!([1, 3]))),
        ("PATH-04: a set", json!(["degrees", null, "marks", null]), Some(json!([1, 2, 3]))),
        ("an array itself", json!(["address", "lines"]), Some(json!([["a", "b"]]))),
        ("PATH-01", json!([]), None),
        ("PATH-02: an object is on top", json!([0]), None),
        ("PATH-02", json!([null]), None),
        ("PATH-03: no object", json!(["name", "first"]), None),
        ("PATH-03: no object", json!(["nationalities", "first"]), None),
        ("PATH-03: not there", json!(["birthdate"]), None),
        ("PATH-04: no array", json!(["address", null]), None),
        ("PATH-05", json!(["nationalities", -1]), None),
        ("PATH-06: no array", json!(["address", 0]), None),
        ("PATH-06: out of range", json!(["nationalities", 2]), None),
        ("PATH-07", json!(["nothing", null]), None),
        ("PATH-01: a fraction", json!(["nationalities", 0.5]), None),
        ("PATH-01: another type", json!(["nationalities", true]), None),
    ];
    let claims = claims();
    for (rule, pointer, expected) in cases {
        let selected = select(&claims, &path(&pointer));
        assert_eq!(selected.map(|found| json!(found)), expected, "{rule}: {pointer}");
    }
    assert!(is_path(&vec![json!("a"); PATH_MAX]));
    assert!(!is_path(&vec![json!("a"); PATH_MAX + 1]));
}

#[test]
fn descriptions_that_contradict_each_other_are_found() {
    let cases = [
        ("nothing", json!([]), false),
        ("different claims", json!([["a"], ["b"]]), false),
        ("a claim and what is in it", json!([["a"], ["a", "b"], ["a", "c"]]), false),
        ("elements of one array", json!([["a", 0], ["a", 1, "b"]]), false),
        ("one array, all of it, twice in depth", json!([["a", null], ["a", null, "b"]]), false),
        ("CLAIM-08", json!([["a"], ["b"], ["a"]]), true),
        ("CLAIM-09", json!([["a", null], ["a", 0]]), true),
        ("CLAIM-09, deeper", json!([["a", 0, "b"], ["a", null, "c"]]), true),
        ("CLAIM-10", json!([["a", "b"], ["a", 0]]), true),
        ("CLAIM-10", json!([["a", null, "b"], ["a", "b", "c"]]), true),
    ];
    for (rule, listed, expected) in cases {
        let paths: Vec<Vec<Value>> = listed.as_array().unwrap().iter().map(path).collect();
        let paths: Vec<&[Value]> = paths.iter().map(Vec::as_slice).collect();
        assert_eq!(has_contradiction(&paths), expected, "{rule}: {listed}");
    }
}

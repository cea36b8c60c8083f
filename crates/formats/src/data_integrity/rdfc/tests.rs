//! The W3C's test suite of RDFC-1.0, on the library as it is called here.

use oxrdf::Dataset;
use oxttl::NQuadsParser;
use serde_json::Value;

use super::{check_blank_nodes, labels, ordered};

fn dataset(text: &str) -> Dataset {
    NQuadsParser::new().for_slice(text).map(Result::unwrap).collect()
}

/// All of them, whatever of it we would take; the one whose work has no end is never begun.
#[test]
fn published_datasets_have_their_published_order() {
    let suite = include_str!("../../../tests/vectors/rdf-canon.json");
    let suite: Vec<Value> = serde_json::from_str(suite).unwrap();
    let mut passed = 0;
    for case in &suite {
        let (id, is_long) = (case["id"].as_str().unwrap(), case["is_long"] == true);
        let dataset = dataset(case["input"].as_str().unwrap());
        if case["kind"] == "none" {
            assert!(check_blank_nodes(&dataset).is_err(), "{id}");
            continue;
        }
        let expected = &case["expected"];
        let found = match case["kind"].as_str().unwrap() {
            "labels" => serde_json::to_value(labels(&dataset, is_long)).unwrap(),
            _ => ordered(dataset, is_long).into(),
        };
        assert_eq!(found, *expected, "{id}");
        passed += 1;
    }
    assert_eq!((passed, suite.len()), (85, 86));
}

//! The W3C's test suite of RDFC-1.0, on the library as it is called here. It is not ours to keep: it is
//! read out of a clone of <https://github.com/w3c/rdf-canon>.
//!
//! `BESTOW_RDF_CANON_CLONE=PATH cargo test -p bestow-formats --lib -- --ignored`

use std::env;
use std::process::Command;

use oxrdf::Dataset;
use oxttl::NQuadsParser;
use serde_json::Value;

use super::{check_blank_nodes, labels, ordered};

fn show(path: &str) -> String {
    let clone = env::var("BESTOW_RDF_CANON_CLONE").unwrap();
    let asked = ["-C", &clone, "show", &format!("15619df:tests/{path}")];
    let output = Command::new("git").args(asked).output().unwrap();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// All of them, whatever of it we would take; the one whose work has no end is never begun.
#[test]
#[ignore = "the suite is read from a clone of w3c/rdf-canon: BESTOW_RDF_CANON_CLONE"]
fn published_datasets_have_their_published_order() {
    let manifest: Value = serde_json::from_str(&show("manifest.jsonld")).unwrap();
    let cases = manifest["entries"].as_array().unwrap();
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let input = show(text("action"));
        let dataset: Dataset = NQuadsParser::new().for_slice(&input).map(Result::unwrap).collect();
        let is_long = text("hashAlgorithm") == "SHA384";
        match text("type") {
            "rdfc:RDFC10EvalTest" => {
                assert_eq!(ordered(dataset, is_long), show(text("result")), "{}", text("id"));
            }
            "rdfc:RDFC10MapTest" => {
                let expected: Value = serde_json::from_str(&show(text("result"))).unwrap();
                let found = serde_json::to_value(labels(&dataset, is_long)).unwrap();
                assert_eq!(found, expected, "{}", text("id"));
            }
            _ => assert!(check_blank_nodes(&dataset).is_err(), "{}", text("id")),
        }
    }
    assert_eq!(cases.len(), 86);
}

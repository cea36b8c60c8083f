//! The W3C's test suite of RDFC-1.0, on the library as it is called here: as the crate `rdf-canon`
//! carries it, in its folder `tests`. `cargo xtask vectors` fetches that, and runs this.

use std::path::Path;
use std::{env, fs};

use oxrdf::Dataset;
use oxttl::NQuadsParser;
use serde_json::Value;

use super::{check_blank_nodes, labels, ordered};

fn show(path: &str) -> String {
    let package = env::var("BESTOW_RDF_CANON").unwrap();
    fs::read_to_string(Path::new(&package).join("tests").join(path)).unwrap()
}

/// All of them, whatever of it we would take; the one whose work has no end is never begun.
#[test]
#[ignore = "the suite is that of the crate rdf-canon: `cargo xtask vectors`"]
fn datasets_of_a_package_have_their_published_order() {
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

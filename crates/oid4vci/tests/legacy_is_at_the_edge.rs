//! Drafts are translated at the edge: of all that is in `legacy`, others name `Dialect` alone.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn nobody_names_a_type_of_a_draft() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sources(crates, &mut files);
    assert!(files.len() > 300, "the sources were not found");
    let inside = crates.join("oid4vci/src/legacy");
    let this = crates.join("oid4vci/tests/legacy_is_at_the_edge.rs");
    let mut speakers = 0;
    for file in files.iter().filter(|file| !file.starts_with(&inside) && **file != this) {
        let text = fs::read_to_string(file).unwrap();
        for part in text.split("oid4vci::legacy::").skip(1) {
            let ends = |c: char| !c.is_alphanumeric() && c != '_';
            let name = part.split(ends).next().unwrap_or_default();
            assert_eq!(name, "Dialect", "{} names {name} of a draft", file.display());
            speakers += 1;
        }
        if file.starts_with(crates.join("oid4vci/src")) {
            for part in text.split("crate::legacy::").skip(1) {
                assert!(part.starts_with("Dialect"), "{} names a draft's type", file.display());
            }
        }
    }
    assert!(speakers > 5, "nobody speaks a draft: look how the module is named now");
}

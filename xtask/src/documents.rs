//! What the documents name is there: files and folders, and the tests of the comparison.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Documents beside those of [`FOLDER`]; the changelog is none: it tells what was.
const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
const FOLDER: &str = "docs";
/// In the last column of its tables stand files of tests, and after each of them tests of it.
const COMPARISON: &str = "docs/COMPARISON.md";
/// How a name begins that is a path.
const PATHS: [&str; 3] = ["crates/", "interop/", "docs/"];
/// A line without a test has to say so.
const NONE: &str = "none";

/// Fails when a document names a file or a test that does not exist.
pub(crate) fn check() -> io::Result<()> {
    let mut paths: Vec<PathBuf> = DOCUMENTS.iter().map(PathBuf::from).collect();
    find_documents(Path::new(FOLDER), &mut paths)?;
    let mut faults = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let document = Document { path: &path.display().to_string(), text: &text };
        faults.extend(document.faults(read));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!("named in a document, but not there:\n  {}", faults.join("\n  "))))
}

fn find_documents(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_documents(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(())
}

/// The text of a file, an empty one for a folder.
fn read(path: &str) -> Option<String> {
    let path = Path::new(path);
    if path.is_dir() { Some(String::new()) } else { fs::read_to_string(path).ok() }
}

struct Document<'d> {
    path: &'d str,
    text: &'d str,
}

impl Document<'_> {
    fn faults(&self, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut faults = Vec::new();
        for (at, line) in self.text.lines().enumerate() {
            let mut wrong = Vec::new();
            for path in quoted(line).filter(|name| is_path(name)) {
                if read(path).is_none() {
                    wrong.push(path.to_owned());
                }
            }
            if self.path == COMPARISON && line.starts_with('|') {
                wrong.extend(missing_tests(line, &read));
            }
            faults.extend(wrong.iter().map(|what| format!("{}:{}: {what}", self.path, at + 1)));
        }
        faults
    }
}

/// Whether it is one path, and no pattern for several.
fn is_path(name: &str) -> bool {
    let is_pattern = name.contains(|c: char| c.is_whitespace() || "*{…".contains(c));
    PATHS.iter().any(|begin| name.starts_with(begin)) && !is_pattern
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What a line of the comparison names and nobody has written. A test of Rust is a function, one
/// of Node has its name as a text.
fn missing_tests(line: &str, read: &impl Fn(&str) -> Option<String>) -> Vec<String> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
    let [_, here, shown_by] = cells[..] else {
        let is_rule = line.trim_matches(['|', '-']).is_empty();
        return if is_rule {
            Vec::new()
        } else {
            vec!["this line has not three columns".to_owned()]
        };
    };
    if shown_by.trim() == "Shown by" {
        return Vec::new();
    }
    let (mut file, mut tests, mut missing) = (None, 0, Vec::new());
    for name in quoted(shown_by) {
        if is_path(name) {
            file = Some((name, read(name).unwrap_or_default()));
            continue;
        }
        tests += 1;
        let is_there = file.as_ref().is_some_and(|(path, text)| {
            if is_rust(path) { text.contains(&format!("fn {name}(")) } else { text.contains(name) }
        });
        if !is_there {
            missing.push(name.to_owned());
        }
    }
    if tests == 0 && !here.contains(NONE) {
        missing.push("a test of what this line says".to_owned());
    }
    missing
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::{COMPARISON, Document};

    fn read(path: &str) -> Option<String> {
        let text = match path {
            "crates/a/tests/b.rs" => "fn a_thing_is_done() {\n    a_call();\n}",
            "interop/c.test.mjs" => "test(`a ${thing} is done`, () => {});",
            "crates/a/tests" => "",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn faults(path: &str, text: &str) -> Vec<String> {
        Document { path, text }.faults(read)
    }

    #[test]
    fn a_path_in_backticks_exists() {
        let good =
            "`crates/a/tests/b.rs`, `crates/a/tests`, `crates/*/src`, crates/no, `src/no.rs`";
        assert_eq!(faults("docs/A.md", good), [""; 0]);
        assert_eq!(faults("docs/A.md", "\n`crates/no.rs`"), ["docs/A.md:2: crates/no.rs"]);
    }

    #[test]
    fn a_line_of_the_comparison_names_tests_that_exist() {
        for good in [
            "| There | Here | Shown by |",
            "|---|---|---|",
            "| a | b | `crates/a/tests/b.rs`: `a_thing_is_done`; `interop/c.test.mjs`: `a ${thing} is` |",
            "| a | none yet | |",
        ] {
            assert_eq!(faults(COMPARISON, good), [""; 0], "{good}");
        }
        for (bad, fault) in [
            ("| a | b | `crates/a/tests/b.rs`: `a_call` |", "a_call"),
            ("| a | b | `a_thing_is_done` |", "a_thing_is_done"),
            ("| a | b | `interop/c.test.mjs`: `a_thing_is_done` |", "a_thing_is_done"),
            ("| a | b | `crates/a/tests/b.rs` |", "a test of what this line says"),
            ("| a | b | |", "a test of what this line says"),
            ("| a | b |", "this line has not three columns"),
        ] {
            assert_eq!(faults(COMPARISON, bad), [format!("{COMPARISON}:1: {fault}")], "{bad}");
        }
    }
}

//! Contexts that an operator brings: files beside the type's, each named by what it must hold. Nothing
//! is fetched, and nobody else can change what a claim means.

use std::fs;
use std::path::{Path, PathBuf};

use formats::data_integrity::Contexts;
use keys::digest::sha256;
use serde::Deserialize;

use super::entry::Entry;
use crate::config::ConfigError;

/// Longest context: a verifier reads it again for each value that has one of its own.
const BYTES_MAX: u64 = 512 * 1024;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenContext {
    /// As credentials name it.
    url: String,
    file: PathBuf,
    /// In hexadecimal.
    sha256: String,
}

/// Reads those of a type; its file says where it is.
pub(super) fn read(entry: &Entry<'_>, file: &Path) -> Result<Contexts, ConfigError> {
    let written = &entry.written;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut contexts = Contexts::default();
    for (at, context) in written.pinned_contexts.iter().enumerate() {
        let refuse = |key: &str, problem: &str, remedy: &str| {
            entry.mistake(&format!("pinned_contexts.{at}.{key}"), problem.to_owned(), remedy)
        };
        if Contexts::is_bundled(&context.url) {
            let problem = "this context is part of the program, and stays what it is there";
            return Err(refuse("url", problem, "remove it"));
        }
        if !written.contexts.iter().flatten().any(|named| *named == context.url) {
            let remedy = "add it to contexts, or remove it here";
            return Err(refuse("url", "this type names no such context", remedy));
        }
        let text = text_of(&folder.join(&context.file));
        let text = text.map_err(|problem| refuse("file", &problem, "correct the line"))?;
        let found = sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
        if !found.eq_ignore_ascii_case(&context.sha256) {
            let problem = format!("the file has another digest: {found}");
            let remedy = "look at what it holds now; if that is what claims shall mean, write this \
                          digest";
            return Err(refuse("sha256", &problem, remedy));
        }
        if !Contexts::is_document(&text) {
            let problem = "is no JSON object with an @context";
            return Err(refuse("file", problem, "take the document that is published at the url"));
        }
        contexts = contexts.with(&context.url, &text);
    }
    Ok(contexts)
}

fn text_of(file: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
    if fs::metadata(file).map_err(cannot)?.len() > BYTES_MAX {
        return Err(format!("{} has more than {BYTES_MAX} bytes", file.display()));
    }
    fs::read_to_string(file).map_err(cannot)
}

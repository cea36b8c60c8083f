//! `--context`: what gives the words of a credential their meaning, as a file and by its digest.

use std::fs;
use std::path::PathBuf;

use formats::data_integrity::Contexts;
use keys::digest::sha256;

use crate::exit::Failure;

/// Longest context.
const BYTES_MAX: usize = 512 * 1024;
/// In front of a digest.
const DIGEST: &str = "#sha256-";

/// A context that was typed.
#[derive(Clone, Debug)]
pub(crate) struct ContextFile {
    url: String,
    file: PathBuf,
    sha256: String,
}

impl ContextFile {
    /// Reads `URL=FILE#sha256-HEX`; neither address nor file needs to be without `=` or `#`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("write it like https://example.org/v1=v1.jsonld{DIGEST}9f86d0…");
        let (named, sha256) = text.rsplit_once(DIGEST).ok_or_else(wrong)?;
        let (url, file) = named.split_once('=').ok_or_else(wrong)?;
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if url.is_empty() || file.is_empty() || !is_digest {
            return Err(wrong());
        }
        if Contexts::is_bundled(url) {
            return Err("this context is part of the program, and stays what it is".to_owned());
        }
        Ok(Self { url: url.to_owned(), file: file.into(), sha256: sha256.to_owned() })
    }
}

/// Reads them; one that has changed would change what is verified.
pub(crate) fn contexts(files: &[ContextFile]) -> Result<Contexts, Failure> {
    let mut contexts = Contexts::default();
    for ContextFile { url, file, sha256: wanted } in files {
        let name = file.display();
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        let found = sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
        if !found.eq_ignore_ascii_case(wanted) {
            let hint = "look at what it holds now, and write that digest if it is what you mean";
            return Err(Failure::usage(format!("{name} has the digest {found}")).hint(hint));
        }
        if text.len() > BYTES_MAX || !Contexts::is_document(&text) {
            return Err(Failure::usage(format!("{name} is no JSON object with an @context")));
        }
        contexts = contexts.with(url, &text);
    }
    Ok(contexts)
}

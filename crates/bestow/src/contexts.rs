//! `--context`: what gives the words of a credential their meaning, as a file and by its digest.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

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
    /// Reads `URL=FILE#sha256-HEX`. An address may have `=` in its query, so the last one counts; in
    /// both there may be `#`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("write it like https://example.org/v1=v1.jsonld{DIGEST}9f86d0…");
        let (named, sha256) = text.rsplit_once(DIGEST).ok_or_else(wrong)?;
        let (url, file) = named.rsplit_once('=').ok_or_else(wrong)?;
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
        let text = read(file)?;
        let found = sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
        if !found.eq_ignore_ascii_case(wanted) {
            let hint = "look at what it holds now, and write that digest if it is what you mean";
            return Err(Failure::usage(format!("{name} has the digest {found}")).hint(hint));
        }
        if !Contexts::is_document(&text) {
            return Err(no_context(file));
        }
        contexts = contexts.with(url, &text);
    }
    Ok(contexts)
}

fn no_context(file: &Path) -> Failure {
    Failure::usage(format!("{} is no JSON object with an @context", file.display()))
        .hint("give the file that lies at the address")
}

/// No more of it than a context can have.
fn read(file: &Path) -> Result<String, Failure> {
    let name = file.display();
    let mut bytes = Vec::new();
    let read =
        File::open(file).and_then(|file| file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        Failure::usage(format!("cannot read {name}: {error}"))
            .hint("check the path, and that this user may read it")
    })?;
    if bytes.len() > BYTES_MAX {
        let kibibytes = BYTES_MAX / 1024;
        return Err(Failure::usage(format!("{name} is longer than {kibibytes} KiB"))
            .hint("no context is that long: is it the right file?"));
    }
    String::from_utf8(bytes).map_err(|_| no_context(file))
}

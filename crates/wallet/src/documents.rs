//! Documents that are known by what is in them: whoever has one does not ask for it again
//! (SD-JWT VC §6.3.4).
//!
//! Their names are digests ([`formats::type_metadata::content_names`]) of what is in them and of where
//! it was, so that nobody is told, by not being asked, what somebody else's credential needed. What is
//! taken out is held against its digest once more: who writes into such a place can at most make it
//! forget.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use formats::type_metadata::{BYTES_MAX, content_name, content_names};
use keys::base64url;
use keys::digest::sha256;

/// Most documents that are kept.
const DOCUMENTS_MAX: usize = 256;
/// Longest that they are together.
const DOCUMENTS_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A place for such documents. It may forget any of them, and never fails whoever asks.
pub trait Documents: Debug + Send + Sync {
    /// What is kept under a name.
    fn get(&self, name: &str) -> Option<Vec<u8>>;

    /// Keeps a document for some time.
    fn keep(&self, name: &str, bytes: &[u8]);
}

/// What was meant by this integrity, if it is here.
pub(crate) fn kept(documents: &dyn Documents, uri: &str, integrity: &str) -> Option<Vec<u8>> {
    let names = content_names(integrity);
    let mut found = names.iter().filter_map(|name| documents.get(&at(uri, name)));
    found.find(|bytes| content_name(integrity, bytes).is_some())
}

/// Keeps what was fetched, if it is what was meant.
pub(crate) fn keep(documents: &dyn Documents, uri: &str, integrity: &str, bytes: &[u8]) {
    if let Some(name) = content_name(integrity, bytes) {
        documents.keep(&at(uri, &name), bytes);
    }
}

fn at(uri: &str, name: &str) -> String {
    format!("{name}.{}", base64url::encode(&sha256(uri.as_bytes())))
}

/// A document that is here, as far as room is concerned.
struct Held<T> {
    what: T,
    /// The greater, the newer.
    since: Duration,
    length: u64,
}

/// Which have to go so that a new one has room: the oldest.
fn too_old<T>(mut held: Vec<Held<T>>, incoming: u64) -> Vec<T> {
    held.sort_by_key(|one| Reverse(one.since));
    let (mut count, mut length) = (1, incoming);
    let gone = held.into_iter().filter(|one| {
        count += 1;
        length += one.length;
        count > DOCUMENTS_MAX || length > DOCUMENTS_BYTES_MAX
    });
    gone.map(|one| one.what).collect()
}

/// As long as the program runs.
#[derive(Debug, Default)]
pub struct DocumentsInMemory(Mutex<VecDeque<(String, Vec<u8>)>>);

impl Documents for DocumentsInMemory {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone())
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != name);
        let held = (0..).zip(kept.iter()).map(|(since, (what, bytes))| Held {
            what: what.clone(),
            since: Duration::from_secs(since),
            length: bytes.len() as u64,
        });
        let gone = too_old(held.collect(), bytes.len() as u64);
        kept.retain(|(known, _)| !gone.contains(known));
        kept.push_back((name.to_owned(), bytes.to_vec()));
    }
}

/// In a folder that its owner may empty at any time.
#[derive(Clone, Debug)]
pub struct DocumentsInFolder(PathBuf);

impl DocumentsInFolder {
    /// A folder, which is made when there is something to keep.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn make_room(&self, incoming: u64) -> io::Result<()> {
        let mut held = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let about = entry.metadata()?;
            let since = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            held.push(Held { what: entry.path(), since, length: about.len() });
        }
        too_old(held, incoming).iter().try_for_each(fs::remove_file)
    }

    /// The move is the moment at which it is there.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.0)?;
        self.make_room(bytes.len() as u64)?;
        let unfinished = self.0.join(format!("{name}.{}", std::process::id()));
        fs::write(&unfinished, bytes)?;
        fs::rename(unfinished, self.0.join(name))
    }
}

impl Documents for DocumentsInFolder {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.0.join(name)).ok()?;
        file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        // A full disk, or a folder of somebody else's: then it is asked for again.
        drop(self.write(name, bytes));
    }
}

#[cfg(test)]
mod tests {
    use formats::type_metadata::sha256 as integrity_of;

    use super::*;

    fn held(lengths: &[u64]) -> Vec<Held<usize>> {
        let each = lengths.iter().enumerate();
        each.map(|(what, length)| Held {
            what,
            since: Duration::from_secs(what as u64),
            length: *length,
        })
        .collect()
    }

    #[test]
    fn the_oldest_make_room() {
        assert!(too_old(held(&[1; DOCUMENTS_MAX - 1]), 1).is_empty());
        assert_eq!(too_old(held(&[1; DOCUMENTS_MAX + 1]), 1), [1, 0]);
        let half = DOCUMENTS_BYTES_MAX / 2;
        assert!(too_old(held(&[half]), half).is_empty());
        assert_eq!(too_old(held(&[1, half, 0]), half), [0]);
        assert_eq!(too_old(held(&[1, 1]), DOCUMENTS_BYTES_MAX + 1), [1, 0]);
    }

    #[test]
    fn what_was_kept_is_found_until_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let places: [&dyn Documents; 2] =
            [&DocumentsInMemory::default(), &DocumentsInFolder::new(path.clone())];
        let (one, other) = (integrity_of(b"one"), integrity_of(b"other"));
        let here = "https://types.example/one";
        for documents in places {
            assert_eq!(kept(documents, here, &one), None);
            keep(documents, here, &one, b"one");
            keep(documents, here, &other, b"not what was meant");
            keep(documents, here, &one, b"one");
            assert_eq!(kept(documents, here, &one).as_deref(), Some(&b"one"[..]));
            assert_eq!(kept(documents, here, &other), None);
            let elsewhere = "https://curious.example/one";
            assert_eq!(kept(documents, elsewhere, &one), None, "who asks so learns nothing");
            documents.keep(&at(here, &content_names(&one)[0]), b"spoiled");
            assert_eq!(kept(documents, here, &one), None, "it is forgotten, and not believed");
        }
        assert_eq!(fs::read_dir(path).unwrap().count(), 1, "nothing is left unfinished");
    }
}

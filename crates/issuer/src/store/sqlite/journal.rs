//! The journal of revocations: a file beside the database that is in no backup of it.
//!
//! A backup is older than what was revoked since; whoever restores it reads here what it lacks. A
//! change is on disk here before it is committed there, so the journal may know more than the
//! database, and never less.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use formats::status_list::Status;
use keys::outside::Timestamp;
use oid4vci::grant::StatusEntry;
use serde::{Deserialize, Serialize};

use crate::store::status::StatusChange;

/// Longest line that is read.
const LINE_BYTES_MAX: u64 = 1024;

/// Appends, for one database.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    /// Something was appended since the last [`Self::sync`].
    dirty: Arc<AtomicBool>,
}

impl Journal {
    /// Opens the journal of a database, and makes it when there is none.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        Self::at(&journal_path(database))
    }

    /// Opens the file of a journal, and makes it when there is none.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if is_new {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        } else if is_torn(&mut file)? {
            file.write_all(b"\n")?; // what follows stands on a line of its own
        }
        Ok(Self { file: Arc::new(file), dirty: Arc::default() })
    }

    /// Writes one line, in one piece.
    pub(super) fn append(&self, issuer_id: &str, change: &StatusChange) -> io::Result<()> {
        let line = Line {
            issuer: issuer_id.into(),
            list: change.entry.list,
            idx: change.entry.idx,
            status: change.status.value(),
            changed_at: change.changed_at,
        };
        let mut line = serde_json::to_string(&line)?;
        line.push('\n');
        self.dirty.store(true, Ordering::Relaxed);
        (&*self.file).write_all(line.as_bytes())
    }

    /// Waits until all that was appended is on disk; to be called before a commit.
    pub(super) fn sync(&self) -> io::Result<()> {
        if self.dirty.swap(false, Ordering::Relaxed) {
            self.file.sync_data().inspect_err(|_| self.dirty.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    }
}

/// Whether the last line was cut off by a crash; it was promised to nobody.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// One line.
#[derive(Deserialize, Serialize)]
struct Line {
    issuer: String,
    list: u64,
    idx: u64,
    status: u8,
    changed_at: Timestamp,
}

/// Where the journal of a database is.
#[must_use]
pub fn journal_path(database: &Path) -> PathBuf {
    database.with_extension("revocations")
}

/// The journal beside a file, where it tells something.
pub(in crate::store) fn journal_of_another(database: &Path) -> Option<PathBuf> {
    let path = journal_path(database);
    path.metadata().is_ok_and(|journal| journal.len() > 0).then_some(path)
}

/// What a journal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct JournalContent {
    /// The changes of each issuer, oldest first.
    pub changes: Vec<(String, StatusChange)>,
    /// Lines that cannot be read: cut off by a crash, or damaged.
    pub unreadable: usize,
}

/// Reads the journal of a database; `None` when there is none.
pub fn read_journal(database: &Path) -> io::Result<Option<JournalContent>> {
    let file = match File::open(journal_path(database)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    let mut content = JournalContent::default();
    while reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? > 0 {
        match serde_json::from_slice::<Line>(&line) {
            Ok(read) => content.changes.push(read.into_change()),
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) => content.unreadable += 1,
        }
        line.clear();
    }
    Ok(Some(content))
}

impl Line {
    fn into_change(self) -> (String, StatusChange) {
        let change = StatusChange {
            entry: StatusEntry { list: self.list, idx: self.idx },
            status: Status::of(self.status),
            changed_at: self.changed_at,
        };
        (self.issuer, change)
    }
}

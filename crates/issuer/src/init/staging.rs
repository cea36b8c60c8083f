//! Files that appear together, or not at all.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::InitError;

/// Where files wait until all are written. Inside the folder: what is beside it may be another
/// file system, or somebody else's.
const WAITING: &str = ".unfinished";
/// What is moved out of there; the settings last, so that they never stand without the rest.
const ENTRIES: [&str; 5] = ["keys", "tls", "credentials", "bestow.db", "bestow.toml"];

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Its owner alone.
    Secret,
    /// Everybody.
    Public,
}

/// A folder under construction; unless it is finished, nothing is left of it.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
    is_new: bool,
    is_finished: bool,
}

impl Staging {
    /// Takes a folder that is empty or does not exist.
    pub(super) fn begin(folder: &Path) -> Result<Self, InitError> {
        let failed = |error| InitError::Io(folder.to_owned(), error);
        let is_new = match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => false,
            Ok(false) => return Err(InitError::NotEmpty(folder.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(failed(error)),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let staging = Self { folder: folder.to_owned(), is_new, is_finished: false };
        // Fails when somebody else is at it, too.
        DirBuilder::new().mode(0o700).create(staging.waiting()).map_err(failed)?;
        staging.make_folder("keys", 0o700)?;
        staging.make_folder("tls", 0o755)?;
        staging.make_folder("credentials", 0o755)?;
        Ok(staging)
    }

    fn waiting(&self) -> PathBuf {
        self.folder.join(WAITING)
    }

    fn make_folder(&self, name: &str, mode: u32) -> Result<(), InitError> {
        let path = self.waiting().join(name);
        DirBuilder::new().mode(mode).create(&path).map_err(|error| InitError::Io(path, error))
    }

    /// Writes a new file; a secret one is never readable for others, not even for a moment.
    pub(super) fn write(&self, name: &str, text: &str, access: Access) -> Result<(), InitError> {
        let mode = match access {
            Access::Secret => 0o600,
            Access::Public => 0o644,
        };
        let path = self.waiting().join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| InitError::Io(path, error))
    }

    /// Where a file waits.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.waiting().join(name)
    }

    /// Moves everything to where it belongs.
    pub(super) fn finish(mut self) -> Result<(), InitError> {
        for name in ENTRIES {
            let path = self.folder.join(name);
            fs::rename(self.waiting().join(name), &path)
                .map_err(|error| InitError::Io(path, error))?;
        }
        fs::remove_dir(self.waiting()).map_err(|error| InitError::Io(self.waiting(), error))?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Staging {
    /// Cleans up as well as it can: why it failed is what the operator has to hear.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let _ = fs::remove_dir_all(self.waiting());
        for name in ENTRIES {
            let path = self.folder.join(name);
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        if self.is_new {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

//! Files that are either the old or the new ones, whenever the machine stops; only the owner can
//! read them.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use keys::outside::Random;
use zeroize::Zeroizing;

use super::StoreError;

/// Largest file that is read. The longest answer with a credential fits into one: 4 MiB as it came
/// with its copies, 2 MiB for its claims, which a number may make longer, and less than 4 MiB for how
/// it looks.
pub(super) const FILE_BYTES_MAX: u64 = 12 * 1024 * 1024;
/// What a half-written file is called; nobody reads it.
const UNFINISHED: &str = ".tmp";

const ENTRIES_MAX: usize = 20_000;
const LOCK_TRIES: u32 = 250;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Writes beside the place, then moves there: the move is the moment at which the file exists.
pub(super) fn write(
    directory: &Path,
    name: &str,
    bytes: &[u8],
    random: &dyn Random,
) -> Result<(), StoreError> {
    let unfinished = directory.join(format!("{name}.{}{UNFINISHED}", hex(&draw::<8>(random))));
    let written = write_new(&unfinished, bytes)
        .and_then(|()| fs::rename(&unfinished, directory.join(name)).map_err(fault));
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    written.and_then(|()| sync(directory))
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    let mut file = private(options.write(true).create_new(true)).open(path).map_err(fault)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault)
}

/// `None` when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fault)?;
    if read as u64 > FILE_BYTES_MAX { Err(StoreError::Damaged) } else { Ok(Some(bytes)) }
}

/// `false` when there was no such file.
pub(super) fn remove(directory: &Path, name: &str) -> Result<bool, StoreError> {
    match fs::remove_file(directory.join(name)) {
        Ok(()) => sync(directory).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(fault(error)),
    }
}

/// Makes a folder, and those above it, that only the owner can enter.
pub(super) fn make_directory(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(fault)
}

/// Holds the store for one writer until the answer is dropped.
pub(super) fn lock(directory: &Path) -> Result<File, StoreError> {
    for _ in 0..LOCK_TRIES {
        if let Some(lock) = lock_if_free(directory)? {
            return Ok(lock);
        }
        thread::sleep(LOCK_PAUSE);
    }
    Err(StoreError::Busy)
}

/// `None` while another program writes.
pub(super) fn lock_if_free(directory: &Path) -> Result<Option<File>, StoreError> {
    let mut options = OpenOptions::new();
    let file = private(options.write(true).create(true).truncate(false));
    let file = file.open(directory.join("lock")).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}

/// The names in a folder; what was never finished is left out.
pub(super) fn names(directory: &Path, names_max: usize) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name();
        match name.to_str() {
            Some(name) if !name.ends_with(UNFINISHED) => names.push(name.to_owned()),
            Some(_) | None => {}
        }
        if names.len() > names_max {
            return Err(StoreError::TooMuch);
        }
    }
    Ok(names)
}

/// Deletes what a killed program left half-written; only for whoever holds the lock. In a folder
/// that is not only ours, `prefix` is the file's name.
pub(super) fn sweep(directory: &Path, prefix: &str) -> Result<(), StoreError> {
    let is_rest = |name: &str| name.starts_with(prefix) && name.ends_with(UNFINISHED);
    let entries = fs::read_dir(readable(directory)).map_err(fault)?;
    for entry in entries.take(ENTRIES_MAX).flatten() {
        if entry.file_name().to_str().is_some_and(is_rest) {
            fs::remove_file(entry.path()).map_err(fault)?;
        }
    }
    Ok(())
}

/// Draws bytes nobody can foretell.
pub(super) fn draw<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// Lower-case hexadecimal: the same file on systems that ignore case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A file that was moved is only there for good once its folder is on disk.
pub(super) fn sync(directory: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(readable(directory))
            .and_then(|directory| directory.sync_all())
            .map_err(fault)?;
    }
    Ok(())
}

/// The parent of `wallet` is the empty path, and means the current folder.
fn readable(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() { Path::new(".") } else { directory }
}

#[expect(clippy::needless_pass_by_value, reason = "stands in `map_err`")]
fn fault(error: std::io::Error) -> StoreError {
    let kind = error.kind();
    if kind == ErrorKind::PermissionDenied || kind == ErrorKind::ReadOnlyFilesystem {
        StoreError::NoPermission
    } else if kind == ErrorKind::StorageFull || kind == ErrorKind::QuotaExceeded {
        StoreError::DiskFull
    } else {
        StoreError::Unavailable
    }
}

//! Backup of a database that may be in use, and the way back.
//!
//! A backup is old when it is needed: what was spent since would come to life again. So whatever it
//! holds as open is closed on the way back, and the people concerned are asked once more.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::{fmt, io};

use keys::outside::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::journal::{journal_path, read_journal};
use super::migrations::{migrate, schema};
use super::restored_lists::restore_lists;
use crate::store::{Schema, StoreError};

/// Copies a database as it is at one moment; it may be in use meanwhile.
///
/// The copy is whole or not there: it gets its name last.
pub fn backup(database: &Path, target: &Path) -> Result<(), BackupError> {
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let unfinished = beside(target, "unfinished");
    // For its owner alone, before anything is in it.
    new_file(&unfinished).map_err(|error| BackupError::Target(target.to_owned(), error))?;
    let done = copy_into(database, &unfinished).and_then(|()| settle(&unfinished, target));
    if done.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    done
}

fn copy_into(database: &Path, target: &Path) -> Result<(), BackupError> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let path = target.to_str().ok_or_else(|| BackupError::NotText(target.to_owned()))?;
    connection.execute("VACUUM INTO ?1", [path])?;
    Ok(())
}

/// Puts a backup in the place of the database, which is kept beside it; says where.
///
/// What was revoked since the backup stands in the journal beside the database. Where it is lost,
/// what was revoked would be valid again: `accept_lost` says that this is known.
pub fn restore(
    backup: &Path,
    database: &Path,
    accept_lost: bool,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    match schema(backup) {
        Ok(Schema::Current | Schema::Older) => {}
        Ok(Schema::Missing | Schema::Newer | Schema::Unfinished) | Err(StoreError::Broken(_)) => {
            return Err(BackupError::NotABackup(backup.to_owned()));
        }
        Err(error) => return Err(error.into()),
    }
    let journal = read_journal(database)?;
    let unfinished = beside(database, "restoring");
    drop(fs::remove_file(&unfinished)); // of an attempt that was killed
    new_file(&unfinished)?;
    fs::copy(backup, &unfinished)?;
    migrate(&unfinished)?;
    let closed = close_what_is_open(&unfinished, now)?;
    let revocations = restore_lists(&unfinished, journal.as_ref(), now)?;
    if journal.is_none() && revocations.has_lists && !accept_lost {
        drop(fs::remove_file(&unfinished));
        return Err(BackupError::NoJournal(journal_path(database)));
    }
    let replaced = if database.exists() { Some(set_aside(database, now)?) } else { None };
    settle(&unfinished, database)?;
    let (changes, unreadable) = (revocations.changes, revocations.unreadable);
    Ok(Restored { closed_offers: closed, replaced, changes, unreadable })
}

/// What a restore did.
#[derive(Debug)]
pub struct Restored {
    /// Offers that were open in the backup.
    pub closed_offers: usize,
    /// Where the database is now that was in use before.
    pub replaced: Option<PathBuf>,
    /// Changes of statuses that the backup did not know.
    pub changes: usize,
    /// Lines of the journal of revocations that cannot be read.
    pub unreadable: usize,
}

/// No code, no token and no application of the backup is good any more: each may have been used
/// after it was made. An officer decides again on what was approved and not issued.
fn close_what_is_open(database: &Path, now: Timestamp) -> Result<usize, BackupError> {
    let mut connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let transaction = connection.transaction()?;
    let applications = "UPDATE applications SET state = 'waiting', decided_at = NULL, \
        offer_id = NULL WHERE state = 'approved' AND NOT EXISTS (SELECT 1 FROM offers \
        WHERE offers.issuer_id = applications.issuer_id \
        AND offers.offer_id = applications.offer_id AND issued_count > 0)";
    transaction.execute(applications, [])?;
    // What an officer has approved may have been delivered since, or rejected.
    let deferrals = "UPDATE deferrals SET state = 'rejected', decided_at = ?1 \
        WHERE state IN ('waiting', 'approved')";
    transaction.execute(deferrals, [now.0])?;
    let offers = "UPDATE offers SET withdrawn_at = ?1 WHERE issued_count = 0 AND withdrawn_at \
        IS NULL AND (expires_at > ?1 OR token_expires_at > ?1 OR deferred_until > ?1)";
    let closed = transaction.execute(offers, [now.0])?;
    transaction.execute("UPDATE offers SET deferred_until = NULL", [])?;
    let tokens = "UPDATE offers SET token_expires_at = ?1 WHERE token_expires_at > ?1";
    transaction.execute(tokens, [now.0])?;
    // Of refresh tokens nobody knows which of them were replaced since.
    let refresh = "UPDATE authorizations SET code_digest = NULL, refresh_digest = NULL, \
        refresh_replaced_digest = NULL, refresh_expires_at = NULL";
    transaction.execute(refresh, [])?;
    transaction.execute("DELETE FROM running_authorizations", [])?;
    transaction.commit()?;
    // One file, and no log beside it that would have to come along.
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    Ok(closed)
}

/// Gives the database a second name, once nobody uses it; the first is taken over in one step, so
/// that at no moment there is none.
fn set_aside(database: &Path, now: Timestamp) -> Result<PathBuf, BackupError> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Only the last connection can leave the write-ahead log, which brings what is in it into the
    // file. A file that is no database any more is set aside as it is.
    let left = connection.pragma_update(None, "journal_mode", "DELETE");
    let in_use = left.is_err_and(|error| {
        matches!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
        )
    });
    drop(connection);
    if in_use {
        return Err(BackupError::InUse(database.to_owned()));
    }
    let aside = free_name(database, now);
    // Where a file can have one name only, the moment without a database is short.
    fs::hard_link(database, &aside).or_else(|_| fs::rename(database, &aside))?;
    for log in ["-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(log);
        drop(fs::remove_file(name)); // it would be read as part of the new one
    }
    Ok(aside)
}

/// What was set aside before stays: two restores of one second need two names.
fn free_name(database: &Path, now: Timestamp) -> PathBuf {
    let mut name = beside(database, &format!("replaced-{}", now.0));
    while name.exists() {
        name.as_mut_os_string().push("x");
    }
    name
}

fn new_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// On disk under its last name.
pub(super) fn settle(from: &Path, to: &Path) -> Result<(), BackupError> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    name.into()
}

/// Why there is no backup, or no way back from it.
#[derive(Debug)]
pub enum BackupError {
    /// A backup never takes the place of a file.
    Exists(PathBuf),
    /// Nothing can be written there.
    Target(PathBuf, io::Error),
    /// The path cannot be told to SQLite.
    NotText(PathBuf),
    /// Not a database of this program, or of a newer one.
    NotABackup(PathBuf),
    /// A server, or another program, has the database open.
    InUse(PathBuf),
    /// Nobody knows what was revoked since the backup.
    NoJournal(PathBuf),
    /// A file.
    Io(io::Error),
    /// The engine.
    Store(StoreError),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "{} exists\nname a new file", path.display()),
            Self::Target(path, error) => write!(
                f,
                "{} cannot be written: {error}\nname a file in a folder that is there",
                path.display()
            ),
            Self::NotText(path) => write!(f, "{} is no name in UTF-8", path.display()),
            Self::NotABackup(path) => write!(
                f,
                "{} is no backup that this version can read\nname a file that `bestow issuer \
                 backup` wrote, with this version or an older one",
                path.display()
            ),
            Self::InUse(path) => write!(
                f,
                "{} is in use\nstop the issuer first, and everything else that reads it",
                path.display()
            ),
            Self::NoJournal(path) => write!(
                f,
                "{} is not there: what was revoked since the backup would be valid again\nput the \
                 journal of the lost database there, or say --accept-lost-revocations",
                path.display()
            ),
            Self::Io(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BackupError {}

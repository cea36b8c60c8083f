//! `bestow issuer backup` and `restore`: the database at one moment, and the way back.

use std::path::Path;

use issuer::config::Config;
use issuer::store::sqlite::{self, BackupError};
use keys::outside::{Clock as _, SystemClock};

use crate::cli::ConfigFile;
use crate::exit::Failure;
use crate::terminal::tell;

/// Writes a copy of the database to a new file.
pub(crate) fn backup(target: &Path, file: &ConfigFile) -> Result<(), Failure> {
    let config = super::load(file)?;
    sqlite::backup(database_file(&config)?, target).map_err(failure)?;
    tell(format!("{} is written; keep the folder keys with it", target.display()));
    Ok(())
}

/// Takes a copy back; the issuer must not run.
pub(crate) fn restore(backup: &Path, accept_lost: bool, file: &ConfigFile) -> Result<(), Failure> {
    let config = super::load(file)?;
    let database = database_file(&config)?;
    let restored = sqlite::restore(backup, database, accept_lost, SystemClock.now());
    let restored = restored.map_err(failure)?;
    if let Some(replaced) = restored.replaced {
        tell(format!("what was in use before is {}", replaced.display()));
    }
    tell(format!(
        "{} is restored; offers that were open in it are closed: {}",
        database.display(),
        restored.closed_offers
    ));
    if restored.changes > 0 {
        tell(format!("revoked, suspended or reinstated since the backup: {}", restored.changes));
    }
    if restored.unreadable > 0 {
        tell(format!(
            "lines of the journal of revocations that cannot be read: {}; what they changed is not \
             known",
            restored.unreadable
        ));
    }
    tell("whoever had an open offer needs a new one; applications not issued wait for approval");
    Ok(())
}

/// A server's backups are its own: they include what was written while they were made.
fn database_file(config: &Config) -> Result<&Path, Failure> {
    config.database.file().ok_or_else(|| {
        Failure::usage("the database is a PostgreSQL server, and its backup is made there").hint(
            "use pg_basebackup with archived WAL, or pg_dump; see docs/adr/0013-postgresql.md",
        )
    })
}

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::Exists(_)
        | BackupError::Target(..)
        | BackupError::NotText(_)
        | BackupError::NotABackup(_)
        | BackupError::NoJournal(_)
        | BackupError::InUse(_) => Failure::mistake(error),
        BackupError::Io(_) | BackupError::Store(_) => Failure::own_fault(error),
    }
}

//! `bestow issuer backup` and `restore`: the database at one moment, and the way back.

use std::path::Path;

use issuer::store::sqlite::{self, BackupError};
use keys::outside::{Clock as _, SystemClock};

use crate::cli::ConfigFile;
use crate::exit::Failure;
use crate::terminal::tell;

/// Writes a copy of the database to a new file.
pub(crate) fn backup(target: &Path, file: &ConfigFile) -> Result<(), Failure> {
    let config = super::load(file)?;
    sqlite::backup(Path::new(&config.database), target).map_err(failure)?;
    tell(format!("{} is written; keep the folder keys with it", target.display()));
    Ok(())
}

/// Takes a copy back; the issuer must not run.
pub(crate) fn restore(backup: &Path, file: &ConfigFile) -> Result<(), Failure> {
    let config = super::load(file)?;
    let database = Path::new(&config.database);
    let restored = sqlite::restore(backup, database, SystemClock.now()).map_err(failure)?;
    if let Some(replaced) = restored.replaced {
        tell(format!("what was in use before is {}", replaced.display()));
    }
    tell(format!(
        "{} is restored; offers that were open in it are closed: {}",
        database.display(),
        restored.closed_offers
    ));
    tell("whoever had an open offer needs a new one; applications not issued wait for approval");
    Ok(())
}

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::Exists(_)
        | BackupError::NotText(_)
        | BackupError::NotABackup(_)
        | BackupError::InUse(_) => Failure::mistake(error),
        BackupError::Io(_) | BackupError::Store(_) => Failure::own_fault(error),
    }
}

//! What an issuer of an older version lacks.

use std::path::PathBuf;

use super::error::KeysError;
use super::files::{KeyFile, replace};
use super::manifest::{Custody, unwritable};
use super::{Generations, KeyPurpose};
use crate::config::Config;
use crate::init::{fresh_encryption_key, needs_encryption_key};

/// Makes the first key that opens requests where it should be and is not, and says which file that
/// is. Not at a start: of several nodes each would make its own, and could not read what was
/// encrypted for another's.
pub fn make_missing_keys(config: &Config) -> Result<Option<PathBuf>, KeysError> {
    if !needs_encryption_key(config) || missing(config, &Generations::load(&config.keys)?).is_none()
    {
        return Ok(None);
    }
    let custody = Custody::take(&config.keys)?;
    let Some(file) = missing(config, &custody.generations) else { return Ok(None) };
    let key = fresh_encryption_key()?;
    replace(&file, key.as_bytes()).map_err(|error| unwritable(&file, &error))?;
    Ok(Some(file))
}

/// Also where there is a later one already: nobody could start before that is in use.
fn missing(config: &Config, generations: &Generations) -> Option<PathBuf> {
    let first = generations.of(KeyPurpose::Encryption).iter().find(|one| one.number == 1);
    let file = KeyFile::Encryption.path(&config.keys, 1);
    (first.is_some_and(super::Generation::is_alive) && !file.exists()).then_some(file)
}

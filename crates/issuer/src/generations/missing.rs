//! What an issuer of an older version lacks, or one with a new kind of type.

use std::path::PathBuf;

use keys::outside::Random;

use super::error::KeysError;
use super::files::{KeyFile, replace};
use super::manifest::{Custody, MANIFEST, unwritable};
use super::rotate::make_bbs_key;
use super::{Generation, Generations, KeyPurpose};
use crate::config::Config;
use crate::credential_type::CredentialType;
use crate::init::{fresh_encryption_key, needs_encryption_key};

/// Makes first keys where they should be and are not, and says which files those are. Not at a start: of
/// several nodes each would make its own, and could not read what was encrypted for another's.
pub fn make_missing_keys(config: &Config, random: &dyn Random) -> Result<Vec<PathBuf>, KeysError> {
    let mut made: Vec<PathBuf> = make_encryption_key(config)?.into_iter().collect();
    made.extend(make_first_bbs_key(config, random)?);
    Ok(made)
}

fn make_encryption_key(config: &Config) -> Result<Option<PathBuf>, KeysError> {
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
    (first.is_some_and(Generation::is_alive) && !file.exists()).then_some(file)
}

/// The manifest names no such key until there is one; it goes to the other nodes, too. Types that cannot
/// be read need none: they are refused where they are used. What is there is never overwritten: it may be
/// the only copy of the key that what was issued is verified with.
fn make_first_bbs_key(config: &Config, random: &dyn Random) -> Result<Vec<PathBuf>, KeysError> {
    let is_needed = config
        .credential_types()
        .is_ok_and(|types| types.values().any(CredentialType::is_unlinkable));
    if !is_needed || !Generations::load(&config.keys)?.of(KeyPurpose::Bbs).is_empty() {
        return Ok(Vec::new());
    }
    let mut custody = Custody::take(&config.keys)?;
    if !custody.generations.of(KeyPurpose::Bbs).is_empty() {
        return Ok(Vec::new());
    }
    let files = [KeyFile::Bbs, KeyFile::BbsPublic].map(|file| file.path(&config.keys, 1));
    if let Some(there) = files.iter().find(|file| file.exists()) {
        return Err(KeysError::Unlisted(there.clone()));
    }
    make_bbs_key(1, config, random)?;
    custody.note(KeyPurpose::Bbs, Generation::FIRST)?;
    Ok(files.into_iter().chain([config.keys.join(MANIFEST)]).collect())
}

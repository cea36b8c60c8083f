//! What nothing can need any more ends: first the private part, then all of it.

use keys::outside::Timestamp;

use super::error::KeysError;
use super::files::{KeyFile, remove};
use super::manifest::{Custody, unwritable};
use super::{FOLLOWED_SECONDS, Generation, KeyPurpose, KeyState, Refusal, Uses, needed_until};
use crate::config::ConfigError;

/// What became of one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It is published no more, and its files are gone.
    Destroyed(KeyPurpose, u32),
    /// Its private key is gone; its public one stays published until then.
    Erased(KeyPurpose, u32, Timestamp),
    /// It is still needed, until then.
    Kept(KeyPurpose, u32, Timestamp),
}

/// Ends what can end of one purpose, and says what cannot yet.
pub fn retire(
    purpose: KeyPurpose,
    uses: &Uses<'_>,
    now: Timestamp,
) -> Result<Vec<Retired>, KeysError> {
    let mut custody = Custody::take(&uses.config.keys)?;
    let all = custody.generations.of(purpose).to_vec();
    let mut retired = Vec::new();
    for generation in all {
        match custody.generations.state(purpose, &generation, now) {
            KeyState::Next | KeyState::Active => {}
            // Files that outlived a crash, or came back with a copy of the folder.
            KeyState::Destroyed => remove_files(&custody, KeyFile::of(purpose), generation)?,
            KeyState::Retired => {
                retired.push(end(&mut custody, (purpose, generation), uses, now)?);
            }
        }
    }
    Ok(retired)
}

/// Ends one generation, where it must be at once: what was made with it is then void.
pub fn retire_one(
    purpose: KeyPurpose,
    number: u32,
    uses: &Uses<'_>,
    (now, is_forced): (Timestamp, bool),
) -> Result<Retired, KeysError> {
    let mut custody = Custody::take(&uses.config.keys)?;
    let until = |retired_at| needed_until(purpose, uses, retired_at);
    let decided = custody.generations.decide_end(purpose, number, until, (now, is_forced));
    let destroyed = decided.map_err(|refusal| KeysError::Refused(purpose, refusal))?;
    destroy(&mut custody, purpose, destroyed)?;
    Ok(Retired::Destroyed(purpose, number))
}

fn end(
    custody: &mut Custody,
    (purpose, generation): (KeyPurpose, Generation),
    uses: &Uses<'_>,
    now: Timestamp,
) -> Result<Retired, KeysError> {
    let number = generation.number;
    let until = |retired_at| needed_until(purpose, uses, retired_at);
    match custody.generations.decide_end(purpose, number, until, (now, false)) {
        Ok(destroyed) => {
            destroy(custody, purpose, destroyed)?;
            Ok(Retired::Destroyed(purpose, number))
        }
        Err(Refusal::Needed(until)) => match KeyFile::private_of(purpose) {
            Some(file) => erase(custody, (purpose, generation, file), (until, now)),
            None => Ok(Retired::Kept(purpose, number, until)),
        },
        Err(refusal) => Err(KeysError::Refused(purpose, refusal)),
    }
}

/// Nobody signs with a signing key that is retired; only its public part is needed.
fn erase(
    custody: &mut Custody,
    (purpose, generation, file): (KeyPurpose, Generation, KeyFile),
    (until, now): (Timestamp, Timestamp),
) -> Result<Retired, KeysError> {
    let number = generation.number;
    let retired_at = custody.generations.retired_at(purpose, &generation, now);
    if retired_at.is_none_or(|at| now < at.plus(FOLLOWED_SECONDS)) {
        return Ok(Retired::Kept(purpose, number, until)); // a node may just be signing with it
    }
    if generation.erased_at.is_none() {
        custody.note(purpose, Generation { erased_at: Some(now), ..generation })?;
    }
    remove_files(custody, &[file], generation)?;
    Ok(Retired::Erased(purpose, number, until))
}

/// No node may read a file that is about to be gone: the manifest says so first.
fn destroy(
    custody: &mut Custody,
    purpose: KeyPurpose,
    destroyed: Generation,
) -> Result<(), ConfigError> {
    custody.note(purpose, destroyed)?;
    remove_files(custody, KeyFile::of(purpose), destroyed)
}

fn remove_files(
    custody: &Custody,
    files: &[KeyFile],
    generation: Generation,
) -> Result<(), ConfigError> {
    files.iter().try_for_each(|file| {
        let path = file.path(custody.folder(), generation.number);
        remove(&path).map_err(|error| unwritable(&path, &error))
    })
}

//! `keys/generations.toml`: what the folder holds. Without it, there is what `init` made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keys::outside::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::replace;
use super::{Generation, Generations, KeyPurpose};
use crate::config::ConfigError;

/// The file's name.
pub const MANIFEST: &str = "generations.toml";
/// Whoever changes the folder holds this file.
const LOCK: &str = "generations.lock";
/// Longest manifest: all that is remembered of all purposes has room.
const BYTES_MAX: u64 = 256 * 1024;
const HEAD: &str = "\
# The keys in this folder, by generation. Written by `bestow issuer keys`, which also shows it; every
# node of this issuer needs the same folder. docs/adr/0016-keys-in-generations.md
";

/// One generation as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    generation: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key_erased_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destroyed_at: Option<String>,
}

impl Written {
    fn of(generation: &Generation) -> Self {
        let text = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
        let began = generation.active_from;
        Self {
            generation: generation.number,
            made_at: text(generation.made_at),
            active_from: text((began != Timestamp::default()).then_some(began)),
            private_key_erased_at: text(generation.erased_at),
            destroyed_at: text(generation.destroyed_at),
        }
    }

    fn read(&self) -> Option<Generation> {
        let time = |text: &Option<String>| match text {
            None => Some(None),
            Some(text) => Timestamp::from_rfc3339(text).map(Some),
        };
        Some(Generation {
            number: self.generation,
            made_at: time(&self.made_at)?,
            active_from: time(&self.active_from)?.unwrap_or_default(),
            erased_at: time(&self.private_key_erased_at)?,
            destroyed_at: time(&self.destroyed_at)?,
        })
    }
}

impl Generations {
    /// Reads the manifest of a folder of keys.
    pub fn load(folder: &Path) -> Result<Self, ConfigError> {
        let file = folder.join(MANIFEST);
        let text = match fs::metadata(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(&file, &error)),
            Ok(metadata) if metadata.len() > BYTES_MAX => {
                return Err(bad(&file, format!("is longer than {BYTES_MAX} bytes")));
            }
            Ok(_) => fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?,
        };
        let written: BTreeMap<KeyPurpose, Vec<Written>> =
            toml::from_str(&text).map_err(|error| bad(&file, error.message().to_owned()))?;
        let mut generations = Self::default();
        for (purpose, all) in &written {
            let all: Option<Vec<Generation>> = all.iter().map(Written::read).collect();
            let all = all.ok_or_else(|| bad(&file, format!("[[{purpose}]] has no time there")))?;
            generations.0.insert(*purpose, all);
        }
        let problem = "numbers and times do not go up, or a purpose has no key left";
        generations.is_in_order().then_some(generations).ok_or_else(|| bad(&file, problem.into()))
    }

    /// Puts the manifest in the place of the one before, as a whole and for good.
    fn store(&self, folder: &Path) -> Result<(), ConfigError> {
        let written = |all: &Vec<Generation>| all.iter().map(Written::of).collect::<Vec<_>>();
        let all: BTreeMap<KeyPurpose, Vec<Written>> =
            self.0.iter().map(|(purpose, all)| (*purpose, written(all))).collect();
        let file = folder.join(MANIFEST);
        let text = toml::to_string(&all).map_err(|error| bad(&file, error.to_string()))?;
        replace(&file, format!("{HEAD}\n{text}").as_bytes())
            .map_err(|error| unwritable(&file, &error))
    }
}

/// A folder of keys that nobody else changes meanwhile.
#[derive(Debug)]
pub(super) struct Custody {
    folder: PathBuf,
    pub(super) generations: Generations,
    _lock: File,
}

impl Custody {
    /// Waits for whoever changes the folder just now.
    pub(super) fn take(folder: &Path) -> Result<Self, ConfigError> {
        let lock = folder.join(LOCK);
        let held = super::files::open_secret(&lock).and_then(|file| file.lock().map(|()| file));
        let held = held.map_err(|error| unwritable(&lock, &error))?;
        let generations = Generations::load(folder)?;
        Ok(Self { folder: folder.to_owned(), generations, _lock: held })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one generation down.
    pub(super) fn note(
        &mut self,
        purpose: KeyPurpose,
        generation: Generation,
    ) -> Result<(), ConfigError> {
        let generations = self.generations.clone().with(purpose, generation);
        generations.store(&self.folder)?;
        self.generations = generations;
        Ok(())
    }
}

fn bad(file: &Path, problem: String) -> ConfigError {
    ConfigError::of_file(
        file,
        problem,
        "put the copy of this file back, or the one of another node",
    )
}

pub(super) fn unreadable(file: &Path, error: &std::io::Error) -> ConfigError {
    let remedy = "check the owner of the folder `keys`";
    ConfigError::of_file(file, format!("cannot be read: {error}"), remedy)
}

pub(super) fn unwritable(file: &Path, error: &std::io::Error) -> ConfigError {
    let remedy = "check the owner of the folder `keys`, and whether there is room";
    ConfigError::of_file(file, format!("cannot be written: {error}"), remedy)
}

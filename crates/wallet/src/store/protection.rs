//! How a store is locked: a passphrase or a key file opens the key that encrypts everything else.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::aead::AeadKey;
use keys::outside::Random;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{StoreError, atomic};

/// What opens a store.
#[derive(Clone)]
pub enum Unlock {
    /// What a person knows.
    Passphrase(Zeroizing<String>),
    /// 32 random bytes in a file; made with the store. Whoever can read the file opens the store.
    KeyFile(PathBuf),
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(..)",
            Self::KeyFile(_) => "KeyFile(..)",
        })
    }
}

/// How a store is locked, as it stands readable in its header.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Protection {
    /// By Argon2id (RFC 9106 §3) over a passphrase.
    Passphrase {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Drawn for this store, base64url.
        salt: String,
    },
    /// By a key file beside the store.
    KeyFile,
}

/// RFC 9106 §4: the recommendation for machines with little memory, with one lane.
const MEMORY_KIB: u32 = 64 * 1024;
const ITERATIONS: u32 = 3;
const SALT_BYTES: usize = 16;
/// A header that was tampered with must not eat all memory.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const ITERATIONS_MAX: u32 = 64;

const KEY_BYTES: usize = 32;

impl Protection {
    /// Chooses the protection of a new store and, for a key file, makes the file.
    pub(super) fn set_up(unlock: &Unlock, random: &dyn Random) -> Result<Self, StoreError> {
        match unlock {
            Unlock::Passphrase(passphrase) if passphrase.is_empty() => {
                Err(StoreError::EmptyPassphrase)
            }
            Unlock::Passphrase(_) => Ok(Self::Passphrase {
                memory_kib: MEMORY_KIB,
                iterations: ITERATIONS,
                salt: BASE64_URL_SAFE_NO_PAD.encode(atomic::draw::<SALT_BYTES>(random)),
            }),
            Unlock::KeyFile(path) => {
                // One that is left over from an interrupted start is as good as a new one.
                if atomic::read(path)?.is_none() {
                    let key = Zeroizing::new(atomic::draw::<KEY_BYTES>(random));
                    let folder = path.parent().ok_or(StoreError::Unavailable)?;
                    let name = path.file_name().and_then(OsStr::to_str);
                    let name = name.ok_or(StoreError::Unavailable)?;
                    atomic::sweep(folder, &format!("{name}."))?;
                    atomic::write(folder, name, &key[..], random)?;
                }
                Ok(Self::KeyFile)
            }
        }
    }

    /// The key that opens the header.
    pub(super) fn key(&self, unlock: &Unlock) -> Result<AeadKey, StoreError> {
        match (self, unlock) {
            (Self::Passphrase { memory_kib, iterations, salt }, Unlock::Passphrase(passphrase)) => {
                stretch(passphrase, *memory_kib, *iterations, salt)
            }
            (Self::KeyFile, Unlock::KeyFile(path)) => {
                let bytes = atomic::read(path)?.ok_or(StoreError::KeyFileMissing)?;
                let bytes: [u8; KEY_BYTES] =
                    bytes.as_slice().try_into().map_err(|_| StoreError::WrongKeyFile)?;
                Ok(AeadKey::new(bytes))
            }
            (Self::Passphrase { .. }, Unlock::KeyFile(_)) => Err(StoreError::PassphraseNeeded),
            (Self::KeyFile, Unlock::Passphrase(_)) => Err(StoreError::KeyFileNeeded),
        }
    }

    /// What it means when the key does not fit.
    pub(super) const fn misfit(&self) -> StoreError {
        match self {
            Self::Passphrase { .. } => StoreError::WrongPassphrase,
            Self::KeyFile => StoreError::WrongKeyFile,
        }
    }
}

fn stretch(
    passphrase: &str,
    memory_kib: u32,
    iterations: u32,
    salt: &str,
) -> Result<AeadKey, StoreError> {
    if memory_kib > MEMORY_KIB_MAX || iterations > ITERATIONS_MAX {
        return Err(StoreError::Damaged);
    }
    let salt = BASE64_URL_SAFE_NO_PAD.decode(salt).map_err(|_| StoreError::Damaged)?;
    let parameters = Params::new(memory_kib, iterations, 1, Some(KEY_BYTES));
    let parameters = parameters.map_err(|_| StoreError::Damaged)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase.as_bytes(), &salt, &mut key[..])
        .map_err(|_| StoreError::Damaged)?;
    Ok(AeadKey::new(*key))
}

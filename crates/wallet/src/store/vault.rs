//! A folder of sealed files.
//!
//! ```text
//! header.json        how the store is locked, and the wrapped master key
//! lock               held while something is written
//! keys/NAME          one sealed record a file; NAME is a keyed digest of the record's id,
//! credentials/NAME   so that the folder does not even tell whose keys these are
//! pending/NAME       what is still to be fetched
//! tokens/NAME        with what it is fetched
//! notices/NAME       what is still to be told
//! ```

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::aead::AeadKey;
use keys::digest::MacKey;
use keys::json;
use keys::outside::Random;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Protection, StoreError, Unlock, atomic};

/// Most records of a kind.
const RECORDS_MAX: usize = 10_000;
const VERSION: u32 = 1;
const HEADER: &str = "header.json";
const LOCK: &str = "lock";
const KEY_BYTES: usize = 32;
/// A keyed digest in hexadecimal.
const NAME_CHARACTERS: usize = 64;

/// What a record is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Key,
    Credential,
    Pending,
    Token,
    Notice,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Key, Self::Credential, Self::Pending, Self::Token, Self::Notice];

    const fn folder(self) -> &'static str {
        match self {
            Self::Key => "keys",
            Self::Credential => "credentials",
            Self::Pending => "pending",
            Self::Token => "tokens",
            Self::Notice => "notices",
        }
    }
}

/// The file of a record, and what is in it.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) record: Result<Zeroizing<Vec<u8>>, StoreError>,
}

/// An open store: what is inside can be read and written.
pub(super) struct Vault {
    directory: PathBuf,
    sealing: AeadKey,
    naming: MacKey,
    random: Arc<dyn Random>,
}

#[derive(Deserialize, Serialize)]
struct Header {
    version: u32,
    protection: Protection,
    /// Sealing key and naming key, sealed by the key that the passphrase or the key file gives.
    wrapped_keys: String,
}

impl Vault {
    /// How the store in this folder is locked; `None` when there is none yet.
    pub(super) fn protection(directory: &Path) -> Result<Option<Protection>, StoreError> {
        Ok(read_header(directory)?.map(|header| header.protection))
    }

    /// Opens the store, or makes it when the folder is empty or not there.
    pub(super) fn open(
        directory: &Path,
        unlock: &Unlock,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        if let Some(header) = read_header(directory)? {
            let vault = Self::unlock(directory, &header, unlock, random)?;
            // To read is possible where nothing can be written.
            let _ = vault.sweep();
            return Ok(vault);
        }
        atomic::make_directory(directory)?;
        let _lock = atomic::lock(directory)?;
        // Another program may have been faster.
        let header = match read_header(directory)? {
            Some(header) => header,
            None => create(directory, unlock, &*random)?,
        };
        Self::unlock(directory, &header, unlock, random)
    }

    fn unlock(
        directory: &Path,
        header: &Header,
        unlock: &Unlock,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        let protection = &header.protection;
        let wrapped = BASE64_URL_SAFE_NO_PAD.decode(&header.wrapped_keys);
        let wrapped = wrapped.map_err(|_| StoreError::Damaged)?;
        let opened = protection.key(unlock)?.open(&binding(protection)?, &wrapped);
        let opened = opened.map_err(|_| protection.misfit())?;
        let (sealing, naming) =
            opened.split_first_chunk::<KEY_BYTES>().ok_or(StoreError::Damaged)?;
        Ok(Self {
            directory: directory.to_owned(),
            sealing: AeadKey::new(*sealing),
            naming: MacKey::new(naming.try_into().map_err(|_| StoreError::Damaged)?),
            random,
        })
    }

    /// Deletes what a killed program left half-written; whoever is writing now does it later.
    fn sweep(&self) -> Result<(), StoreError> {
        if let Some(_writer) = self.writer_if_free()? {
            atomic::sweep(&self.directory, HEADER)?;
            for kind in Kind::ALL {
                let folder = self.directory.join(kind.folder());
                if folder.exists() {
                    atomic::sweep(&folder, "")?; // a store of before has not all of them
                }
            }
        }
        Ok(())
    }

    /// Holds the store for one writer: what it reads and writes is one step for all others.
    pub(super) fn writer(&self) -> Result<Writer<'_>, StoreError> {
        Ok(Writer { vault: self, _lock: atomic::lock(&self.directory)? })
    }

    /// The same for what can be done another time; `None` while another program writes.
    pub(super) fn writer_if_free(&self) -> Result<Option<Writer<'_>>, StoreError> {
        let lock = atomic::lock_if_free(&self.directory)?;
        Ok(lock.map(|lock| Writer { vault: self, _lock: lock }))
    }

    /// Reads a record.
    pub(super) fn get(
        &self,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.read(kind, &self.file(kind, id))
    }

    /// Reads all records of a kind.
    pub(super) fn list(&self, kind: Kind) -> Result<Vec<Found>, StoreError> {
        let folder = self.directory.join(kind.folder());
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let names = atomic::names(&folder, RECORDS_MAX)?;
        let records = names.into_iter().filter(|name| is_record(name)).filter_map(|name| {
            // A file that is gone by now was deleted meanwhile.
            let record = self.read(kind, &name).transpose()?;
            Some(Found { name, record })
        });
        Ok(records.collect())
    }

    fn read(&self, kind: Kind, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sealed = atomic::read(&self.directory.join(kind.folder()).join(name))?;
        let open = |sealed: Zeroizing<Vec<u8>>| self.sealing.open(&place(kind, name), &sealed);
        sealed.map(open).transpose().map_err(|_| StoreError::Damaged)
    }

    /// The file of a record: by its id or, as a damaged one has none any more, by its own name.
    fn file(&self, kind: Kind, id: &str) -> String {
        let is_file = is_record(id) && self.directory.join(kind.folder()).join(id).exists();
        if is_file { id.to_owned() } else { self.name(kind, id) }
    }

    fn name(&self, kind: Kind, id: &str) -> String {
        atomic::hex(&self.naming.mac(kind.folder(), &[id.as_bytes()]))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The store while nobody else writes.
pub(super) struct Writer<'v> {
    vault: &'v Vault,
    _lock: File,
}

impl Writer<'_> {
    /// Writes a record, in place of the one with the same id.
    pub(super) fn put(&self, kind: Kind, id: &str, record: &[u8]) -> Result<(), StoreError> {
        let Vault { directory, sealing, random, .. } = self.vault;
        let name = self.vault.name(kind, id);
        let sealed = sealing.seal(&**random, &place(kind, &name), record);
        let sealed = sealed.map_err(|_| StoreError::TooMuch)?;
        if sealed.len() as u64 > atomic::FILE_BYTES_MAX {
            return Err(StoreError::TooMuch);
        }
        let folder = directory.join(kind.folder());
        atomic::make_directory(&folder)?;
        atomic::sweep(&folder, "")?;
        let names = atomic::names(&folder, RECORDS_MAX)?;
        if names.len() == RECORDS_MAX && !names.contains(&name) {
            return Err(StoreError::TooMuch);
        }
        atomic::write(&folder, &name, &sealed, &**random)
    }

    /// Deletes a record; `false` when there was none.
    pub(super) fn delete(&self, kind: Kind, id: &str) -> Result<bool, StoreError> {
        let folder = self.vault.directory.join(kind.folder());
        atomic::remove(&folder, &self.vault.file(kind, id))
    }
}

/// Whether a file has the name of a record; anything else is not ours.
fn is_record(name: &str) -> bool {
    name.len() == NAME_CHARACTERS
        && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Makes a new master key; the header is written last, so a store that was begun is none yet.
fn create(directory: &Path, unlock: &Unlock, random: &dyn Random) -> Result<Header, StoreError> {
    let foreign =
        |name: &String| name != LOCK && !Kind::ALL.iter().any(|kind| name == kind.folder());
    if atomic::names(directory, RECORDS_MAX)?.iter().any(foreign) {
        return Err(StoreError::NotAStore);
    }
    for kind in Kind::ALL {
        let folder = directory.join(kind.folder());
        atomic::make_directory(&folder)?;
        // Records without a header cannot be opened by anyone; a new header would hide that.
        if !atomic::names(&folder, RECORDS_MAX)?.is_empty() {
            return Err(StoreError::Damaged);
        }
    }
    atomic::sync(directory)?;
    atomic::sync(directory.parent().unwrap_or(directory))?;
    let protection = Protection::set_up(unlock, random)?;
    let keys = Zeroizing::new(atomic::draw::<{ 2 * KEY_BYTES }>(random));
    let wrapped = protection.key(unlock)?.seal(random, &binding(&protection)?, &keys[..]);
    let wrapped = wrapped.map_err(|_| StoreError::Unavailable)?;
    let wrapped_keys = BASE64_URL_SAFE_NO_PAD.encode(wrapped);
    let header = Header { version: VERSION, protection, wrapped_keys };
    let document = serde_json::to_vec_pretty(&header).map_err(|_| StoreError::Unavailable)?;
    atomic::write(directory, HEADER, &document, random)?;
    Ok(header)
}

fn read_header(directory: &Path) -> Result<Option<Header>, StoreError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Some(document) = atomic::read(&directory.join(HEADER))? else {
        return Ok(None);
    };
    let Versioned { version } = json::from_slice(&document).map_err(|_| StoreError::Damaged)?;
    if version > VERSION {
        return Err(StoreError::TooNew);
    }
    json::from_slice(&document).map(Some).map_err(|_| StoreError::Damaged)
}

/// The wrapped keys open only together with the very protection they were made for.
fn binding(protection: &Protection) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&("bestow wallet", VERSION, protection)).map_err(|_| StoreError::Damaged)
}

/// A sealed record opens only in its own place: files cannot be exchanged for one another.
fn place(kind: Kind, name: &str) -> Vec<u8> {
    format!("{}/{name}", kind.folder()).into_bytes()
}

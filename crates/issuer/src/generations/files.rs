//! The files of one generation: their names, and writing them so that a crash leaves old or new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::KeyPurpose;

/// A file of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyFile {
    /// The key that signs credentials (PKCS #8).
    Signing,
    /// Its certificate and those above, without the anchor.
    SigningCertificate,
    /// Keys that open requests (PKCS #8), the one that metadata name first.
    Encryption,
    /// A MAC key, in base64.
    Offer,
    /// A MAC key, in base64.
    TxCode,
    /// A MAC key, in base64.
    Nonce,
    /// A MAC key, in base64.
    Form,
    /// The key of BLS12-381, as a private Multikey.
    Bbs,
    /// Its public half, as a Multikey: the private one goes before.
    BbsPublic,
}

impl KeyFile {
    /// Those of one generation of a purpose.
    pub(crate) const fn of(purpose: KeyPurpose) -> &'static [Self] {
        match purpose {
            KeyPurpose::Signing => &[Self::Signing, Self::SigningCertificate],
            KeyPurpose::Encryption => &[Self::Encryption],
            KeyPurpose::Offer => &[Self::Offer],
            KeyPurpose::TxCode => &[Self::TxCode],
            KeyPurpose::Nonce => &[Self::Nonce],
            KeyPurpose::Form => &[Self::Form],
            KeyPurpose::Bbs => &[Self::Bbs, Self::BbsPublic],
        }
    }

    /// Of a key whose public half is needed for longer, the private one.
    pub(crate) const fn private_of(purpose: KeyPurpose) -> Option<Self> {
        match purpose {
            KeyPurpose::Signing => Some(Self::Signing),
            KeyPurpose::Bbs => Some(Self::Bbs),
            KeyPurpose::Encryption
            | KeyPurpose::Offer
            | KeyPurpose::TxCode
            | KeyPurpose::Nonce
            | KeyPurpose::Form => None,
        }
    }

    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Signing => ("signing-key", "pem"),
            Self::SigningCertificate => ("signing-certificate", "pem"),
            Self::Encryption => ("encryption-keys", "pem"),
            Self::Offer => ("offer", "mac"),
            Self::TxCode => ("tx-code", "mac"),
            Self::Nonce => ("nonce", "mac"),
            Self::Form => ("form", "mac"),
            Self::Bbs => ("bbs-key", "multikey"),
            Self::BbsPublic => ("bbs-public-key", "multikey"),
        }
    }

    /// The first generation has the names that there were before there were generations.
    pub(crate) fn name(self, number: u32) -> String {
        let (stem, extension) = self.parts();
        if number == 1 {
            format!("{stem}.{extension}")
        } else {
            format!("{stem}.{number}.{extension}")
        }
    }

    /// Where the file of a generation is.
    pub(crate) fn path(self, folder: &Path, number: u32) -> PathBuf {
        folder.join(self.name(number))
    }
}

/// Puts a file in the place of another, or where there was none; it is on disk before this returns,
/// and nobody but its owner ever can read it.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    remove(&new)?; // of a program that was ended half-way
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    sync_folder(file)
}

/// Opens a file that may be there already, and that its owner alone can read.
pub(super) fn open_secret(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(file)
}

/// Removes a file for good; one that is not there is removed.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Ok(()) => sync_folder(file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

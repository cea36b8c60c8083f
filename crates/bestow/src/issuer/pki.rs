//! `bestow issuer pki …`: an authority of the operator's own, and the document signers it certifies.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use keys::document_signer::{Authority, Iaca};
use keys::outside::{Clock as _, SystemClock};
use zeroize::Zeroizing;

use crate::cli::{IacaArguments, PkiCommand, SignArguments};
use crate::exit::Failure;
use crate::terminal::{print, tell};

const ROOT: &str = "iaca.pem";
const KEY: &str = "iaca-key.pem";

/// Runs one command.
pub(super) fn run(command: &PkiCommand) -> Result<(), Failure> {
    match command {
        PkiCommand::Iaca(arguments) => make(arguments),
        PkiCommand::Sign(arguments) => sign(arguments),
    }
}

fn make(arguments: &IacaArguments) -> Result<(), Failure> {
    let IacaArguments { folder, country, name, contact, crl, days } = arguments;
    if url::Url::parse(crl).is_err() {
        return Err(Failure::usage(format!("--crl {crl} is no URL")));
    }
    let authority = Authority { country, name, contact, crl };
    let iaca = Iaca::generate(authority, *days, SystemClock.now()).map_err(Failure::mistake)?;
    write(folder, &iaca).map_err(|error| cannot("write", folder, &error))?;
    let (root, key) = (folder.join(ROOT), folder.join(KEY));
    print(root.display().to_string());
    tell(format!("verifiers of mdocs have to trust {}", root.display()));
    tell(format!("{} certifies in its name: keep it where nobody else can read it", key.display()));
    Ok(())
}

fn sign(arguments: &SignArguments) -> Result<(), Failure> {
    let SignArguments { folder, request, days } = arguments;
    let key = Zeroizing::new(read(&folder.join(KEY))?);
    let iaca = Iaca::from_pem(&read(&folder.join(ROOT))?, &key).map_err(Failure::mistake)?;
    let certificate = iaca.certify(&read(request)?, *days, SystemClock.now());
    print(certificate.map_err(Failure::mistake)?.trim_end());
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| cannot("read", file, &error))
}

fn cannot(what: &str, file: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot {what} {}: {error}", file.display()))
}

/// The folder gets its name when all of it is on disk: whenever this ends half-way, there is no half
/// of an authority, and nothing in the way of the next try.
fn write(folder: &Path, iaca: &Iaca) -> io::Result<()> {
    if folder.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let around = folder.parent().filter(|around| !around.as_os_str().is_empty());
    let around = around.unwrap_or(Path::new("."));
    let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(around)?;
    write_file(&unfinished.path().join(KEY), &iaca.key_pem(), 0o600)?;
    write_file(&unfinished.path().join(ROOT), iaca.certificate_pem(), 0o644)?;
    File::open(unfinished.path())?.sync_all()?;
    fs::rename(unfinished.path(), folder)?;
    File::open(around)?.sync_all()
}

/// Nobody but those of the mode may read it, from its first byte on.
fn write_file(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

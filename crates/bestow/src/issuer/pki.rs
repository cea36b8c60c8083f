//! `bestow issuer pki …`: an authority of the operator's own, and the document signers it certifies.

use std::fs;
use std::io::Write as _;
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
    let unwritable = |error| cannot("write", folder, &error);
    fs::create_dir(folder).map_err(unwritable)?;
    let (root, key) = (folder.join(ROOT), folder.join(KEY));
    write_secret(&key, &iaca.key_pem()).map_err(unwritable)?;
    fs::write(&root, iaca.certificate_pem()).map_err(unwritable)?;
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

fn cannot(what: &str, file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot {what} {}: {error}", file.display()))
}

/// Nobody else may read it, from its first byte on.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}

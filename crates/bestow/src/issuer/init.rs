//! `bestow issuer init`: a new issuer in a folder of its own.

use std::path::Path;

use issuer::config::IssuerUrl;
use issuer::init::{InitError, NewIssuer, Purpose, init as make};
use keys::outside::{SystemClock, SystemRandom};

use crate::exit::{Failure, Kind};
use crate::terminal::print;

/// Makes the folder and its database, and says what to run next.
pub(crate) fn init(folder: &Path, url: &str, name: &str) -> Result<(), Failure> {
    print(make_issuer(folder, url, name, Purpose::Service)?.trim_end());
    Ok(())
}

/// What the demonstration needs too.
pub(crate) fn make_issuer(
    folder: &Path,
    url: &str,
    name: &str,
    purpose: Purpose,
) -> Result<String, Failure> {
    let url =
        IssuerUrl::try_from(url.trim_end_matches('/').to_owned()).map_err(Failure::mistake)?;
    let issuer = NewIssuer { url: &url, name, purpose };
    let report =
        make(folder, &issuer, &SystemClock, &SystemRandom).map_err(|error| failure(&error))?;
    Ok(report.to_string())
}

fn failure(error: &InitError) -> Failure {
    let text = error.to_string();
    match error {
        InitError::NotEmpty(_) => Failure::new(Kind::Usage, "not_empty", text),
        InitError::BadFolder(_)
        | InitError::PlainHttp
        | InitError::NoAdminPort
        | InitError::BadName
        | InitError::Io(..) => Failure::mistake(text),
        InitError::Certificate(_)
        | InitError::Key(_)
        | InitError::EncryptionKey(_)
        | InitError::Config(_)
        | InitError::Store(_) => Failure::own_fault(text),
    }
}

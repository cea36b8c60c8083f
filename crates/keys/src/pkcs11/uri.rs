//! Names of keys in hardware: `pkcs11:` URIs (RFC 7512 §2.3).

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::Pkcs11Error;

/// How such a URI begins.
pub const SCHEME: &str = "pkcs11:";

/// Where a key is, and how to get at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    pub(super) module: PathBuf,
    pub(super) token: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) slot: Option<u64>,
    pub(super) label: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    pin_source: PathBuf,
}

impl Pkcs11Uri {
    /// Reads a URI; what it does not understand it refuses, as another key could be meant.
    pub fn parse(text: &str) -> Result<Self, Pkcs11Error> {
        let rest = text.trim().strip_prefix(SCHEME).ok_or(Pkcs11Error::Uri("begins otherwise"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for (name, value) in pairs(path, ';') {
            uri.place(name, value?)?;
        }
        for (name, value) in pairs(query, '&') {
            uri.access(name, value?)?;
        }
        if uri.label.is_none() && uri.id.is_none() {
            return Err(Pkcs11Error::Uri("needs `object` or `id`"));
        }
        if uri.module.as_os_str().is_empty() || uri.pin_source.as_os_str().is_empty() {
            return Err(Pkcs11Error::Uri("needs `module-path` and `pin-source`"));
        }
        Ok(uri)
    }

    /// The file with the PIN: as it was written, so perhaps relative.
    #[must_use]
    pub fn pin_source(&self) -> &Path {
        &self.pin_source
    }

    fn place(&mut self, name: &str, value: Vec<u8>) -> Result<(), Pkcs11Error> {
        match name {
            "id" => self.id = Some(value),
            "token" => self.token = Some(text(value)?),
            "serial" => self.serial = Some(text(value)?),
            "object" => self.label = Some(text(value)?),
            "slot-id" => {
                let number = text(value)?.parse();
                self.slot = Some(number.map_err(|_| Pkcs11Error::Uri("has a slot-id in words"))?);
            }
            "type" if value == b"private" => {}
            _ => {
                return Err(Pkcs11Error::Uri("names more than token, serial, slot-id, object, id"));
            }
        }
        Ok(())
    }

    fn access(&mut self, name: &str, value: Vec<u8>) -> Result<(), Pkcs11Error> {
        let value = text(value)?;
        match name {
            "module-path" => self.module = value.into(),
            "pin-source" => self.pin_source = value.strip_prefix("file:").unwrap_or(&value).into(),
            "pin-value" => return Err(Pkcs11Error::Uri("holds the PIN: put it into a file")),
            _ => return Err(Pkcs11Error::Uri("asks for more than module-path and pin-source")),
        }
        Ok(())
    }
}

fn pairs(
    text: &str,
    separator: char,
) -> impl Iterator<Item = (&str, Result<Vec<u8>, Pkcs11Error>)> {
    text.split(separator).filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Ok(percent_decode_str(value).collect())),
        None => (pair, Err(Pkcs11Error::Uri("has a name without a value"))),
    })
}

fn text(bytes: Vec<u8>) -> Result<String, Pkcs11Error> {
    String::from_utf8(bytes).map_err(|_| Pkcs11Error::Uri("is not UTF-8"))
}

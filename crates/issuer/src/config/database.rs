//! Where offers and applications are kept: a file of SQLite, or a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::store::postgres::Address;

/// A file, or the address of a server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Database {
    /// SQLite, the default.
    File(PathBuf),
    /// `postgres://user@host:port/name?sslmode=…`
    Postgres(Address),
}

impl Database {
    /// A relative path begins at `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Self::File(path) = self {
            *path = folder.join(&*path);
        }
    }

    /// The file, where the database is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl TryFrom<String> for Database {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once("://") {
            None => Ok(Self::File(text.into())),
            Some(("postgres" | "postgresql", _)) => Address::parse(&text).map(Self::Postgres),
            Some((scheme, _)) => Err(format!(
                "this version keeps nothing in a database of kind `{scheme}`\nname a file, like \
                 \"bestow.db\", or a server, like \"postgres://bestow@db.example/bestow\""
            )),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

impl From<Database> for String {
    fn from(database: Database) -> Self {
        database.to_string()
    }
}

//! Why a transfer did not come to its end.

use std::fmt;
use std::path::PathBuf;

use super::TableCheck;
use crate::store::{Schema, StoreError};

/// Why a transfer did not come to its end; on a second line, what to do.
#[derive(Debug)]
pub enum TransferError {
    /// Both are the same database.
    Same,
    /// What is to be transferred, or its engine, is not as this version needs it.
    Source(String, Schema),
    /// Something else uses it.
    InUse(String),
    /// There is something in the target that no transfer has put there: tables and rows.
    NotEmpty(String, Vec<(&'static str, u64)>),
    /// The journal of another database is where that of the target will be.
    Journal(PathBuf),
    /// The target holds a part of this source, which was another one, or has changed since.
    OtherSource(String, String),
    /// Somebody wrote to it while it was read.
    Changed(String, Vec<&'static str>),
    /// What was read back is not what was written.
    Differs(Vec<TableCheck>),
    /// A column that this version does not know, or does not find: database, table, column.
    Column(String, &'static str, String),
    /// The engine of one of both, which is named.
    Store(String, StoreError),
}

const AGAIN: &str = "--begin-again";

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("both are the same database\nname another one to fill"),
            Self::Source(place, schema) => {
                let (problem, remedy) = about(*schema);
                write!(f, "{place} {problem}\n{remedy}")
            }
            Self::InUse(place) => write!(
                f,
                "{place} is in use\nstop every node of the issuer, and everything else that has it \
                 open; nobody may write to it until all is moved"
            ),
            Self::NotEmpty(place, tables) => {
                let told = tables.iter().map(|(name, rows)| format!("{name} {rows}"));
                let told = told.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "{place} is not empty, and holds something else (rows: {told})\nname a file \
                     that is not there, or a database without tables"
                )
            }
            Self::Journal(path) => write!(
                f,
                "{} is there: it is the journal of revocations of another database\nmove it away, \
                 or name a file in another folder",
                path.display()
            ),
            Self::OtherSource(place, source) => write!(
                f,
                "{place} holds a part of what {source} held when it was begun; that has changed \
                 since, or is another database\nto empty it and begin again, add {AGAIN}"
            ),
            Self::Changed(place, tables) => write!(
                f,
                "{place} was written to meanwhile ({})\nstop every node of the issuer, then begin \
                 again with {AGAIN}",
                tables.join(", ")
            ),
            Self::Differs(checks) => {
                let tables = checks.iter().filter(|check| !check.is_equal());
                let tables: Vec<_> = tables.map(|check| check.table).collect();
                write!(
                    f,
                    "what was read back is not what was written ({})\nkeep the source in use; \
                     nothing serves the target. To fill it once more, add {AGAIN}",
                    tables.join(", ")
                )
            }
            Self::Column(place, table, column) => write!(
                f,
                "{place}: the column {column} of {table} is not known, or is missing\nuse the \
                 version of bestow that made its tables"
            ),
            Self::Store(place, error) => {
                let text = error.text();
                write!(f, "{place}: {text}\nafter that is mended the same command goes on")
            }
        }
    }
}

/// What is wrong with a source of this kind, and what helps.
fn about(schema: Schema) -> (&'static str, &'static str) {
    match schema {
        Schema::Missing => ("is no database", "name the one that is in use today"),
        Schema::Older => {
            ("is the database of an older version", "run `bestow issuer migrate` on it first")
        }
        Schema::Newer => ("was made by a newer bestow", "use that version"),
        Schema::Unfinished => {
            ("is itself filled by a move that has not ended", "end that one first")
        }
        Schema::Current => ("is as it should be", "run the same command again"),
    }
}

impl std::error::Error for TransferError {}

//! How a database stands to this program, whatever its engine.

use super::StoreError;

/// How a database stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// There is no database, or an empty one.
    Missing,
    /// `bestow issuer migrate` is needed.
    Older,
    /// Ready.
    Current,
    /// Made by a newer program.
    Newer,
    /// A transfer into it has not ended: it holds a part of another database.
    Unfinished,
}

impl Schema {
    /// Of a database that has seen this many of the migrations that we know.
    pub(super) fn of(seen: usize, known: usize) -> Self {
        match seen {
            0 => Self::Missing,
            seen if seen == known => Self::Current,
            seen if seen < known => Self::Older,
            _ => Self::Newer,
        }
    }

    /// Refuses what is not ready, and names the way out; `database` is for people.
    pub(super) fn ready(self, database: &str) -> Result<(), StoreError> {
        match self {
            Self::Current => Ok(()),
            Self::Older | Self::Missing => {
                let hint = "run `bestow issuer migrate` first";
                Err(StoreError::Broken(format!("{database} is not ready: {hint}")))
            }
            Self::Unfinished => {
                let hint = "run `bestow issuer migrate-store` again, it goes on where it was";
                Err(StoreError::Broken(format!("{database} holds only a part: {hint}")))
            }
            Self::Newer => {
                let hint = "it was made by a newer bestow, which must be used with it";
                Err(StoreError::Broken(format!("{database} is not known: {hint}")))
            }
        }
    }

    /// The migrations that are still to run.
    pub(super) fn missing<T>(seen: usize, known: &[T]) -> Result<&[T], StoreError> {
        let text = "the database was made by a newer bestow; nothing was changed";
        known.get(seen..).ok_or_else(|| StoreError::Broken(text.into()))
    }
}

//! Values as both engines have them, and the digest of a table that follows from them alone.

use std::fmt::Write as _;

use keys::digest::Sha256;

use super::tables::Table;
use crate::store::StoreError;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// Text without NUL, which PostgreSQL does not take.
    Text,
    /// Text from outside, which may hold a NUL: PostgreSQL keeps its bytes.
    TextAsBytes,
    /// A number, or a time.
    Integer,
    /// 0 or 1; `BOOLEAN` in PostgreSQL.
    Boolean,
    /// 16 bytes; `UUID` in PostgreSQL.
    Id,
    /// Any bytes.
    Bytes,
}

/// One value. It may be a claim, so there is no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::store) enum Value {
    Null,
    /// Also of a [`Kind::Boolean`].
    Integer(i64),
    /// Also of a [`Kind::TextAsBytes`].
    Text(String),
    /// Also of a [`Kind::Id`].
    Bytes(Vec<u8>),
}

/// The values of a row, in the order of [`Table::columns`].
pub(in crate::store) type Row = Vec<Value>;

impl Value {
    /// A text that may be absent.
    pub(in crate::store) fn text(&self) -> Result<Option<&str>, StoreError> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Integer(_) | Self::Bytes(_) => Err(unexpected()),
        }
    }

    /// A number that may be absent.
    pub(in crate::store) fn integer(&self) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Null => Ok(None),
            Self::Integer(number) => Ok(Some(*number)),
            Self::Text(_) | Self::Bytes(_) => Err(unexpected()),
        }
    }

    /// Bytes that may be absent.
    pub(in crate::store) fn bytes(&self) -> Result<Option<&[u8]>, StoreError> {
        match self {
            Self::Null => Ok(None),
            Self::Bytes(bytes) => Ok(Some(bytes)),
            Self::Integer(_) | Self::Text(_) => Err(unexpected()),
        }
    }

    /// What kind it is of, its length and its bytes: no two values look the same.
    fn feed(&self, digest: &mut Sha256) {
        let number;
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Integer(value) => {
                number = value.to_be_bytes();
                (1, &number)
            }
            Self::Text(text) => (2, text.as_bytes()),
            Self::Bytes(bytes) => (3, bytes),
        };
        digest.update(&[kind]);
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    }
}

/// A column has a value that no step writes into it.
pub(in crate::store) fn unexpected() -> StoreError {
    StoreError::Broken("a column holds a value of another kind".to_owned())
}

/// What a table holds, whatever the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSum {
    /// How many.
    pub rows: u64,
    /// SHA-256 of all of them, in the order of their keys.
    pub digest: [u8; 32],
}

impl TableSum {
    /// The digest as people compare it.
    #[must_use]
    pub fn hexadecimal(&self) -> String {
        hexadecimal(&self.digest)
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

/// Adds up a table.
pub(super) struct Summing {
    rows: u64,
    digest: Sha256,
}

impl Summing {
    /// Two tables with other columns have another digest, even when both are empty.
    pub(super) fn of(table: &Table) -> Self {
        let mut digest = Sha256::default();
        for name in std::iter::once(table.name).chain(table.columns.iter().map(|(name, _)| *name)) {
            Value::Text(name.to_owned()).feed(&mut digest);
        }
        Self { rows: 0, digest }
    }

    pub(super) fn add(&mut self, issuer_id: &str, row: &Row) {
        self.rows += 1;
        Value::Text(issuer_id.to_owned()).feed(&mut self.digest);
        for value in row {
            value.feed(&mut self.digest);
        }
    }

    pub(super) fn sum(self) -> TableSum {
        TableSum { rows: self.rows, digest: self.digest.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::TABLES;
    use super::{Row, Summing, TableSum, Value};

    fn sum(rows: &[(&str, Row)]) -> TableSum {
        let mut summing = Summing::of(&TABLES[0]);
        for (issuer_id, row) in rows {
            summing.add(issuer_id, row);
        }
        summing.sum()
    }

    #[test]
    fn what_differs_has_another_digest() {
        let text = |text: &str| Value::Text(text.to_owned());
        let tables = [
            sum(&[]),
            sum(&[("a", vec![text("")])]),
            sum(&[("a", vec![Value::Null])]),
            sum(&[("a", vec![Value::Bytes(Vec::new())])]),
            sum(&[("a", vec![Value::Integer(0)])]),
            sum(&[("", vec![text("a")])]),
            sum(&[("a", vec![text("b"), text("c")])]),
            sum(&[("a", vec![text("bc"), text("")])]),
            sum(&[("a", vec![text("b")]), ("a", vec![text("c")])]),
            sum(&[("a", vec![text("c")]), ("a", vec![text("b")])]),
            Summing::of(&TABLES[1]).sum(),
        ];
        for (place, table) in tables.iter().enumerate() {
            assert!(!tables[..place].iter().any(|other| other.digest == table.digest), "{place}");
        }
    }
}

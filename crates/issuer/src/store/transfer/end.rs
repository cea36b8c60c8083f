//! What a transfer asks of an engine.

use std::path::PathBuf;

use async_trait::async_trait;

use super::tables::Table;
use super::value::{Row, Value};
use crate::store::StoreError;

/// One database, as a transfer needs it. The first part of every key is handed in: the engines have
/// different orders of texts, and the same order of everything else.
#[async_trait(?Send)]
pub(in crate::store) trait End {
    /// Whether something else has it open now.
    async fn is_in_use(&mut self) -> Result<bool, StoreError>;

    /// Brings it to the present schema.
    async fn migrate(&mut self) -> Result<(), StoreError>;

    /// The columns of a table.
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError>;

    /// The first issuer that has rows in a table, or the one behind another, in any order.
    async fn issuer(
        &mut self,
        table: &Table,
        after: Option<&str>,
    ) -> Result<Option<String>, StoreError>;

    /// The rows of an issuer behind a key, at most [`Table::page`].
    async fn page(
        &mut self,
        table: &Table,
        issuer_id: &str,
        after: Option<&[Value]>,
    ) -> Result<Vec<Row>, StoreError>;

    /// The last key of an issuer.
    async fn last(&mut self, table: &Table, issuer_id: &str) -> Result<Option<Row>, StoreError>;

    /// Writes rows in one commit.
    async fn append(
        &mut self,
        table: &Table,
        issuer_id: &str,
        rows: &[Row],
    ) -> Result<(), StoreError>;

    /// The marker, where a transfer into this database has not ended.
    async fn marker(&mut self) -> Result<Option<Marker>, StoreError>;

    /// What stands beside an empty database and would be taken for a part of it.
    fn journal_of_another(&self) -> Option<PathBuf>;

    /// Puts the marker there, in one commit with the removal of all rows where that is wanted.
    async fn begin(&mut self, marker: &Marker, emptied: bool) -> Result<(), StoreError>;

    /// Makes what stands beside the database, then takes the marker away.
    async fn finish(&mut self) -> Result<(), StoreError>;
}

/// Says that a database holds a part of another one.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Marker {
    /// The other one, for people.
    pub(in crate::store) source: String,
    /// What it held, in hexadecimal digits.
    pub(in crate::store) digest: String,
}

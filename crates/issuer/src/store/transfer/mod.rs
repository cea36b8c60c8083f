//! Moves everything that one database holds to another one, whatever the engines.
//!
//! Rows are read and written page by page in the order of their keys, a page in one commit; so the
//! last key in the target says where to go on. A marker stands in the target from before the first
//! row until all was read back, and no node opens a database that has it. What the source held at
//! the beginning is written into the marker: a source that somebody wrote to is noticed.

use std::path::Path;

use super::{Schema, StoreError};
use crate::config::Database;
use named::{Named, Standing, open_source, open_target, refuse_same};
use tables::{TABLES, Table};
use value::{Row, Summing, Value, hexadecimal};

pub(super) use end::{End, Marker};
pub use error::TransferError;
pub use value::TableSum;

mod end;
mod error;
mod named;
pub(super) mod tables;
pub(super) mod value;

/// Where a database is, and how to get at it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// A file or a server.
    pub database: &'p Database,
    /// For a server.
    pub password_file: Option<&'p Path>,
    /// For a server.
    pub ca: Option<&'p Path>,
}

/// What is being done.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// The source is read, to know what it holds.
    Reading,
    /// So many rows of a table are in the target by this run.
    Moved(&'static str, u64),
    /// Both are read, to see whether they hold the same.
    Comparing,
}

/// A table as it is read back at both ends.
#[derive(Clone, Copy, Debug)]
pub struct TableCheck {
    /// Its name.
    pub table: &'static str,
    /// Where it came from.
    pub source: TableSum,
    /// Where it is now.
    pub target: TableSum,
}

impl TableCheck {
    /// Whether both hold the same rows.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.source == self.target
    }
}

/// Moves everything; stopped at any moment, the same call goes on. `begin_again` first empties a
/// target that an earlier call has begun to fill.
pub async fn transfer(
    from: Place<'_>,
    to: Place<'_>,
    begin_again: bool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Vec<TableCheck>, TransferError> {
    refuse_same(from, to)?;
    let mut source = open_source(from).await?;
    let (mut target, schema) = open_target(to).await?;
    tell(Progress::Reading);
    let before = source.sums().await?;
    let marker = Marker { source: source.place.clone(), digest: marked(&before) };
    if schema == Schema::Missing {
        target.begin(&marker, false).await?; // before there is anything that could be served
    }
    target.migrate().await?;
    match target.standing(&marker).await? {
        Standing::Begun | Standing::Other(_) if begin_again => target.begin(&marker, true).await?,
        Standing::Begun => {}
        Standing::Other(source) => {
            return Err(TransferError::OtherSource(target.place, source));
        }
        Standing::Empty => target.begin(&marker, false).await?,
        Standing::Filled(after) => return already(target.place, &before, &after),
    }
    for table in &TABLES {
        copy(&mut source, &mut target, table, tell).await?;
    }
    tell(Progress::Comparing);
    source.refuse_use().await?;
    let changed = differing(&before, &source.sums().await?);
    if !changed.is_empty() {
        return Err(TransferError::Changed(source.place, changed));
    }
    let checks = checks(&before, &target.sums().await?);
    if !checks.iter().all(TableCheck::is_equal) {
        return Err(TransferError::Differs(checks));
    }
    target.finish().await?;
    Ok(checks)
}

/// Issuers are taken by their bytes, as no engine orders them in the same way as the other.
async fn sum(end: &mut dyn End, table: &Table) -> Result<TableSum, StoreError> {
    let mut issuers = Vec::new();
    while let Some(issuer) = end.issuer(table, issuers.last().map(String::as_str)).await? {
        issuers.push(issuer);
    }
    issuers.sort_unstable();
    let mut summing = Summing::of(table);
    for issuer in issuers {
        let mut page = end.page(table, &issuer, None).await?;
        while let Some(last) = page.last() {
            for row in &page {
                summing.add(&issuer, row);
            }
            page = end.page(table, &issuer, Some(key(table, last))).await?;
        }
    }
    Ok(summing.sum())
}

async fn copy(
    source: &mut Named,
    target: &mut Named,
    table: &Table,
    tell: &mut dyn FnMut(Progress),
) -> Result<(), TransferError> {
    let (mut issuer, mut moved): (Option<String>, u64) = (None, 0);
    loop {
        issuer = match source.end.issuer(table, issuer.as_deref()).await {
            Ok(issuer) => issuer,
            Err(error) => return Err(source.fault(error)),
        };
        let Some(issuer) = &issuer else { return Ok(()) };
        let last = target.end.last(table, issuer).await;
        let mut last = last.map_err(|error| target.fault(error))?;
        loop {
            let page = source.end.page(table, issuer, last.as_deref()).await;
            let page = page.map_err(|error| source.fault(error))?;
            let Some(row) = page.last() else { break };
            let written = target.end.append(table, issuer, &page).await;
            written.map_err(|error| target.fault(error))?;
            last = Some(key(table, row).to_vec());
            moved += page.len() as u64;
            tell(Progress::Moved(table.name, moved));
        }
    }
}

fn key<'r>(table: &Table, row: &'r Row) -> &'r [Value] {
    row.get(..table.key_length).unwrap_or(row)
}

/// One digest of all tables.
fn marked(sums: &[TableSum]) -> String {
    let mut digest = keys::digest::Sha256::default();
    for sum in sums {
        digest.update(&sum.rows.to_be_bytes());
        digest.update(&sum.digest);
    }
    hexadecimal(&digest.finish())
}

fn checks(source: &[TableSum], target: &[TableSum]) -> Vec<TableCheck> {
    let both = TABLES.iter().zip(source.iter().zip(target));
    let check = |(table, (source, target)): (&Table, (&TableSum, &TableSum))| TableCheck {
        table: table.name,
        source: *source,
        target: *target,
    };
    both.map(check).collect()
}

fn differing(before: &[TableSum], after: &[TableSum]) -> Vec<&'static str> {
    let checks = checks(before, after);
    checks.iter().filter(|check| !check.is_equal()).map(|check| check.table).collect()
}

/// A call that was stopped after its last commit has done all; whatever else is there is not ours.
fn already(
    target: String,
    source: &[TableSum],
    found: &[TableSum],
) -> Result<Vec<TableCheck>, TransferError> {
    let checks = checks(source, found);
    if checks.iter().all(TableCheck::is_equal) {
        return Ok(checks);
    }
    let rows = checks.iter().map(|check| (check.table, check.target.rows));
    Err(TransferError::NotEmpty(target, rows.filter(|(_, rows)| *rows > 0).collect()))
}

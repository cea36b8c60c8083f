//! Moves everything that one database holds to another one, whatever the engines.
//!
//! Rows are read and written page by page in the order of their keys, a page in one commit; so the
//! last key in the target says where to go on. A marker stands in the target from before the first
//! row until all was read back, and no node opens a database that has it. What the source held at
//! the beginning is written into the marker: a source that somebody wrote to is noticed.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::postgres::{self, Options, PostgresEnd};
use super::sqlite::{self, SqliteEnd};
use super::{Schema, StoreError};
use crate::config::Database;
use tables::{TABLES, Table};
use value::{Row, Summing, Value};

pub use error::TransferError;
pub use value::TableSum;

mod error;
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

/// One database, as a transfer needs it. The first part of every key is handed in: the engines have
/// different orders of texts, and the same order of everything else.
#[async_trait(?Send)]
pub(super) trait End {
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
pub(super) struct Marker {
    /// The other one, for people.
    pub(super) source: String,
    /// What it held, in hexadecimal digits.
    pub(super) digest: String,
}

/// How the target stands to the source.
enum Standing {
    Empty,
    /// By a transfer of the same source.
    Begun,
    /// By a transfer of another source, or of the same one as it was.
    Other(String),
    /// By something else.
    Filled(Vec<TableSum>),
}

/// One of both databases, with the name that people know.
struct Named {
    place: String,
    end: Box<dyn End>,
}

impl Named {
    async fn open(place: Place<'_>) -> Result<Self, TransferError> {
        let name = place.database.to_string();
        let opened: Result<Option<Box<dyn End>>, StoreError> = match engine(place) {
            Engine::Sqlite(file) => {
                SqliteEnd::open(file).map(|end| end.map(|end| Box::new(end) as _))
            }
            Engine::Postgres(options) => {
                PostgresEnd::open(&options).await.map(|end| Some(Box::new(end) as _))
            }
        };
        match opened {
            Ok(Some(end)) => {
                let mut named = Self { place: name, end };
                named.refuse_use().await?;
                Ok(named)
            }
            Ok(None) => Err(TransferError::InUse(name)),
            Err(error) => Err(TransferError::Store(name, error)),
        }
    }

    fn fault(&self, error: StoreError) -> TransferError {
        TransferError::Store(self.place.clone(), error)
    }

    async fn refuse_use(&mut self) -> Result<(), TransferError> {
        match self.end.is_in_use().await {
            Ok(false) => Ok(()),
            Ok(true) => Err(TransferError::InUse(self.place.clone())),
            Err(error) => Err(self.fault(error)),
        }
    }

    /// Its tables are made by the migrations, as those of every database.
    async fn migrate(&mut self) -> Result<(), TransferError> {
        let migrated = self.end.migrate().await;
        migrated.map_err(|error| self.fault(error))?;
        self.refuse_unknown_columns().await
    }

    /// What nobody listed would be lost without a word.
    async fn refuse_unknown_columns(&mut self) -> Result<(), TransferError> {
        for table in &TABLES {
            let found = self.end.columns(table).await.map_err(|error| self.fault(error))?;
            let listed = table.columns.iter().map(|(name, _)| *name);
            let unknown = found
                .iter()
                .map(String::as_str)
                .filter(|name| !listed.clone().any(|listed| listed == *name));
            let missing = listed.clone().filter(|name| !found.iter().any(|found| found == name));
            if let Some(column) = unknown.chain(missing).next() {
                let (place, column) = (self.place.clone(), column.to_owned());
                return Err(TransferError::Column(place, table.name, column));
            }
        }
        Ok(())
    }

    async fn sums(&mut self) -> Result<Vec<TableSum>, TransferError> {
        let mut sums = Vec::with_capacity(TABLES.len());
        for table in &TABLES {
            sums.push(sum(&mut *self.end, table).await.map_err(|error| self.fault(error))?);
        }
        Ok(sums)
    }

    async fn standing(&mut self, marker: &Marker) -> Result<Standing, TransferError> {
        let found = self.end.marker().await.map_err(|error| self.fault(error))?;
        if let Some(found) = found {
            let is_same = found.digest == marker.digest;
            return Ok(if is_same { Standing::Begun } else { Standing::Other(found.source) });
        }
        for table in &TABLES {
            let issuer = self.end.issuer(table, None).await.map_err(|error| self.fault(error))?;
            if issuer.is_some() {
                return Ok(Standing::Filled(self.sums().await?));
            }
        }
        self.end.journal_of_another().map_or(Ok(Standing::Empty), |journal| {
            Err(TransferError::Journal(journal)) // it would be taken for ours
        })
    }

    async fn begin(&mut self, marker: &Marker, emptied: bool) -> Result<(), TransferError> {
        let begun = self.end.begin(marker, emptied).await;
        begun.map_err(|error| self.fault(error))
    }

    async fn finish(&mut self) -> Result<(), TransferError> {
        let finished = self.end.finish().await;
        finished.map_err(|error| self.fault(error))
    }
}

enum Engine<'p> {
    Sqlite(&'p Path),
    Postgres(Options<'p>),
}

fn engine(place: Place<'_>) -> Engine<'_> {
    match place.database {
        Database::File(file) => Engine::Sqlite(file),
        Database::Postgres(address) => {
            Engine::Postgres(Options { address, password_file: place.password_file, ca: place.ca })
        }
    }
}

fn refuse_same(from: Place<'_>, to: Place<'_>) -> Result<(), TransferError> {
    let is_same = match (from.database, to.database) {
        (Database::File(from), Database::File(to)) => {
            let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            whole(from) == whole(to)
        }
        (from, to) => from.to_string() == to.to_string(),
    };
    if is_same { Err(TransferError::Same) } else { Ok(()) }
}

async fn schema(place: Place<'_>) -> Result<Schema, TransferError> {
    let schema = match engine(place) {
        Engine::Sqlite(file) => sqlite::schema(file),
        Engine::Postgres(options) => postgres::schema(&options).await,
    };
    schema.map_err(|error| TransferError::Store(place.database.to_string(), error))
}

async fn open_source(from: Place<'_>) -> Result<Named, TransferError> {
    match schema(from).await? {
        Schema::Current => {}
        schema => return Err(TransferError::Source(from.database.to_string(), schema)),
    }
    let mut source = Named::open(from).await?;
    source.refuse_unknown_columns().await?;
    Ok(source)
}

async fn open_target(to: Place<'_>) -> Result<(Named, Schema), TransferError> {
    if let Database::File(file) = to.database
        && !file.exists()
        && let Some(journal) = sqlite::journal_of_another(file)
    {
        return Err(TransferError::Journal(journal));
    }
    let schema = schema(to).await?;
    Ok((Named::open(to).await?, schema))
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
            page.iter().for_each(|row| summing.add(&issuer, row));
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
    digest.finish().iter().map(|byte| format!("{byte:02x}")).collect()
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

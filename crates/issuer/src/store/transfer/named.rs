//! Both databases of a transfer: how they are opened, and what is wrong with them in words.

use std::fs;
use std::path::Path;

use super::tables::TABLES;
use super::value::TableSum;
use super::{End, Marker, Place, TransferError, sum};
use crate::config::Database;
use crate::store::postgres::{self, Options, PostgresEnd};
use crate::store::sqlite::{self, SqliteEnd};
use crate::store::{Schema, StoreError};

/// How the target stands to the source.
pub(super) enum Standing {
    Empty,
    /// By a transfer of the same source.
    Begun,
    /// By a transfer of another source, or of the same one as it was.
    Other(String),
    /// By something else.
    Filled(Vec<TableSum>),
}

/// One of both databases, with the name that people know.
pub(super) struct Named {
    pub(super) place: String,
    pub(super) end: Box<dyn End>,
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

    pub(super) fn fault(&self, error: StoreError) -> TransferError {
        TransferError::Store(self.place.clone(), error)
    }

    pub(super) async fn refuse_use(&mut self) -> Result<(), TransferError> {
        match self.end.is_in_use().await {
            Ok(false) => Ok(()),
            Ok(true) => Err(TransferError::InUse(self.place.clone())),
            Err(error) => Err(self.fault(error)),
        }
    }

    /// Its tables are made by the migrations, as those of every database.
    pub(super) async fn migrate(&mut self) -> Result<(), TransferError> {
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

    pub(super) async fn sums(&mut self) -> Result<Vec<TableSum>, TransferError> {
        let mut sums = Vec::with_capacity(TABLES.len());
        for table in &TABLES {
            sums.push(sum(&mut *self.end, table).await.map_err(|error| self.fault(error))?);
        }
        Ok(sums)
    }

    pub(super) async fn standing(&mut self, marker: &Marker) -> Result<Standing, TransferError> {
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

    pub(super) async fn begin(
        &mut self,
        marker: &Marker,
        emptied: bool,
    ) -> Result<(), TransferError> {
        let begun = self.end.begin(marker, emptied).await;
        begun.map_err(|error| self.fault(error))
    }

    pub(super) async fn finish(&mut self) -> Result<(), TransferError> {
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

pub(super) fn refuse_same(from: Place<'_>, to: Place<'_>) -> Result<(), TransferError> {
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

pub(super) async fn open_source(from: Place<'_>) -> Result<Named, TransferError> {
    let schema = schema(from).await?;
    if schema != Schema::Current {
        return Err(TransferError::Source(from.database.to_string(), schema));
    }
    let mut source = Named::open(from).await?;
    source.refuse_unknown_columns().await?;
    Ok(source)
}

pub(super) async fn open_target(to: Place<'_>) -> Result<(Named, Schema), TransferError> {
    if let Database::File(file) = to.database
        && !file.exists()
        && let Some(journal) = sqlite::journal_of_another(file)
    {
        return Err(TransferError::Journal(journal));
    }
    let schema = schema(to).await?;
    Ok((Named::open(to).await?, schema))
}

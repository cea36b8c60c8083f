//! PostgreSQL as one end of a transfer.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, ToSql};
use uuid::Uuid;

use super::Options;
use super::connection::{Connection, Target};
use super::fault::Fault;
use super::migrations::{SETTINGS, migrate_on};
use crate::store::StoreError;
use crate::store::transfer::tables::{MARKER, STEP_ID, TABLES, Table};
use crate::store::transfer::value::{Kind, Row, Value, unexpected};
use crate::store::transfer::{End, Marker};

/// Stands before the number of a value.
const SIGN: char = '$';
/// A program that was just killed is still connected for a moment.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Whoever else of us is connected to this database: a node, or a command.
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND application_name = 'bestow' AND pid <> pg_backend_pid()";

const COLUMNS: &str = "SELECT column_name::TEXT FROM information_schema.columns \
    WHERE table_schema = current_schema() AND table_name = $1 AND column_name <> 'issuer_id'";

type Values<'v> = Vec<Box<dyn ToSql + Sync + 'v>>;

/// One database of a server.
pub(in crate::store) struct PostgresEnd {
    connection: Connection,
}

impl PostgresEnd {
    /// Connects, with patience for statements that take long.
    pub(in crate::store) async fn open(options: &Options<'_>) -> Result<Self, StoreError> {
        let connection = Target::new(options)?.connect().await?;
        connection.client.batch_execute(SETTINGS).await.map_err(Fault::from)?;
        Ok(Self { connection })
    }

    async fn query(
        &self,
        sql: &str,
        values: &Values<'_>,
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        Ok(self.connection.client.query(sql, &borrowed(values)).await.map_err(Fault::from)?)
    }

    async fn others(&self) -> Result<i64, Fault> {
        match self.connection.client.query_one(OTHERS, &[]).await {
            Ok(row) => Ok(row.try_get(0)?),
            // An engine that only speaks PostgreSQL's language may not tell it.
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait(?Send)]
impl End for PostgresEnd {
    async fn is_in_use(&mut self) -> Result<bool, StoreError> {
        for _ in 0..LOOKS {
            if self.others().await? == 0 {
                return Ok(false);
            }
            sleep(PAUSE).await;
        }
        Ok(true)
    }

    async fn migrate(&mut self) -> Result<(), StoreError> {
        migrate_on(&mut self.connection.client).await.map(drop)
    }

    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError> {
        let rows = self.query(COLUMNS, &one(table.name)).await?;
        let names = rows.iter().map(|row| row.try_get::<_, String>(0));
        let mut names = names.collect::<Result<Vec<_>, _>>().map_err(Fault::from)?;
        names.retain(|name| !(table.has_step_id && name == STEP_ID));
        Ok(names)
    }

    async fn issuer(
        &mut self,
        table: &Table,
        after: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let sql = table.issuer_sql(SIGN, after.is_some());
        let rows = self.query(&sql, &one(after.unwrap_or_default())).await?;
        let issuer = rows.first().map(|row| row.try_get(0)).transpose();
        Ok(issuer.map_err(Fault::from)?)
    }

    async fn page(
        &mut self,
        table: &Table,
        issuer_id: &str,
        after: Option<&[Value]>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = table.page_sql(SIGN, after.is_some());
        let mut values = one(issuer_id);
        for ((_, kind), value) in table.key().iter().zip(after.unwrap_or_default()) {
            values.push(single(*kind, value)?);
        }
        let rows = self.query(&sql, &values).await?;
        rows.iter().map(|row| read(row, table.columns)).collect()
    }

    async fn last(&mut self, table: &Table, issuer_id: &str) -> Result<Option<Row>, StoreError> {
        let rows = self.query(&table.last_sql(SIGN), &one(issuer_id)).await?;
        rows.first().map(|row| read(row, table.key())).transpose()
    }

    /// One statement, and a commit of its own.
    async fn append(
        &mut self,
        table: &Table,
        issuer_id: &str,
        rows: &[Row],
    ) -> Result<(), StoreError> {
        let mut values = one(issuer_id);
        let mut arrays = Vec::new();
        for (place, (_, kind)) in table.columns.iter().enumerate() {
            let values_of_column = rows.iter().map(|row| row.get(place).unwrap_or(&Value::Null));
            values.push(array(*kind, values_of_column)?);
            arrays.push(format!("${}::{}[]", place + 2, type_of(*kind)));
        }
        let (name, columns) = (table.name, Table::names(table.columns));
        let (step_column, step_value) = if table.has_step_id {
            values.push(Box::new(Uuid::nil())); // no step of any node has this name
            (format!(", {STEP_ID}"), format!(", ${}::UUID", values.len()))
        } else {
            (String::new(), String::new())
        };
        let sql = format!(
            "INSERT INTO {name} (issuer_id, {columns}{step_column}) \
             SELECT $1::TEXT, given.*{step_value} FROM unnest({}) AS given",
            arrays.join(", ")
        );
        let written = self.connection.client.execute(&sql, &borrowed(&values)).await;
        written.map_err(Fault::from)?;
        Ok(())
    }

    async fn marker(&mut self) -> Result<Option<Marker>, StoreError> {
        let sql = format!("SELECT source, digest FROM {MARKER}");
        let found = match self.connection.client.query_opt(&sql, &[]).await {
            Ok(found) => found,
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(None),
            Err(error) => return Err(Fault::from(error).into()),
        };
        let Some(row) = found else { return Ok(None) };
        let text = |place| row.try_get::<_, String>(place).map_err(Fault::from);
        Ok(Some(Marker { source: text(0)?, digest: text(1)? }))
    }

    /// A server keeps no journal: its backups hold what was written while they were made.
    fn journal_of_another(&self) -> Option<PathBuf> {
        None
    }

    async fn begin(&mut self, marker: &Marker, emptied: bool) -> Result<(), StoreError> {
        let mut said = vec![
            format!("DROP TABLE IF EXISTS {MARKER}"),
            format!("CREATE TABLE {MARKER} (source TEXT NOT NULL, digest TEXT PRIMARY KEY)"),
        ];
        if emptied {
            said.extend(TABLES.iter().map(|table| format!("DELETE FROM {}", table.name)));
        }
        let begun = async {
            let transaction = self.connection.client.transaction().await?;
            transaction.batch_execute(&said.join("; ")).await?;
            let sql = format!("INSERT INTO {MARKER} (source, digest) VALUES ($1, $2)");
            transaction.execute(&sql, &[&marker.source, &marker.digest]).await?;
            transaction.commit().await
        };
        Ok(begun.await.map_err(Fault::from)?)
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        let dropped = self.connection.client.batch_execute(&format!("DROP TABLE {MARKER}")).await;
        Ok(dropped.map_err(Fault::from)?)
    }
}

fn one<'v>(value: impl ToSql + Sync + 'v) -> Values<'v> {
    vec![Box::new(value)]
}

fn borrowed<'v>(values: &'v Values<'_>) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

/// What the server calls the kind.
fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Integer => "BIGINT",
        Kind::Boolean => "BOOLEAN",
        Kind::Id => "UUID",
        Kind::TextAsBytes | Kind::Bytes => "BYTEA",
    }
}

fn single(kind: Kind, value: &Value) -> Result<Box<dyn ToSql + Sync + '_>, StoreError> {
    Ok(match kind {
        Kind::Text => Box::new(value.text()?),
        Kind::TextAsBytes => Box::new(value.text()?.map(str::as_bytes)),
        Kind::Integer => Box::new(value.integer()?),
        Kind::Boolean => Box::new(boolean(value)?),
        Kind::Id => Box::new(uuid(value)?),
        Kind::Bytes => Box::new(value.bytes()?),
    })
}

/// The values of one column.
fn array<'v>(
    kind: Kind,
    values: impl Iterator<Item = &'v Value>,
) -> Result<Box<dyn ToSql + Sync + 'v>, StoreError> {
    fn all<'v, T: ToSql + Sync + 'v>(
        values: impl Iterator<Item = Result<Option<T>, StoreError>>,
    ) -> Result<Box<dyn ToSql + Sync + 'v>, StoreError> {
        Ok(Box::new(values.collect::<Result<Vec<_>, _>>()?))
    }
    match kind {
        Kind::Text => all(values.map(Value::text)),
        Kind::TextAsBytes => all(values.map(|value| Ok(value.text()?.map(str::as_bytes)))),
        Kind::Integer => all(values.map(Value::integer)),
        Kind::Boolean => all(values.map(boolean)),
        Kind::Id => all(values.map(uuid)),
        Kind::Bytes => all(values.map(Value::bytes)),
    }
}

fn boolean(value: &Value) -> Result<Option<bool>, StoreError> {
    match value.integer()? {
        None => Ok(None),
        Some(0) => Ok(Some(false)),
        Some(1) => Ok(Some(true)),
        Some(_) => Err(unexpected()),
    }
}

fn uuid(value: &Value) -> Result<Option<Uuid>, StoreError> {
    value.bytes()?.map(|bytes| Uuid::from_slice(bytes).map_err(|_| unexpected())).transpose()
}

fn read(row: &tokio_postgres::Row, columns: &[(&str, Kind)]) -> Result<Row, StoreError> {
    columns.iter().enumerate().map(|(place, (_, kind))| value(row, place, *kind)).collect()
}

fn value(row: &tokio_postgres::Row, place: usize, kind: Kind) -> Result<Value, StoreError> {
    let value = match kind {
        Kind::Text => get(row, place)?.map(Value::Text),
        Kind::TextAsBytes => {
            let text = get(row, place)?.map(String::from_utf8).transpose();
            text.map_err(|_| unexpected())?.map(Value::Text)
        }
        Kind::Integer => get(row, place)?.map(Value::Integer),
        Kind::Boolean => get(row, place)?.map(|is: bool| Value::Integer(is.into())),
        Kind::Id => get(row, place)?.map(|id: Uuid| Value::Bytes(id.as_bytes().to_vec())),
        Kind::Bytes => get(row, place)?.map(Value::Bytes),
    };
    Ok(value.unwrap_or(Value::Null))
}

fn get<'r, T: FromSql<'r>>(
    row: &'r tokio_postgres::Row,
    place: usize,
) -> Result<Option<T>, StoreError> {
    Ok(row.try_get(place).map_err(Fault::from)?)
}

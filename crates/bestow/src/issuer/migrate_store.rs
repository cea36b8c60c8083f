//! `bestow issuer migrate-store`: everything from one database into another one.

use std::fmt::Write as _;
use std::path::Path;

use issuer::config::{Config, Database};
use issuer::store::transfer::{Place, Progress, TableCheck, TransferError, transfer};

use crate::cli::MigrateStoreArguments;
use crate::exit::Failure;
use crate::terminal::{print, tell};

/// A table that is long is told of after each so many rows.
const TOLD_ROWS: u64 = 100_000;

/// Moves everything, and prints what both ends hold.
pub(crate) async fn migrate_store(arguments: &MigrateStoreArguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let (from, to) = (database(&arguments.from)?, database(&arguments.to)?);
    let place = |database, password_file| place(&config, database, password_file);
    let from = place(&from, arguments.from_password_file.as_deref());
    let to = place(&to, arguments.to_password_file.as_deref());
    let moved = transfer(from, to, arguments.begin_again, &mut telling()).await;
    match moved {
        Ok(checks) => {
            print(table(&checks));
            tell(format!(
                "{} holds all that {} holds; write it into bestow.toml as `database`, and let no \
                 node serve the old one again",
                to.database, from.database
            ));
            Ok(())
        }
        Err(TransferError::Differs(checks)) => {
            print(table(&checks));
            Err(failure(TransferError::Differs(checks)))
        }
        Err(error) => Err(failure(error)),
    }
}

/// As `database` in bestow.toml takes it; a relative path begins where the command was typed.
fn database(text: &str) -> Result<Database, Failure> {
    Database::try_from(text.to_owned()).map_err(Failure::mistake)
}

fn place<'p>(
    config: &'p Config,
    database: &'p Database,
    password_file: Option<&'p Path>,
) -> Place<'p> {
    Place {
        database,
        password_file: password_file.or(config.database_password_file.as_deref()),
        ca: config.database_ca.as_deref(),
    }
}

/// Tells which table is being moved, and every now and then how far that is.
fn telling() -> impl FnMut(Progress) {
    let (mut last, mut told) = ("", 0);
    move |progress| match progress {
        Progress::Reading => tell("reading what is there"),
        Progress::Moved(table, rows) => {
            if table != last {
                (last, told) = (table, 0);
                tell(format!("moving {table}"));
            } else if rows / TOLD_ROWS > told {
                told = rows / TOLD_ROWS;
                tell(format!("moving {table}: {rows} rows"));
            }
        }
        Progress::Comparing => tell("reading both and comparing"),
    }
}

/// A line for each table: its rows, their digest, and whether both ends agree.
fn table(checks: &[TableCheck]) -> String {
    let mut lines = format!("{:<16} {:>12}  {:<64}  verdict", "table", "rows", "SHA-256");
    for check in checks {
        let TableCheck { table, source, target } = check;
        let verdict = if check.is_equal() {
            "equal".to_owned()
        } else {
            format!("DIFFERS: {} rows, {}", target.rows, target.hexadecimal())
        };
        let (rows, digest) = (source.rows, source.hexadecimal());
        // Writing to a String cannot fail.
        let _ = write!(lines, "\n{table:<16} {rows:>12}  {digest}  {verdict}");
    }
    lines
}

fn failure(error: TransferError) -> Failure {
    match &error {
        TransferError::Same
        | TransferError::Source(..)
        | TransferError::InUse(_)
        | TransferError::NotEmpty(..)
        | TransferError::Journal(_)
        | TransferError::OtherSource(..)
        | TransferError::Column(..) => Failure::mistake(error),
        TransferError::Changed(..) | TransferError::Differs(_) | TransferError::Store(..) => {
            let text = error.to_string();
            let (message, remedy) = text.split_once('\n').unwrap_or((&text, ""));
            Failure::own_fault(message).hint(remedy)
        }
    }
}

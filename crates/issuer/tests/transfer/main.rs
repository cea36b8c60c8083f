//! Everything that a database holds, moved to another one: there and back, stopped and gone on
//! with, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use issuer::config::Database;
use issuer::store::transfer::{Place, Progress, TableCheck, TransferError, transfer};
use source::filled;
use tempfile::TempDir;

mod refused;
mod source;
mod stopped;
mod whole;

/// A folder with a database that has something of everything.
struct Source {
    folder: TempDir,
    file: PathBuf,
}

impl Source {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("source.db");
        filled(&file).await;
        Self { folder, file }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn file(path: &Path) -> Database {
    Database::File(path.to_owned())
}

fn server(database: &testkit::postgres::Database<'_>) -> Database {
    Database::Postgres(database.address.clone())
}

fn place(database: &Database) -> Place<'_> {
    Place { database, password_file: None, ca: None }
}

/// One that came to its end: both ends are equal.
async fn moved(from: &Database, to: &Database) -> Vec<TableCheck> {
    let checks = transfer(place(from), place(to), false, &mut |_| {}).await.unwrap();
    assert!(checks.iter().all(TableCheck::is_equal), "{checks:?}");
    checks
}

/// One that was refused.
async fn refused(from: &Database, to: &Database) -> TransferError {
    transfer(place(from), place(to), false, &mut |_| {}).await.unwrap_err()
}

/// One that ends without a word behind its n-th commit; `false` when it came to its end before.
async fn stopped_behind(commits: usize, from: &Database, to: &Database) -> bool {
    let mut count = 0;
    let mut tell = |progress| {
        if matches!(progress, Progress::Moved(..)) {
            count += 1;
            if count == commits {
                resume_unwind(Box::new("stopped"));
            }
        }
    };
    let transfer = AssertUnwindSafe(transfer(place(from), place(to), false, &mut tell));
    match transfer.catch_unwind().await {
        Ok(ended) => {
            assert!(ended.unwrap().iter().all(TableCheck::is_equal));
            false
        }
        Err(_) => true,
    }
}

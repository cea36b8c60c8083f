//! What can be typed to move an issuer's database.

use std::path::PathBuf;

use clap::Args;

use super::ConfigFile;

pub(super) const MIGRATE_STORE_EXAMPLES: &str = "\
Examples:
  bestow issuer migrate-store bestow.db postgres://bestow@db.example/bestow
  bestow issuer migrate-store postgres://bestow@db.example/bestow bestow-2027.db
Stop every node first. A move that was stopped goes on with the same command. At its end both
databases are read back and compared; then write the new one into bestow.toml, and let no node
serve the old one again.";

#[derive(Debug, Args)]
pub(crate) struct MigrateStoreArguments {
    /// The database in use: a file of SQLite, or postgres://user@host:port/name
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// An empty one to fill, or a file that is not there yet
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    /// Empty TO first, where an earlier move has begun to fill it
    #[arg(long)]
    pub(crate) begin_again: bool,
    /// The file with FROM's password; else the one that the configuration names
    #[arg(long, value_name = "FILE")]
    pub(crate) from_password_file: Option<PathBuf>,
    /// The file with TO's password; else the one that the configuration names
    #[arg(long, value_name = "FILE")]
    pub(crate) to_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

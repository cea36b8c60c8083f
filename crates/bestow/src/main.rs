//! `bestow`: the Issuer that an organisation runs and the Wallet that a person uses.

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::exit::Failure;

mod cli;
mod demo;
mod exit;
mod issuer;
mod terminal;
mod wallet;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let as_json = cli.command.as_json();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(as_json);
            failure.kind.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    // An error means that somebody was first, and there is only one provider in this program.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::own_fault)?;
    runtime.block_on(async {
        match command {
            Command::Demo(arguments) => demo::demo(&arguments).await,
            Command::Issuer(command) => issuer::run(command).await,
            Command::Wallet(arguments) => wallet::run(arguments).await,
            Command::Completions { shell } => cli::completions(shell),
            Command::ManPages { folder } => cli::man_pages(&folder),
        }
    })
}

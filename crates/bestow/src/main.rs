//! `bestow`: the Issuer that an organisation runs and the Wallet that a person uses.

use std::process::ExitCode;

use crate::cli::Command;
use crate::exit::{Failure, Kind};

mod bench;
mod cli;
mod contexts;
mod demo;
mod derive;
mod exit;
mod inspect;
mod issuer;
mod log;
mod terminal;
mod verify;
mod wallet;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(exit_code) => return exit_code,
    };
    let as_json = cli.command.as_json();
    match run(cli.command) {
        Ok(()) if terminal::is_result_lost() => Kind::OwnFault.exit_code(),
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let exit_code = failure.kind.exit_code();
            failure.print(as_json);
            exit_code
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
            Command::Wallet(arguments) => Box::pin(wallet::run(arguments)).await,
            Command::Inspect(arguments) => inspect::inspect(&arguments),
            Command::Derive(arguments) => derive::derive(&arguments).await,
            Command::Verify(arguments) => Box::pin(verify::verify(&arguments)).await,
            // It is large, and the other commands' future would carry it along.
            Command::Bench(arguments) => Box::pin(bench::bench(&arguments)).await,
            Command::Completions { shell } => {
                cli::completions(shell);
                Ok(())
            }
            Command::ManPages { folder } => cli::man_pages(&folder),
        }
    })
}

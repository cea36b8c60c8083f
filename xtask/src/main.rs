//! `cargo xtask`: what a developer and CI run beside plain cargo.

#![expect(clippy::print_stdout, reason = "a command prints")]

mod bbs;
mod bench;
mod citation;
mod dependencies;
mod documents;
mod ha;
mod install;
mod process;
mod spec;
mod test;
mod vectors;

use std::path::Path;
use std::process::ExitCode;
use std::{env, io};

const HELP: &str = "\
Usage: cargo xtask COMMAND

  test [--no-install]  runs all checks and tests, as CI does; installs the missing Debian
                       packages first, unless --no-install is said
  spec [--check]       writes docs/SPEC-MAP.md; --check only says whether it is up to date;
                       both say which files and tests a document names that are not there
  bbs                  lints and tests what builds with the feature bbs-2023 alone have; part of
                       `test`
  vectors              runs the tests whose vectors are in published packages, which it fetches;
                       part of `test`
  deny                 checks licences, banned crates and sources of the dependencies
  advisories           asks the public advisory database about the dependencies (no gate:
                       it needs the network and changes without us)
  ha [--short] [--release] [--as-is] [--drill kill-primary|kill-node|cut-host|cut-peers|
      cut-and-crash|fill-disk|restart]
                       builds highly available clusters in network namespaces and breaks their
                       parts under load; needs root and half an hour, with --short three
                       minutes; --as-is neither installs nor builds anything
  bench [--write] [--only PART,PART] [--seconds N] [--postgres URL] [--ten-million]
                       builds the program for release and measures it, part by part: sqlite,
                       postgres, foreign, growth, other, overload, start, steps; what was
                       measured of the others before stays in the report. --write puts it
                       into docs/PERFORMANCE.md, --postgres (or the variable
                       BESTOW_BENCH_POSTGRES) names a server that is there already
  help                 prints this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match enter_root().and_then(|()| command(&arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command(arguments: &[&str]) -> io::Result<ExitCode> {
    match arguments {
        ["test"] => return Ok(test::test(true)),
        ["test", "--no-install"] => return Ok(test::test(false)),
        ["ha", rest @ ..] => {
            if let Some(done) = ha::ha(rest) {
                return done;
            }
            return Ok(unknown(arguments));
        }
        ["bench", rest @ ..] => bench::bench(rest)?,
        ["spec"] => spec::write()?,
        ["spec", "--check"] => spec::check()?,
        ["bbs"] => bbs::bbs()?,
        ["vectors"] => vectors::vectors()?,
        ["deny"] => dependencies::deny()?,
        ["advisories"] => dependencies::advisories()?,
        [] | ["help" | "--help" | "-h"] => println!("{HELP}"),
        _ => return Ok(unknown(arguments)),
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(arguments: &[&str]) -> ExitCode {
    eprintln!("error: no such command: {}\n\n{HELP}", arguments.join(" "));
    ExitCode::from(2)
}

/// Every path below is relative to the workspace, wherever the command was called. Cargo says at run time where that
/// is: two checkouts that share a target folder may share this executable too.
fn enter_root() -> io::Result<()> {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    env::set_current_dir(Path::new(&here).join(".."))
}

//! `cargo xtask ha`: a highly available issuer on this machine, and what happens when a part fails.
//!
//! | Stage | What it does |
//! |---|---|
//! | front | installs, builds, and waits; whatever ends it ends everything |
//! | `keep` | owns the folder and the time limit, starts the next stage in namespaces of its own |
//! | `bury` | process 1 in there: takes leave of the processes whose parents were killed |
//! | `inside` | builds clusters and runs the drills |
//!
//! No process, interface or mount of it is in any other namespace than its own, so the kernel
//! removes all of them together.

mod cluster;
mod database;
mod drill;
mod host;
mod keeper;
mod load;
mod node;
mod patroni;
mod plan;
mod report;
mod service;
mod wait;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::{env, process};

use crate::install;
use crate::process::{cargo, output, program, run};

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
struct Options {
    /// One cluster and the two first drills.
    short: bool,
    /// The optimised program, built as users have it.
    release: bool,
    /// Neither installs nor builds.
    as_is: bool,
    /// This one alone.
    drill: Option<drill::Drill>,
}

impl Options {
    fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--short" => options.short = true,
                "--release" => options.release = true,
                "--as-is" => options.as_is = true,
                "--drill" => options.drill = Some(drill::Drill::parse(arguments.next()?)?),
                _ => return None,
            }
        }
        Some(options)
    }

    /// Where cargo puts the programs.
    fn built(&self) -> io::Result<PathBuf> {
        let folder = if self.release { "release" } else { "debug" };
        Ok(env::current_dir()?.join("target").join(folder))
    }
}

/// Runs the stage that the arguments name; `None` when they name nothing.
pub(crate) fn ha(arguments: &[&str]) -> Option<io::Result<ExitCode>> {
    match arguments {
        ["keep", rest @ ..] => Some(keeper::keep(rest)),
        ["bury", rest @ ..] => Some(keeper::bury(rest)),
        ["inside", folder, rest @ ..] => {
            let options = Options::parse(rest)?;
            Some(plan::run(folder.as_ref(), &options))
        }
        _ => {
            let options = Options::parse(arguments)?;
            Some(front(arguments, &options))
        }
    }
}

fn front(arguments: &[&str], options: &Options) -> io::Result<ExitCode> {
    if output(&mut program("id", &["-u"]))?.trim() != "0" {
        let text = "this makes network namespaces: run it as root, on a machine where that is fine";
        return Err(io::Error::other(text));
    }
    if !options.as_is {
        install::cluster_packages()?;
        let line = ["build", "--workspace", "--locked", "--bin", "bestow", "--example", "ha_load"];
        let release: &[&str] = if options.release { &["--release"] } else { &[] };
        run(cargo(&line).args(release))?;
    }
    // Inside there is no way out.
    install::patroni()?;
    if io::stdout().is_terminal() {
        println!("Ctrl-C ends it at any time; nothing stays behind.");
    }
    let mut keeper = program(env::current_exe()?, &["ha", "keep"]);
    let mut keeper = keeper.args(arguments).stdin(Stdio::piped()).spawn_in_own_group()?;
    // Its input is open as long as we live, however we end.
    let input = keeper.stdin.take();
    let status = keeper.wait()?;
    drop(input);
    Ok(ExitCode::from(status.code().and_then(|code| code.try_into().ok()).unwrap_or(1)))
}

/// A process that Ctrl-C does not reach, so that it can clean up.
trait OwnGroup {
    fn spawn_in_own_group(&mut self) -> io::Result<process::Child>;
}

impl OwnGroup for process::Command {
    fn spawn_in_own_group(&mut self) -> io::Result<process::Child> {
        use std::os::unix::process::CommandExt as _;
        self.process_group(0).spawn()
    }
}

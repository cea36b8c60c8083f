//! Other programs: how they are found and called.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

/// The cargo that started us, so that a chosen toolchain stays chosen.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// A program with its arguments.
pub(crate) fn program(name: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments);
    command
}

/// Shows the command line, runs it, and fails when the program does.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().map_err(|error| cannot_start(&line, &error))?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("`{line}`: {status}"))) }
}

/// Runs the command in silence and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> io::Result<String> {
    let line = line(command);
    let output = command.output().map_err(|error| cannot_start(&line, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let told = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("`{line}`: {}\n{told}", output.status)))
    }
}

/// Looks a program up in `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// `PATH` with one folder put before all others.
pub(crate) fn path_from(first: &Path) -> io::Result<std::ffi::OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(env::split_paths(&rest));
    env::join_paths(folders).map_err(io::Error::other)
}

fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn cannot_start(line: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{line}` could not be started: {error}"))
}

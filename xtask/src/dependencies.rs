//! What we depend on: licences, banned crates, sources, advisories (the rules are in deny.toml).

use std::io;

use crate::install::cargo_deny;
use crate::process::{program, run};

/// The checks whose answer changes with us only; part of `cargo xtask test`.
pub(crate) fn deny() -> io::Result<()> {
    run(&mut program(cargo_deny()?, &["--locked", "check", "licenses", "bans", "sources"]))
}

/// Fetches the public advisory database: a command of its own, as its answer changes without us.
pub(crate) fn advisories() -> io::Result<()> {
    run(&mut program(cargo_deny()?, &["--locked", "check", "advisories"]))
}

//! `cargo xtask bbs`: what only builds with the feature `bbs-2023` have (docs/adr/0019-bbs.md). Built are
//! the crates that know the feature, and of their tests those that it concerns.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::install;
use crate::process::{cargo, run};

/// Always all of them: another choice would have other features, and build each once more.
const PACKAGES: [&str; 6] =
    ["bestow-keys", "bestow-formats", "bestow-issuer", "bestow-wallet", "bestow-testkit", "bestow"];
const TESTS: [&str; 6] =
    ["bbs", "did", "unlinkable_disclosure", "selective_disclosure", "linked_data", "unlinkable"];

/// Lints, tests, and has verifiers that we did not write look at what such a program makes.
pub(crate) fn bbs() -> io::Result<()> {
    run(with_feature("clippy").arg("--all-targets").args(["--", "-D", "warnings"]))?;
    run(with_feature("test").args(TESTS.iter().flat_map(|test| ["--test", test])))?;
    run(with_feature("test").args(["--test", "cli", "derive"]))?; // which builds the program, too
    let project = Path::new("interop");
    install::node_modules(project)?;
    let mut node = install::node("node", &["--test", "--test-reporter=spec", "bbs-2023.mjs"])?;
    run(node.current_dir(project).env("BESTOW_BIN", set_aside()?))
}

fn with_feature(command: &str) -> std::process::Command {
    let mut cargo = cargo(&[command, "--locked"]);
    cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    cargo.args(["--features", "bestow/bbs-2023,bestow-testkit/bbs-2023"]);
    cargo
}

/// Where the program was built, one without the feature will be, and is looked for.
fn set_aside() -> io::Result<PathBuf> {
    let built = env::current_exe()?.with_file_name("bestow");
    let folder = env::current_dir()?.join("target").join("tools").join("bbs-2023");
    fs::create_dir_all(&folder)?;
    let aside = folder.join("bestow");
    fs::copy(built, &aside)?;
    Ok(aside)
}

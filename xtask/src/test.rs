//! `cargo xtask test`: every check that CI makes, the quick ones first.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, io};

use crate::process::{cargo, program, run};
use crate::{bbs, dependencies, install, spec, vectors};

struct Stage {
    title: &'static str,
    run: fn() -> io::Result<()>,
}

const STAGES: [Stage; 11] = [
    Stage { title: "format", run: format },
    Stage { title: "spec map", run: spec::check },
    Stage { title: "dependencies", run: dependencies::deny },
    Stage { title: "clippy", run: clippy },
    Stage { title: "documentation", run: documentation },
    Stage { title: "rust tests", run: rust_tests },
    Stage { title: "vectors", run: vectors::vectors },
    Stage { title: "bbs-2023", run: bbs::bbs },
    Stage { title: "binary", run: binary },
    Stage { title: "node tests", run: node_tests },
    Stage { title: "demo", run: demo },
];

/// Folders with a `package.json`: wallets and an issuer that we did not write; the pages in a
/// browser.
const NODE_PROJECTS: [&str; 2] = ["interop", "browser"];

/// Runs the stages up to the first one that fails, and says last how many passed.
pub(crate) fn test(may_install: bool) -> ExitCode {
    let begun = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    let packages = Stage { title: "packages", run: install::packages };
    for stage in may_install.then_some(packages).into_iter().chain(STAGES) {
        if stage.passes() {
            passed += 1;
        } else {
            failed += 1;
            break;
        }
    }
    println!("\n==== all stages: {:.1} s", begun.elapsed().as_secs_f32());
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Stage {
    fn passes(&self) -> bool {
        let Self { title, run } = self;
        println!("\n==== {title}");
        let begun = Instant::now();
        let result = run();
        let seconds = begun.elapsed().as_secs_f32();
        match &result {
            Ok(()) => println!("---- {title}: passed in {seconds:.1} s"),
            Err(error) => println!("---- {title}: FAILED in {seconds:.1} s: {error}"),
        }
        result.is_ok()
    }
}

fn format() -> io::Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> io::Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run(&mut cargo(&arguments))
}

/// A link in a doc comment that leads nowhere is an error by the workspace's lints.
fn documentation() -> io::Result<()> {
    run(&mut cargo(&["doc", "--workspace", "--no-deps", "--locked"]))
}

fn rust_tests() -> io::Result<()> {
    run(&mut cargo(&["test", "--workspace", "--locked"]))
}

/// The stages after this one call the program as a user does.
fn binary() -> io::Result<()> {
    // The whole workspace, as the tests built it: alone, the binary's dependencies have fewer
    // features, and all of them would be built again.
    run(&mut cargo(&["build", "--workspace", "--locked"]))
}

fn node_tests() -> io::Result<()> {
    for project in NODE_PROJECTS.map(Path::new).into_iter().filter(|project| project.exists()) {
        install::node_modules(project)?;
        let mut node = install::node("node", &["--test", "--test-reporter=spec"])?;
        node.current_dir(project).env("BESTOW_BIN", bestow()?);
        if project.join("requirements.txt").exists() {
            node.env("BESTOW_PYTHON", "python3")
                .env("PYTHONPATH", install::python_packages(project)?);
        }
        run(&mut node)?;
    }
    Ok(())
}

/// The first thing that a new user does.
fn demo() -> io::Result<()> {
    run(&mut program(bestow()?, &["demo", "--once"]))?;
    for draft in ["8", "13"] {
        run(&mut program(bestow()?, &["demo", "--once", "--draft", draft]))?;
    }
    run(&mut program(bestow()?, &["demo", "--once", "--all-formats"]))
}

/// Cargo puts the debug binary beside this one.
fn bestow() -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name("bestow"))
}

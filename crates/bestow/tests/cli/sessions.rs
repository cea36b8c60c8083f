//! Recorded sessions: what was typed and what came back, in `tests/cmd`.
//!
//! A session runs in a folder of its own; those of `tests/cmd/serving` find an issuer that serves,
//! and its authority as `ca.pem`. `TRYCMD=overwrite cargo test -p bestow` records them anew.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use trycmd::TestCases;

use crate::world::World;

#[test]
fn sessions_go_as_recorded() {
    let sessions = Sessions::copy("tests/cmd");
    sessions.run("issuer/bestow.toml");
}

#[test]
fn sessions_with_an_issuer_that_serves_go_as_recorded() {
    let world = World::serving();
    let sessions = Sessions::copy("tests/cmd/serving");
    for folder in sessions.folders() {
        fs::copy(world.path("issuer/tls/ca.pem"), folder.join("ca.pem")).unwrap();
    }
    let config = world.path("issuer/bestow.toml").display().to_string();
    sessions.run(&config);
}

/// Copies of sessions, so that what they write does not stay.
struct Sessions {
    from: PathBuf,
    copies: TempDir,
}

impl Sessions {
    fn copy(from: &str) -> Self {
        let sessions = Self { from: from.into(), copies: TempDir::new().unwrap() };
        for file in sessions.recorded() {
            fs::copy(&file, sessions.copies.path().join(file.file_name().unwrap())).unwrap();
            let folder = sessions.folder_of(&file);
            fs::create_dir(&folder).unwrap();
            let needed = file.with_extension("in");
            for needed in needed.read_dir().into_iter().flatten() {
                let needed = needed.unwrap().path();
                fs::copy(&needed, folder.join(needed.file_name().unwrap())).unwrap();
            }
        }
        sessions
    }

    fn recorded(&self) -> Vec<PathBuf> {
        let entries = self.from.read_dir().unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "trycmd")).collect()
    }

    /// Where the session runs.
    fn folder_of(&self, session: &Path) -> PathBuf {
        self.copies.path().join(session.file_name().unwrap()).with_extension("in")
    }

    fn folders(&self) -> Vec<PathBuf> {
        self.recorded().iter().map(|session| self.folder_of(session)).collect()
    }

    fn run(&self, config: &str) {
        let cases = TestCases::new();
        cases.register_bin("bestow", Path::new(env!("CARGO_BIN_EXE_bestow")));
        cases.env("BESTOW_WALLET", "wallet").case(self.copies.path().join("*.trycmd"));
        cases.env("BESTOW_CONFIG", config).run();
        if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
            for file in self.recorded() {
                fs::copy(self.copies.path().join(file.file_name().unwrap()), &file).unwrap();
            }
        }
    }
}

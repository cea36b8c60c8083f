//! What the tests need beside cargo: found, or installed.
//!
//! Only [`packages`] changes the machine; everything else stays inside this folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use crate::process::{cargo, find, output, path_from, program, run};

/// A package of Debian, and the program by which we know that it is there.
struct Package {
    name: &'static str,
    program: &'static str,
    why: &'static str,
}

/// A C compiler is not in the list: without one this program would not have been built.
const PACKAGES: [Package; 7] = [
    Package { name: "chromium", program: "chromium", why: "shows the pages to the tests" },
    Package { name: "poppler-utils", program: "pdftotext", why: "reads the printed letter" },
    // Debian keeps the server's own programs out of the path; this one comes with them.
    Package { name: "postgresql", program: "pg_ctlcluster", why: "is the store of large issuers" },
    Package { name: "softhsm2", program: "softhsm2-util", why: "stands for a key in hardware" },
    Package { name: "nodejs", program: "node", why: "runs the wallets that we did not write" },
    Package { name: "npm", program: "npm", why: "installs those wallets" },
    Package {
        name: "python3-pip",
        program: "pip3",
        why: "installs verifiers that we did not write",
    },
];

/// What a highly available cluster is built of.
const CLUSTER: [Package; 6] = [
    Package { name: "postgresql", program: "pg_ctlcluster", why: "is the database" },
    Package { name: "patroni", program: "patroni", why: "chooses the primary database" },
    Package { name: "etcd-server", program: "etcd", why: "keeps what Patroni agreed on" },
    Package { name: "haproxy", program: "haproxy", why: "leads to the primary database" },
    Package { name: "iproute2", program: "ip", why: "makes hosts on this machine" },
    Package { name: "python3-pip", program: "pip3", why: "installs a newer Patroni" },
];

/// The foreign wallets need this version or a later one.
const NODE_MAJOR_MIN: u32 = 20;
/// Comes from the npm package `node` where the machine's own is older.
const NODE_VERSION: &str = "22.23.3";
/// Debian's, which is older, loses a race that this one does not (see docs/SIZING.md).
const PATRONI_VERSION: &str = "4.1.5";
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Nothing else in the tests needs root.
pub(crate) fn packages() -> io::Result<()> {
    install(&PACKAGES)
}

/// For `cargo xtask ha`. Debian starts some of these as services; the drills use their own.
pub(crate) fn cluster_packages() -> io::Result<()> {
    install(&CLUSTER)
}

/// Says first what apt would install, then does it.
fn install(packages: &[Package]) -> io::Result<()> {
    let names = name_missing(packages);
    if names.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() {
        let text = "there is no apt here: install these programs, then use --no-install";
        return Err(io::Error::other(text));
    }
    run(&mut as_root(&["apt-get", "update", "--quiet"])?)?;
    println!("apt would install:");
    for package in would_install(&names)? {
        println!("  {package}");
    }
    run(as_root(&["apt-get", "install", "--yes", "--no-install-recommends"])?.args(&names))
}

/// Prints which programs are missing, and returns the packages that bring them.
fn name_missing(packages: &[Package]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for Package { name, program, why } in packages {
        if find(program).is_none() {
            println!("{program} is missing; it {why} (package {name})");
            names.push(*name);
        }
    }
    names
}

/// The packages of the simulated installation, with everything that they need.
fn would_install(names: &[&str]) -> io::Result<Vec<String>> {
    let arguments = ["install", "--simulate", "--no-install-recommends"];
    let told = output(program("apt-get", &arguments).args(names))?;
    Ok(told.lines().filter_map(|line| line.strip_prefix("Inst ")).map(str::to_owned).collect())
}

fn as_root(line: &[&str]) -> io::Result<Command> {
    let is_root = output(&mut program("id", &["-u"]))?.trim() == "0";
    // `env` lets apt ask nothing, also behind `sudo`, which drops variables.
    let sudo: &[&str] = if is_root { &[] } else { &["sudo"] };
    let words = [sudo, &["env", "DEBIAN_FRONTEND=noninteractive"], line].concat();
    let (name, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(program(name, arguments))
}

/// A command that finds a recent enough `node` first, whatever the machine has.
pub(crate) fn node(name: &str, arguments: &[&str]) -> io::Result<Command> {
    let mut command = program(name, arguments);
    if !find("node").is_some_and(|node| is_recent(&node)) {
        command.env("PATH", path_from(&own_node()?)?);
    }
    Ok(command)
}

fn is_recent(node: &Path) -> bool {
    let version = output(&mut program(node, &["--version"])).unwrap_or_default();
    major(&version).is_some_and(|major| major >= NODE_MAJOR_MIN)
}

/// `v20.20.2` is 20.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The folder of a `node` of our own.
fn own_node() -> io::Result<PathBuf> {
    let folder = tool_folder("node", NODE_VERSION)?;
    let programs = folder.join("node_modules").join("node").join("bin");
    if !programs.join("node").exists() {
        fs::create_dir_all(&folder)?;
        let package = format!("node@{NODE_VERSION}");
        let arguments = ["install", "--no-audit", "--no-fund", "--prefix", ".", &package];
        run(program("npm", &arguments).current_dir(&folder))?;
    }
    Ok(programs)
}

/// Installs what a project's lock file names, unless that was done since the lock file changed.
pub(crate) fn node_modules(project: &Path) -> io::Result<()> {
    let changed = |file: &str| fs::metadata(project.join(file))?.modified();
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_ok_and(|then| changed("package-lock.json").is_ok_and(|lock| lock <= then)) {
        return Ok(());
    }
    run(node("npm", &["ci", "--no-audit", "--no-fund"])?.current_dir(project))
}

/// The folder of the verifiers from the Python Package Index that a project's list names, installed anew
/// when it changed.
pub(crate) fn python_packages(project: &Path) -> io::Result<PathBuf> {
    let list = project.join("requirements.txt");
    let wanted = fs::read(&list)?;
    let folder = tool_folder("python", "packages")?;
    let installed = folder.join("requirements.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?; // half an installation, or another one
    }
    // The list is whole, so that nothing comes that it does not name.
    let arguments =
        ["-m", "pip", "install", "--quiet", "--no-deps", "--root-user-action", "ignore"];
    let mut install = program("python3", &arguments);
    run(install.arg("--target").arg(&folder).arg("--requirement").arg(&list))?;
    fs::write(installed, wanted)?;
    Ok(folder)
}

/// The path of cargo-deny, which is built once for a `target` folder.
pub(crate) fn cargo_deny() -> io::Result<PathBuf> {
    let folder = tool_folder("cargo-deny", CARGO_DENY_VERSION)?;
    let path = folder.join("bin").join("cargo-deny");
    if !path.exists() {
        let package = format!("cargo-deny@{CARGO_DENY_VERSION}");
        // Unoptimised it is built in half the time, and it runs for seconds only.
        run(cargo(&["install", "--locked", "--debug", &package, "--root"]).arg(&folder))?;
    }
    Ok(path)
}

/// The folder of a newer Patroni; what it is built on comes with Debian's.
pub(crate) fn patroni() -> io::Result<PathBuf> {
    let folder = tool_folder("patroni", PATRONI_VERSION)?;
    if !folder.join("patroni").exists() {
        let package = format!("patroni=={PATRONI_VERSION}");
        let arguments = ["install", "--quiet", "--no-deps", "--root-user-action", "ignore"];
        run(program("pip3", &arguments).arg("--target").arg(&folder).arg(package))?;
    }
    Ok(folder)
}

fn tool_folder(name: &str, version: &str) -> io::Result<PathBuf> {
    Ok(env::current_dir()?.join("target").join("tools").join(format!("{name}-{version}")))
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v9.1.0"), Some(9));
        assert_eq!(major(""), None);
    }
}

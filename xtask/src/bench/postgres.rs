//! A PostgreSQL server of our own, from Debian's package, for as long as it is measured.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use crate::process::{output, program};

/// Where Debian puts the versions.
const VERSIONS: &str = "/usr/lib/postgresql";
/// How long the start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; it ends, and its data go, when this is dropped.
pub(super) struct Postgres {
    programs: PathBuf,
    data: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it; `None` where the programs are not installed.
    pub(super) fn start() -> io::Result<Option<Self>> {
        let Some(programs) = programs() else {
            println!("PostgreSQL is not installed: it is left out (package postgresql)");
            return Ok(None);
        };
        // A server of another user must be able to enter: the temporary folder of the machine.
        let data = env::temp_dir().join(format!("bestow-bench-postgres-{}", process::id()));
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let server = Self { programs, data, port };
        server.make()?;
        server.serve()?;
        Ok(Some(server))
    }

    /// What the issuer is told.
    pub(super) fn url(&self) -> String {
        format!("postgres://bestow@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    fn make(&self) -> io::Result<()> {
        let arguments = ["--auth=trust", "--username=bestow", "--encoding=UTF8", "--no-locale"];
        output(self.command("initdb").args(arguments).arg("--pgdata").arg(&self.data))?;
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\n\
             fsync = on\nsynchronous_commit = on\n",
            self.port
        );
        fs::write(self.data.join("postgresql.auto.conf"), settings)
    }

    fn serve(&self) -> io::Result<()> {
        let log = self.data.join("log");
        let arguments = ["start", "--silent", "--wait", "--log"];
        output(self.command("pg_ctl").args(arguments).arg(log).arg("--pgdata").arg(&self.data))?;
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("PostgreSQL did not start"));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// PostgreSQL refuses to run as root, so root calls it as the user of the package.
    fn command(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let is_root = output(&mut program("id", &["-u"])).is_ok_and(|id| id.trim() == "0");
        if !is_root {
            return Command::new(path);
        }
        let mut command = program("runuser", &["-u", "postgres", "--"]);
        command.arg(path).current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let arguments = ["stop", "--silent", "--mode=immediate", "--pgdata"];
        // What is left behind is named by the next line, if anything is.
        let stopped = output(self.command("pg_ctl").args(arguments).arg(&self.data));
        if stopped.is_err() || fs::remove_dir_all(&self.data).is_err() {
            eprintln!("{} could not be cleaned up", self.data.display());
        }
    }
}

/// The programs of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter(|path| path.join("bin/initdb").exists()).max_by_key(number)?;
    Some(newest.join("bin"))
}

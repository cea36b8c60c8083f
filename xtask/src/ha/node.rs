//! A node: Bestow, and beside it an HAProxy that leads to the primary.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::cluster::Programs;
use super::host::Host;
use super::patroni::{PASSWORD, POSTGRESQL, REST};
use super::service::Service;
use super::wait::{listens, until, until_done};
use crate::process::{output, program};

/// What wallets are told. Its certificate is made with it.
pub(super) const URL: &str = "https://issuer.test:8443";
const PUBLIC: u16 = 8443;
/// Where HAProxy listens, for its own host only.
const HAPROXY: u16 = 5000;
/// How long a node may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// Makes the issuer that all nodes serve: the same keys, settings and credential types.
pub(super) fn init(bestow: &Path, folder: &Path) -> io::Result<()> {
    output(program(bestow, &["issuer", "init", "--url", URL]).arg(folder))?;
    fs::write(folder.join("bestow.toml"), settings())?;
    let password = folder.join("database-password");
    fs::write(&password, PASSWORD)?;
    fs::set_permissions(password, fs::Permissions::from_mode(0o600))?;
    // The offers of a run are good until it is over.
    let file = folder.join("credentials").join("student_card.toml");
    let written = fs::read_to_string(&file)?;
    fs::write(file, written.replace("offer_seconds = 600", "offer_seconds = 3600"))
}

fn settings() -> String {
    format!(
        "\
url = \"{URL}\"
database = \"postgres://bestow@127.0.0.1:{HAPROXY}/bestow\"
database_password_file = \"database-password\"
[server]
listen = \"0.0.0.0:{PUBLIC}\"
failures_per_minute = 1000000
[admin]
listen = \"0.0.0.0:{}\"
certificate = \"tls/cert.pem\"
private_key = \"tls/key.pem\"
[offer]
expires_in_max = 86400
",
        PUBLIC + 1
    )
}

/// One of several.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) host: Host,
    haproxy: Service,
    bestow: Service,
}

impl Node {
    /// Writes what it needs.
    pub(super) fn new(
        host: Host,
        folder: &Path,
        issuer: &Path,
        bestow: &Path,
        databases: &[Host],
    ) -> io::Result<Self> {
        let file = folder.join(format!("{}.haproxy.cfg", host.name));
        fs::write(&file, haproxy(databases))?;
        let log = |name: &str| folder.join(format!("{}.{name}.log", host.name));
        let line = ["haproxy", "-db", "-f", &file.display().to_string()];
        let haproxy = Service::new(&host, &log("haproxy"), &line);
        let config = issuer.join("bestow.toml").display().to_string();
        let bestow = bestow.display().to_string();
        let line = [&bestow, "issuer", "serve", "--config", &config];
        let bestow = Service::new(&host, &log("bestow"), &line);
        Ok(Self { host, haproxy, bestow })
    }

    /// Starts HAProxy.
    pub(super) fn lead_to_primary(&mut self) -> io::Result<()> {
        self.haproxy.start()
    }

    /// Makes the tables, once HAProxy knows the way.
    pub(super) fn make_tables(&self, programs: &Programs, issuer: &Path) -> io::Result<()> {
        let config = issuer.join("bestow.toml").display().to_string();
        let bestow = programs.bestow.display().to_string();
        let line = [&bestow, "issuer", "migrate", "--config", &config];
        until_done(START_MAX, || output(&mut self.host.program(&line)).map(drop))
    }

    /// Starts Bestow.
    pub(super) fn start(&mut self) -> io::Result<()> {
        self.bestow.start()
    }

    /// Waits until Bestow listens.
    pub(super) fn until_ready(&mut self) -> io::Result<Duration> {
        let what = format!("{} listens", self.host.name);
        until(&what, START_MAX, || {
            if self.bestow.has_ended() {
                // It may have come before its database.
                self.bestow.start().ok();
            }
            listens(&self.host.address, PUBLIC)
        })
    }

    /// SIGKILL to Bestow.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.bestow.kill()
    }

    /// SIGTERM to Bestow, which finishes what it does.
    pub(super) fn terminate(&mut self) -> io::Result<Duration> {
        self.bestow.terminate()
    }

    /// Bestow comes back.
    pub(super) fn revive(&mut self) -> io::Result<Duration> {
        self.bestow.start()?;
        self.until_ready()
    }

    /// Takes the host away.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        self.host.remove()?;
        self.bestow.kill()?;
        self.haproxy.kill()
    }
}

/// Patroni knows who is primary; a connection to a server that is it no longer is cut.
fn haproxy(databases: &[Host]) -> String {
    let server = |Host { name, address }: &Host| {
        format!("  server {name} {address}:{POSTGRESQL} check port {REST}\n")
    };
    let servers: String = databases.iter().map(server).collect();
    format!(
        "\
global
  maxconn 1000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 1s
listen postgresql
  bind 127.0.0.1:{HAPROXY}
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 1s fastinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}"
    )
}

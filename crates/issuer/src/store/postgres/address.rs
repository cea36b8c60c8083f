//! `postgres://user@host:port/name?sslmode=…`, without a password.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// How long one host may take to accept a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// How long sent bytes may stay unconfirmed: a host that has vanished sends no farewell.
const UNCONFIRMED_TIME_MAX: Duration = Duration::from_secs(5);
/// Where a server listens unless the address says it.
const PORT: u16 = 5432;
/// Where a password stands instead.
const PASSWORD_REMEDY: &str = "put it alone into a file that only the issuer can read (chmod 600), \
    and name that file in database_password_file";

/// The address of a PostgreSQL server, or of several of which one takes writes.
#[derive(Clone)]
pub struct Address {
    /// As the operator wrote it; there is no secret in it.
    text: String,
    /// One for each host, in the order in which they are tried.
    hosts: Vec<Config>,
    is_local: bool,
    is_verified: bool,
}

impl Address {
    /// Reads an address; the error says what is wrong, and on a second line what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, parameters) = text.split_once('?').unwrap_or((text, ""));
        let (sslmode, sockets) = parameters_of(parameters)?;
        let mut plain = address.to_owned();
        for (place, socket) in sockets.iter().enumerate() {
            plain.push_str(if place == 0 { "?host=" } else { "&host=" });
            plain.push_str(socket);
        }
        let config: Config = plain.parse().map_err(|_| unreadable())?; // its text may hold secrets
        if config.get_password().is_some() {
            return Err(format!("there is a password in this address\n{PASSWORD_REMEDY}"));
        }
        if config.get_user().is_none() || config.get_dbname().is_none() {
            return Err(unreadable());
        }
        if config.get_hosts().is_empty() {
            return Err(unreadable());
        }
        let is_local = config.get_hosts().iter().all(is_local);
        let is_verified = match sslmode {
            Some("verify-full") => true,
            Some("disable") => false,
            None => !is_local,
            Some(other) => {
                return Err(format!(
                    "`sslmode={}` is not offered\nwrite verify-full, which checks certificate and \
                     name, or disable, for a connection that nobody can listen to",
                    other.escape_debug()
                ));
            }
        };
        let hosts = config.get_hosts().iter().enumerate();
        let hosts = hosts.map(|(place, host)| one(&config, place, host, is_verified)).collect();
        Ok(Self { text: text.to_owned(), hosts, is_local, is_verified })
    }

    /// What it takes to connect to each host, but for the password.
    pub(super) fn hosts(&self) -> &[Config] {
        &self.hosts
    }

    /// Whether everything that goes there can be read on the way.
    #[must_use]
    pub const fn is_open_to_listeners(&self) -> bool {
        !self.is_verified && !self.is_local
    }
}

/// What stands behind the `?`: `sslmode`, and `host` for the folder of a Unix socket.
fn parameters_of(text: &str) -> Result<(Option<&str>, Vec<&str>), String> {
    let (mut sslmode, mut sockets) = (None, Vec::new());
    for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => sslmode = Some(value),
            Some(("host", value)) => sockets.push(value),
            Some(("password", _)) => {
                return Err(format!("there is a password in this address\n{PASSWORD_REMEDY}"));
            }
            _ => {
                return Err(
                    "something behind the ? is not known\nonly sslmode and host may stand \
                     there; the rest is the issuer's own business"
                        .to_owned(),
                );
            }
        }
    }
    Ok((sslmode, sockets))
}

/// One of the hosts, which must take writes: behind an address there may be standby servers too.
fn one(all: &Config, place: usize, host: &Host, is_verified: bool) -> Config {
    let port = all.get_ports().get(place).or(all.get_ports().first());
    let mut config = Config::new();
    match host {
        Host::Tcp(name) => config.host(name),
        #[cfg(unix)]
        Host::Unix(folder) => config.host_path(folder),
    };
    config
        .port(port.copied().unwrap_or(PORT))
        .user(all.get_user().unwrap_or_default())
        .dbname(all.get_dbname().unwrap_or_default())
        .ssl_mode(if is_verified { SslMode::Require } else { SslMode::Disable })
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .application_name("bestow")
        .connect_timeout(CONNECT_TIME_MAX)
        .keepalives_idle(UNCONFIRMED_TIME_MAX)
        .tcp_user_timeout(UNCONFIRMED_TIME_MAX);
    config
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn unreadable() -> String {
    "this is no address of a PostgreSQL server\nwrite user, host and database, like \
     \"postgres://bestow@db.example:5432/bestow\""
        .to_owned()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

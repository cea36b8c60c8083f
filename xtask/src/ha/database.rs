//! A database host: PostgreSQL under Patroni, and a member of etcd beside it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

use super::host::Host;
use super::patroni::{Member, PASSWORD, POSTGRESQL, REST};
use super::service::Service;
use super::wait::is_ok;
use crate::process::{output, program};

/// The ports of etcd: for those who ask, and among its members.
const ETCD: u16 = 2379;
const ETCD_PEERS: u16 = 2380;
/// Debian's user.
const USER: &str = "postgres";
/// The size of a disk that is going to be full.
const SMALL_DISK: &str = "size=500m";
/// A disk is filled with pieces of this size, and then with smaller ones.
const PIECES: [usize; 3] = [1 << 20, 1 << 16, 1 << 12];

/// Where the data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    /// That of the machine.
    Shared,
    /// One of its own, small enough to be filled.
    Small,
}

/// One of several.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) host: Host,
    folder: PathBuf,
    etcd: Service,
    patroni: Service,
}

impl Database {
    /// Writes what it needs; `template` is of another host.
    pub(super) fn new(
        host: Host,
        folder: PathBuf,
        disk: Disk,
        patroni: &[String],
        (hosts, template): (&[Host], Member<'_>),
    ) -> io::Result<Self> {
        let place = folder.display().to_string();
        output(&mut program("install", &["-d", "-m", "0700", "-o", USER, "-g", USER, &place]))?;
        if disk == Disk::Small {
            output(&mut program("mount", &["-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", &place]))?;
            output(&mut program("chown", &[USER, &place]))?;
        }
        let member =
            Member { name: &host.name, address: &host.address, folder: &folder, ..template };
        let file = folder.join("patroni.yml");
        fs::write(&file, member.yaml())?;
        output(program("chown", &[USER]).arg(&file))?;
        // Apart from the disk that may be full: the two would be on disks of their own.
        let aside = folder.with_extension("etcd");
        let mut line = vec!["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"];
        let file = file.display().to_string();
        line.extend(patroni.iter().map(String::as_str));
        line.push(&file);
        let patroni = Service::new(&host, &folder.with_extension("patroni.log"), &line);
        let line = etcd(&host, hosts, &aside);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let etcd = Service::new(&host, &folder.with_extension("etcd.log"), &line);
        Ok(Self { host, folder, etcd, patroni })
    }

    /// Where etcd answers on a host.
    pub(super) fn etcd_address(host: &Host) -> String {
        format!("{}:{ETCD}", host.address)
    }

    /// Starts etcd and Patroni, which starts PostgreSQL.
    pub(super) fn start(&mut self) -> io::Result<()> {
        self.etcd.start()?;
        self.patroni.start()
    }

    /// PostgreSQL and Patroni die in the middle of what they do; etcd lives on.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.host.kill_all(self.etcd.id())?;
        self.patroni.kill()
    }

    /// Patroni comes back after [`Self::kill`].
    pub(super) fn revive(&mut self) -> io::Result<()> {
        self.patroni.start()
    }

    /// Whether Patroni says that it is `primary`, `replica`, `sync`.
    pub(super) fn is(&self, what: &str) -> bool {
        is_ok(&self.host.address, REST, &format!("/{what}"))
    }

    /// Runs a statement as its administrator.
    pub(super) fn sql(&self, statement: &str) -> io::Result<String> {
        let port = POSTGRESQL.to_string();
        let line = ["-h", &self.host.address, "-p", &port, "-U", USER, "-Atqc", statement];
        output(program("psql", &line).env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "3"))
    }

    /// One process of PostgreSQL dies, as when memory is short. The server starts again by itself,
    /// and then shows what it had written for itself, whether or not a standby had it.
    pub(super) fn crash(&self) -> io::Result<()> {
        let one = "SELECT pid FROM pg_stat_activity WHERE usename = 'bestow' LIMIT 1";
        let id = self.sql(one)?.trim().parse().map_err(io::Error::other)?;
        let id = Pid::from_raw(id).ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(id, Signal::KILL)?)
    }

    /// Leaves not a byte free on its disk.
    pub(super) fn fill(&self) -> io::Result<()> {
        let mut file = fs::File::create(self.ballast())?;
        for piece in PIECES {
            while file.write_all(&vec![0; piece]).is_ok() {}
        }
        Ok(())
    }

    /// The other way round.
    pub(super) fn empty(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Takes the host away.
    pub(super) fn remove(&mut self, disk: Disk) -> io::Result<()> {
        self.host.remove()?;
        self.patroni.kill()?;
        self.etcd.kill()?;
        if disk == Disk::Small {
            // Whoever still has a file open there is being killed.
            thread::sleep(Duration::from_millis(500));
            output(program("umount", &["--lazy"]).arg(&self.folder))?;
        }
        Ok(())
    }
}

fn etcd(host: &Host, hosts: &[Host], folder: &Path) -> Vec<String> {
    let url = |host: &Host, port: u16| format!("http://{}:{port}", host.address);
    let member = |host: &Host| format!("{}={}", host.name, url(host, ETCD_PEERS));
    let members: Vec<String> = hosts.iter().map(member).collect();
    let (mine, peers) = (url(host, ETCD), url(host, ETCD_PEERS));
    let options = [
        ("name", host.name.clone()),
        ("data-dir", folder.display().to_string()),
        ("listen-client-urls", mine.clone()),
        ("advertise-client-urls", mine),
        ("listen-peer-urls", peers.clone()),
        ("initial-advertise-peer-urls", peers),
        ("initial-cluster", members.join(",")),
        ("log-level", "warn".to_owned()),
        ("logger", "zap".to_owned()),
    ];
    let options = options.iter().map(|(name, value)| format!("--{name}={value}"));
    std::iter::once("etcd".to_owned()).chain(options).collect()
}

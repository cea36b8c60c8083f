//! All hosts together: databases, nodes, and the network between them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::database::{Database, Disk};
use super::host::Host;
use super::node::{self, Node};
use super::patroni::{Edition, Failover, Member, PASSWORD, Replication};
use super::wait::{until, until_done};

/// Databases; one of them is the primary, one its synchronous standby.
const DATABASES: usize = 3;
const NODES: usize = 3;
/// The last parts of the addresses begin here.
const FIRST_DATABASE: usize = 11;
const FIRST_NODE: usize = 21;
/// How long a new cluster may take to be whole.
const BUILD_MAX: Duration = Duration::from_secs(90);
/// How long it may take after a failure, with `pg_rewind` or a new copy of the primary.
const WHOLE_MAX: Duration = Duration::from_mins(2);
/// How long a new primary may take.
const PRIMARY_MAX: Duration = Duration::from_mins(2);
/// How long a new primary may refuse to make the role of the issuer.
const ROLE_MAX: Duration = Duration::from_secs(10);

/// What is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) replication: Replication,
    pub(super) failover: Failover,
    pub(super) disk: Disk,
    pub(super) patroni: Edition,
}

/// The programs that are not Debian's.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub(super) bestow: PathBuf,
    pub(super) load: PathBuf,
    /// Where `initdb` and `postgres` are.
    pub(super) postgresql: PathBuf,
    /// Where the newer Patroni is.
    pub(super) patroni: PathBuf,
}

/// A running one.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) shape: Shape,
    pub(super) databases: Vec<Database>,
    pub(super) nodes: Vec<Node>,
    pub(super) folder: PathBuf,
}

impl Cluster {
    /// Builds and starts one, and waits until it serves.
    pub(super) fn build(folder: &Path, shape: Shape, programs: &Programs) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let hosts = hosts("db", FIRST_DATABASE, DATABASES)?;
        let etcd: Vec<String> = hosts.iter().map(Database::etcd_address).collect();
        let template = Member {
            name: "",
            address: "",
            etcd: &etcd,
            folder,
            programs: &programs.postgresql,
            replication: shape.replication,
            failover: shape.failover,
        };
        let patroni = shape.patroni.line(&programs.patroni);
        let databases = hosts.iter().map(|host| {
            let place = folder.join(&host.name);
            Database::new(host.clone(), place, shape.disk, &patroni, (&hosts, template))
        });
        let mut cluster = Self {
            shape,
            databases: databases.collect::<io::Result<_>>()?,
            nodes: Vec::new(),
            folder: folder.to_owned(),
        };
        cluster.databases.iter_mut().try_for_each(Database::start)?;
        until("the databases are whole", BUILD_MAX, || cluster.is_whole())?;
        cluster.make_role()?;
        cluster.add_nodes(&hosts, programs)?;
        Ok(cluster)
    }

    /// Where the issuer is that all nodes serve.
    pub(super) fn issuer(&self) -> PathBuf {
        self.folder.join("issuer")
    }

    fn add_nodes(&mut self, databases: &[Host], programs: &Programs) -> io::Result<()> {
        node::init(&programs.bestow, &self.issuer())?;
        for host in hosts("node", FIRST_NODE, NODES)? {
            let issuer = self.issuer();
            let node = Node::new(host, &self.folder, &issuer, &programs.bestow, databases)?;
            self.nodes.push(node);
        }
        self.nodes.iter_mut().try_for_each(Node::lead_to_primary)?;
        if let Some(node) = self.nodes.first() {
            node.make_tables(programs, &self.issuer())?;
        }
        self.nodes.iter_mut().try_for_each(Node::start)?;
        self.nodes.iter_mut().try_for_each(|node| node.until_ready().map(drop))
    }

    /// The role and the database of the issuer, as an operator makes them.
    fn make_role(&self) -> io::Result<()> {
        let primary = self.primary().and_then(|at| self.databases.get(at));
        let primary = primary.ok_or_else(|| io::Error::other("there is no primary"))?;
        let role = format!("CREATE ROLE bestow LOGIN PASSWORD '{PASSWORD}'");
        for statement in [role.as_str(), "CREATE DATABASE bestow OWNER bestow"] {
            until_done(ROLE_MAX, || primary.sql(statement).map(drop))?;
        }
        Ok(())
    }

    /// Which one is the primary.
    pub(super) fn primary(&self) -> Option<usize> {
        self.databases.iter().position(|database| database.is("primary"))
    }

    /// One primary, the others near to it, and one of them as near as a synchronous one is.
    pub(super) fn is_whole(&self) -> bool {
        let count = |what: &str| self.databases.iter().filter(|database| database.is(what)).count();
        let synchronous = usize::from(self.shape.replication == Replication::Synchronous);
        count("primary") == 1
            && count("replica?lag=1MB") + 1 == self.databases.len()
            && count("sync") == synchronous
    }

    /// Waits until every database is back.
    pub(super) fn until_whole(&self) -> io::Result<Duration> {
        until("the databases are whole again", WHOLE_MAX, || self.is_whole())
    }

    /// Waits until another database than this one is the primary.
    pub(super) fn until_primary_but(&self, old: usize) -> io::Result<Duration> {
        let is_new = |(at, database): (usize, &Database)| at != old && database.is("primary");
        until("another primary", PRIMARY_MAX, || self.databases.iter().enumerate().any(is_new))
    }

    /// Takes everything away.
    pub(super) fn remove(mut self) -> io::Result<()> {
        self.nodes.iter_mut().try_for_each(Node::remove)?;
        let disk = self.shape.disk;
        self.databases.iter_mut().try_for_each(|database| database.remove(disk))?;
        fs::remove_dir_all(&self.folder)
    }
}

fn hosts(name: &str, first: usize, count: usize) -> io::Result<Vec<Host>> {
    (1..=count).map(|number| Host::new(&format!("{name}{number}"), first + number - 1)).collect()
}

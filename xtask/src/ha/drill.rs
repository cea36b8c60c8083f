//! What fails, and how it comes back.

use std::time::Duration;
use std::{io, thread};

use super::cluster::{Cluster, Programs};
use super::database::Database;
use super::load::{Findings, Load};
use super::node::Node;

/// The load runs so long before something fails, and again when everything is back.
const CALM: Duration = Duration::from_secs(5);
/// The load runs so long with the failure, once somebody else has taken over.
const AFTERMATH: Duration = Duration::from_secs(6);

/// Until commits wait for a standby that will not answer.
const COMMITS_WAIT: Duration = Duration::from_millis(1500);

/// A part that fails under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drill {
    KillPrimary,
    KillNode,
    CutHost,
    CutPeers,
    CutAndCrash,
    FillDisk,
    Restart,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) findings: Findings,
    /// Until another database was the primary, where one had to be.
    pub(super) promoted: Option<Duration>,
    /// Until everything was back, counted from its repair.
    pub(super) whole: Duration,
}

impl Drill {
    /// As the command line names it.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "kill-primary" => Some(Self::KillPrimary),
            "kill-node" => Some(Self::KillNode),
            "cut-host" => Some(Self::CutHost),
            "cut-peers" => Some(Self::CutPeers),
            "cut-and-crash" => Some(Self::CutAndCrash),
            "fill-disk" => Some(Self::FillDisk),
            "restart" => Some(Self::Restart),
            _ => None,
        }
    }

    /// What a reader is told.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::KillPrimary => "kill -9 of the primary PostgreSQL and its Patroni",
            Self::KillNode => "kill -9 of a Bestow node",
            Self::CutHost => "the primary's host cut off from everybody",
            Self::CutPeers => "the primary cut off from the other databases, not from the nodes",
            Self::CutAndCrash => "the same, and PostgreSQL crashes there with commits under way",
            Self::FillDisk => "the primary's disk full",
            Self::Restart => "all Bestow nodes restarted, one after the other",
        }
    }

    /// Breaks something under load, lets it be repaired, and asks what is left.
    pub(super) fn run(self, cluster: &mut Cluster, programs: &Programs) -> io::Result<Outcome> {
        cluster.until_whole()?;
        let load = Load::start(cluster, programs)?;
        thread::sleep(CALM);
        let seen = self.with_load(cluster);
        if seen.is_ok() {
            thread::sleep(CALM);
        }
        // The load ends, whatever happened.
        let findings = load.stop(cluster, programs);
        let (promoted, whole) = seen?;
        Ok(Outcome { findings: findings?, promoted, whole })
    }

    fn with_load(self, cluster: &mut Cluster) -> io::Result<(Option<Duration>, Duration)> {
        let primary = cluster.primary().ok_or_else(|| io::Error::other("no primary"))?;
        let promoted = match self {
            Self::KillNode | Self::Restart => {
                self.break_node(cluster)?;
                None
            }
            Self::KillPrimary
            | Self::CutHost
            | Self::CutPeers
            | Self::CutAndCrash
            | Self::FillDisk => {
                self.break_database(cluster, primary)?;
                // One that never comes is part of what was seen.
                let promoted = cluster.until_primary_but(primary).ok();
                thread::sleep(AFTERMATH);
                self.mend_database(cluster, primary)?;
                promoted
            }
        };
        Ok((promoted, cluster.until_whole()?))
    }

    fn break_node(self, cluster: &mut Cluster) -> io::Result<()> {
        if self == Self::Restart {
            return cluster.nodes.iter_mut().try_for_each(restart);
        }
        let Some(node) = cluster.nodes.first_mut() else { return Ok(()) };
        node.kill()?;
        thread::sleep(AFTERMATH);
        node.revive().map(drop)
    }

    fn break_database(self, cluster: &mut Cluster, at: usize) -> io::Result<()> {
        let others = peers(cluster, at);
        let Some(database) = cluster.databases.get_mut(at) else { return Ok(()) };
        match self {
            Self::KillPrimary => database.kill(),
            Self::CutHost => database.host.unplug(),
            Self::CutPeers => others.iter().try_for_each(|other| database.host.shun(other)),
            Self::CutAndCrash => {
                others.iter().try_for_each(|other| database.host.shun(other))?;
                thread::sleep(COMMITS_WAIT);
                database.crash()
            }
            Self::FillDisk => database.fill(),
            Self::KillNode | Self::Restart => Ok(()),
        }
    }

    fn mend_database(self, cluster: &mut Cluster, at: usize) -> io::Result<()> {
        let others = peers(cluster, at);
        let Some(database) = cluster.databases.get_mut(at) else { return Ok(()) };
        match self {
            Self::KillPrimary => database.revive(),
            Self::CutHost => database.host.plug(),
            Self::CutPeers | Self::CutAndCrash => {
                others.iter().try_for_each(|other| database.host.welcome(other))
            }
            Self::FillDisk => database.empty(),
            Self::KillNode | Self::Restart => Ok(()),
        }
    }
}

fn restart(node: &mut Node) -> io::Result<()> {
    node.terminate()?;
    node.revive()?;
    thread::sleep(CALM / 2);
    Ok(())
}

/// The other database hosts.
fn peers(cluster: &Cluster, at: usize) -> Vec<super::host::Host> {
    let all = cluster.databases.iter().enumerate();
    let host = |(_, database): (usize, &Database)| database.host.clone();
    all.filter(|(other, _)| *other != at).map(host).collect()
}

//! Which clusters are built, and what is tried with each.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use super::cluster::{Cluster, Programs, Shape};
use super::database::Disk;
use super::drill::Drill;
use super::patroni::{Failover, Replication};
use super::report::{Report, show_logs};
use super::{Options, host};

/// A cluster and what is tried with it, one after the other.
struct Act {
    shape: Shape,
    drills: &'static [Drill],
}

const fn act(
    replication: Replication,
    failover: Failover,
    disk: Disk,
    drills: &'static [Drill],
) -> Act {
    Act { shape: Shape { replication, failover, disk }, drills }
}

const SHORT: [Act; 1] = [act(
    Replication::Synchronous,
    Failover::Fast,
    Disk::Shared,
    &[Drill::KillPrimary, Drill::KillNode],
)];

const FULL: [Act; 5] = [
    act(
        Replication::Synchronous,
        Failover::Calm,
        Disk::Shared,
        &[Drill::KillPrimary, Drill::KillNode, Drill::CutHost, Drill::CutPeers, Drill::Restart],
    ),
    act(
        Replication::Synchronous,
        Failover::Fast,
        Disk::Shared,
        &[Drill::KillPrimary, Drill::CutHost, Drill::CutPeers],
    ),
    act(Replication::Synchronous, Failover::Calm, Disk::Small, &[Drill::FillDisk]),
    act(
        Replication::Asynchronous,
        Failover::Calm,
        Disk::Shared,
        &[Drill::KillPrimary, Drill::CutHost, Drill::CutPeers],
    ),
    act(Replication::Asynchronous, Failover::Calm, Disk::Small, &[Drill::FillDisk]),
];

/// Runs everything; fails when something that must hold did not.
pub(super) fn run(folder: &Path, options: &Options) -> io::Result<ExitCode> {
    host::prepare()?;
    let programs = Programs {
        bestow: options.built()?.join("bestow"),
        load: options.built()?.join("examples").join("ha_load"),
        postgresql: postgresql()?,
    };
    let mut report = Report::begin(&programs, options)?;
    let acts: &[Act] = if options.short { &SHORT } else { &FULL };
    for (number, act) in acts.iter().enumerate() {
        let folder = folder.join(number.to_string());
        let cluster = Cluster::build(&folder, act.shape, &programs);
        let mut cluster = cluster.inspect_err(|_| show_logs(&folder))?;
        for drill in act.drills {
            let outcome = drill.run(&mut cluster, &programs);
            let failed = outcome.is_err();
            report.add(act.shape, *drill, outcome);
            if failed {
                // What comes after it would say nothing.
                show_logs(&folder);
                break;
            }
        }
        cluster.remove()?;
    }
    Ok(report.end())
}

/// Debian puts each major version into a folder of its own; the newest is taken.
fn postgresql() -> io::Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib/postgresql")?;
    let folders = folders.filter_map(|folder| Some(folder.ok()?.path().join("bin")));
    let version =
        |path: &PathBuf| -> Option<u32> { path.parent()?.file_name()?.to_str()?.parse().ok() };
    let complete = folders.filter(|folder| folder.join("initdb").is_file());
    complete.max_by_key(version).ok_or_else(|| io::Error::other("no PostgreSQL server"))
}

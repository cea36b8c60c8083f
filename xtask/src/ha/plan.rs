//! Which clusters are built, and what is tried with each.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use super::cluster::{Cluster, Programs, Shape};
use super::database::Disk;
use super::drill::Drill;
use super::patroni::{Edition, Failover, Replication};
use super::report::{Report, keep_logs};
use super::{Options, host};
use crate::install;
use crate::process::{output, program};

/// A cluster and what is tried with it, one after the other.
struct Act {
    shape: Shape,
    drills: &'static [Drill],
}

/// What is recommended.
const BEST: Shape = Shape {
    replication: Replication::Synchronous,
    failover: Failover::Calm,
    disk: Disk::Shared,
    patroni: Edition::Newer,
};

const SHORT: [Act; 1] = [Act { shape: BEST, drills: &[Drill::KillPrimary, Drill::KillNode] }];

const FULL: [Act; 6] = [
    Act {
        shape: BEST,
        drills: &[
            Drill::KillPrimary,
            Drill::KillNode,
            Drill::CutHost,
            Drill::CutPeers,
            Drill::CutAndCrash,
            Drill::Restart,
        ],
    },
    Act { shape: Shape { disk: Disk::Small, ..BEST }, drills: &[Drill::FillDisk] },
    Act {
        shape: Shape { failover: Failover::Fast, patroni: Edition::Debian, ..BEST },
        drills: &[Drill::KillPrimary],
    },
    Act {
        shape: Shape { replication: Replication::Asynchronous, ..BEST },
        drills: &[Drill::KillPrimary, Drill::CutHost, Drill::CutPeers],
    },
    Act {
        shape: Shape { replication: Replication::Asynchronous, disk: Disk::Small, ..BEST },
        drills: &[Drill::FillDisk],
    },
    Act { shape: Shape { patroni: Edition::Debian, ..BEST }, drills: &[Drill::CutHost] },
];

/// Runs everything; fails when something that must hold did not.
pub(super) fn run(folder: &Path, options: &Options) -> io::Result<ExitCode> {
    host::prepare()?;
    let programs = Programs {
        bestow: options.built()?.join("bestow"),
        load: options.built()?.join("examples").join("ha_load"),
        postgresql: postgresql()?,
        patroni: patroni(folder)?,
    };
    let mut report = Report::begin(&programs, options)?;
    let acts: &[Act] = if options.short { &SHORT } else { &FULL };
    let is_wanted = |drill: &Drill| options.drill.is_none_or(|only| only == *drill);
    for (number, act) in acts.iter().enumerate() {
        if !act.drills.iter().any(is_wanted) {
            continue;
        }
        let folder = folder.join(number.to_string());
        let cluster = Cluster::build(&folder, act.shape, &programs);
        let mut cluster = cluster.inspect_err(|_| drop(keep_logs(&folder)))?;
        for drill in act.drills.iter().filter(|drill| is_wanted(drill)) {
            let outcome = drill.run(&mut cluster, &programs);
            if !report.add(act.shape, *drill, outcome) {
                // What comes after it would say nothing.
                keep_logs(&folder)?;
                break;
            }
        }
        cluster.remove()?;
    }
    Ok(report.end())
}

/// A copy that the user of PostgreSQL can read.
fn patroni(folder: &Path) -> io::Result<PathBuf> {
    let copy = folder.join("patroni");
    output(program("cp", &["--recursive"]).arg(install::patroni()?).arg(&copy))?;
    Ok(copy)
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

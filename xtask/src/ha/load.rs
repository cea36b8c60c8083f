//! The load of a drill, and what became of it.

use std::io;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use super::cluster::{Cluster, Programs};
use super::node::URL;
use super::wait::until;
use crate::process::{output, program};

/// Flows in a second: enough to have some under way at every moment, while all hosts share two
/// cores.
const RATE: &str = "40";
/// The wallets finish what they began; nobody waits longer for one than they do.
const END_MAX: Duration = Duration::from_secs(150);

/// A load under way.
#[derive(Debug)]
pub(super) struct Load {
    child: Child,
    input: Option<ChildStdin>,
}

/// Numbers by their names, as the check prints them.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Vec<(String, u64)>);

impl Load {
    /// Wallets begin to come.
    pub(super) fn start(cluster: &Cluster, programs: &Programs) -> io::Result<Self> {
        let mut command = program(&programs.load, &[]);
        command.args(arguments(cluster, "run")).stdin(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }

    /// No more of them; then everything that was acknowledged is looked up.
    pub(super) fn stop(mut self, cluster: &Cluster, programs: &Programs) -> io::Result<Findings> {
        drop(self.input.take());
        let has_ended = || matches!(self.child.try_wait(), Ok(Some(_)));
        let ended = until("the load has ended", END_MAX, has_ended);
        if ended.is_err() {
            self.child.kill()?;
            self.child.wait()?;
        }
        let mut command = program(&programs.load, &[]);
        let told = output(command.args(arguments(cluster, "check")))?;
        let pairs = told.lines().filter_map(|line| line.split_once('\t'));
        let numbers = pairs.map(|(name, number)| Ok((name.to_owned(), number.parse()?)));
        let numbers = numbers.collect::<Result<_, std::num::ParseIntError>>();
        ended.and(numbers.map(Findings).map_err(io::Error::other))
    }
}

fn arguments(cluster: &Cluster, what: &str) -> Vec<String> {
    let issuer = cluster.issuer().display().to_string();
    let journal = cluster.folder.join("journal").display().to_string();
    let fixed = [what.to_owned(), issuer, URL.to_owned(), journal, RATE.to_owned()];
    fixed.into_iter().chain(cluster.nodes.iter().map(|node| node.host.address.clone())).collect()
}

impl Findings {
    /// One number; 0 when there is none of this name.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.0.iter().find(|(known, _)| known == name).map_or(0, |(_, number)| *number)
    }

    /// The errors that wallets met, and how often.
    pub(super) fn errors(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().filter_map(|(name, number)| Some((name.strip_prefix("error ")?, *number)))
    }
}

//! A host: a network namespace with one cable to the bridge that we are at ourselves.

use std::io;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{output, program};

/// The network has no way out: it is not this machine's.
const NETWORK: &str = "10.77.0";
const BRIDGE: &str = "bridge";

/// Prepares the namespace that we are in: the bridge, and a place for the names of the hosts.
pub(super) fn prepare() -> io::Result<()> {
    // The machine's own `/run` stays as it is.
    output(&mut program("mount", &["-t", "tmpfs", "tmpfs", "/run"]))?;
    let address = format!("{NETWORK}.1/24");
    ip(&["link", "set", "lo", "up"])?;
    ip(&["link", "add", BRIDGE, "type", "bridge"])?;
    ip(&["address", "add", &address, "dev", BRIDGE])?;
    ip(&["link", "set", BRIDGE, "up"])
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) address: String,
}

impl Host {
    /// Makes a host with the last part of its address.
    pub(super) fn new(name: &str, number: usize) -> io::Result<Self> {
        let host = Self { name: name.to_owned(), address: format!("{NETWORK}.{number}") };
        let (cable, address) = (host.cable(), format!("{}/24", host.address));
        ip(&["netns", "add", name])?;
        let ends = ["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", name];
        ip(&ends)?;
        ip(&["link", "set", &cable, "master", BRIDGE, "up"])?;
        ip(&["-n", name, "address", "add", &address, "dev", "eth0"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        Ok(host)
    }

    /// Our end of it.
    fn cable(&self) -> String {
        format!("to-{}", self.name)
    }

    /// A program that will run on this host.
    pub(super) fn program(&self, line: &[&str]) -> Command {
        program("ip", &[&["netns", "exec", &self.name], line].concat())
    }

    /// Nothing gets to it or away from it.
    pub(super) fn unplug(&self) -> io::Result<()> {
        ip(&["link", "set", &self.cable(), "down"])
    }

    /// The other way round.
    pub(super) fn plug(&self) -> io::Result<()> {
        ip(&["link", "set", &self.cable(), "up"])
    }

    /// It sends nothing to another host any more, so that no connection between the two works.
    pub(super) fn shun(&self, other: &Self) -> io::Result<()> {
        ip(&["-n", &self.name, "route", "add", "blackhole", &other.address])
    }

    /// The other way round.
    pub(super) fn welcome(&self, other: &Self) -> io::Result<()> {
        ip(&["-n", &self.name, "route", "del", "blackhole", &other.address])
    }

    /// SIGKILL to everything on it, but for one process.
    pub(super) fn kill_all(&self, but: Option<u32>) -> io::Result<()> {
        for line in output(&mut program("ip", &["netns", "pids", &self.name]))?.lines() {
            let id: i32 = line.trim().parse().map_err(io::Error::other)?;
            if but.and_then(|id| id.try_into().ok()) == Some(id) {
                continue;
            }
            // It may have ended since.
            if let Some(id) = Pid::from_raw(id) {
                kill_process(id, Signal::KILL).ok();
            }
        }
        Ok(())
    }

    /// Takes the host away, with its cable.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.kill_all(None)?;
        // The namespace itself goes with the last of its processes, some time later.
        ip(&["link", "delete", &self.cable()])?;
        ip(&["netns", "delete", &self.name])
    }
}

fn ip(line: &[&str]) -> io::Result<()> {
    output(&mut program("ip", line)).map(drop)
}

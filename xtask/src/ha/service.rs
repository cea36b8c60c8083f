//! A program that runs on a host until it is told, or made, to end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::host::Host;
use super::wait::until;

/// How long a program may take to end when it is asked to.
const END_MAX: Duration = Duration::from_secs(40);

/// It may be started again after it ended.
#[derive(Debug)]
pub(super) struct Service {
    host: Host,
    line: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Service {
    /// A command line on a host; what it says goes to a file.
    pub(super) fn new(host: &Host, log: &Path, line: &[&str]) -> Self {
        let line = line.iter().map(|&word| word.to_owned()).collect();
        Self { host: host.clone(), line, log: log.to_owned(), child: None }
    }

    /// Starts it.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let line: Vec<&str> = self.line.iter().map(String::as_str).collect();
        let mut command = self.host.program(&line);
        let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// The id of its process.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it has ended by itself, or was killed.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// SIGKILL: not a moment to finish anything.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM, and the time to finish what it does.
    pub(super) fn terminate(&mut self) -> io::Result<Duration> {
        let id = self.id().and_then(|id| id.try_into().ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            kill_process(id, Signal::TERM)?;
        }
        let name = format!("{} has ended", self.line.join(" "));
        let took = until(&name, END_MAX, || self.has_ended())?;
        self.child = None;
        Ok(took)
    }
}

//! CPU time and memory of a process, as Linux tells them.

use std::fs;

/// Linux tells times to programs in hundredths of a second, whatever the kernel counts in.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used up to now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// Seconds in the program.
    pub(super) user: f64,
    /// Seconds in the kernel on its behalf.
    pub(super) system: f64,
    /// Resident memory.
    pub(super) memory_bytes: u64,
    /// The most that it was.
    pub(super) memory_bytes_max: u64,
}

impl Usage {
    /// `None` when there is no such process, or no Linux.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let (user, system) = times(&stat)?;
        let memory = |name| kilobytes(&status, name).map(|kilobytes| kilobytes * 1024);
        Some(Self {
            user,
            system,
            memory_bytes: memory("VmRSS:").unwrap_or_default(),
            memory_bytes_max: memory("VmHWM:").unwrap_or_default(),
        })
    }

    /// CPU time in all.
    pub(super) fn seconds(self) -> f64 {
        self.user + self.system
    }
}

/// Seconds of CPU time that this machine has spent on anything, on all cores.
pub(super) fn of_machine() -> Option<f64> {
    busy(&fs::read_to_string("/proc/stat").ok()?)
}

/// All but `idle` and `iowait`; guests are counted in `user` already.
fn busy(stat: &str) -> Option<f64> {
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks = all.split_whitespace().map(str::parse::<f64>).take(8);
    let ticks = ticks.collect::<Result<Vec<f64>, _>>().ok()?;
    let busy = ticks.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4));
    Some(busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_SECOND)
}

/// The name of the program may hold anything, so fields are counted from its closing bracket.
fn times(stat: &str) -> Option<(f64, f64)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let user = ticks.next()?.ok()?;
    let system = ticks.next()?.ok()?;
    Some((user / TICKS_PER_SECOND, system / TICKS_PER_SECOND))
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_no_field() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 1 2 3";
        assert_eq!(times(stat), Some((2.5, 0.5)));
        assert_eq!(times("7 (a) S 1"), None);
    }

    #[test]
    fn a_machine_that_waits_is_not_busy() {
        let stat = "cpu  100 20 30 999 888 4 5 1 7 7\ncpu0 1 1 1 1\n";
        assert_eq!(busy(stat), Some(1.6));
    }

    #[test]
    fn memory_is_found_by_its_name() {
        let status = "VmPeak:\t  10 kB\nVmHWM:\t    8 kB\nVmRSS:\t    6 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(6));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }
}

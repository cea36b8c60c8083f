//! Everything of a run ends with it: its processes, its network, its mounts and its folder.

use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use rustix::process::{Pid, WaitOptions, wait};

use crate::process::program;

/// The longest that a run may take.
const RUN_MAX: Duration = Duration::from_hours(1);
const PAUSE: Duration = Duration::from_millis(100);
/// How long the kernel may take to end what we killed.
const END_MAX: Duration = Duration::from_secs(10);

/// Network, mounts and processes of our own; the last ones die with the first of them.
const UNSHARE: [&str; 6] = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Runs the drills in namespaces until they are done, nobody waits for them any more (our input
/// closes), or the time is up.
pub(super) fn keep(arguments: &[&str]) -> io::Result<ExitCode> {
    let folder = env::temp_dir().join(format!("bestow-ha-{}", process::id()));
    fs::create_dir(&folder)?;
    // PostgreSQL does not run as root, and has to get through.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
    let program_path = env::current_exe()?;
    let mut unshare = program("unshare", &UNSHARE);
    unshare.arg(program_path).args(["ha", "bury"]).arg(&folder).args(arguments);
    let code = unshare.stdin(Stdio::null()).spawn().and_then(watch);
    remove(&folder)?;
    code
}

fn watch(mut child: Child) -> io::Result<ExitCode> {
    let (begun, alone) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let closed = alone.clone();
    thread::spawn(move || {
        drop(io::stdin().read_to_end(&mut Vec::new()));
        closed.store(true, Ordering::Relaxed);
    });
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(ExitCode::from(u8::from(!status.success())));
        }
        let is_late = begun.elapsed() > RUN_MAX;
        if is_late || alone.load(Ordering::Relaxed) {
            child.kill()?;
            child.wait()?;
            println!("{}", if is_late { "the time is up" } else { "stopped" });
            return Ok(ExitCode::FAILURE);
        }
        thread::sleep(PAUSE);
    }
}

/// Processes that are just being killed may still hold a folder for a moment.
fn remove(folder: &Path) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if begun.elapsed() > END_MAX => return Err(error),
            Err(_) => thread::sleep(PAUSE),
            Ok(()) => return Ok(()),
        }
    }
}

/// Process 1 of the namespaces. Whoever loses its parent becomes its child and would stay a zombie,
/// which Patroni takes for a server that runs.
pub(super) fn bury(arguments: &[&str]) -> io::Result<ExitCode> {
    let mut inside = program(env::current_exe()?, &["ha", "inside"]);
    let inside = inside.args(arguments).spawn()?.id();
    let inside = inside.try_into().ok().and_then(Pid::from_raw);
    while let Some((id, status)) = wait(WaitOptions::empty())? {
        if Some(id) == inside {
            return Ok(ExitCode::from(u8::from(status.exit_status() != Some(0))));
        }
    }
    Ok(ExitCode::FAILURE)
}

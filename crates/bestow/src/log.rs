//! Where log lines go: to standard error, many with one write, as a write for each line of a busy
//! issuer costs more than to make the line.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others. Warnings and errors wait for nobody.
const WAIT: Duration = Duration::from_millis(50);
/// Longest that waits, where standard error takes nothing; further lines are lost.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Lines on their way to standard error.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    waiting: Mutex<Vec<u8>>,
    came: Condvar,
    is_urgent: AtomicBool,
}

impl Lines {
    /// Lines that a thread of their own writes; what is left is written when the [`Last`] ends.
    pub(crate) fn start() -> io::Result<(Writer, Last)> {
        let lines = Arc::new(Self::default());
        let carried = Arc::clone(&lines);
        thread::Builder::new().name("log".into()).spawn(move || carried.carry())?;
        Ok((Writer(Arc::clone(&lines)), Last(lines)))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = self.waiting();
        if waiting.is_empty() {
            self.came.notify_one();
        }
        if waiting.len() + line.len() > BYTES_MAX {
            return; // nobody takes what is there: to wait would be to serve nobody
        }
        waiting.extend_from_slice(line);
        if is_urgent {
            self.is_urgent.store(true, Ordering::Relaxed);
            self.came.notify_one();
        }
    }

    fn carry(&self) {
        loop {
            let waiting = self.waiting();
            let some = self.came.wait_while(waiting, |waiting| waiting.is_empty());
            let some = some.unwrap_or_else(PoisonError::into_inner);
            let is_calm = |_: &mut Vec<u8>| !self.is_urgent.load(Ordering::Relaxed);
            drop(self.came.wait_timeout_while(some, WAIT, is_calm));
            self.write_out();
        }
    }

    /// Outside of the lock, as standard error may take its time: whoever logs does not wait for it.
    fn write_out(&self) {
        self.is_urgent.store(false, Ordering::Relaxed);
        let lines = std::mem::take(&mut *self.waiting());
        drop(io::stderr().lock().write_all(&lines)); // one that is closed is no reason to end
    }
}

/// Writes what waits when the program ends.
#[derive(Debug)]
pub(crate) struct Last(Arc<Lines>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.write_out();
    }
}

/// What the subscriber writes to.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Lines>);

/// One line.
#[derive(Debug)]
pub(crate) struct Line<'l> {
    lines: &'l Lines,
    is_urgent: bool,
}

impl<'l> MakeWriter<'l> for Writer {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { lines: &self.0, is_urgent: true }
    }

    fn make_writer_for(&'l self, about: &Metadata<'_>) -> Line<'l> {
        Line { lines: &self.0, is_urgent: *about.level() <= Level::WARN }
    }
}

impl io::Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

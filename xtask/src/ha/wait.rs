//! Waiting, never for ever.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
/// How long a host may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// The longest answer that is read.
const ANSWER_MAX: u64 = 64 * 1024;
/// The beginning of an answer, with its status in it.
const STATUS_LINE: usize = 12;

/// Waits until something is so, and says how long it took.
pub(super) fn until(
    what: &str,
    longest: Duration,
    mut is_so: impl FnMut() -> bool,
) -> io::Result<Duration> {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > longest {
            let text = format!("after {} s still not: {what}", longest.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(PAUSE);
    }
    Ok(begun.elapsed())
}

/// Tries until it goes well; what went wrong last is told.
pub(super) fn until_done(
    longest: Duration,
    mut attempt: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(error) if begun.elapsed() > longest => return Err(error),
            Err(_) => thread::sleep(PAUSE),
            Ok(()) => return Ok(()),
        }
    }
}

/// Whether a host answers a request with 200.
pub(super) fn is_ok(address: &str, port: u16, path: &str) -> bool {
    status_line(address, port, path).is_some_and(|line| line.ends_with(" 200"))
}

fn status_line(address: &str, port: u16, path: &str) -> Option<String> {
    let mut stream = connect(address, port)?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).ok()?;
    let line = answer.get(..STATUS_LINE)?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Whether somebody listens there.
pub(super) fn listens(address: &str, port: u16) -> bool {
    connect(address, port).is_some()
}

fn connect(address: &str, port: u16) -> Option<TcpStream> {
    let address = SocketAddr::new(address.parse().ok()?, port);
    TcpStream::connect_timeout(&address, ANSWER).ok()
}

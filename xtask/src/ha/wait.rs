//! Waiting, never for ever.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
/// How long a host may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
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

/// Whether a host answers a request with 200.
pub(super) fn is_ok(address: &str, port: u16, path: &str) -> bool {
    status_line(address, port, path).is_some_and(|line| line.ends_with(" 200"))
}

fn status_line(address: &str, port: u16, path: &str) -> Option<String> {
    let mut stream = connect(address, port)?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut line = [0; STATUS_LINE];
    stream.read_exact(&mut line).ok()?;
    Some(String::from_utf8_lossy(&line).into_owned())
}

/// Whether somebody listens there.
pub(super) fn listens(address: &str, port: u16) -> bool {
    connect(address, port).is_some()
}

fn connect(address: &str, port: u16) -> Option<TcpStream> {
    let address = SocketAddr::new(address.parse().ok()?, port);
    TcpStream::connect_timeout(&address, ANSWER).ok()
}

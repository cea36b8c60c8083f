//! On what it was measured.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{output, program};

/// Writes of the probe.
const WRITES: usize = 500;
/// What a database writes at once.
const PAGE: [u8; 4096] = [7; 4096];

/// Machine, versions and disk, as a table.
pub(super) fn describe(folder: &Path) -> io::Result<String> {
    let (median, late) = fsync(&folder.join("fsync.probe"))?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(
        "### Machine\n\n| | |\n|---|---|\n\
         | CPU | {} × {cores} |\n\
         | memory | {} |\n\
         | kernel | {} |\n\
         | disk: write of 4 KiB and `fdatasync` | p50 {median:.2} ms, p99 {late:.2} ms |\n\
         | ECDSA P-256 on one core (`openssl speed`) | {} |\n\
         | compiler | {} |\n",
        value("/proc/cpuinfo", "model name"),
        value("/proc/meminfo", "MemTotal"),
        told("uname", &["-sr"]),
        signatures(),
        told("rustc", &["--version"]),
    ))
}

/// When, and of what.
pub(super) fn now_and_commit() -> String {
    let dirty = !told("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    let commit = told("git", &["rev-parse", "--short=12", "HEAD"]);
    let state = if dirty { ", with changes" } else { "" };
    format!("{}, commit `{commit}`{state}", told("date", &["-u", "+%F %H:%M UTC"]))
}

/// The first line that a program prints.
fn told(name: &str, arguments: &[&str]) -> String {
    output(&mut program(name, arguments))
        .map_or_else(|_| "unknown".to_owned(), |text| first_line(&text))
}

/// How fast this machine is today, by what a flow cannot do without.
fn signatures() -> String {
    let measured = output(&mut program("openssl", &["speed", "-seconds", "2", "ecdsap256"]));
    let line = measured.ok().and_then(|text| text.lines().last().map(str::to_owned));
    let numbers = line.and_then(|line| {
        let mut words = line.split_whitespace().rev().map(str::to_owned);
        Some((words.next()?, words.next()?))
    });
    numbers.map_or_else(
        || "unknown".to_owned(),
        |(verifications, signed)| format!("{signed} signatures/s, {verifications} verifications/s"),
    )
}

/// The size of a program, and without what is for debuggers.
pub(super) fn sizes(file: &Path) -> io::Result<String> {
    let whole = mebibytes(file)?;
    let bare = Path::new(super::FOLDER).join("bestow.stripped");
    let mut strip = program("strip", &[]);
    let stripped = output(strip.arg("-o").arg(&bare).arg(file)).is_ok();
    let bare = if stripped { format!("{:.1} MiB", mebibytes(&bare)?) } else { "?".to_owned() };
    Ok(format!("| program, with what debuggers need | {whole:.1} MiB |\n| stripped | {bare} |\n"))
}

#[expect(clippy::cast_precision_loss, reason = "to be read by people")]
fn mebibytes(file: &Path) -> io::Result<f64> {
    Ok(fs::metadata(file)?.len() as f64 / 1024.0 / 1024.0)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The first `name: value` of a file.
fn value(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
    value.unwrap_or("unknown").to_owned()
}

/// Milliseconds that a small durable write takes: the median, and what one in a hundred exceeds.
fn fsync(path: &Path) -> io::Result<(f64, f64)> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
    file.write_all(&PAGE)?;
    file.sync_all()?;
    let mut times: Vec<Duration> =
        (0..WRITES).map(|_| durable_write(&mut file)).collect::<io::Result<_>>()?;
    times.sort();
    fs::remove_file(path)?;
    let at = |place: usize| times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    Ok((at(WRITES / 2), at(WRITES * 99 / 100)))
}

fn durable_write(file: &mut File) -> io::Result<Duration> {
    let begun = Instant::now();
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&PAGE)?;
    file.sync_data()?;
    Ok(begun.elapsed())
}

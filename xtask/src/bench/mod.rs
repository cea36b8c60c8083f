//! `cargo xtask bench`: the standing benchmarks, and the table of what they showed.
//!
//! The load comes from `bestow bench`; this file only says which runs there are.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::process::{cargo, run};
use foreign::Foreign;
use measure::{Measure, Outcome};
use postgres::Postgres;

mod foreign;
mod machine;
mod measure;
mod postgres;
mod pure;
mod table;

/// Everything that is written goes here; it must be on a real disk.
const FOLDER: &str = "target/bench";
/// The document with a section that is generated.
const DOCUMENT: &str = "docs/PERFORMANCE.md";
const BEGIN: &str = "<!-- begin of what `cargo xtask bench --write` writes -->";
const END: &str = "<!-- end -->";

/// Clients at the same time.
const CLIENTS: [u32; 4] = [1, 16, 32, 256];
/// Credentials in one request.
const BATCHES: [u32; 3] = [1, 2, 10];
/// Idle connections.
const IDLE: u32 = 10_000;
/// How long each run counts.
const SECONDS: u32 = 10;
/// Requests that an issuer works on at once, unless it is configured otherwise.
const CAPACITY: u32 = 512;
/// Offers for the clients of the overload: enough for all that is redeemed and refused meanwhile.
const AHEAD: &str = "40000";

/// The parts of the report, in its order; each is kept in a file of its own.
const PARTS: [(&str, Part); 8] = [
    ("sqlite", sqlite),
    ("postgres", postgres),
    ("foreign", foreign),
    ("growth", stored),
    ("other", special),
    ("overload", overload),
    ("start", start_and_size),
    ("steps", |_| pure::steps()),
];

/// Makes the runs of one part, and its text.
type Part = fn(&Options) -> io::Result<String>;

/// What was typed.
#[derive(Clone, Debug)]
struct Options {
    seconds: u32,
    /// A server that is there already; else one is made, where its programs are installed.
    postgres: Option<String>,
    /// Whether 10 million offers are stored too: half an hour and some gigabytes.
    ten_million: bool,
    /// Whether the document is changed.
    write: bool,
    /// The parts that are measured; what was measured of the others before stays. All when empty.
    only: Vec<String>,
}

impl Options {
    fn read(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            seconds: SECONDS,
            postgres: std::env::var("BESTOW_BENCH_POSTGRES").ok(),
            ten_million: false,
            write: false,
            only: Vec::new(),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match *word {
                "--seconds" => {
                    let seconds = value()?.parse();
                    options.seconds = seconds.map_err(|_| "--seconds needs a number".to_owned())?;
                }
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--postgres" => options.postgres = Some((*value()?).to_owned()),
                "--ten-million" => options.ten_million = true,
                "--write" => options.write = true,
                other => return Err(format!("no such option: {other}")),
            }
        }
        let known = PARTS.map(|(name, _)| name);
        match options.only.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("no such part: {name}; there are {}", known.join(", "))),
            None => Ok(options),
        }
    }

    const fn measure(&self) -> Measure {
        Measure { seconds: self.seconds }
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == part)
    }
}

/// Builds, measures, and writes the report, part by part: what was measured is not lost when
/// something stops it.
pub(crate) fn bench(arguments: &[&str]) -> io::Result<()> {
    let options = Options::read(arguments).map_err(io::Error::other)?;
    fs::create_dir_all(FOLDER)?;
    run(&mut cargo(&["build", "--profile", "dist", "--locked", "-p", "bestow"]))?;
    fs::write(kept("machine"), machine::describe(Path::new(FOLDER))?)?;
    for (name, part) in PARTS {
        if options.wants(name) {
            let text = part(&options)?;
            let taken = format!("\nTaken {}.\n", machine::now_and_commit());
            fs::write(kept(name), if text.is_empty() { text } else { text + &taken })?;
        }
    }
    let mut report = fs::read_to_string(kept("machine"))?;
    for (name, _) in PARTS {
        report += &fs::read_to_string(kept(name)).unwrap_or_default(); // never measured
    }
    println!("\n{report}");
    if options.write { write_into(Path::new(DOCUMENT), &report) } else { Ok(()) }
}

fn kept(part: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{part}.md"))
}

/// The default: one file, every commit on disk.
fn sqlite(options: &Options) -> io::Result<String> {
    let measure = options.measure();
    let mut rows = Vec::new();
    for tls in [false, true] {
        for clients in CLIENTS {
            rows.push(measure.own(&format!("SQLite{}", with(tls)), clients, &switches(tls))?);
        }
    }
    let new_ones = ["--tls", "--reconnect"];
    rows.push(measure.own("SQLite, TLS, a new connection for each flow", 32, &new_ones)?);
    Ok(section("Complete flows, SQLite", FLOWS, &rows))
}

/// The same with a server for the data; its work stands under "others".
fn postgres(options: &Options) -> io::Result<String> {
    let measure = options.measure();
    let own = match &options.postgres {
        Some(_) => None,
        None => Postgres::start()?,
    };
    let url = options.postgres.clone().or_else(|| own.as_ref().map(Postgres::url));
    let Some(url) = url else { return Ok(String::new()) };
    let mut rows = Vec::new();
    for clients in CLIENTS {
        rows.push(measure.own("PostgreSQL", clients, &["--database", &url])?);
    }
    rows.push(measure.own("PostgreSQL, TLS", 32, &["--database", &url, "--tls"])?);
    Ok(section("Complete flows, PostgreSQL on the same machine", POSTGRES, &rows))
}

/// An issuer that we did not write, in the same run.
fn foreign(options: &Options) -> io::Result<String> {
    let measure = options.measure();
    let Some(foreign) = Foreign::start(Path::new(FOLDER))? else { return Ok(String::new()) };
    let mut rows = Vec::new();
    for clients in [1, 32] {
        let theirs = measure.foreign("oid4vc-ts, stores nothing", clients, &foreign)?;
        let ours = measure.own("Bestow, every commit on disk", clients, &[])?;
        let ratio =
            theirs.number("/server/cpu_ms_per_flow") / ours.number("/server/cpu_ms_per_flow");
        rows.push(theirs);
        rows.push(ours.with_note(format!("{ratio:.1} times less CPU")));
    }
    Ok(section("Beside an issuer that we did not write", FOREIGN, &rows))
}

/// Whether a full database costs more than an empty one.
fn stored(options: &Options) -> io::Result<String> {
    let mut rows = Vec::new();
    let counts = ["10000", "1000000", "10000000"];
    for count in counts.iter().take(if options.ten_million { 3 } else { 2 }) {
        let title = format!("{count} offers stored");
        rows.push(options.measure().own(&title, 32, &["--stored", count])?);
    }
    Ok(section("Growth", STORED, &rows))
}

/// What is not the usual flow.
fn special(options: &Options) -> io::Result<String> {
    let measure = options.measure();
    let mut rows = Vec::new();
    for batch in BATCHES {
        let title = format!("{batch} credentials in a request");
        rows.push(measure.own(&title, 32, &["--batch", &batch.to_string()])?);
    }
    rows.push(measure.own("a credential with a picture", 32, &["--pictures"])?);
    rows.push(measure.own("jwt_vc_json", 32, &["--format", "jwt_vc_json"])?);
    let idle =
        measure.own(&format!("{IDLE} idle connections"), 32, &["--idle", &IDLE.to_string()])?;
    let each = idle.number("/idle/server_bytes_each") / 1024.0;
    let open = idle.number("/idle/open");
    rows.push(idle.with_note(format!("{each:.1} KiB each, {open} still open at the end")));
    Ok(section("Other flows, SQLite", SPECIAL, &rows))
}

/// As many clients as are served at once, and then four times as many: what is refused is refused at
/// once, and what is accepted takes no more than twice its time.
fn overload(options: &Options) -> io::Result<String> {
    let measure = Measure { seconds: options.measure().seconds.max(10) };
    let (full, over) = (CAPACITY, 4 * CAPACITY);
    let ahead = ["--ahead", AHEAD, "--warm-up", "5"];
    let usual = measure.own("as many clients as are served at once", full, &ahead)?;
    let more = measure.own("four times as many", over, &ahead)?;
    let times = |place| more.number(place) / usual.number(place);
    let (middle, late) = (times("/steps/flow/p50_ms"), times("/steps/flow/p99_ms"));
    let refused = more.errors();
    let note = format!(
        "{refused} told to come again; a flow that was let in took {middle:.2} times as long (p50), \
         {late:.2} times (p99)"
    );
    Ok(section("Overload, SQLite", OVERLOAD, &[usual, more.with_note(note)]))
}

/// Starts are measured several times: the median counts.
fn start_and_size(options: &Options) -> io::Result<String> {
    let brief = Measure { seconds: 1 };
    let mut starts = Vec::new();
    let mut rest = 0.0_f64;
    for _ in 0..5 {
        let outcome = brief.own("start", 1, &["--warm-up", "0"])?;
        starts.push(outcome.number("/start_ms"));
        rest = rest.max(outcome.number("/rest_mib"));
    }
    starts.sort_by(f64::total_cmp);
    let start = starts.get(starts.len() / 2).copied().unwrap_or_default();
    let loaded = options.measure().own("memory", 256, &[])?.number("/server/memory_mib_max");
    let size = machine::sizes(Path::new("target/dist/bestow"))?;
    Ok(format!(
        "\n### Start, memory, size\n\n\
         | | |\n|---|---|\n\
         | from the start of the process to its first answer | {start:.0} ms |\n\
         | resident memory at rest | {rest:.1} MiB |\n\
         | most resident memory with 256 clients | {loaded:.1} MiB |\n\
         {size}"
    ))
}

const FLOWS: &str = "Five requests make a flow: an offer by the admin API, its fetch, token, nonce, \
    credential. Four of them are on disk before they are answered.";
const POSTGRES: &str = "`fsync` and `synchronous_commit` are on; the server's own work stands under \
    \"others\".";
const FOREIGN: &str = "The same client, the same steps, `dc+sd-jwt` with `x5c` from both. The other \
    one is `interop/speed.mjs`: @openid4vc/openid4vci 0.4.6 on Node.js, in memory.";
const STORED: &str = "Open offers of other people are in the database before the start.";
const SPECIAL: &str = "32 clients, TLS off.";
const OVERLOAD: &str = "Offers are made before the start, so that holders alone are the load: a fetch, a token, a \
    nonce and a credential each. `queue_milliseconds` is 50, `requests_at_once` 512. Who is refused \
    waits as long as `Retry-After` says, and begins with another offer. The first five seconds, in \
    which all come at once, are not counted.";

fn switches(tls: bool) -> Vec<&'static str> {
    if tls { vec!["--tls"] } else { Vec::new() }
}

fn with(tls: bool) -> &'static str {
    if tls { ", TLS" } else { "" }
}

fn section(title: &str, text: &str, rows: &[Outcome]) -> String {
    format!("\n### {title}\n\n{text}\n\n{}", table::flows(rows))
}

/// Replaces what stands between the two marks.
fn write_into(document: &Path, report: &str) -> io::Result<()> {
    let written = fs::read_to_string(document)?;
    let (before, rest) = written.split_once(BEGIN).ok_or_else(|| missing(document))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(document))?;
    fs::write(document, format!("{before}{BEGIN}\n{report}\n{END}{after}"))?;
    println!("written into {}", document.display());
    Ok(())
}

fn missing(document: &Path) -> io::Error {
    io::Error::other(format!("{} has not both marks of the generated part", document.display()))
}

/// A number somewhere in a report, zero where there is none.
fn number(report: &Value, place: &str) -> f64 {
    report.pointer(place).and_then(Value::as_f64).unwrap_or_default()
}

/// A text somewhere in a report, empty where there is none.
fn text(report: &Value, place: &str) -> String {
    report.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned()
}

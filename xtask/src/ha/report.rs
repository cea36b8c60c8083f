//! What was seen, for people: after each drill in full, at the end as a table.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use super::Options;
use super::cluster::{Programs, Shape};
use super::drill::{Drill, Outcome};
use super::patroni::{Edition, Failover, Replication};
use crate::process::{output, program};

/// Where logs are kept.
const LOGS: &str = "target/ha";

/// Grows with each drill.
pub(super) struct Report {
    begun: Instant,
    rows: Vec<String>,
    passed: usize,
    failed: usize,
}

impl Report {
    /// Says what is going to be tried, on what.
    pub(super) fn begin(programs: &Programs, options: &Options) -> io::Result<Self> {
        let version = |name: &Path| output(&mut program(name, &["--version"]));
        let postgres = programs.postgresql.join("postgres");
        for name in [postgres.as_path(), Path::new("patroni"), Path::new("etcd"), &programs.bestow]
        {
            println!("{}", version(name)?.lines().next().unwrap_or_default());
        }
        let mut newer = program("/usr/bin/python3", &["-m", "patroni", "--version"]);
        print!("{}", output(newer.env("PYTHONPATH", &programs.patroni))?);
        let haproxy = output(&mut program("haproxy", &["-v"]))?;
        println!("{}", haproxy.lines().next().unwrap_or_default());
        println!("{}", machine()?);
        println!("{options:?}");
        Ok(Self { begun: Instant::now(), rows: Vec::new(), passed: 0, failed: 0 })
    }

    /// Prints one drill, and judges it: whether what must hold did.
    pub(super) fn add(&mut self, shape: Shape, drill: Drill, outcome: io::Result<Outcome>) -> bool {
        println!("\n==== {} ({})", drill.title(), name(shape));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                println!("FAILED: {error}");
                self.rows.push(format!(
                    "| {} | {} | FAILED: {error} |",
                    name(shape),
                    drill.title()
                ));
                self.failed += 1;
                return false;
            }
        };
        let mut broken = outcome.print();
        if let Some(why) = excuse(shape).filter(|_| !broken.is_empty()) {
            broken.drain(..).for_each(|promise| println!("for comparison: {promise}"));
            println!("{why}");
        }
        let is_kept = broken.is_empty();
        self.passed += usize::from(is_kept);
        self.failed += usize::from(!is_kept);
        for promise in broken {
            println!("BROKEN PROMISE: {promise}");
        }
        self.rows.push(format!("| {} | {} | {} |", name(shape), drill.title(), outcome.cells()));
        is_kept
    }

    /// The table, and whether every promise was kept.
    pub(super) fn end(self) -> ExitCode {
        println!(
            "\n| replication | what failed | acknowledged | found again | redeemed twice \
             | without record | codes spent unanswered | new primary | without service |\n\
             |---|---|---|---|---|---|---|---|---|"
        );
        self.rows.iter().for_each(|row| println!("{row}"));
        println!("\nall drills: {:.0} s", self.begun.elapsed().as_secs_f32());
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Outcome {
    /// Prints everything, and returns the promises that were broken.
    fn print(&self) -> Vec<String> {
        let number = |name: &str| self.findings.number(name);
        let pairs = [
            ("offers", "offers acknowledged", "offers found"),
            ("redemptions", "redemptions acknowledged", "redemptions found"),
            ("credentials", "credentials answered", "credentials recorded"),
        ];
        let mut broken = Vec::new();
        for (what, acknowledged, found) in pairs {
            let (acknowledged, found) = (number(acknowledged), number(found));
            println!("{what:12} {acknowledged:6} acknowledged, {found:6} found again");
            if acknowledged != found {
                broken.push(format!("{} {what} lost", acknowledged.abs_diff(found)));
            }
        }
        for name in ["codes redeemed twice", "proofs accepted twice", "questions unanswered"] {
            println!("{name}: {}", number(name));
            if number(name) > 0 {
                broken.push(format!("{name}: {}", number(name)));
            }
        }
        for name in ["codes spent without answer", "flows given up"] {
            println!("{name}: {}", number(name));
        }
        self.print_times();
        let wrong = self.findings.errors().filter(|(kind, _)| kind.contains("WRONG"));
        broken.extend(wrong.map(|(kind, number)| format!("{number} times {kind}")));
        broken
    }

    fn print_times(&self) {
        let at = Duration::from_millis(self.findings.number("gap begun"));
        println!(
            "longest time without an acknowledgement: {:.1} s, from second {:.1} of {:.1}",
            self.gap().as_secs_f32(),
            at.as_secs_f32(),
            Duration::from_millis(self.findings.number("milliseconds")).as_secs_f32(),
        );
        if let Some(promoted) = self.promoted {
            println!("another primary after {:.1} s", promoted.as_secs_f32());
        }
        println!("whole {:.1} s after the repair", self.whole.as_secs_f32());
        for (kind, number) in self.findings.errors() {
            println!("error {number:6} × {kind}");
        }
    }

    fn gap(&self) -> Duration {
        Duration::from_millis(self.findings.number("longest gap"))
    }

    fn cells(&self) -> String {
        let number = |name: &str| self.findings.number(name);
        let of = |names: [&str; 3]| names.map(|name| number(name).to_string()).join(" / ");
        let acknowledged =
            of(["offers acknowledged", "redemptions acknowledged", "credentials answered"]);
        let found = of(["offers found", "redemptions found", "credentials recorded"]);
        let promoted =
            self.promoted.map_or("-".to_owned(), |after| format!("{:.1} s", after.as_secs_f32()));
        let record = number("credentials answered").saturating_sub(number("credentials recorded"));
        format!(
            "{acknowledged} | {found} | {} | {record} | {} | {promoted} | {:.1} s",
            number("codes redeemed twice"),
            number("codes spent without answer"),
            self.gap().as_secs_f32()
        )
    }
}

fn name(shape: Shape) -> String {
    let replication = match shape.replication {
        Replication::Synchronous => "synchronous",
        Replication::Asynchronous => "asynchronous",
    };
    let patroni = match shape.patroni {
        Edition::Debian => "Debian's Patroni",
        Edition::Newer => "newer Patroni",
    };
    let [ttl, ..] = Failover::seconds(shape.failover);
    format!("{replication}, ttl {ttl}, {patroni}")
}

/// Why a cluster need not keep what it promised: it is there to show that.
fn excuse(shape: Shape) -> Option<&'static str> {
    if shape.replication == Replication::Asynchronous {
        Some("this is what the synchronous standby is for")
    } else if shape.patroni == Edition::Debian {
        Some("this is what the newer Patroni is for")
    } else {
        None
    }
}

fn machine() -> io::Result<String> {
    let told = fs::read_to_string("/proc/cpuinfo")?;
    let model = told.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or_default().trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} cores of {model}, {}", env::consts::ARCH))
}

/// Everything that the hosts of a cluster wrote, kept when the cluster itself is gone.
pub(super) fn keep_logs(folder: &Path) -> io::Result<()> {
    let kept = Path::new(LOGS).join(folder.file_name().unwrap_or_default());
    fs::create_dir_all(&kept)?;
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        let name = file.file_name().unwrap_or_default();
        if file.extension().is_some_and(|end| end == "log") || name == "journal" {
            fs::copy(&file, kept.join(name))?;
        }
    }
    println!("its logs are in {}", kept.display());
    Ok(())
}

//! One run of `bestow bench`.

use std::io;

use serde_json::Value;

use super::foreign::Foreign;
use super::{FOLDER, number};
use crate::process::{output, program};

/// How each run is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) seconds: u32,
}

/// What a run has shown.
pub(super) struct Outcome {
    pub(super) title: String,
    pub(super) clients: u32,
    pub(super) note: String,
    report: Value,
}

impl Outcome {
    /// A number of the report, by its place in the JSON.
    pub(super) fn number(&self, place: &str) -> f64 {
        number(&self.report, place)
    }

    /// How many flows failed.
    pub(super) fn errors(&self) -> u64 {
        let errors = self.report.get("errors").and_then(Value::as_array);
        let counts = errors.into_iter().flatten().filter_map(|error| error.get("count")?.as_u64());
        counts.sum()
    }

    pub(super) fn with_note(self, note: String) -> Self {
        Self { note, ..self }
    }
}

impl Measure {
    /// Measures an issuer that is started for it.
    pub(super) fn own(self, title: &str, clients: u32, more: &[&str]) -> io::Result<Outcome> {
        self.run(title, clients, &[&["--self"], more].concat())
    }

    /// Measures the foreign issuer.
    pub(super) fn foreign(
        self,
        title: &str,
        clients: u32,
        foreign: &Foreign,
    ) -> io::Result<Outcome> {
        let arguments = foreign.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.run(title, clients, &arguments)
    }

    fn run(self, title: &str, clients: u32, more: &[&str]) -> io::Result<Outcome> {
        println!("---- {title}, {clients} clients");
        let mut command = program("target/dist/bestow", &["bench", "--json"]);
        let folder = std::env::current_dir()?.join(FOLDER);
        // A temporary folder in memory would make every commit free.
        command.env("TMPDIR", folder);
        command.args(["--concurrency", &clients.to_string()]);
        command.args(["--duration", &self.seconds.to_string()]).args(more);
        let report: Value = serde_json::from_str(&output(&mut command)?)?;
        let outcome = Outcome { title: title.to_owned(), clients, note: String::new(), report };
        println!(
            "{:.0} flows/s, {:.3} ms CPU, {:.3} ms of others, {} errors",
            outcome.number("/flows_per_second"),
            outcome.number("/server/cpu_ms_per_flow"),
            outcome.number("/others_cpu_ms_per_flow"),
            outcome.errors()
        );
        Ok(outcome)
    }
}

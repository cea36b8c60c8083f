//! What was measured: one object for programs, a table for people.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::idle::Idle;
use super::load::{Load, Measured};
use super::own::Own;
use super::plan::Plan;
use super::process::Usage;
use crate::exit::{Failure, Kind};
use crate::terminal::{print, print_json};

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Everything that is reported.
pub(super) struct Report<'r> {
    pub(super) plan: &'r Plan,
    pub(super) load: Load,
    pub(super) measured: &'r Measured,
    /// The issuer that we started.
    pub(super) own: Option<&'r Own>,
    pub(super) idle: Option<&'r Idle>,
}

impl Report<'_> {
    /// Prints it; a run without a single flow has failed.
    pub(super) fn print(&self, as_json: bool) -> Result<(), Failure> {
        if self.measured.tally.flows() == 0 {
            return Err(self.nothing(as_json));
        }
        if as_json {
            return print_json(&self.to_json());
        }
        print(self.to_text().trim_end());
        Ok(())
    }

    fn nothing(&self, as_json: bool) -> Failure {
        if !as_json && !self.measured.tally.errors().is_empty() {
            print(self.errors().trim_end());
        }
        Failure::new(Kind::Refused, "no_flow", "no flow was counted")
            .hint("give more time, more offers, or look at the errors")
            .done("errors", self.errors_json())
    }

    fn flows_per_second(&self) -> f64 {
        count(self.measured.tally.flows()) / self.measured.elapsed.as_secs_f64()
    }

    fn to_json(&self) -> Value {
        let Self { plan, load, measured, own, .. } = self;
        let steps = measured.tally.times().map(|(step, times)| {
            let percentile = |percent| milliseconds(times.percentile(percent));
            let times = json!({
                "count": times.count(),
                "p50_ms": percentile(50),
                "p95_ms": percentile(95),
                "p99_ms": percentile(99),
                "max_ms": milliseconds(times.longest()),
            });
            (step.name().to_owned(), times)
        });
        let steps: serde_json::Map<String, Value> = steps.collect();
        json!({
            "credential_issuer": plan.credential_issuer,
            "credential_configuration_id": plan.configuration_id,
            "format": plan.configuration.format,
            "tls": plan.credential_issuer.starts_with("https:"),
            "reconnects": plan.reconnects,
            "concurrency": load.concurrency,
            "warm_up_seconds": load.warm_up.as_secs_f64(),
            "seconds": measured.elapsed.as_secs_f64(),
            "flows": measured.tally.flows(),
            "flows_per_second": self.flows_per_second(),
            "steps": steps,
            "errors": self.errors_json(),
            "server": measured.server.map(|usage| self.usage_json(usage)),
            "client": measured.client.map(|usage| self.usage_json(usage)),
            "others_cpu_ms_per_flow": measured.others.map(|seconds| self.each(seconds)),
            "idle": self.idle_json(),
            "start_ms": own.map(|own| milliseconds(own.started_in)),
            "rest_mib": own.map(|own| mebibytes(own.rest_bytes)),
        })
    }

    fn usage_json(&self, usage: (Usage, Usage)) -> Value {
        let (before, after) = usage;
        let each = |seconds| self.each(seconds);
        json!({
            "cpu_ms_per_flow": each(after.seconds() - before.seconds()),
            "user_ms_per_flow": each(after.user - before.user),
            "system_ms_per_flow": each(after.system - before.system),
            "cores": self.cores(usage),
            "memory_mib": mebibytes(after.memory_bytes),
            "memory_mib_max": mebibytes(after.memory_bytes_max),
        })
    }

    fn idle_json(&self) -> Option<Value> {
        let idle = self.idle?;
        let (opened, open) = idle.counts();
        Some(json!({ "opened": opened, "open": open, "server_bytes_each": idle.bytes_each }))
    }

    /// Milliseconds a flow.
    fn each(&self, seconds: f64) -> f64 {
        seconds * 1000.0 / count(self.measured.tally.flows())
    }

    /// How many cores were busy with it.
    fn cores(&self, (before, after): (Usage, Usage)) -> f64 {
        (after.seconds() - before.seconds()) / self.measured.elapsed.as_secs_f64()
    }

    fn errors_json(&self) -> Value {
        let errors = self.measured.tally.errors().iter();
        let errors = errors.map(|((step, kind), errors)| {
            json!({
                "step": step.name(),
                "kind": kind,
                "count": errors.count,
                "example": errors.example,
            })
        });
        errors.collect()
    }

    fn to_text(&self) -> String {
        let Self { plan, load, measured, .. } = self;
        let errors: u64 = measured.tally.errors().values().map(|errors| errors.count).sum();
        let mut text = format!(
            "{}: {} ({}), {} holders, {:.1} s\n\n{:.1} flows/s, {} flows, {errors} errors\n\n",
            plan.credential_issuer,
            plan.configuration_id,
            plan.configuration.format,
            load.concurrency,
            measured.elapsed.as_secs_f64(),
            self.flows_per_second(),
            measured.tally.flows(),
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:10}{:>10}{:>10}{:>10}{:>10}", "ms", "p50", "p95", "p99", "max");
        for (step, times) in measured.tally.times() {
            let _ = write!(text, "{:10}", step.name());
            for time in [50, 95, 99].map(|percent| times.percentile(percent)) {
                let _ = write!(text, "{:10.2}", milliseconds(time));
            }
            let _ = writeln!(text, "{:10.2}", milliseconds(times.longest()));
        }
        text.push('\n');
        text.push_str(&self.usage_text());
        text.push_str(&self.errors());
        text
    }

    fn usage_text(&self) -> String {
        let mut text = String::new();
        let each = |seconds| self.each(seconds);
        let both = [("server", self.measured.server), ("client", self.measured.client)];
        for (name, usage) in both {
            let Some((before, after)) = usage else { continue };
            let _ = writeln!(
                text,
                "{name:10}{:.3} ms CPU a flow ({:.3} user, {:.3} system), {:.2} cores, \
                 {:.1} MiB, {:.1} at most",
                each(after.seconds() - before.seconds()),
                each(after.user - before.user),
                each(after.system - before.system),
                self.cores((before, after)),
                mebibytes(after.memory_bytes),
                mebibytes(after.memory_bytes_max),
            );
        }
        if let Some(seconds) = self.measured.others {
            let each = self.each(seconds);
            let _ = writeln!(text, "{:10}{each:.3} ms CPU a flow, of the whole machine", "others");
        }
        if let Some(idle) = self.idle {
            let ((opened, open), each) = (idle.counts(), idle.bytes_each.unwrap_or_default());
            let _ = writeln!(
                text,
                "{:10}{open} of {opened} connections are still open, {each} bytes each",
                "idle"
            );
        }
        if let Some(own) = self.own {
            let (start, rest) = (milliseconds(own.started_in), mebibytes(own.rest_bytes));
            let _ = writeln!(
                text,
                "{:10}{start:.1} ms to the first answer, {rest:.1} MiB at rest",
                "start"
            );
        }
        text
    }

    fn errors(&self) -> String {
        let mut text = String::new();
        for ((step, kind), errors) in self.measured.tally.errors() {
            let (step, count, example) = (step.name(), errors.count, &errors.example);
            let _ = writeln!(text, "{count} times at the {step}: {kind}\n  {example}");
        }
        text
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "to be read by people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53")]
fn count(count: u64) -> f64 {
    count as f64
}

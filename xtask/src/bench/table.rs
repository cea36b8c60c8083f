//! Tables for people.

use std::fmt::Write as _;

use super::measure::Outcome;

const HEAD: &str = "\
| | clients | flows/s | flow p50 / p95 / p99 ms | server CPU ms/flow | client | others | memory MiB | |
|---|---:|---:|---:|---:|---:|---:|---:|---|
";

/// One line a run.
pub(super) fn flows(rows: &[Outcome]) -> String {
    let mut text = HEAD.to_owned();
    for row in rows {
        let number = |place| row.number(place);
        let failed = match row.errors() {
            0 => String::new(),
            count => format!("{count} flows failed. "),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {:.2} / {:.2} / {:.2} | **{:.3}** | {:.3} | {:.3} | {:.1} | {failed}{} |",
            row.title,
            row.clients,
            number("/flows_per_second"),
            number("/steps/flow/p50_ms"),
            number("/steps/flow/p95_ms"),
            number("/steps/flow/p99_ms"),
            number("/server/cpu_ms_per_flow"),
            number("/client/cpu_ms_per_flow"),
            number("/others_cpu_ms_per_flow"),
            number("/server/memory_mib_max"),
            row.note,
        );
    }
    text
}

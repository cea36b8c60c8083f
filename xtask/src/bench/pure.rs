//! What the pure steps cost: read from what criterion has written.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use serde_json::Value;

use super::{number, text};
use crate::process::{cargo, run};

/// Where criterion puts its estimates.
const ESTIMATES: &str = "target/criterion";

/// Runs the benchmarks of `testkit` and makes a table of their medians.
pub(super) fn steps() -> io::Result<String> {
    let arguments = ["bench", "--locked", "-p", "bestow-testkit", "--bench", "steps"];
    run(&mut cargo(&arguments))?;
    let mut rows = Vec::new();
    for entry in fs::read_dir(ESTIMATES)? {
        rows.extend(row(&entry?.path())?);
    }
    rows.sort();
    let mut text = "\n### Pure steps, on one core\n\n| | median |\n|---|---:|\n".to_owned();
    for (title, microseconds) in rows {
        let _ = writeln!(text, "| {title} | {microseconds} µs |"); // cannot fail
    }
    Ok(text)
}

/// `None` for a folder that holds no benchmark.
fn row(folder: &Path) -> io::Result<Option<(String, String)>> {
    let (about, estimates) = (folder.join("new/benchmark.json"), folder.join("new/estimates.json"));
    if !about.exists() {
        return Ok(None);
    }
    let read = |file: &Path| -> io::Result<Value> { Ok(serde_json::from_slice(&fs::read(file)?)?) };
    let title = text(&read(&about)?, "/full_id");
    let nanoseconds = number(&read(&estimates)?, "/median/point_estimate");
    Ok(Some((title, format!("{:.2}", nanoseconds / 1000.0))))
}

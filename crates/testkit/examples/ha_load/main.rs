//! The load of `cargo xtask ha`: full flows over several nodes, and afterwards the question whether
//! everything that was acknowledged is still there.
//!
//! ```text
//! ha_load run   FOLDER URL JOURNAL RATE NODE…    until standard input closes
//! ha_load check FOLDER URL JOURNAL RATE NODE…    prints what became of it, one `name<TAB>value` a line
//! ```
//!
//! `FOLDER` is that of the issuer, `URL` its address, `RATE` flows in a second, `NODE` the address
//! of a host that serves it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]

mod check;
mod flow;
mod journal;
mod nodes;

use std::io::{self, Read as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journal::{Entry, Journal};
use nodes::Nodes;
use tokio::task::JoinSet;

/// Wallets at work at the same time.
const WALLETS: u32 = 16;
/// Whoever starts us may die without closing our input.
const RUN_MAX: Duration = Duration::from_mins(15);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["run", folder, url, journal, rate, nodes @ ..] => match Nodes::new(folder, url, nodes) {
            Ok(nodes) => run(nodes, Path::new(journal), rate).await,
            Err(error) => Err(error),
        },
        ["check", folder, url, journal, _, nodes @ ..] => match Nodes::new(folder, url, nodes) {
            Ok(nodes) => check::check(nodes, Path::new(journal)).await,
            Err(error) => Err(error),
        },
        _ => Err(io::Error::other("say run or check; see the top of the source")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Wallets come at the given rate and write down what they are told.
async fn run(nodes: Nodes, file: &Path, rate: &str) -> io::Result<()> {
    let rate: u32 = rate.parse().map_err(io::Error::other)?;
    let pause = Duration::from_secs(1) * WALLETS / rate.max(1);
    let journal = Arc::new(Journal::create(file)?);
    journal.write(&Entry::Begin);
    let (nodes, end) = (Arc::new(nodes), until_input_closes());
    let mut wallets = JoinSet::new();
    for number in 0..WALLETS {
        let (nodes, journal, end) = (nodes.clone(), journal.clone(), end.clone());
        wallets.spawn(async move {
            tokio::time::sleep(pause * number / WALLETS).await;
            while !end.load(Ordering::Relaxed) {
                let next = Instant::now() + pause;
                flow::flow(&nodes, &journal, &end).await;
                tokio::time::sleep_until(next.into()).await;
            }
        });
    }
    wallets.join_all().await;
    journal.write(&Entry::End);
    Ok(())
}

/// Becomes true when nobody is there any more, or after the longest time.
fn until_input_closes() -> Arc<AtomicBool> {
    let end = Arc::new(AtomicBool::new(false));
    let (closed, late) = (end.clone(), end.clone());
    std::thread::spawn(move || {
        drop(io::stdin().read_to_end(&mut Vec::new()));
        closed.store(true, Ordering::Relaxed);
    });
    std::thread::spawn(move || {
        std::thread::sleep(RUN_MAX);
        late.store(true, Ordering::Relaxed);
    });
    end
}

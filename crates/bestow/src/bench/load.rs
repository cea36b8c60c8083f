//! Many holders at once, on threads of their own, and the window in which their flows count.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::flow::{End, Holder};
use super::offers::Offers;
use super::plan::Plan;
use super::process::{self, Usage};
use super::tally::Tally;
use crate::exit::Failure;
use crate::terminal::asked_to_end;

/// A holder whose flow failed waits so long, unless it is told how long: whoever is refused at once
/// would only heat the room.
const PAUSE: Duration = Duration::from_millis(20);
/// Nobody waits longer, whatever it is told.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How much, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) concurrency: usize,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
    /// The server's process.
    pub(super) pid: Option<u32>,
}

/// What came of it.
pub(super) struct Measured {
    pub(super) tally: Tally,
    /// From the first flow that counts to the last.
    pub(super) elapsed: Duration,
    /// Of the server's process, before and after.
    pub(super) server: Option<(Usage, Usage)>,
    /// Of this process, before and after.
    pub(super) client: Option<(Usage, Usage)>,
    /// Seconds of CPU time of everything else on this machine: databases, and what disturbs.
    pub(super) others: Option<f64>,
}

/// When flows count.
#[derive(Clone)]
struct Window {
    from: Instant,
    until: Instant,
    /// Set when somebody asked to end, or when all is over.
    is_over: Arc<AtomicBool>,
}

/// Runs the load; ends early when the offers are used up, or when somebody asks for it.
pub(super) async fn run(
    plan: &Arc<Plan>,
    offers: &Offers,
    load: Load,
) -> Result<Measured, Failure> {
    let from = Instant::now() + load.warm_up;
    let is_over = Arc::new(AtomicBool::new(false));
    let window = Window { from, until: from + load.duration, is_over };
    let (plan, offers) = (Arc::clone(plan), offers.clone());
    let its_window = window.clone();
    let running =
        tokio::task::spawn_blocking(move || on_threads(&plan, &offers, load, &its_window));
    let watched = watch(running, load, &window).await;
    window.is_over.store(true, Ordering::Relaxed);
    watched
}

async fn watch(
    mut running: tokio::task::JoinHandle<Result<Tally, Failure>>,
    load: Load,
    window: &Window,
) -> Result<Measured, Failure> {
    let mut finished = None;
    tokio::select! {
        () = tokio::time::sleep_until(window.from.into()) => {}
        tally = &mut running => finished = Some(tally),
    }
    let (begun, before) = (Instant::now(), Sample::take(load.pid));
    if finished.is_none() {
        tokio::select! {
            () = tokio::time::sleep_until(window.until.into()) => {}
            asked = asked_to_end() => asked?,
            tally = &mut running => finished = Some(tally),
        }
    }
    let (elapsed, after) = (begun.elapsed(), Sample::take(load.pid));
    window.is_over.store(true, Ordering::Relaxed);
    let tally = match finished {
        Some(tally) => tally,
        None => running.await,
    };
    Ok(Measured {
        tally: tally.map_err(Failure::own_fault)??,
        elapsed,
        others: before.others_until(&after),
        server: before.server.zip(after.server),
        client: before.client.zip(after.client),
    })
}

/// What was used up to one moment.
struct Sample {
    server: Option<Usage>,
    client: Option<Usage>,
    machine: Option<f64>,
}

impl Sample {
    fn take(server: Option<u32>) -> Self {
        Self {
            server: server.and_then(Usage::of),
            client: Usage::of(std::process::id()),
            machine: process::of_machine(),
        }
    }

    /// Only where the server is on this machine, or the rest would be its share too.
    fn others_until(&self, after: &Self) -> Option<f64> {
        let spent = |before: Option<Usage>, after: Option<Usage>| {
            before.zip(after).map(|(before, after)| after.seconds() - before.seconds())
        };
        let ours = spent(self.server, after.server)? + spent(self.client, after.client)?;
        let all = after.machine? - self.machine?;
        Some((all - ours).max(0.0))
    }
}

/// Few threads, each with its own holders: nothing is handed from one to another.
fn on_threads(
    plan: &Arc<Plan>,
    offers: &Offers,
    load: Load,
    window: &Window,
) -> Result<Tally, Failure> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores / 2).clamp(1, load.concurrency);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                let holders = (number..load.concurrency).step_by(threads).count();
                let offers = offers.for_one_of(threads);
                scope.spawn(move || on_one_thread(plan, &offers, holders, window))
            })
            .collect();
        let mut all = Tally::new();
        for one in running {
            let tally = one.join().map_err(|_| Failure::own_fault("a thread of the load died"))?;
            all.merge(tally?);
        }
        Ok(all)
    })
}

fn on_one_thread(
    plan: &Arc<Plan>,
    offers: &Offers,
    holders: usize,
    window: &Window,
) -> Result<Tally, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::own_fault)?.block_on(async {
        let mut running = JoinSet::new();
        for _ in 0..holders {
            let holder = Holder::new(plan)?;
            running.spawn(flows(holder, offers.clone(), window.clone()));
        }
        let mut all = Tally::new();
        while let Some(tally) = running.join_next().await {
            all.merge(tally.map_err(Failure::own_fault)?);
        }
        Ok(all)
    })
}

/// One flow after the other.
async fn flows(mut holder: Holder, offers: Offers, window: Window) -> Tally {
    let mut tally = Tally::new();
    while !window.is_over.load(Ordering::Relaxed) {
        let outcome = holder.flow(&offers).await;
        let now = Instant::now();
        let counts =
            now >= window.from && now < window.until && !window.is_over.load(Ordering::Relaxed);
        match outcome {
            Ok(laps) if counts => tally.add(&laps),
            Ok(_) => {}
            Err(End::NoMoreOffers) => break,
            Err(End::Failed(step, trouble)) => {
                let pause = trouble.retry_after.unwrap_or(PAUSE).min(PAUSE_MAX);
                if counts {
                    tally.fail(step, trouble);
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
    tally
}

//! What waits is done together: at once while nothing runs, else with what has gathered meanwhile.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::store::StoreError;

/// Steps that may wait; more are refused at once, so that overload shows early (Q04).
const QUEUE_MAX: usize = 4096;
/// Bytes of claims that may wait.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Steps in one batch.
const BATCH_MAX: usize = 256;
/// Bytes of claims in one batch; a single larger step goes alone.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// So many must wait before a second connection begins beside one that is at work: one large batch
/// costs less than two small ones.
const BESIDE_MIN: usize = 48;

/// So soon after a batch came through the server is believed to be there.
const ALIVE: Duration = Duration::from_secs(1);

/// One step that waits for its turn.
pub(super) trait Work: Send + 'static {
    /// What two steps in work at the same time may not have in common.
    type Key: Clone + fmt::Debug + Eq + Hash + Send;

    /// `None` when it gets in nobody's way.
    fn key(&self) -> Option<Self::Key>;

    /// How much there is to send.
    fn bytes(&self) -> usize;

    /// Tells who waits that it was not done.
    fn fail(self, error: StoreError);
}

/// Work of one kind, shared by the connections that do it.
#[derive(Debug)]
pub(super) struct Queue<W: Work> {
    state: Mutex<State<W>>,
    turn: Notify,
}

#[derive(Debug)]
struct State<W: Work> {
    ready: VecDeque<W>,
    /// A key in work or ready, and the steps that wait behind it.
    held: HashMap<W::Key, VecDeque<W>>,
    waiting: usize,
    waiting_bytes: usize,
    running: usize,
    /// Those of the running that take long: what waits need not wait for them.
    slow: usize,
    last_done: Option<Instant>,
    /// Why nothing is taken at present.
    down: Option<StoreError>,
}

impl<W: Work> Queue<W> {
    pub(super) fn new() -> Self {
        let state = State {
            ready: VecDeque::new(),
            held: HashMap::new(),
            waiting: 0,
            waiting_bytes: 0,
            running: 0,
            slow: 0,
            last_done: None,
            down: None,
        };
        Self { state: Mutex::new(state), turn: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a step in, or says at once that it cannot be done now.
    pub(super) fn push(&self, work: W) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(error) = &state.down {
            return Err(error.clone());
        }
        let bytes = state.waiting_bytes.saturating_add(work.bytes());
        if state.waiting >= QUEUE_MAX || (bytes > QUEUE_BYTES_MAX && state.waiting > 0) {
            return Err(StoreError::Unavailable("too many steps wait".to_owned()));
        }
        state.waiting += 1;
        state.waiting_bytes = bytes;
        state.admit(work);
        if state.is_turn() {
            self.turn.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something to do for one more connection.
    pub(super) async fn turn(&self) {
        while !self.state().is_turn() {
            self.turn.notified().await;
        }
    }

    /// Takes the next batch; empty when others were faster.
    pub(super) fn take(&self) -> Vec<W> {
        let mut state = self.state();
        if !state.is_turn() {
            return Vec::new();
        }
        let batch = state.batch();
        state.running += 1;
        if state.is_turn() {
            self.turn.notify_one();
        }
        batch
    }

    /// Leaves what waits to another connection.
    pub(super) fn pass(&self) {
        self.turn.notify_one();
    }

    /// A running batch takes long.
    pub(super) fn slow(&self) {
        self.state().slow += 1;
        self.turn.notify_one();
    }

    /// A batch has been answered: what waited behind its keys is ready.
    pub(super) fn done(&self, keys: &[W::Key], was_slow: bool, is_alive: bool) {
        let mut state = self.state();
        if is_alive {
            state.last_done = Some(Instant::now());
            state.down = None;
        }
        state.running -= 1;
        state.slow -= usize::from(was_slow);
        for key in keys {
            state.release(key);
        }
        if state.is_turn() {
            self.turn.notify_one();
        }
    }

    /// Whether a batch came through just now.
    pub(super) fn is_alive(&self) -> bool {
        self.state().last_done.is_some_and(|last| last.elapsed() < ALIVE)
    }

    /// The server cannot be reached: nobody waits for it, and nothing new is taken in.
    pub(super) fn down(&self, error: &StoreError) {
        let mut state = self.state();
        state.down = Some(error.clone());
        let failed = state.drain();
        drop(state);
        for work in failed {
            work.fail(error.clone());
        }
    }

    /// The server is there again.
    pub(super) fn up(&self) {
        self.state().down = None;
    }
}

impl<W: Work> State<W> {
    /// Whether a connection that has nothing to do should begin.
    fn is_turn(&self) -> bool {
        self.ready.len() >= if self.running == self.slow { 1 } else { BESIDE_MIN }
    }

    fn admit(&mut self, work: W) {
        let Some(key) = work.key() else { return self.ready.push_back(work) };
        if let Some(behind) = self.held.get_mut(&key) {
            behind.push_back(work);
        } else {
            self.held.insert(key, VecDeque::new());
            self.ready.push_back(work);
        }
    }

    fn batch(&mut self) -> Vec<W> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(work) = self.ready.front()
            && batch.len() < BATCH_MAX
            && (batch.is_empty() || bytes + work.bytes() <= BATCH_BYTES_MAX)
        {
            bytes += work.bytes();
            batch.extend(self.ready.pop_front());
        }
        self.waiting -= batch.len();
        self.waiting_bytes -= bytes;
        batch
    }

    fn release(&mut self, key: &W::Key) {
        let Some(behind) = self.held.get_mut(key) else { return };
        if let Some(work) = behind.pop_front() {
            self.ready.push_back(work);
        } else {
            self.held.remove(key);
        }
    }

    /// Everything that waits; what is in work stays.
    fn drain(&mut self) -> Vec<W> {
        let mut all: Vec<W> = self.ready.drain(..).collect();
        let keys: Vec<W::Key> = all.iter().filter_map(Work::key).collect();
        all.extend(self.held.values_mut().flat_map(|behind| behind.drain(..)));
        for key in keys {
            self.held.remove(&key);
        }
        (self.waiting, self.waiting_bytes) = (0, 0);
        all
    }
}

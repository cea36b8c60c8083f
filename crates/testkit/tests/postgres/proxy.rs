//! Stands between store and server, and breaks what a network breaks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What it does to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Nothing.
    Open,
    /// The next answer of the server is lost, and with it its connection.
    LoseNextAnswer,
    /// Nothing passes, and nobody is told.
    Silent,
}

impl Mood {
    const ALL: [Self; 3] = [Self::Open, Self::LoseNextAnswer, Self::Silent];
}

#[derive(Debug)]
struct State {
    mood: AtomicU8,
    /// Answers that still pass before one is lost.
    pass: AtomicUsize,
    lost: AtomicUsize,
    changed: Notify,
}

impl State {
    fn mood(&self) -> Mood {
        Mood::ALL[usize::from(self.mood.load(Ordering::SeqCst))]
    }

    /// Whether this answer is the one.
    fn is_lost(&self) -> bool {
        let order = Ordering::SeqCst;
        if self.pass.fetch_update(order, order, |count| count.checked_sub(1)).is_ok() {
            return false;
        }
        let (lose, open) = (Mood::LoseNextAnswer as u8, Mood::Open as u8);
        let is_first = self.mood.compare_exchange(lose, open, order, order).is_ok();
        self.lost.fetch_add(usize::from(is_first), order);
        is_first
    }
}

/// One proxy; it ends with the test.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
    task: AbortHandle,
}

impl Proxy {
    /// In front of a server on this machine.
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            mood: AtomicU8::new(0),
            pass: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            changed: Notify::new(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, state, task: task.abort_handle() }
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.state.mood.store(mood as u8, Ordering::SeqCst);
        self.state.changed.notify_waiters();
    }

    /// Loses an answer, after so many that pass.
    pub(crate) fn lose_after(&self, count: usize) {
        self.state.pass.store(count, Ordering::SeqCst);
        self.set(Mood::LoseNextAnswer);
    }

    /// How many answers were lost.
    pub(crate) fn lost(&self) -> usize {
        self.state.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: u16, state: Arc<State>) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        ended = questions(from_client, to_server, &state) => ended,
        ended = answers(from_server, to_client, &state) => ended,
    }
}

async fn questions(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: &State,
) -> io::Result<()> {
    let mut bytes = [0; 8192];
    loop {
        let count = from.read(&mut bytes).await?;
        silence(state).await;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..count]).await?;
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) -> io::Result<()> {
    let mut bytes = [0; 8192];
    loop {
        let count = from.read(&mut bytes).await?;
        silence(state).await;
        if state.mood() == Mood::LoseNextAnswer && state.is_lost() {
            return Ok(()); // both sides see their connection end
        }
        if count == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..count]).await?;
    }
}

/// Waits for as long as nothing passes.
async fn silence(state: &State) {
    loop {
        let changed = state.changed.notified();
        if state.mood() != Mood::Silent {
            return;
        }
        changed.await;
    }
}

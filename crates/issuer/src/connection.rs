//! Connections: how many there may be, and how long one may stay without a byte (Q01, Q02, Q03).

use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::config::TrustedProxy;
use crate::network::network;
use crate::places::{Place, Places};

/// How often the log tells that connections were refused.
const TOLD_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6).unwrap();

/// Lets connections in, as long as there are places.
#[derive(Clone)]
pub(crate) struct Gate {
    places: Arc<Places<IpAddr>>,
    /// Many people stand behind one of these, so it has no bound of its own.
    trusted: Arc<[TrustedProxy]>,
    idle_max: Duration,
    telling: Arc<DefaultDirectRateLimiter>,
}

impl Gate {
    /// So many connections in all, so many of one address, each so long without a byte.
    pub(crate) fn new(
        (all_max, each_max): (usize, usize),
        trusted: &[TrustedProxy],
        idle_max: Duration,
    ) -> Self {
        Self {
            places: Places::new(all_max, each_max),
            trusted: trusted.into(),
            idle_max,
            telling: Arc::new(RateLimiter::direct(Quota::per_minute(TOLD_PER_MINUTE))),
        }
    }

    fn enter(&self, stream: TcpStream) -> io::Result<Watched<TcpStream>> {
        let address = stream.peer_addr()?.ip().to_canonical();
        let is_trusted = self.trusted.iter().any(|proxy| proxy.contains(address));
        let key = (!is_trusted).then(|| network(address, false));
        let Some(place) = self.places.take(key) else {
            if self.telling.check().is_ok() {
                tracing::warn!(%address, "connections are refused: all places are taken");
            }
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        stream.set_nodelay(true)?;
        Ok(Watched::new(stream, self.idle_max, place))
    }
}

impl<S> Accept<TcpStream, S> for Gate {
    type Stream = Watched<TcpStream>;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(self.enter(stream).map(|stream| (stream, service)))
    }
}

/// A connection that ends itself when nothing goes in or out for long: HTTP/2 has no such bound of
/// its own, and a peer that does not read would hold an answer for ever.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    idle_max: Duration,
    last: Instant,
    alarm: Pin<Box<Sleep>>,
    /// Given back when the connection ends.
    _place: Place<IpAddr>,
}

impl<S> Watched<S> {
    fn new(stream: S, idle_max: Duration, place: Place<IpAddr>) -> Self {
        let last = Instant::now();
        let alarm = Box::pin(tokio::time::sleep_until(last + idle_max));
        Self { stream, idle_max, last, alarm, _place: place }
    }

    /// The alarm is not set anew at every byte: when it rings, it looks how long nothing came.
    fn watch(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let until = self.last + self.idle_max;
            if until <= Instant::now() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(until);
        }
    }

    fn noted<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_pending() {
            return self.watch(context).map(Err);
        }
        self.last = Instant::now();
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.noted(outcome, context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.noted(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

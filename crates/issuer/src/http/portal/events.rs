//! The live state of an application, as server-sent events (P06): the page's link opens them, and
//! every node can answer, since the store is asked again and again.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use oid4vci::grant::OfferState;
use tokio::time::{Instant, sleep};

use super::trouble::Trouble;
use super::visitor::{Segment, StreamPlaces, Visitor};
use crate::flow::application::{Stage, view};

/// Streams open at once; whoever comes later is told the present state and comes again.
pub(super) const STREAMS_MAX: usize = 1_000;
/// Of one address: a whole campus may stand behind one.
pub(super) const STREAMS_PER_ADDRESS_MAX: usize = 100;
/// Of one application: a few open tabs.
pub(super) const STREAMS_PER_APPLICATION_MAX: usize = 4;
/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A browser opens the next stream by itself; meanwhile a node may have been updated.
const LIFE_MAX: Duration = Duration::from_mins(15);
/// How soon a browser comes again.
const COME_AGAIN: Duration = Duration::from_secs(3);
/// How soon it comes again when all streams were taken.
const COME_AGAIN_CROWDED: Duration = Duration::from_secs(15);

/// `GET /applications/SECRET/events`
pub(super) async fn events(
    Extension(visitor): Extension<Visitor>,
    Segment(secret): Segment,
) -> Result<Response, Trouble> {
    let application = visitor.view(&secret).await?.application.id;
    let places = visitor.take_stream(application);
    let watch = Watch {
        until: Instant::now() + if places.is_some() { LIFE_MAX } else { Duration::ZERO },
        places,
        visitor,
        secret,
        told: None,
    };
    let events = stream::unfold(watch, |mut watch| async {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// One open stream.
struct Watch {
    visitor: Visitor,
    secret: String,
    until: Instant,
    told: Option<&'static str>,
    /// `None` when all streams were taken.
    places: Option<StreamPlaces>,
}

impl Watch {
    /// The present state at once, then every change; nothing follows a final state.
    async fn next(&mut self) -> Option<Event> {
        let Some(told) = self.told else {
            let state = self.look().await?;
            let come_again = self.places.as_ref().map_or(COME_AGAIN_CROWDED, |_| COME_AGAIN);
            return Some(self.tell(state).retry(come_again));
        };
        while !is_final(told) && Instant::now() < self.until {
            let mut ending = self.visitor.issuer().ending.subscribe();
            tokio::select! {
                () = sleep(LOOK_EVERY) => {}
                _ = ending.wait_for(|ending| *ending) => return None,
            }
            let state = self.look().await?;
            if state != told {
                return Some(self.tell(state));
            }
        }
        None
    }

    fn tell(&mut self, state: &'static str) -> Event {
        self.told = Some(state);
        Event::default().data(state)
    }

    /// `None` ends the stream: the application is gone, or we are broken and the browser asks again.
    async fn look(&self) -> Option<&'static str> {
        match view(self.visitor.issuer(), &self.secret).await {
            Ok(view) => view.map(|view| name(&view.stage)),
            Err(error) => {
                tracing::error!(?error, "live state failed");
                None
            }
        }
    }
}

/// As the pages call themselves in `data-state`.
const fn name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Waiting => "received",
        Stage::Rejected => "rejected",
        Stage::Offer(offer) => match offer.state {
            OfferState::Created => "waiting",
            OfferState::Fetched | OfferState::Redeemed => "opened",
            OfferState::Deferred => "deferred",
            OfferState::Issued => "issued",
            OfferState::Expired => "expired",
            OfferState::Locked => "locked",
            OfferState::Withdrawn => "withdrawn",
        },
    }
}

fn is_final(state: &str) -> bool {
    !matches!(state, "received" | "waiting" | "opened")
}

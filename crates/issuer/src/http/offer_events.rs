//! What becomes of one offer, told to the operator's programs as it happens: server-sent events. Every
//! node can answer, whoever served the wallet, since the store is asked again and again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use oid4vci::offer::OfferId;
use tokio::time::{Instant, sleep};

use super::admin::{Id, offer_id};
use super::offer_view::{OfferView, views};
use super::problem::Problem;
use crate::Issuer;
use crate::failure::Broken;
use crate::flow::offer::UNKNOWN_OFFER;
use crate::places::{Place, Places};

/// Streams open at once.
const STREAMS_MAX: usize = 200;
/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The program opens the next stream by itself; meanwhile a node may have been updated.
const LIFE_MAX: Duration = Duration::from_mins(15);
/// How soon it comes again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// Places for all streams of this node.
pub(super) type Streams = Arc<Places<()>>;

/// Nobody has one yet.
pub(super) fn streams() -> Streams {
    Places::new(STREAMS_MAX, STREAMS_MAX)
}

/// `GET /admin/v1/offers/{id}/events`: the offer as `GET /admin/v1/offers/{id}` shows it, at once and
/// after every change.
pub(super) async fn offer_events(
    State(issuer): State<Arc<Issuer>>,
    Extension(streams): Extension<Streams>,
    id: Id,
) -> Result<Response, Problem> {
    let id = offer_id(id)?;
    if look(&issuer, id).await?.is_none() {
        return Err(Problem::not_found(UNKNOWN_OFFER));
    }
    let place = streams.take(None).ok_or_else(|| {
        let detail = "So many streams are open that no other is: ask for the offer itself instead.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not now", detail)
    })?;
    let until = Instant::now() + LIFE_MAX;
    let watch = Watch { issuer, id, until, told: None, _place: place };
    let events = stream::unfold(watch, |mut watch| async {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// One open stream.
struct Watch {
    issuer: Arc<Issuer>,
    id: OfferId,
    until: Instant,
    told: Option<OfferView>,
    _place: Place<()>,
}

impl Watch {
    /// `None` ends the stream: its time is over, the issuer stops, the offer is no longer known, or we
    /// are broken and the program asks again.
    async fn next(&mut self) -> Option<Event> {
        let mut ending = self.issuer.ending.subscribe();
        let is_first = self.told.is_none();
        while Instant::now() < self.until {
            let seen = look(&self.issuer, self.id).await.unwrap_or_else(|broken| {
                broken.log();
                None
            })?;
            if self.told.as_ref() != Some(&seen) {
                let event = Event::default().event("offer").json_data(&seen).ok()?;
                self.told = Some(seen);
                return Some(if is_first { event.retry(COME_AGAIN) } else { event });
            }
            tokio::select! {
                () = sleep(LOOK_EVERY) => {}
                _ = ending.wait_for(|ending| *ending) => return None,
            }
        }
        None
    }
}

async fn look(issuer: &Issuer, id: OfferId) -> Result<Option<OfferView>, Broken> {
    let Some(grant) = issuer.store.grant(id).await? else { return Ok(None) };
    Ok(views(issuer, vec![grant]).await?.pop())
}

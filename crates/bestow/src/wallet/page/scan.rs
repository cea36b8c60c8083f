//! Step 4: a link, a picture or a camera's frame becomes an offer; nothing leaves this machine.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use wallet::flow::offer::ScannedOffer;

use super::problem::Problem;
use super::{Served, gate};
use crate::exit::Failure;
use crate::wallet::input;

/// Longest file of a picture.
pub(super) const PICTURE_BYTES_MAX: usize = 20_000_000;
/// Largest frame: 1280 pixels a side.
pub(super) const FRAME_BYTES_MAX: usize = 1280 * 1280;

/// A link, pasted or dropped.
#[derive(Deserialize)]
pub(super) struct Text {
    text: String,
}

/// How a frame's bytes lie.
#[derive(Deserialize)]
pub(super) struct Frame {
    width: u32,
    height: u32,
}

/// `POST /api/scan/text`
pub(super) async fn text(
    State(served): State<Arc<Served>>,
    body: Result<Json<Text>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(Text { text }) = body?;
    Ok(begin(&served, ScannedOffer::scan(text.trim())?))
}

/// `POST /api/scan/picture`: PNG, JPEG or SVG.
pub(super) async fn picture(
    State(served): State<Arc<Served>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let bytes = body?;
    let text = aside(&served, move || input::from_picture(&bytes)).await??;
    Ok(begin(&served, ScannedOffer::scan(&text)?))
}

/// `POST /api/scan/frame?width=&height=`: one byte of brightness a pixel. Most frames show no code,
/// so that is no failure.
pub(super) async fn frame(
    State(served): State<Arc<Served>>,
    frame: Result<Query<Frame>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(Frame { width, height }) = frame?;
    let luma = body?;
    let texts = aside(&served, move || qr::read_luma(width, height, &luma)).await?;
    let texts = texts.unwrap_or_default();
    let mut offers = texts.iter().filter_map(|text| ScannedOffer::scan(text).ok());
    Ok(match (offers.next(), offers.next()) {
        (Some(offer), None) => begin(&served, offer),
        (Some(_), Some(_)) => Json(json!({ "seen": "several" })),
        (None, _) => Json(json!({ "seen": if texts.is_empty() { "nothing" } else { "other" } })),
    })
}

fn begin(served: &Served, scanned: ScannedOffer) -> Json<Value> {
    let id = gate::draw(&*served.wallet.random).to_string();
    served.flows.begin(id.clone(), scanned);
    Json(json!({ "flow": id }))
}

/// Pixels are read beside the threads that answer, one picture after the other.
async fn aside<T: Send + 'static>(
    served: &Served,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let _turn = served.reader.acquire().await.map_err(Failure::own_fault)?;
    let work = tokio::task::spawn_blocking(work).await;
    work.map_err(|error| Failure::own_fault(error).into())
}

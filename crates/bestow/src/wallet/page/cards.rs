//! Step 20: what the wallet holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use formats::type_metadata::{Look, Orientation};
use serde_json::{Value, json};
use wallet::status::Lists;
use wallet::store::{Listed, StoredCredential};

use super::problem::{Id, Place, Problem, nothing_here};
use super::{Served, language, view};
use crate::wallet::{find, forget, refresh};

/// `GET /api/cards`: the newest first.
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let (locale, now) = (language::of(&headers), served.wallet.clock.now());
    let Listed { records, damaged } = served.wallet.store.credentials().await?;
    let cards = records.iter().rev().map(|credential| view::stored(credential, &locale, now));
    let pending = served.wallet.store.pending().await?.records;
    let pending: Vec<_> = pending.iter().map(|one| view::awaited(one, &locale)).collect();
    let cards: Vec<_> = cards.collect();
    Ok(Json(json!({ "cards": cards, "pending": pending, "damaged": damaged })))
}

/// `GET /api/cards/{id}`
pub(super) async fn show(
    State(served): State<Arc<Served>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let (locale, now) = (language::of(&headers), served.wallet.clock.now());
    let credential = find(&*served.wallet.store, &id).await?;
    Ok(Json(view::stored_card(&credential, &locale, now)))
}

/// `POST /api/cards/{id}/status`: asks the issuer's status list, on no host but the issuer's.
pub(super) async fn ask_status(
    State(served): State<Arc<Served>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let credential = find(&*served.wallet.store, &id).await?;
    let asked = served.wallet.refresh_status(&credential, &[], &mut Lists::default()).await?;
    if let Some(fault) = asked.faults.first() {
        return Err(refresh::failure(fault).into());
    }
    show(State(served), Id(id), headers).await
}

/// `GET /api/cards/{id}/raw`: as it came, and what was read from it.
pub(super) async fn raw(
    State(served): State<Arc<Served>>,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    let credential = find(&*served.wallet.store, &id).await?;
    Ok(Json(json!({ "raw": credential.raw, "claims": credential.claims })))
}

/// A picture of a card is looked at: it runs nothing and fetches nothing, wherever it is opened
/// (SD-JWT VC §8.1.2.2, catalogue N01).
const PICTURE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// `GET /api/cards/{id}/picture`: the whole card as its issuer draws it, in the look that is wanted.
pub(super) async fn picture(
    State(served): State<Arc<Served>>,
    Id(id): Id,
    wanted: Result<Query<Look>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted?;
    let credential = find(&*served.wallet.store, &id).await?;
    answer(drawn(&credential, wanted, &headers)).await
}

/// `GET /api/flows/{id}/cards/{number}/picture`: the same of a card that is not kept yet, counted from 0
/// as they were shown.
pub(super) async fn previewed_picture(
    State(served): State<Arc<Served>>,
    Place { id, number }: Place,
    wanted: Result<Query<Look>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted?;
    let drawn = served.flows.received(&id, |received| {
        drawn(received.previews().get(number)?.credential(), wanted, &headers)
    });
    answer(drawn).await
}

fn drawn(credential: &StoredCredential, wanted: Look, headers: &HeaderMap) -> Option<String> {
    // Cards lie as those of a bank do.
    let wanted =
        Look { orientation: wanted.orientation.or(Some(Orientation::Landscape)), ..wanted };
    let templates = &credential.display.svg_templates;
    templates.drawn(&credential.claims, &language::of(headers), wanted)
}

async fn answer(drawn: Option<String>) -> Result<Response, Problem> {
    let Some(drawn) = drawn else { return Err(nothing_here().await) };
    let about = [(CONTENT_TYPE, "image/svg+xml"), (CONTENT_SECURITY_POLICY, PICTURE_POLICY)];
    Ok((about, drawn).into_response())
}

/// `DELETE /api/cards/{id}`; what is damaged goes by the name in the list.
pub(super) async fn delete(
    State(served): State<Arc<Served>>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    forget(&*served.wallet.store, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Step 20: what the wallet holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use wallet::status::Lists;
use wallet::store::Listed;

use super::problem::{Id, Problem};
use super::{Served, language, view};
use crate::wallet::{find, forget, refresh};

/// `GET /api/cards`: the newest first.
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let (locale, now) = (language::of(&headers), served.wallet.clock.now());
    let Listed { records, damaged } = served.wallet.store.credentials().await?;
    let cards = records.iter().rev().map(|credential| view::face(credential, &locale, now));
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
    Ok(Json(view::card(&credential, &locale, now)))
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

/// `DELETE /api/cards/{id}`; what is damaged goes by the name in the list.
pub(super) async fn delete(
    State(served): State<Arc<Served>>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    forget(&*served.wallet.store, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! The admin API on what waits for an officer after a wallet has asked for it (VCI §9).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::IntoResponse;
use keys::json;
use oid4vci::deferred::{Deferral, DeferralId, DeferralState};
use oid4vci::offer::OfferId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::admin::{Asked, Id, listing};
use super::problem::Problem;
use crate::Issuer;
use crate::failure::Broken;
use crate::flow::deferred::{approve_deferral, reject_deferral};
use crate::store::deferral::DeferralPage;

/// A deferred issuance as officers see it.
#[derive(Debug, Serialize)]
struct DeferralView {
    id: String,
    state: DeferralState,
    offer_id: String,
    credential_configuration_id: String,
    /// One for each key of the wallet.
    copies: usize,
    created_at: String,
    expires_at: String,
    decided_at: Option<String>,
    /// What the credential will say; only where one is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Map<String, Value>>,
}

impl From<Deferral> for DeferralView {
    fn from(deferral: Deferral) -> Self {
        Self {
            copies: deferral.count(),
            id: deferral.id.to_string(),
            state: deferral.state,
            offer_id: deferral.offer_id.to_string(),
            credential_configuration_id: deferral.credential_configuration_id,
            created_at: deferral.created_at.to_rfc3339(),
            expires_at: deferral.expires_at.to_rfc3339(),
            decided_at: deferral.decided_at.map(keys::outside::Timestamp::to_rfc3339),
            claims: None,
        }
    }
}

pub(super) async fn list_deferrals(
    State(issuer): State<Arc<Issuer>>,
    asked: Asked,
) -> Result<impl IntoResponse, Problem> {
    let listing = listing(asked)?;
    let known = "waiting, approved, rejected, delivered";
    let page = DeferralPage {
        state: listing.state(DeferralState::parse, known)?,
        after: listing.after()?.map(DeferralId),
        limit: listing.limit()?,
    };
    let found = issuer.store.deferrals(page).await.map_err(Broken::from)?;
    let deferrals: Vec<DeferralView> = found.into_iter().map(Into::into).collect();
    Ok(Json(serde_json::json!({ "deferrals": deferrals })))
}

fn deferral_id(id: Id) -> Result<DeferralId, Problem> {
    let id = id.ok().and_then(|axum::extract::Path(text)| OfferId::parse(&text));
    id.map(DeferralId).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("There is no such deferred credential.")
}

/// With what the credential will say, as long as that is kept.
pub(super) async fn show_deferral(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
) -> Result<impl IntoResponse, Problem> {
    let deferral = issuer.store.deferral(deferral_id(id)?).await.map_err(Broken::from)?;
    let deferral = deferral.ok_or_else(unknown)?;
    let mut claims = deferral.claims.clone();
    if claims.is_none() {
        let datasets = issuer.store.datasets(deferral.offer_id).await.map_err(Broken::from)?;
        let found = datasets.and_then(|mut one| one.remove(&deferral.credential_configuration_id));
        claims = found.and_then(|found| found.as_object().cloned());
    }
    Ok(Json(DeferralView { claims, ..deferral.into() }))
}

/// Body of an approval; it may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    #[serde(default)]
    claims: Option<Map<String, Value>>,
}

pub(super) async fn approve(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let id = deferral_id(id)?;
    let body = body.map_err(|_| Problem::bad_request("The body is too large."))?;
    let approval = if body.is_empty() {
        Approval::default()
    } else {
        json::from_slice(&body)
            .map_err(|_| Problem::bad_request("The body is no object with `claims` alone."))?
    };
    approve_deferral(&issuer, id, approval.claims).await?;
    Ok(Json(serde_json::json!({ "id": id.to_string(), "state": "approved" })))
}

pub(super) async fn reject(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
) -> Result<Json<Value>, Problem> {
    let id = deferral_id(id)?;
    reject_deferral(&issuer, id).await?;
    Ok(Json(serde_json::json!({ "id": id.to_string(), "state": "rejected" })))
}

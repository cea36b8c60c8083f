//! Offers as operators see them, and the status of the credentials that came from them.

use std::sync::Arc;
use std::vec;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use formats::status_list::Status;
use keys::json;
use keys::outside::Timestamp;
use oid4vci::grant::{Grant, Issued, OfferState, StatusEntry};
use oid4vci::legacy::Dialect;
use oid4vci::notification::Event;
use oid4vci::offer::OfferId;
use serde::{Deserialize, Serialize};

use super::admin::{Id, offer_id};
use super::problem::Problem;
use crate::Issuer;
use crate::failure::Broken;
use crate::flow::status::{StatusRequest, credentials, set_status};

/// An offer: no code, no claims.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct OfferView {
    id: String,
    state: OfferState,
    credential_configuration_ids: Vec<String>,
    /// `null` in 1.0.
    draft: Option<Dialect>,
    tx_code: bool,
    wrong_tx_codes: u32,
    created_at: String,
    expires_at: String,
    fetched_at: Option<String>,
    redeemed_at: Option<String>,
    issued_at: Option<String>,
    withdrawn_at: Option<String>,
    credentials_issued: usize,
    credentials: Vec<CredentialView>,
}

/// One credential that was issued.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct CredentialView {
    /// Counted from 1.
    number: usize,
    credential_configuration_id: String,
    issued_at: String,
    /// `null` for one that is in no status list.
    status: Option<String>,
    /// What its wallet last said became of it; `null` when it said nothing.
    event: Option<Event>,
    notified_at: Option<String>,
}

impl CredentialView {
    /// `statuses` has one for each credential with an entry.
    fn of(issued: &[Issued], statuses: &mut impl Iterator<Item = Status>) -> Vec<Self> {
        let view = |(credential, number): (&Issued, usize)| Self {
            number,
            credential_configuration_id: credential.credential_configuration_id.clone(),
            issued_at: credential.at.to_rfc3339(),
            status: credential.entry.and_then(|_| statuses.next()).map(|status| status.to_string()),
            event: credential.notified.map(|(event, _)| event),
            notified_at: credential.notified.map(|(_, at)| at.to_rfc3339()),
        };
        issued.iter().zip(1..).map(view).collect()
    }
}

impl OfferView {
    fn of(grant: Grant, statuses: &mut impl Iterator<Item = Status>, issuer: &Issuer) -> Self {
        let time = Timestamp::to_rfc3339;
        Self {
            credentials: CredentialView::of(&grant.issued, statuses),
            id: grant.id.to_string(),
            state: grant.state(issuer.clock.now(), issuer.config.offer.tx_code_attempts_max),
            draft: grant.dialect,
            tx_code: grant.tx_code_digest.is_some(),
            wrong_tx_codes: grant.attempts,
            created_at: time(grant.created_at),
            expires_at: time(grant.expires_at),
            fetched_at: grant.fetched_at.map(time),
            redeemed_at: grant.redemption.as_ref().map(|redemption| time(redemption.at)),
            issued_at: grant.issued.first().map(|issued| time(issued.at)),
            withdrawn_at: grant.withdrawn_at.map(time),
            credentials_issued: grant.issued.len(),
            credential_configuration_ids: grant.credential_configuration_ids,
        }
    }
}

/// Views of several offers; their statuses are read at once.
pub(super) async fn views(issuer: &Issuer, grants: Vec<Grant>) -> Result<Vec<OfferView>, Broken> {
    let credentials = grants.iter().flat_map(|grant| &grant.issued);
    let mut statuses = statuses(issuer, credentials).await?;
    Ok(grants.into_iter().map(|grant| OfferView::of(grant, &mut statuses, issuer)).collect())
}

async fn statuses(
    issuer: &Issuer,
    credentials: impl Iterator<Item = &Issued>,
) -> Result<vec::IntoIter<Status>, Broken> {
    let entries: Vec<StatusEntry> = credentials.filter_map(|one| one.entry).collect();
    let statuses =
        if entries.is_empty() { Vec::new() } else { issuer.store.statuses(&entries).await? };
    Ok(statuses.into_iter())
}

/// The view of one offer.
pub(super) async fn view(issuer: &Issuer, grant: Grant) -> Result<Json<OfferView>, Problem> {
    let view = views(issuer, vec![grant]).await?.pop();
    let view = view.ok_or_else(|| Broken::fault("an offer without a view".into()))?;
    Ok(Json(view))
}

/// What came from one offer; it is known for longer than the offer.
#[derive(Debug, Serialize)]
pub(super) struct StatusView {
    id: String,
    credentials: Vec<CredentialView>,
}

impl StatusView {
    async fn of(issuer: &Issuer, id: OfferId, all: &[Issued]) -> Result<Json<Self>, Problem> {
        let mut statuses = statuses(issuer, all.iter()).await?;
        let credentials = CredentialView::of(all, &mut statuses);
        Ok(Json(Self { id: id.to_string(), credentials }))
    }
}

/// `GET /admin/v1/offers/{id}/status`
pub(super) async fn offer_status(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
) -> Result<Json<StatusView>, Problem> {
    let id = offer_id(id)?;
    let credentials = credentials(&issuer, id).await?;
    StatusView::of(&issuer, id, &credentials).await
}

/// Body of `POST /admin/v1/offers/{id}/status`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: StatusName,
    #[serde(default)]
    credentials: Option<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatusName {
    Valid,
    Invalid,
    Suspended,
}

impl NewStatus {
    fn read(body: &[u8]) -> Result<StatusRequest, String> {
        let value = json::parse(body).map_err(|error| format!("The body is no JSON: {error}."))?;
        let new: Self = serde_json::from_value(value)
            .map_err(|error| format!("The body does not fit: {error}."))?;
        if new.credentials.as_ref().is_some_and(Vec::is_empty) {
            return Err(
                "Name credentials by their numbers, or leave `credentials` out: all.".into()
            );
        }
        let status = match new.status {
            StatusName::Valid => Status::Valid,
            StatusName::Invalid => Status::Invalid,
            StatusName::Suspended => Status::Suspended,
        };
        Ok(StatusRequest { status, credentials: new.credentials })
    }
}

/// `POST /admin/v1/offers/{id}/status`: the same request again changes nothing.
pub(super) async fn set_offer_status(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<StatusView>, Problem> {
    let body = body.map_err(|_| Problem::bad_request("The body is too large."))?;
    let request = NewStatus::read(&body).map_err(Problem::bad_request)?;
    let id = offer_id(id)?;
    let credentials = set_status(&issuer, id, &request).await?;
    StatusView::of(&issuer, id, &credentials).await
}

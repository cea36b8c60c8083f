//! The admin API on its own listener: what an operator, or an operator's program, does.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use keys::digest::equal;
use keys::json;
use oid4vci::error::ErrorCode;
use oid4vci::grant::OfferState;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::offer_events::{offer_events, streams};
use super::offer_view::{OfferView, offer_status, set_offer_status, view, views};
use super::problem::Problem;
use super::{around, deferrals};
use crate::application::{Application, ApplicationId, ApplicationState};
use crate::flow::application::{approve, reject};
use crate::flow::offer::{
    OfferGrants, OfferRequest, Owner, UNKNOWN_OFFER, Withdrawal, release, withdraw,
};
use crate::offering::{Offered, in_all_formats, offer};
use crate::store::{ApplicationPage, OfferPage};
use crate::{Issuer, failure::Broken};

/// Offers or applications in one answer, unless asked for fewer.
const LIMIT_DEFAULT: u32 = 50;
/// Offers or applications in one answer at most.
const LIMIT_MAX: u32 = 500;
/// Longest `Idempotency-Key`.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Everything that operators reach.
pub fn admin(issuer: Arc<Issuer>) -> Router {
    let guarded = Router::new()
        .route("/admin/v1/offers", post(make_offer).get(list_offers))
        .route("/admin/v1/offers/{id}", get(show_offer).delete(withdraw_offer))
        .route("/admin/v1/offers/{id}/release", post(release_offer))
        .route("/admin/v1/offers/{id}/status", get(offer_status).post(set_offer_status))
        .route("/admin/v1/offers/{id}/events", get(offer_events).layer(Extension(streams())))
        .route("/admin/v1/deferrals", get(deferrals::list_deferrals))
        .route("/admin/v1/deferrals/{id}", get(deferrals::show_deferral))
        .route("/admin/v1/deferrals/{id}/approve", post(deferrals::approve))
        .route("/admin/v1/deferrals/{id}/reject", post(deferrals::reject))
        .route("/admin/v1/applications", get(list_applications))
        .route("/admin/v1/applications/{id}", get(show_application))
        .route("/admin/v1/applications/{id}/approve", post(approve_application))
        .route("/admin/v1/applications/{id}/reject", post(reject_application))
        .merge(super::accounts::routes())
        .merge(super::clients::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(&issuer), authenticate));
    let open =
        Router::new().route("/healthz", get(async || "alive\n")).route("/readyz", get(ready));
    let routed = guarded.merge(open).fallback(not_found);
    let routed = routed.method_not_allowed_fallback(method_not_allowed);
    around::wrap(routed, &issuer, refuse).with_state(issuer)
}

/// `Authorization: Bearer KEY`, compared in constant time (P11).
async fn authenticate(State(issuer): State<Arc<Issuer>>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = header.and_then(|value| value.split_at_checked("bearer ".len()));
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    if given.is_some_and(|(_, key)| equal(key, issuer.keys().admin.expose().as_bytes())) {
        return next.run(request).await;
    }
    let detail = "Send the key of `key_file` as Authorization: Bearer KEY.";
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "Not authorised", detail);
    ([(WWW_AUTHENTICATE, "Bearer")], problem).into_response()
}

/// What has nothing to do with the request itself: too much, too slow, our own fault.
fn refuse(status: StatusCode, _: ErrorCode, text: &'static str) -> Response {
    let title = status.canonical_reason().unwrap_or("Not answered");
    Problem::new(status, title, text).into_response()
}

async fn not_found() -> Problem {
    Problem::not_found("There is nothing at this address.")
}

async fn method_not_allowed() -> Problem {
    let detail = "This address does not take this method.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
}

/// Ready while the store takes writes; a load balancer asks here.
async fn ready(State(issuer): State<Arc<Issuer>>) -> Response {
    match issuer.store.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not take writes\n").into_response()
        }
    }
}

/// Body of `POST /admin/v1/offers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's")]
struct NewOffer {
    credential_configuration_ids: Vec<String>,
    #[serde(default)]
    all_formats: bool,
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    tx_code: bool,
    #[serde(default)]
    by_value: bool,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    printed: bool,
    #[serde(default)]
    without_tx_code: bool,
    #[serde(default)]
    grants: OfferGrants,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    draft: Option<Dialect>,
    #[serde(default)]
    held: bool,
}

impl NewOffer {
    /// The operator is told which member is wrong; nobody else sees it, and no log.
    fn read(body: &[u8]) -> Result<Self, String> {
        let value =
            json::parse(body).map_err(|error| format!("The body cannot be read: {error}."))?;
        serde_json::from_value(value).map_err(|error| format!("The body does not fit: {error}."))
    }
}

/// Answer of `POST /admin/v1/offers`; the CLI prints the same object.
#[derive(Debug, Serialize)]
struct MadeOffer {
    id: String,
    uri: String,
    tx_code: Option<String>,
    expires_at: String,
}

impl From<Offered> for MadeOffer {
    fn from(offered: Offered) -> Self {
        Self {
            id: offered.offer.id.to_string(),
            uri: offered.offer.uri,
            tx_code: offered.tx_code.map(|tx_code| tx_code.expose().to_owned()),
            expires_at: offered.offer.expires_at.to_rfc3339(),
        }
    }
}

async fn make_offer(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let body = body.map_err(|_| Problem::bad_request("The body is too large."))?;
    let new = NewOffer::read(&body).map_err(Problem::bad_request)?;
    let named = new.credential_configuration_ids;
    let ids = if new.all_formats { in_all_formats(&issuer, &named) } else { named };
    let request = OfferRequest {
        credential_configuration_ids: ids,
        claims: new.claims,
        tx_code: new.tx_code,
        by_value: new.by_value,
        expires_in_seconds: new.expires_in,
        printed: new.printed,
        without_tx_code: new.without_tx_code,
        grants: new.grants,
        account: new.account,
        draft: new.draft,
        held: new.held,
    };
    let owner = idempotency_key(&headers)?.map_or(Owner::Nobody, Owner::IdempotencyKey);
    let offered = offer(&issuer, &request, owner).await?;
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(MadeOffer::from(offered))))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key =
        value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX);
    let detail = "Idempotency-Key must be 1 to 255 ASCII characters.";
    key.map(Some).ok_or_else(|| Problem::bad_request(detail))
}

/// What a list can be narrowed by; an empty value counts as absent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: String,
}

impl Listing {
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let problem = || Problem::bad_request(format!("`limit` must be 1 to {LIMIT_MAX}."));
        let limit = given(&self.limit).map_or(Ok(LIMIT_DEFAULT), str::parse);
        limit.ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(problem)
    }

    pub(super) fn after(&self) -> Result<Option<OfferId>, Problem> {
        let problem = || Problem::bad_request("`after` must be the id of the last one you have.");
        given(&self.after).map(|text| OfferId::parse(text).ok_or_else(problem)).transpose()
    }

    pub(super) fn state<T>(
        &self,
        parse: impl Fn(&str) -> Option<T>,
        known: &str,
    ) -> Result<Option<T>, Problem> {
        let problem = || Problem::bad_request(format!("`state` must be one of {known}."));
        given(&self.state).map(|name| parse(name).ok_or_else(problem)).transpose()
    }
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

pub(super) type Asked = Result<Query<Listing>, QueryRejection>;

pub(super) fn listing(asked: Asked) -> Result<Listing, Problem> {
    let problem = "Only `state`, `after` and `limit` can be given, each once.";
    asked.map(|Query(listing)| listing).map_err(|_| Problem::bad_request(problem))
}

async fn list_offers(
    State(issuer): State<Arc<Issuer>>,
    asked: Asked,
) -> Result<impl IntoResponse, Problem> {
    let listing = listing(asked)?;
    let known = "created, fetched, redeemed, deferred, issued, locked, expired, withdrawn";
    let page = OfferPage {
        state: listing.state(OfferState::parse, known)?,
        after: listing.after()?,
        limit: listing.limit()?,
        now: issuer.clock.now(),
        attempts_max: issuer.config.offer.tx_code_attempts_max,
    };
    let offers = issuer.store.offers(page).await.map_err(Broken::from)?;
    Ok(Json(serde_json::json!({ "offers": views(&issuer, offers).await? })))
}

/// The last part of an address; what is no text names nothing.
pub(super) type Id = Result<Path<String>, PathRejection>;

pub(super) fn offer_id(id: Id) -> Result<OfferId, Problem> {
    let id = id.ok().and_then(|Path(text)| OfferId::parse(&text));
    id.ok_or_else(|| Problem::not_found(UNKNOWN_OFFER))
}

async fn show_offer(State(issuer): State<Arc<Issuer>>, id: Id) -> Result<Json<OfferView>, Problem> {
    let grant = issuer.store.grant(offer_id(id)?).await.map_err(Broken::from)?;
    let grant = grant.ok_or_else(|| Problem::not_found(UNKNOWN_OFFER))?;
    view(&issuer, grant).await
}

async fn withdraw_offer(State(issuer): State<Arc<Issuer>>, id: Id) -> Result<StatusCode, Problem> {
    match withdraw(&issuer, offer_id(id)?).await? {
        Withdrawal::Withdrawn => Ok(StatusCode::NO_CONTENT),
        Withdrawal::Unknown => Err(Problem::not_found(UNKNOWN_OFFER)),
        Withdrawal::Issued => {
            Err(Problem::conflict("A credential was issued from this offer: it cannot be undone."))
        }
    }
}

async fn release_offer(State(issuer): State<Arc<Issuer>>, id: Id) -> Result<StatusCode, Problem> {
    if release(&issuer, offer_id(id)?).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("There is no such offer, or it is not held."))
}

/// An application as officers see it.
#[derive(Debug, Serialize)]
struct ApplicationView {
    id: String,
    state: &'static str,
    credential_configuration_id: String,
    claims: Map<String, Value>,
    created_at: String,
    decided_at: Option<String>,
    offer_id: Option<String>,
}

impl From<Application> for ApplicationView {
    fn from(application: Application) -> Self {
        Self {
            id: application.id.to_string(),
            state: application.state.name(),
            credential_configuration_id: application.credential_configuration_id,
            claims: application.claims,
            created_at: application.created_at.to_rfc3339(),
            decided_at: application.decided_at.map(keys::outside::Timestamp::to_rfc3339),
            offer_id: application.offer_id.map(|id| id.to_string()),
        }
    }
}

async fn list_applications(
    State(issuer): State<Arc<Issuer>>,
    asked: Asked,
) -> Result<impl IntoResponse, Problem> {
    let listing = listing(asked)?;
    let page = ApplicationPage {
        state: listing.state(ApplicationState::parse, "waiting, approved, rejected")?,
        after: listing.after()?.map(ApplicationId),
        limit: listing.limit()?,
    };
    let found = issuer.store.applications(page).await.map_err(Broken::from)?;
    let applications: Vec<ApplicationView> = found.into_iter().map(Into::into).collect();
    Ok(Json(serde_json::json!({ "applications": applications })))
}

fn application_id(id: Id) -> Result<ApplicationId, Problem> {
    let id = id.ok().and_then(|Path(text)| OfferId::parse(&text));
    let problem = || Problem::not_found("There is no such application.");
    id.map(ApplicationId).ok_or_else(problem)
}

async fn show_application(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
) -> Result<Json<ApplicationView>, Problem> {
    let found = issuer.store.application(application_id(id)?).await.map_err(Broken::from)?;
    let found = found.ok_or_else(|| Problem::not_found("There is no such application."))?;
    Ok(Json(found.into()))
}

/// `tx_code` is there when the type says that its caller hands it on.
async fn approve_application(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
) -> Result<impl IntoResponse, Problem> {
    let id = application_id(id)?;
    let approved = approve(&issuer, id).await?;
    let tx_code = approved.tx_code.map(|tx_code| tx_code.expose().to_owned());
    let body = serde_json::json!({ "id": id.to_string(), "state": "approved", "tx_code": tx_code });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)))
}

async fn reject_application(
    State(issuer): State<Arc<Issuer>>,
    id: Id,
) -> Result<Json<Value>, Problem> {
    let id = application_id(id)?;
    reject(&issuer, id).await?;
    Ok(Json(serde_json::json!({ "id": id.to_string(), "state": "rejected" })))
}

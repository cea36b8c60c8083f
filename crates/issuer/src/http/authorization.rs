//! What the Authorization Code Flow adds for wallets: pushed requests, and what becomes of tokens.
//! The pages for people are in [`super::portal`].

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Form, Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use oid4vci::authorization::{
    CHALLENGE_ENDPOINT, ChallengeAnswer, ChallengeRefusal, PushRefusal, PushResponse,
};
use oid4vci::error::ErrorCode;
use oid4vci::introspection::{IntrospectionResponse, TokenQuery, TokenQueryRefusal};

use super::address_limit::{AddressLimit, WaitSeconds};
use super::around::ClientAddress;
use super::failed_sign_ins::{SignInTries, Who};
use super::{NO_STORE, sender};
use crate::failure::{Failure, error};
use crate::{Issuer, flow};

type Body = Result<Form<Vec<(String, String)>>, FormRejection>;

/// Nothing where no client is registered, and none can be.
pub(super) fn routes(
    issuer: &Issuer,
    (pushes, tries): (&Arc<AddressLimit>, &Arc<SignInTries>),
) -> Router<Arc<Issuer>> {
    if !issuer.has_code_flow() {
        return Router::new();
    }
    let mut begins = Router::new().route("/par", limited(post(push), pushes));
    if issuer.has_first_party() {
        let challenge = post(challenge).layer(Extension(Arc::clone(tries)));
        begins = begins.route(&format!("/{CHALLENGE_ENDPOINT}"), limited(challenge, pushes));
    }
    begins.route("/introspect", post(introspect)).route("/revoke", post(revoke))
}

/// How often one address may push, whatever it speaks.
pub(super) fn pushes(issuer: &Issuer) -> Arc<AddressLimit> {
    Arc::new(AddressLimit::per_minute(issuer.config.authorization.pushes_per_minute))
}

/// The same endpoint, for who has not pushed too often.
pub(super) fn limited(
    endpoint: MethodRouter<Arc<Issuer>>,
    pushes: &Arc<AddressLimit>,
) -> MethodRouter<Arc<Issuer>> {
    endpoint.route_layer(middleware::from_fn_with_state(Arc::clone(pushes), limit_pushes))
}

/// Anybody can push in the name of a public client, and each request is kept for a while.
async fn limit_pushes(
    State(pushes): State<Arc<AddressLimit>>,
    request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<ClientAddress>();
    let Some(Err(wait)) = address.map(|address| pushes.check(address.0)) else {
        return next.run(request).await;
    };
    wait_for(&wait)
}

fn wait_for(wait: &WaitSeconds) -> Response {
    let (status, code) = (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable);
    let mut response = error(status, code, "too many requests from this address; wait a little");
    response.headers_mut().insert(RETRY_AFTER, wait.0.into());
    response
}

/// AUTHZ-21, RFC 9126 §2.2
async fn push(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let answer = pushed(&issuer, &headers, form).await;
    push_answer(answer, (&headers, &issuer))
}

async fn pushed(
    issuer: &Issuer,
    headers: &HeaderMap,
    form: Body,
) -> Result<PushResponse, Failure<PushRefusal>> {
    let Form(form) = form.map_err(|_| PushRefusal::Unreadable)?;
    let sent = ("par", &sender::headers(headers));
    flow::authorization::push(issuer, None, &form, sent).await
}

/// RFC 9126 §2.2: never kept.
pub(super) fn push_answer(
    answer: Result<PushResponse, Failure<PushRefusal>>,
    (headers, issuer): (&HeaderMap, &Issuer),
) -> Response {
    let never_kept = [(CACHE_CONTROL, "no-cache, no-store")];
    let answer = answer.map(|pushed| (StatusCode::CREATED, never_kept, Json(pushed)));
    sender::answer(answer, headers, issuer)
}

/// First-Party Apps §5
async fn challenge(
    State(issuer): State<Arc<Issuer>>,
    Extension(tries): Extension<Arc<SignInTries>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    form: Body,
) -> Response {
    let address = address.map_or(Ipv6Addr::UNSPECIFIED.into(), |Extension(address)| address.0);
    match challenged(&issuer, (&tries, address), &headers, form).await {
        Ok(Err(wait)) => wait_for(&wait),
        Ok(Ok(answer)) => {
            let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::BAD_REQUEST);
            let told = (status, [NO_STORE], Json(answer.body())).into_response();
            sender::answer::<_, ChallengeRefusal>(Ok(told), &headers, &issuer)
        }
        Err(failure) => sender::answer::<Response, _>(Err(failure), &headers, &issuer),
    }
}

/// A try is counted like one on the page to sign in: whoever guesses gets no further here.
async fn challenged(
    issuer: &Issuer,
    (tries, address): (&SignInTries, IpAddr),
    headers: &HeaderMap,
    form: Body,
) -> Result<Result<ChallengeAnswer, WaitSeconds>, Failure<ChallengeRefusal>> {
    let Form(form) = form.map_err(|_| PushRefusal::Unreadable).map_err(ChallengeRefusal::from)?;
    let headers = sender::headers(headers);
    let challenged = flow::authorization::challenged(issuer, &form, &headers).await?;
    let Some(account) = challenged.account() else {
        return Ok(Ok(flow::authorization::challenge(issuer, challenged, ()).await?));
    };
    let (attempt, turn) = match tries.turn(Who::of(address, account, None)).await {
        Ok(turn) => turn,
        Err(wait) => return Ok(Err(wait)),
    };
    let answer = flow::authorization::challenge(issuer, challenged, turn).await?;
    if matches!(answer, ChallengeAnswer::Wrong(_)) {
        attempt.note_failure();
    }
    Ok(Ok(answer))
}

/// RFC 7662 §2.2
async fn introspect(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let mut answer = introspected(&issuer, form).await.into_response();
    sender::with_client_challenge(&mut answer, &headers);
    answer
}

async fn introspected(
    issuer: &Issuer,
    form: Body,
) -> Result<
    ([(HeaderName, &'static str); 1], Json<IntrospectionResponse>),
    Failure<TokenQueryRefusal>,
> {
    let Form(form) = form.map_err(|_| TokenQueryRefusal::Unreadable)?;
    let query = TokenQuery::parse(&form)?;
    Ok(([NO_STORE], Json(flow::introspection::introspection(&query, issuer).await?)))
}

/// RFC 7009 §2.2
async fn revoke(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let mut answer = revoked(&issuer, form).await.into_response();
    sender::with_client_challenge(&mut answer, &headers);
    answer
}

async fn revoked(
    issuer: &Issuer,
    form: Body,
) -> Result<([(HeaderName, &'static str); 1], StatusCode), Failure<TokenQueryRefusal>> {
    let Form(form) = form.map_err(|_| TokenQueryRefusal::Unreadable)?;
    flow::introspection::revocation(&TokenQuery::parse(&form)?, issuer).await?;
    Ok(([NO_STORE], StatusCode::OK))
}

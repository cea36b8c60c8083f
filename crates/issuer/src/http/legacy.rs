//! The endpoints below the identifier of each draft: they translate, and call the steps of 1.0.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{Extension, Form, FromRequest, FromRequestParts as _, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use oid4vci::access::Presented;
use oid4vci::authorization::{PushRefusal, PushResponse};
use oid4vci::credential::{CredentialRefusal, CredentialRequest, ReceivedCredentialResponse};
use oid4vci::deferred::{DeferredCredentialRequest, DeferredRefusal};
use oid4vci::encryption::{MessageEncryption, ReceivedBody};
use oid4vci::error::Refusal;
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::nonce::NonceResponse;
use oid4vci::notification::{NotificationRefusal, NotificationRequest};
use oid4vci::secret::{AccessToken, TransactionId};
use oid4vci::token::{TokenRefusal, TokenResponse};
use serde_json::Value;

use super::address_limit::AddressLimit;
use super::{NO_STORE, authorization, sender};
use crate::failure::{Broken, Failure};
use crate::flow::cover::Reply;
use crate::flow::deferred::Answer;
use crate::store::held::Held;
use crate::{Issuer, flow};

type FormBody = Result<Form<Vec<(String, String)>>, FormRejection>;

/// An answer in the words of the draft.
struct Said {
    status: StatusCode,
    body: Value,
    /// As the request asked for it.
    encryption: Option<MessageEncryption>,
}

impl Said {
    const fn clear(status: StatusCode, body: Value) -> Self {
        Self { status, body, encryption: None }
    }
}

/// What is below the identifier of each draft that is enabled.
pub(super) fn routes(issuer: &Issuer, pushes: &Arc<AddressLimit>) -> Router<Arc<Issuer>> {
    let drafts = issuer.config.legacy.drafts.iter().copied();
    let par = issuer.has_code_flow().then(|| authorization::limited(post(push), pushes));
    drafts.fold(Router::new(), |router, dialect| {
        router.nest(&format!("/draft-{dialect}"), of_draft(dialect, par.clone()))
    })
}

fn of_draft(dialect: Dialect, par: Option<MethodRouter<Arc<Issuer>>>) -> Router<Arc<Issuer>> {
    let mut router = par.map_or_else(Router::new, |par| Router::new().route("/par", par));
    router = router
        .route("/token", post(token))
        .route("/credential", post(credential))
        .route(&format!("/{}", flow::deferred::ENDPOINT), post(deferred_credential));
    if dialect.has_nonce_endpoint() {
        router = router.route("/nonce", post(nonce));
    }
    if dialect.has_batch_endpoint() {
        router = router.route(&format!("/{}", flow::legacy::BATCH), post(batch));
    }
    if dialect.has_notifications() {
        router = router.route(&format!("/{}", flow::notification::ENDPOINT), post(notification));
    }
    router.layer(Extension(dialect))
}

/// A request below the identifier of a draft, and who answers it.
struct Edge {
    dialect: Dialect,
    /// Whose offers they are; `None` for those of 1.0, at its own endpoints.
    own: Option<Dialect>,
    issuer: Arc<Issuer>,
    query: Option<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
}

/// The same of a form, which is read by itself.
struct FormEdge(Edge, FormBody);

impl FromRequest<Arc<Issuer>> for Edge {
    type Rejection = Response;

    async fn from_request(request: Request, issuer: &Arc<Issuer>) -> Result<Self, Self::Rejection> {
        let (edge, request) = Self::begun(request, issuer).await?;
        Ok(Self { body: Bytes::from_request(request, issuer).await, ..edge })
    }
}

impl FromRequest<Arc<Issuer>> for FormEdge {
    type Rejection = Response;

    async fn from_request(request: Request, issuer: &Arc<Issuer>) -> Result<Self, Self::Rejection> {
        let (edge, request) = Edge::begun(request, issuer).await?;
        Ok(Self(edge, Form::from_request(request, issuer).await))
    }
}

async fn token(FormEdge(edge, form): FormEdge) -> Response {
    edge.respond(edge.token(form).await)
}

async fn push(FormEdge(edge, form): FormEdge) -> Response {
    authorization::push_answer(edge.push(form).await, (&edge.headers, &edge.issuer))
}

async fn credential(edge: Edge) -> Response {
    edge.respond(edge.credential().await)
}

async fn batch(edge: Edge) -> Response {
    edge.respond(edge.batch().await)
}

async fn deferred_credential(edge: Edge) -> Response {
    edge.respond(edge.deferred_credential().await)
}

async fn notification(edge: Edge) -> Response {
    match edge.notification().await {
        Ok(()) => (StatusCode::NO_CONTENT, [NO_STORE]).into_response(),
        Err(failure) => edge.respond(Err(failure)),
    }
}

async fn nonce(edge: Edge) -> Response {
    (sender::nonce_header(&edge.issuer), [NO_STORE], Json(edge.nonce())).into_response()
}

/// The answer to a Credential Request at the endpoint of 1.0 that is in the words of a draft, where
/// these share one identifier; `None` for what is for 1.0 to answer.
pub(super) async fn shared(
    issuer: &Arc<Issuer>,
    (query, headers): (Option<&str>, &HeaderMap),
    body: &Result<Bytes, BytesRejection>,
) -> Option<Response> {
    let bytes = body.as_ref().ok().filter(|_| issuer.config.legacy.shared)?;
    let dialect = Dialect::of_shared_request(bytes)?;
    if flow::legacy::is_for_later(bytes, issuer) {
        return None;
    }
    let edge = Edge {
        dialect,
        own: None,
        issuer: Arc::clone(issuer),
        query: query.map(str::to_owned),
        headers: headers.clone(),
        body: Ok(bytes.clone()),
    };
    Some(edge.respond(edge.credential().await))
}

/// A Token Response of 1.0 with what drafts that share its identifier look for.
pub(super) fn shared_token(response: &TokenResponse, issuer: &Issuer) -> Value {
    Dialect::shared_token_response(response, &flow::nonce::nonce(None, issuer))
}

impl Edge {
    /// All but the body.
    async fn begun(request: Request, issuer: &Arc<Issuer>) -> Result<(Self, Request), Response> {
        let (mut parts, body) = request.into_parts();
        let dialect = Extension::from_request_parts(&mut parts, issuer).await;
        let Extension(dialect) = dialect.map_err(axum::response::IntoResponse::into_response)?;
        let query = parts.uri.query().map(str::to_owned);
        let headers = parts.headers.clone();
        let (own, issuer) = (Some(dialect), Arc::clone(issuer));
        let edge = Self { dialect, own, issuer, query, headers, body: Ok(Bytes::new()) };
        Ok((edge, Request::from_parts(parts, body)))
    }

    /// Of one identifier: good in no other.
    fn nonce(&self) -> NonceResponse {
        flow::nonce::nonce(self.own, &self.issuer)
    }

    async fn token(&self, form: FormBody) -> Result<Said, Failure<TokenRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let Form(form) = form.map_err(|_| TokenRefusal::Unreadable)?;
        let request = dialect.token_request(form)?;
        let (held, seen) = flow::legacy::held(&request, dialect, issuer).await?;
        match held {
            Held::No => {}
            Held::Yes => return Ok(self.not_yet(false)),
            Held::TooSoon => return Ok(self.not_yet(true)),
        }
        let client_id = request.client_id();
        let proved = sender::headers(&self.headers);
        let endpoint = self.endpoint("token");
        let endpoint = (&*endpoint, Some(dialect));
        let sender = flow::sender::sender(&proved, client_id.as_deref(), endpoint, issuer).await?;
        let response = flow::token::token(&request, &sender, (Some(dialect), seen), issuer).await?;
        let described = |id: &str| flow::legacy::configuration(id, issuer);
        let said = dialect.token_response(&response, described, &self.nonce());
        Ok(Said::clear(StatusCode::OK, said))
    }

    async fn push(&self, form: FormBody) -> Result<PushResponse, Failure<PushRefusal>> {
        let Form(form) = form.map_err(|_| PushRefusal::Unreadable)?;
        let sent = (&*self.endpoint("par"), &sender::headers(&self.headers));
        flow::authorization::push(&self.issuer, Some(self.dialect), &form, sent).await
    }

    async fn credential(&self) -> Result<Said, Failure<CredentialRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let token = self.presented("credential")?;
        let presented = token.presented();
        let (known, seen) = flow::legacy::configurations(presented, self.own, issuer).await?;
        let body = (self.media_type(), self.body()?);
        let read = match self.own {
            Some(_) => dialect.credential_request(body, &known),
            None => dialect.shared_credential_request(body, &known),
        };
        let (request, is_single, encryption) = match read {
            Ok(read) => read,
            Err(refused) => return Ok(self.refused(refused)),
        };
        let meant = flow::legacy::meant(&request.selector, &known);
        let (id, format) = meant.map_or(("", ""), |(id, one)| (id, one.format.as_str()));
        if self.own.is_none() && flow::legacy::is_deferred(id, issuer) {
            return Ok(self.refused(dialect.not_at_a_shared_identifier()));
        }
        let asked = (&request, encryption);
        let (received, encryption) = self.issue(presented, asked, seen).await?;
        let (status, body) = match received {
            Received::Issued(credentials, id) => {
                let (answer, nonce) = ((&credentials[..], id.as_deref()), self.nonce());
                let said = match self.own {
                    Some(_) => dialect.credential_response(answer, (format, is_single), &nonce),
                    None => dialect.shared_credential_response(answer, is_single, &nonce),
                };
                (StatusCode::OK, said)
            }
            Received::Deferred(id) => {
                let ids = (presented.token(), id.expose());
                let (status, said) = dialect.deferred_response(ids, &self.nonce());
                (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), said)
            }
        };
        Ok(Said { status, body, encryption })
    }

    async fn batch(&self) -> Result<Said, Failure<CredentialRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let token = self.presented(flow::legacy::BATCH)?;
        let presented = token.presented();
        let (known, seen) = flow::legacy::configurations(presented, self.own, issuer).await?;
        let bytes = self.body()?;
        let read = dialect.batch_request((self.media_type(), bytes), &known);
        let requests = match read {
            Ok(requests) => requests,
            Err(refused) => return Ok(self.refused(refused)),
        };
        let meant = requests.iter().filter_map(|one| flow::legacy::meant(&one.selector, &known));
        if meant.into_iter().any(|(id, _)| flow::legacy::is_deferred(id, issuer)) {
            return Ok(self.refused(dialect.not_in_a_batch()));
        }
        let place = (self.own, seen);
        let answers = flow::batch::batch(presented, &requests, place, issuer).await?;
        let said = dialect.batch_response(&answers, &self.nonce());
        Ok(Said::clear(StatusCode::OK, said))
    }

    /// The step of 1.0, asked in the words of 1.0.
    async fn issue(
        &self,
        presented: Presented<'_>,
        (request, encryption): (&CredentialRequest, Option<Value>),
        seen: Option<Grant>,
    ) -> Result<(Received, Option<MessageEncryption>), Failure<CredentialRefusal>> {
        let body = with_encryption(request.to_json(), encryption);
        let body = ReceivedBody::Json(body.as_bytes());
        let place = (self.own, seen);
        let answer = flow::credential::credential(presented, body, place, &self.issuer).await?;
        Ok(received(answer)?)
    }

    /// Until draft 11 what is presented is the `acceptance_token`, and nothing beside it.
    async fn deferred_credential(&self) -> Result<Said, Failure<DeferredRefusal>> {
        let dialect = self.dialect;
        let token = self.presented(flow::deferred::ENDPOINT).map_err(DeferredRefusal::from)?;
        let bytes = self.body().map_err(DeferredRefusal::from)?;
        if !dialect.has_acceptance_tokens() {
            return match dialect.deferred_request((self.media_type(), bytes)) {
                Ok(read) => self.deferred(token.presented(), read).await,
                Err(refused) => {
                    flow::legacy::waiting(token.presented(), dialect, &self.issuer).await?;
                    Ok(self.refused(refused)) // said to who may ask
                }
            };
        }
        let presented = token.presented();
        let parts = dialect.acceptance_token(presented.token());
        let bad = || DeferredRefusal::from(presented.bad_token());
        let (token, transaction_id) = parts.ok_or_else(bad)?;
        let request = DeferredCredentialRequest { transaction_id };
        self.deferred(with_token(presented, &token), (request, None)).await
    }

    async fn deferred(
        &self,
        presented: Presented<'_>,
        (request, encryption): (DeferredCredentialRequest, Option<Value>),
    ) -> Result<Said, Failure<DeferredRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let format = flow::legacy::deferred_format(&request.transaction_id, issuer).await?;
        let body = with_encryption(request.to_json(), encryption);
        let body = ReceivedBody::Json(body.as_bytes());
        let own = Some(dialect);
        let answer = flow::deferred::deferred_credential(presented, body, own, issuer).await?;
        if let Answer::Wait(_) = answer {
            let pending = dialect.pending(issuer.config.deferred.interval);
            return Ok(Said::clear(StatusCode::BAD_REQUEST, pending));
        }
        let (Received::Issued(credentials, id), encryption) = received(answer)? else {
            return Err(unexpected().into());
        };
        let shape = (format.unwrap_or_default(), credentials.len() == 1);
        let answer = (&credentials[..], id.as_deref());
        let body = dialect.credential_response(answer, shape, &self.nonce());
        Ok(Said { status: StatusCode::OK, body, encryption })
    }

    async fn notification(&self) -> Result<(), Failure<NotificationRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let token = self.presented(flow::notification::ENDPOINT);
        let token = token.map_err(NotificationRefusal::from)?;
        let bytes = self.body().map_err(|_| NotificationRefusal::Unreadable)?;
        let request = NotificationRequest::parse(self.media_type(), bytes)?;
        flow::notification::notification(token.presented(), &request, Some(dialect), issuer).await
    }

    /// The token, and the proof beside it, at one of the draft's endpoints.
    fn presented(&self, name: &str) -> Result<sender::Token, CredentialRefusal> {
        let endpoint = self.endpoint(name);
        sender::token(self.query.as_deref(), &self.headers, (&endpoint, &self.issuer))
    }

    fn body(&self) -> Result<&[u8], CredentialRefusal> {
        self.body.as_deref().map_err(|_| CredentialRefusal::TooLong)
    }

    fn media_type(&self) -> &str {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The name of an endpoint, as a proof beside a token has it.
    fn endpoint(&self, name: &str) -> String {
        self.own.map_or_else(|| name.to_owned(), |draft| format!("draft-{draft}/{name}"))
    }

    fn refused(&self, refused: (&'static str, &'static str)) -> Said {
        let (error, reason) = refused;
        tracing::info!(error, reason, "refused");
        Said::clear(StatusCode::BAD_REQUEST, self.dialect.error(refused, || self.nonce()))
    }

    /// Nothing is decided yet, and nothing is spent.
    fn not_yet(&self, is_too_soon: bool) -> Said {
        tracing::info!(is_too_soon, "not yet");
        let body = self.dialect.not_yet(is_too_soon, flow::legacy::POLL_SECONDS);
        Said::clear(StatusCode::BAD_REQUEST, body)
    }

    /// Status and headers are those of 1.0, a refusal's body is the draft's.
    fn respond<R: Refusal>(&self, answer: Result<Said, Failure<R>>) -> Response {
        let refused = match &answer {
            Err(Failure::Refused(refusal)) => Some(refusal.answer()),
            Ok(_) | Err(Failure::Broken(_)) => None,
        };
        let answer = answer.and_then(|said| {
            let reply = Reply::new(&said.body, said.encryption.as_ref())?;
            Ok(super::answer(said.status, reply.cover()?))
        });
        let response = sender::answer(answer, &self.headers, &self.issuer);
        let Some((code, text)) = refused else { return response };
        let error = (self.dialect.error_code(code), text);
        let body = self.dialect.error(error, || self.nonce());
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        (parts, Json(body)).into_response()
    }
}

/// What a step of 1.0 answered.
enum Received {
    Issued(Vec<Value>, Option<String>),
    Deferred(TransactionId),
}

/// The same as the draft's words are made from, and how they go out.
fn received(answer: Answer) -> Result<(Received, Option<MessageEncryption>), Broken> {
    let (Answer::Ready(reply) | Answer::Wait(reply)) = answer;
    let received = match ReceivedCredentialResponse::parse(&reply.json).ok_or_else(unexpected)? {
        ReceivedCredentialResponse::Issued { credentials, notification_id, .. } => {
            Received::Issued(credentials, notification_id)
        }
        ReceivedCredentialResponse::Deferred { transaction_id, .. } => {
            Received::Deferred(transaction_id)
        }
    };
    Ok((received, reply.encryption))
}

/// The body of a request of 1.0, with the key for its answer.
fn with_encryption(mut request: Value, encryption: Option<Value>) -> String {
    if let (Some(encryption), Some(members)) = (encryption, request.as_object_mut()) {
        members.insert("credential_response_encryption".into(), encryption);
    }
    request.to_string()
}

fn unexpected() -> Broken {
    Broken::fault("an answer of ours was not readable".into())
}

/// A proof of DPoP is for the token that was presented, and good for no part of it.
const fn with_token<'t>(presented: Presented<'t>, token: &'t AccessToken) -> Presented<'t> {
    match presented {
        Presented::Bearer(_) => Presented::Bearer(token),
        Presented::Dpop(_, proof) => Presented::Dpop(token, proof),
    }
}

//! The endpoints below the identifier of each draft: they translate, and call the steps of 1.0.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{Extension, Form, FromRequest, FromRequestParts as _, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use oid4vci::access::Presented;
use oid4vci::credential::{CredentialRefusal, CredentialRequest, ReceivedCredentialResponse};
use oid4vci::deferred::{DeferredCredentialRequest, DeferredRefusal};
use oid4vci::encryption::ReceivedBody;
use oid4vci::error::Refusal;
use oid4vci::legacy::Dialect;
use oid4vci::nonce::NonceResponse;
use oid4vci::notification::{NotificationRefusal, NotificationRequest};
use oid4vci::secret::{AccessToken, TransactionId};
use oid4vci::token::TokenRefusal;
use serde_json::Value;

use super::{NO_STORE, received, sender};
use crate::failure::{Broken, Failure};
use crate::flow::deferred::Answer;
use crate::{Issuer, flow};

type FormBody = Result<Form<Vec<(String, String)>>, FormRejection>;

/// Status and body of an answer, in the words of the draft.
type Said = (StatusCode, Value);

/// What is below the identifier of each draft that is enabled.
pub(super) fn routes(issuer: &Issuer) -> Router<Arc<Issuer>> {
    let drafts = issuer.config.legacy.drafts.iter().copied();
    drafts.fold(Router::new(), |router, dialect| {
        router.nest(&format!("/draft-{dialect}"), of_draft(dialect))
    })
}

fn of_draft(dialect: Dialect) -> Router<Arc<Issuer>> {
    let mut router = Router::new()
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
    issuer: Arc<Issuer>,
    query: Option<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
}

impl FromRequest<Arc<Issuer>> for Edge {
    type Rejection = Response;

    async fn from_request(request: Request, issuer: &Arc<Issuer>) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let dialect = Extension::from_request_parts(&mut parts, issuer).await;
        let Extension(dialect) = dialect.map_err(axum::response::IntoResponse::into_response)?;
        let query = parts.uri.query().map(str::to_owned);
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), issuer).await;
        Ok(Self { dialect, issuer: Arc::clone(issuer), query, headers, body })
    }
}

async fn token(
    State(issuer): State<Arc<Issuer>>,
    Extension(dialect): Extension<Dialect>,
    headers: HeaderMap,
    form: FormBody,
) -> Response {
    let edge = Edge { dialect, issuer, query: None, headers, body: Ok(Bytes::new()) };
    edge.respond(edge.token(form).await)
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

impl Edge {
    /// Of the draft's own identifier: good in no other.
    fn nonce(&self) -> NonceResponse {
        flow::nonce::nonce(Some(self.dialect), &self.issuer)
    }

    async fn token(&self, form: FormBody) -> Result<Said, Failure<TokenRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let Form(form) = form.map_err(|_| TokenRefusal::Unreadable)?;
        let request = dialect.token_request(form)?;
        let client_id = request.client_id();
        let proved = sender::headers(&self.headers);
        let endpoint = self.endpoint("token");
        let endpoint = (&*endpoint, Some(dialect));
        let sender = flow::sender::sender(&proved, client_id.as_deref(), endpoint, issuer).await?;
        let response = flow::token::token(&request, &sender, Some(dialect), issuer).await?;
        Ok((StatusCode::OK, dialect.token_response(&response, &self.nonce())))
    }

    async fn credential(&self) -> Result<Said, Failure<CredentialRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let token = self.presented("credential")?;
        let presented = token.presented();
        let known = flow::legacy::configurations(presented, dialect, issuer).await?;
        let bytes = self.body()?;
        let read = dialect.credential_request((self.media_type(), bytes), &known);
        let (request, is_single) = match read {
            Ok(read) => read,
            Err(refused) => return Ok(self.refused(refused)),
        };
        let meant = flow::legacy::meant(&request.selector, &known);
        let format = meant.map_or("", |(_, one)| one.format.as_str());
        match self.issue(presented, &request).await? {
            Received::Issued(credentials, id) => {
                let answer = (&credentials[..], id.as_deref());
                let said = dialect.credential_response(answer, (format, is_single), &self.nonce());
                Ok((StatusCode::OK, said))
            }
            Received::Deferred(id) => {
                let ids = (presented.token(), id.expose());
                let (status, said) = dialect.deferred_response(ids, &self.nonce());
                Ok((StatusCode::from_u16(status).unwrap_or(StatusCode::OK), said))
            }
        }
    }

    async fn batch(&self) -> Result<Said, Failure<CredentialRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let token = self.presented(flow::legacy::BATCH)?;
        let presented = token.presented();
        let known = flow::legacy::configurations(presented, dialect, issuer).await?;
        let bytes = self.body()?;
        let read = dialect.batch_request((self.media_type(), bytes), &known);
        let request = match read {
            Ok(request) => request,
            Err(refused) => return Ok(self.refused(refused)),
        };
        let meant = flow::legacy::meant(&request.selector, &known);
        let (id, format) = meant.map_or(("", ""), |(id, one)| (id, &one.format));
        if flow::legacy::is_deferred(id, issuer) {
            return Ok(self.refused(dialect.not_in_a_batch()));
        }
        match self.issue(presented, &request).await? {
            Received::Issued(credentials, _) => {
                let said = dialect.batch_response(&credentials, format, &self.nonce());
                Ok((StatusCode::OK, said))
            }
            Received::Deferred(_) => Err(unexpected().into()),
        }
    }

    /// The step of 1.0, asked in the words of 1.0.
    async fn issue(
        &self,
        presented: Presented<'_>,
        request: &CredentialRequest,
    ) -> Result<Received, Failure<CredentialRefusal>> {
        let body = request.to_json().to_string();
        let body = ReceivedBody::Json(body.as_bytes());
        let dialect = Some(self.dialect);
        let answer = flow::credential::credential(presented, body, dialect, &self.issuer).await?;
        Ok(Received::of(&answer)?)
    }

    /// Until draft 11 what is presented is the `acceptance_token`, and nothing beside it.
    async fn deferred_credential(&self) -> Result<Said, Failure<DeferredRefusal>> {
        let dialect = self.dialect;
        let token = self.presented(flow::deferred::ENDPOINT).map_err(DeferredRefusal::from)?;
        let bytes = self.body().map_err(DeferredRefusal::from)?;
        if !dialect.has_acceptance_tokens() {
            let body = received(&self.headers, bytes).map_err(DeferredRefusal::from)?;
            let id = transaction_id(bytes);
            return self.deferred(token.presented(), (body, id.as_ref())).await;
        }
        let presented = token.presented();
        let parts = dialect.acceptance_token(presented.token());
        let bad = || DeferredRefusal::from(presented.bad_token());
        let (token, id) = parts.ok_or_else(bad)?;
        let body = DeferredCredentialRequest { transaction_id: id.clone() }.to_json().to_string();
        let body = ReceivedBody::Json(body.as_bytes());
        self.deferred(with_token(presented, &token), (body, Some(&id))).await
    }

    async fn deferred(
        &self,
        presented: Presented<'_>,
        (body, id): (ReceivedBody<'_>, Option<&TransactionId>),
    ) -> Result<Said, Failure<DeferredRefusal>> {
        let (dialect, issuer) = (self.dialect, &*self.issuer);
        let format = match id {
            Some(id) => flow::legacy::deferred_format(id, issuer).await?,
            None => None,
        };
        let own = Some(dialect);
        let answer = flow::deferred::deferred_credential(presented, body, own, issuer).await?;
        if let Answer::Wait(_) = answer {
            let pending = dialect.pending(issuer.config.deferred.interval);
            return Ok((StatusCode::BAD_REQUEST, pending));
        }
        match Received::of(&answer)? {
            Received::Issued(credentials, id) => {
                let shape = (format.unwrap_or_default(), credentials.len() == 1);
                let answer = (&credentials[..], id.as_deref());
                Ok((StatusCode::OK, dialect.credential_response(answer, shape, &self.nonce())))
            }
            Received::Deferred(_) => Err(unexpected().into()),
        }
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
        format!("draft-{}/{name}", self.dialect)
    }

    fn refused(&self, refused: (&'static str, &'static str)) -> Said {
        let (error, reason) = refused;
        tracing::info!(error, reason, "refused");
        (StatusCode::BAD_REQUEST, self.dialect.error(refused, || self.nonce()))
    }

    /// Status and headers are those of 1.0, a refusal's body is the draft's.
    fn respond<R: Refusal>(&self, answer: Result<Said, Failure<R>>) -> Response {
        let refused = match &answer {
            Err(Failure::Refused(refusal)) => Some(refusal.answer()),
            Ok(_) | Err(Failure::Broken(_)) => None,
        };
        let answer = answer.map(|(status, said)| (status, [NO_STORE], Json(said)));
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

impl Received {
    fn of(answer: &Answer) -> Result<Self, Broken> {
        let (Answer::Ready(body) | Answer::Wait(body)) = answer;
        match ReceivedCredentialResponse::parse(&body.bytes).ok_or_else(unexpected)? {
            ReceivedCredentialResponse::Issued { credentials, notification_id, .. } => {
                Ok(Self::Issued(credentials, notification_id))
            }
            ReceivedCredentialResponse::Deferred { transaction_id, .. } => {
                Ok(Self::Deferred(transaction_id))
            }
        }
    }
}

fn unexpected() -> Broken {
    Broken::fault("an answer of ours was not readable".into())
}

fn transaction_id(body: &[u8]) -> Option<TransactionId> {
    let parameters = keys::json::parse_object(body).ok()?;
    let request = DeferredCredentialRequest::from_parameters(&parameters).ok()?;
    Some(request.transaction_id)
}

/// A proof of DPoP is for the token that was presented, and good for no part of it.
const fn with_token<'t>(presented: Presented<'t>, token: &'t AccessToken) -> Presented<'t> {
    match presented {
        Presented::Bearer(_) => Presented::Bearer(token),
        Presented::Dpop(_, proof) => Presented::Dpop(token, proof),
    }
}

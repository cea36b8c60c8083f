//! Steps 5-8 of the Authorization Code Flow, on the issuer's side, who is its own authorization
//! server: a request comes in, a person signs in and answers (VCI §5, RFC 9126).

use std::collections::BTreeMap;

use oid4vci::authorization::{
    AnswerTo, AuthorizationAnswer, AuthorizationRefusal, AuthorizationRequest, DeadEnd,
    PUSHED_SECONDS, ParsedRequest, PushRefusal, PushResponse, PushedRequest, Requestable,
    RunningAuthorization, SIGN_IN_SECONDS, Stage, redirect, request_handle, unwrapped,
};
use oid4vci::client::{
    AuthenticatedClient, Client, ClientContext, ClientCredentials, ClientRefusal, authenticate,
};
use oid4vci::legacy::Dialect;
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::secret::AuthorizationHandle;
use oid4vci::sender::Sender;
use oid4vci::token::TokenRefusal;

use super::client::registered;
use super::legacy::authorization_request;
use super::sender::{self, SenderHeaders};
use crate::Issuer;
use crate::failure::Failure;

mod answer;
mod challenge;
mod entitlement;
mod provider;
mod sign_in;

pub use answer::{allow, deny};
pub use challenge::{Challenged, challenge, challenged};
pub(super) use entitlement::without_the_unwanted;
pub use entitlement::{Entitled, entitled};
pub use provider::{CALLBACK, Returned, from_provider, to_provider};
pub use sign_in::{SignIn, sign_in};

type Form = [(String, String)];

/// What can be asked for, with its scope.
pub(super) fn configurations(issuer: &Issuer) -> BTreeMap<String, Option<String>> {
    let types = issuer.types.values();
    types.map(|one| (one.id.clone(), one.scope.clone())).collect()
}

/// The client that a request comes from, and the proof of that.
pub(super) async fn authenticated<R: From<ClientRefusal>>(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    credentials: &ClientCredentials,
) -> Result<(Client, AuthenticatedClient), Failure<R>> {
    let client = match credentials.claimed_client_id() {
        Some(client_id) => registered(issuer, &client_id).await?,
        None => None,
    };
    let refused = |refusal: ClientRefusal| Failure::Refused(refusal.into());
    let identifier = issuer.identifier(dialect);
    let token_endpoint = format!("{identifier}/token");
    let context = signed_for(issuer, &identifier, &token_endpoint);
    let authenticated = authenticate(credentials, client.as_ref(), &context).map_err(refused)?;
    Ok((client.ok_or(refused(ClientRefusal::Unknown))?, authenticated))
}

/// What a client signs is held against this.
fn signed_for<'c>(
    issuer: &Issuer,
    authorization_server: &'c str,
    token_endpoint: &'c str,
) -> ClientContext<'c> {
    ClientContext {
        authorization_server,
        token_endpoint,
        window_seconds: issuer.config.proof.window_seconds,
        now: issuer.clock.now(),
    }
}

/// The parameters that count, in the words of 1.0: those that the client has signed, where it signs
/// (RFC 9101 §6.3, RFC 9126 §3).
fn said(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    form: &Form,
    client: &Client,
) -> Result<Vec<(String, String)>, DeadEnd> {
    let identifier = issuer.identifier(dialect);
    let context = signed_for(issuer, &identifier, "");
    let form = unwrapped(form, client, &context).map_err(DeadEnd::RequestObject)?.into_owned();
    Ok(match dialect {
        Some(dialect) => authorization_request(form, dialect, issuer),
        None => form,
    })
}

/// The client that wants tokens of this flow; where no client is registered there are none to be had
/// (RFC 6749 §5.2).
pub(super) async fn token_client(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    credentials: &ClientCredentials,
) -> Result<AuthenticatedClient, Failure<TokenRefusal>> {
    if !issuer.has_code_flow() {
        return Err(TokenRefusal::UnsupportedGrantType.into());
    }
    Ok(authenticated::<TokenRefusal>(issuer, dialect, credentials).await?.1)
}

/// What the proofs of a request spend.
pub(super) fn marks(client: &AuthenticatedClient, sender: &Sender) -> Vec<SpendableNonce> {
    let used = client.used().copied().into_iter().chain(sender.used());
    used.flat_map(|used| used.marks()).collect()
}

/// Why a request is refused of which a proof came before.
pub(super) fn replayed(client: &AuthenticatedClient, sender: &Sender) -> TokenRefusal {
    if client.used().is_some() { ClientRefusal::Replayed.into() } else { sender.replayed() }
}

/// Answers a pushed request (RFC 9126 §2).
pub async fn push(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    form: &Form,
    (endpoint, headers): (&str, &SenderHeaders<'_>),
) -> Result<PushResponse, Failure<PushRefusal>> {
    let credentials = ClientCredentials::parse(form).map_err(PushRefusal::from)?;
    let (client, sent_by) = authenticated::<PushRefusal>(issuer, dialect, &credentials).await?;
    let configurations = configurations(issuer);
    let identifier = issuer.identifier(dialect);
    let server = requestable(&identifier, &configurations);
    let said = said(issuer, dialect, form, &client).map_err(PushRefusal::from)?;
    let parsed = PushedRequest::parse(&said, &client, &server)?.in_draft(dialect);
    let place = (endpoint, dialect);
    let sender = sender::sender(headers, Some(&client.client_id), place, issuer).await;
    let sender = sender.map_err(|failure| failure.map(PushRefusal::from))?;
    let parsed = PushedRequest::with_sender(parsed, &sender, sender::policy(issuer))?;
    let request = with_offer(issuer, parsed).await?.map_err(PushRefusal::from)?;
    let (handle, running) = begun(issuer, request, (Stage::Pushed, PUSHED_SECONDS));
    let marks = marks(&sent_by, &sender);
    if !issuer.store.begin_authorization(&running, &marks).await? {
        return Err(PushRefusal::from(replayed(&sent_by, &sender)).into());
    }
    tracing::info!(authorization = %running.id, client_id = client.client_id, "request pushed");
    Ok(PushResponse::new(&handle))
}

/// Where a browser that brings a request goes on.
#[derive(Debug)]
pub enum Opened {
    /// To the pages of this handle.
    Pages(AuthorizationHandle),
    /// Back to the client, with an error.
    Client(String),
}

/// Answers the GET of the authorization endpoint (RFC 6749 §4.1.1, RFC 9126 §4).
pub async fn open(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    query: &Form,
) -> Result<Opened, Failure<DeadEnd>> {
    let credentials = ClientCredentials::parse(query).map_err(|_| DeadEnd::UnknownClient)?;
    let client_id = credentials.client_id.ok_or(DeadEnd::UnknownClient)?;
    let client = registered(issuer, &client_id).await?.ok_or(DeadEnd::UnknownClient)?;
    let client = &client;
    let mut request_uris = query.iter().filter(|(name, _)| name == "request_uri");
    match (request_uris.next(), request_uris.next()) {
        (Some(_), Some(_)) => Err(DeadEnd::RepeatedParameter.into()),
        (Some((_, request_uri)), None) if query.iter().all(|(name, _)| name != "request") => {
            open_pushed(issuer, dialect, client, request_uri).await
        }
        (Some(_), None) | (None, _) => open_query(issuer, dialect, client, query).await,
    }
}

/// A request that stands in the browser's address itself.
async fn open_query(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    client: &Client,
    query: &Form,
) -> Result<Opened, Failure<DeadEnd>> {
    if issuer.config.authorization.require_pushed_authorization_requests {
        return Err(DeadEnd::MustBePushed.into());
    }
    let query = said(issuer, dialect, query, client)?;
    let answer_to = AnswerTo::parse(&query, client)?;
    let configurations = configurations(issuer);
    let identifier = issuer.identifier(dialect);
    let server = requestable(&identifier, &configurations);
    let request = match ParsedRequest::parse(&query, client, answer_to.clone(), &server) {
        Ok(parsed) => with_offer(issuer, parsed.in_draft(dialect)).await?,
        Err(refusal) => Err(refusal),
    };
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return Ok(Opened::Client(refused(&identifier, &answer_to, refusal))),
    };
    let (handle, running) = begun(issuer, request, (Stage::Opened, SIGN_IN_SECONDS));
    issuer.store.begin_authorization(&running, &[]).await?;
    tracing::info!(authorization = %running.id, client_id = client.client_id, "request opened");
    Ok(Opened::Pages(handle))
}

/// A request that was pushed before: its `request_uri` is good for one browser (RFC 9126 §4).
async fn open_pushed(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    client: &Client,
    request_uri: &str,
) -> Result<Opened, Failure<DeadEnd>> {
    let handle = request_handle(request_uri).ok_or(DeadEnd::ForeignRequestUri)?;
    let found = found(issuer, &handle).await?;
    let found = found.filter(|found| found.request.dialect == dialect);
    let now = issuer.clock.now();
    let seen = RunningAuthorization::pushed(found.as_ref(), &handle, &client.client_id, now)?;
    let (handle, next) = advanced(issuer, seen, Stage::Opened);
    if !issuer.store.advance_authorization(seen, &next).await? {
        return Err(DeadEnd::UnknownRequest.into());
    }
    tracing::info!(authorization = %next.id, client_id = client.client_id, "request opened");
    Ok(Opened::Pages(handle))
}

/// What the pages of a handle are about.
pub async fn running(
    issuer: &Issuer,
    handle: &AuthorizationHandle,
) -> Result<RunningAuthorization, Failure<DeadEnd>> {
    let found = found(issuer, handle).await?;
    Ok(RunningAuthorization::opened(found.as_ref(), handle, issuer.clock.now())?.clone())
}

/// Who asks, by the name that the operator gave it; one that was removed meanwhile asks no more.
pub async fn client_name(
    issuer: &Issuer,
    seen: &RunningAuthorization,
) -> Result<String, Failure<DeadEnd>> {
    let client = registered(issuer, &seen.request.client_id).await?;
    Ok(client.ok_or(DeadEnd::UnknownClient)?.name)
}

async fn found(
    issuer: &Issuer,
    handle: &AuthorizationHandle,
) -> Result<Option<RunningAuthorization>, crate::store::StoreError> {
    match handle.offer_id() {
        Some(id) => issuer.store.running_authorization(id).await,
        None => Ok(None),
    }
}

pub(super) const fn requestable<'r>(
    credential_issuer: &'r str,
    configurations: &'r BTreeMap<String, Option<String>>,
) -> Requestable<'r> {
    Requestable { credential_issuer, configurations }
}

/// Looks up the offer that an `issuer_state` names (AUTHZ-18, AUTHZ-19).
async fn with_offer(
    issuer: &Issuer,
    parsed: ParsedRequest,
) -> Result<Result<AuthorizationRequest, AuthorizationRefusal>, crate::store::StoreError> {
    let id = parsed.issuer_state.as_ref().and_then(oid4vci::secret::IssuerState::offer_id);
    let Some(id) = id else { return Ok(parsed.with_offer(None)) };
    let grant = issuer.grant(id, parsed.request.dialect).await?;
    let authorization = issuer.store.authorization(id).await?;
    let now = issuer.clock.now();
    // Wrong Transaction Codes lock the other grant of the offer alone.
    let open = grant.filter(|grant| grant.state(now, u32::MAX).is_open());
    let ids = open.as_ref().map(|grant| grant.credential_configuration_ids.as_slice());
    Ok(parsed.with_offer(authorization.as_ref().zip(ids)))
}

fn begun(
    issuer: &Issuer,
    request: AuthorizationRequest,
    (stage, seconds): (Stage, u64),
) -> (AuthorizationHandle, RunningAuthorization) {
    let now = issuer.clock.now();
    let id = OfferId::fresh(now, &*issuer.random);
    let handle = AuthorizationHandle::fresh(id, &*issuer.random);
    let expires_at = now.plus(seconds);
    let running =
        RunningAuthorization { id, handle_digest: handle.digest(), expires_at, stage, request };
    (handle, running)
}

/// The next stage, under a handle that nobody knows yet.
fn advanced(
    issuer: &Issuer,
    seen: &RunningAuthorization,
    stage: Stage,
) -> (AuthorizationHandle, RunningAuthorization) {
    let handle = AuthorizationHandle::fresh(seen.id, &*issuer.random);
    let next = RunningAuthorization {
        handle_digest: handle.digest(),
        expires_at: issuer.clock.now().plus(SIGN_IN_SECONDS),
        stage,
        ..seen.clone()
    };
    (handle, next)
}

/// Sends an error to the client (AUTHZ-23), in the name of the server that it asked.
fn refused(identifier: &str, to: &AnswerTo, refusal: AuthorizationRefusal) -> String {
    tracing::info!(?refusal, "authorization refused");
    redirect(to, AuthorizationAnswer::Refused(refusal), identifier)
}

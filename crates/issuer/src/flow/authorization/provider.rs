//! A person signs in at an OpenID Provider: there, and back (OIDC §3.1).
//!
//! On the way there nothing is written. The way back is good once: it replaces the handle by the
//! same conditional update as every other stage.

use std::collections::BTreeSet;

use oid4vci::authorization::{DeadEnd, Person, Provided, RunningAuthorization, Stage};
use oid4vci::provider::{
    AuthenticationRequest, BrowserSecret, ProviderRefusal, ProviderState, SignInSecrets, Subject,
    received,
};
use oid4vci::secret::AuthorizationHandle;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::advanced;
use crate::Issuer;
use crate::credential_type::{CredentialType, Pictures};
use crate::failure::Failure;
use crate::provider::Provider;

/// Where the provider sends people back to, behind our identifier.
pub const CALLBACK: &str = "sign-in/callback";
/// Claims that name a person for that person, the best first (OIDC §5.1).
const NAMES: [&str; 3] = ["name", "preferred_username", "email"];
/// Most characters of such a name that are shown.
const NAME_LENGTH_MAX: usize = 100;

/// The address of the provider to send a browser to.
pub async fn to_provider(
    issuer: &Issuer,
    seen: &RunningAuthorization,
    browser: &BrowserSecret,
) -> Result<Result<Url, ProviderRefusal>, Failure<DeadEnd>> {
    let Some(provider) = &issuer.provider else { return Err(DeadEnd::Over.into()) };
    if seen.stage != Stage::Opened {
        return Err(DeadEnd::Over.into());
    }
    let metadata = match provider.metadata(&*issuer.clock).await {
        Ok(metadata) => metadata,
        Err(refusal) => {
            note(seen, refusal);
            return Ok(Err(refusal));
        }
    };
    let secrets = SignInSecrets::fresh(&issuer.keys().form, browser, seen, &*issuer.random);
    let request = AuthenticationRequest {
        client_id: provider.client_id(),
        redirect_uri: &issuer.endpoint(CALLBACK),
        scope: provider.scope(),
        secrets: &secrets,
    };
    Ok(Ok(request.address(&metadata.authorization_endpoint)))
}

/// What became of a way to the provider and back.
#[derive(Debug)]
pub enum Returned {
    /// The pages go on under this handle.
    SignedIn(AuthorizationHandle),
    /// Nobody is signed in; the person may try again under this handle.
    Refused(AuthorizationHandle, Box<RunningAuthorization>, ProviderRefusal),
}

/// Takes what the browser brings back. What was asked for by another browser, for another request
/// or for an earlier stage changes nothing.
pub async fn from_provider(
    issuer: &Issuer,
    query: &str,
    browser: Option<&BrowserSecret>,
) -> Result<Returned, Failure<DeadEnd>> {
    let (Some(provider), Some(browser)) = (&issuer.provider, browser) else {
        return Err(DeadEnd::Over.into());
    };
    let given = state(query).ok_or(DeadEnd::Over)?;
    let found = issuer.store.running_authorization(given.id()).await?;
    let now = issuer.clock.now();
    let seen = found.filter(|found| found.stage == Stage::Opened && now < found.expires_at);
    let seen = seen.ok_or(DeadEnd::Over)?;
    let secrets = SignInSecrets::again(&issuer.keys().form, browser, &seen, &given);
    if !secrets.made(&given) {
        return Err(DeadEnd::Over.into());
    }
    let stage = match signed_in(issuer, provider, query, &secrets).await {
        Ok(person) => Stage::SignedIn(person),
        Err(refusal) => {
            note(&seen, refusal);
            let (handle, next) = moved(issuer, &seen, Stage::Opened).await?;
            return Ok(Returned::Refused(handle, Box::new(next), refusal));
        }
    };
    let (handle, _) = moved(issuer, &seen, stage).await?;
    tracing::info!(authorization = %seen.id, "signed in at the provider");
    Ok(Returned::SignedIn(handle))
}

/// The next stage, on disk.
async fn moved(
    issuer: &Issuer,
    seen: &RunningAuthorization,
    stage: Stage,
) -> Result<(AuthorizationHandle, RunningAuthorization), Failure<DeadEnd>> {
    let (handle, next) = advanced(issuer, seen, stage);
    if !issuer.store.advance_authorization(seen, &next).await? {
        return Err(DeadEnd::Over.into());
    }
    Ok((handle, next))
}

fn note(seen: &RunningAuthorization, refusal: ProviderRefusal) {
    tracing::warn!(authorization = %seen.id, reason = refusal.message(), "no sign-in");
}

fn state(query: &str) -> Option<ProviderState> {
    let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    let (_, only) = states.next()?;
    if states.next().is_some() { None } else { ProviderState::parse(&only) }
}

/// Who has signed in, and what their credentials would say.
async fn signed_in(
    issuer: &Issuer,
    provider: &Provider,
    query: &str,
    secrets: &SignInSecrets,
) -> Result<Person, ProviderRefusal> {
    let metadata = provider.metadata(&*issuer.clock).await?;
    let code = received(query, &metadata, secrets.state())?;
    let redirect_uri = issuer.endpoint(CALLBACK);
    let there = (&metadata, redirect_uri.as_str());
    let subject = provider.subject(&code, there, secrets, &*issuer.clock).await?;
    let mut datasets = Map::new();
    for credential_type in issuer.types.values() {
        let claims = claims(credential_type, &subject).await;
        datasets.extend(claims.map(|one| (credential_type.id.clone(), Value::Object(one))));
    }
    let account = provider.account(&subject);
    let name = name(&subject).unwrap_or(subject.sub()).to_owned();
    Ok(Person { account, provided: Some(Provided { name, datasets }) })
}

fn name(subject: &Subject) -> Option<&str> {
    let texts = NAMES.iter().filter_map(|name| subject.claims().get(*name)?.as_str());
    let is_shown = |text: &&str| {
        let length = 1..=NAME_LENGTH_MAX;
        length.contains(&text.chars().count())
            && crate::credential_type::text::is_one_visible_line(text)
    };
    texts.filter(|text| !text.trim().is_empty()).find(is_shown)
}

/// The claims of a type, as the provider says them; `None` when they do not fit the type, which the
/// log tells without what they say.
async fn claims(credential_type: &CredentialType, subject: &Subject) -> Option<Map<String, Value>> {
    let given = credential_type.sign_in_claims.as_ref()?.of(subject.claims());
    let urls: BTreeSet<&str> = credential_type.claims.pictures(&given).collect();
    let pictures = Pictures::clean(urls.into_iter().map(str::to_owned).collect()).await;
    let checked = credential_type.claims.check(&given, &pictures);
    let id = credential_type.id.as_str();
    let log = |error: &crate::credential_type::ClaimsError| {
        let wrong: Vec<&str> = error.0.iter().map(|fault| fault.name.as_str()).collect();
        tracing::info!(
            credential_configuration_id = id,
            claims = wrong.join(" "),
            "what the provider says does not fit this type"
        );
    };
    checked.inspect_err(log).ok()
}

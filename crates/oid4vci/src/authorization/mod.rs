//! Steps 5-8 of the Authorization Code Flow: a Wallet asks, a person allows (VCI §5, RFC 6749 §4.1).

use std::collections::BTreeMap;

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::legacy::Dialect;
use crate::offer::OfferId;
use crate::parameters::parameter;
use crate::pkce::{self, CodeChallenge};
use crate::secret::{IssuerState, SecretDigest};

mod challenge;
mod details;
mod make;
mod metadata;
mod par;
mod refusal;
mod request_object;
mod response;
mod running;
mod scope;

pub use challenge::{
    CHALLENGE_ENDPOINT, ChallengeAnswer, ChallengeBody, ChallengeRefusal, ChallengeRequest,
    GivenSignIn, ReceivedChallengeAnswer,
};
pub use details::{ClaimDescription, DETAILS_MAX, OPENID_CREDENTIAL};
pub use make::{NewAuthorizationRequest, Selection};
pub use metadata::{ChallengeMethods, CodeFlowMetadata, ReceivedCodeFlow};
pub use par::{
    PUSHED_SECONDS, PushRefusal, PushResponse, PushedRequest, REQUEST_URI_PREFIX,
    ReceivedPushResponse, request_handle,
};
pub use refusal::{AuthorizationRefusal, DeadEnd};
pub use request_object::{
    NewRequestObject, REQUEST_OBJECT_SECONDS_MAX, REQUEST_OBJECT_TYPE, RequestObjectRefusal,
    unwrapped,
};
pub use response::{AuthorizationAnswer, Expected, ResponseError, received_code, redirect};
pub use running::{Person, Provided, RunningAuthorization, SIGN_IN_SECONDS, Stage};

/// `response_type`, the only one.
pub const CODE: &str = "code";
/// Longest `state`.
pub const STATE_BYTES_MAX: usize = 4096;
/// Most scope values that are read.
pub const SCOPES_MAX: usize = 64;

/// What an authorization server must know to read a request: of one issuer alone, so that a scope
/// can mean no other (META-30).
#[derive(Clone, Copy, Debug)]
pub struct Requestable<'r> {
    /// The Credential Issuer Identifier, which is ours too.
    pub credential_issuer: &'r str,
    /// Every Credential Configuration Identifier, with its scope (META-29).
    pub configurations: &'r BTreeMap<String, Option<String>>,
}

/// Where an answer goes. What comes before this is known can only be told to the person.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct AnswerTo {
    /// One that the client has registered.
    pub redirect_uri: String,
    /// As it came.
    pub state: Option<String>,
}

impl AnswerTo {
    /// Reads `redirect_uri` and `state`: nobody is sent to an address that was not registered, not
    /// even with an error (RFC 6749 §4.1.2.1, RFC 6749 §10.15).
    pub fn parse(form: &[(String, String)], client: &Client) -> Result<Self, DeadEnd> {
        let redirect_uri = parameter(form, "redirect_uri")?.ok_or(DeadEnd::NoRedirectUri)?;
        if !client.allows_redirect_to(redirect_uri) {
            return Err(DeadEnd::ForeignRedirectUri);
        }
        let state = parameter(form, "state")?;
        if state.is_some_and(|state| state.len() > STATE_BYTES_MAX) {
            return Err(DeadEnd::TooLong);
        }
        Ok(Self { redirect_uri: redirect_uri.to_owned(), state: state.map(str::to_owned) })
    }
}

/// An Authorization Request that can be shown to a person; there is no secret in it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes.
    pub answer_to: AnswerTo,
    /// RFC 7636 §4.3
    pub code_challenge: CodeChallenge,
    /// What is asked for, at least one; all that is offered when the request names an offer alone.
    pub credential_configuration_ids: Vec<String>,
    /// Whether `authorization_details` were used (TOKEN-17).
    pub by_identifier: bool,
    /// The scope values that we know, as they are given back (RFC 6749 §3.3).
    pub scope: Option<String>,
    /// The claims that the Wallet wants, by configuration; absent means all (AUTHZ-07).
    pub claims: BTreeMap<String, Vec<ClaimDescription>>,
    /// The key that the code is for, where the request has one (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// The offer that `issuer_state` names, once the store has confirmed it.
    pub offer_id: Option<[u8; 16]>,
    /// The draft in whose words it came: its code and tokens are good in that draft alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// Whether it came without a browser: its code then went to no address (First-Party Apps §6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_challenge: bool,
}

/// A request whose `issuer_state` nobody has looked up yet.
#[derive(Clone, Debug)]
pub struct ParsedRequest {
    /// All but the offer.
    pub request: AuthorizationRequest,
    /// VCI §5.1.3
    pub issuer_state: Option<IssuerState>,
}

impl ParsedRequest {
    /// Reads a request of a registered client, by query or pushed (AUTHZ-03); unknown parameters
    /// are ignored (AUTHZ-20).
    pub fn parse(
        form: &[(String, String)],
        client: &Client,
        answer_to: AnswerTo,
        server: &Requestable<'_>,
    ) -> Result<Self, AuthorizationRefusal> {
        use AuthorizationRefusal as Refused;
        match parameter(form, "response_type")? {
            Some(CODE) => {}
            Some(_) => return Err(Refused::ResponseType),
            None => return Err(Refused::NoResponseType),
        }
        if !matches!(parameter(form, "response_mode")?, None | Some("query")) {
            return Err(Refused::ResponseMode);
        }
        if parameter(form, "request")?.is_some() {
            return Err(Refused::RequestObject);
        }
        check_resource(form, server)?;
        let code_challenge = code_challenge(form)?;
        let issuer_state = parameter(form, "issuer_state")?.map(IssuerState::new);
        let wanted = wanted(form, server)?;
        if wanted.credential_configuration_ids.is_empty() && issuer_state.is_none() {
            return Err(Refused::NothingAskedFor);
        }
        let request = AuthorizationRequest {
            client_id: client.client_id.clone(),
            answer_to,
            code_challenge,
            credential_configuration_ids: wanted.credential_configuration_ids,
            by_identifier: wanted.by_identifier,
            scope: wanted.scope,
            claims: wanted.claims,
            dpop_jkt: dpop_jkt(form)?,
            offer_id: None,
            dialect: None,
            by_challenge: false,
        };
        Ok(Self { request, issuer_state })
    }

    /// The same in the words of a draft.
    #[must_use]
    pub fn in_draft(mut self, dialect: Option<Dialect>) -> Self {
        self.request.dialect = dialect;
        self
    }

    /// Ties the request to the offer that its `issuer_state` names, held against what is stored: one
    /// that we did not make, or that is over, changes nothing silently (AUTHZ-19).
    ///
    /// `offered` are the configurations of the offer while it is open.
    pub fn with_offer(
        self,
        offer: Option<(&Authorization, &[String])>,
    ) -> Result<AuthorizationRequest, AuthorizationRefusal> {
        let Some(issuer_state) = &self.issuer_state else { return Ok(self.request) };
        let digest = issuer_state.digest();
        let is_named = |authorization: &Authorization| {
            let stored = authorization.issuer_state_digest.as_ref();
            stored.is_some_and(|stored| stored.matches(&digest))
        };
        let offer = offer.filter(|(authorization, _)| is_named(authorization));
        let (authorization, offered) = offer.ok_or(AuthorizationRefusal::UnknownIssuerState)?;
        let mut request = self.request;
        if request.credential_configuration_ids.is_empty() {
            request.credential_configuration_ids = offered.to_vec();
        }
        // The token never exceeds the offer (TOKEN-11).
        if !request.credential_configuration_ids.iter().all(|id| offered.contains(id)) {
            return Err(AuthorizationRefusal::NotOffered);
        }
        request.offer_id = Some(authorization.id.0);
        Ok(request)
    }
}

/// RFC 8707 §2: we speak for one resource, the Credential Issuer (AUTHZ-16).
fn check_resource(
    form: &[(String, String)],
    server: &Requestable<'_>,
) -> Result<(), AuthorizationRefusal> {
    let mut resources = form.iter().filter(|(name, _)| name == "resource").map(|(_, value)| value);
    let is_ours = |resource: &String| resource.is_empty() || resource == server.credential_issuer;
    if resources.all(is_ours) { Ok(()) } else { Err(AuthorizationRefusal::ForeignResource) }
}

/// PKCE, always and by digest (RFC 7636 §4.4.1, DEP-01, SEC-01, B21).
fn code_challenge(form: &[(String, String)]) -> Result<CodeChallenge, AuthorizationRefusal> {
    let challenge = parameter(form, "code_challenge")?.ok_or(AuthorizationRefusal::NoChallenge)?;
    // Absent means `plain` (RFC 7636 §4.3).
    if parameter(form, "code_challenge_method")? != Some(pkce::METHOD) {
        return Err(AuthorizationRefusal::ChallengeMethod);
    }
    CodeChallenge::parse(challenge).ok_or(AuthorizationRefusal::BadChallenge)
}

/// The thumbprint of a key (RFC 9449 §10).
fn dpop_jkt(form: &[(String, String)]) -> Result<Option<String>, AuthorizationRefusal> {
    let Some(text) = parameter(form, "dpop_jkt")? else { return Ok(None) };
    let parsed = Thumbprint::parse(text).ok_or(AuthorizationRefusal::BadThumbprint)?;
    Ok(Some(parsed.to_string()))
}

/// What a request asks for.
struct Wanted {
    credential_configuration_ids: Vec<String>,
    by_identifier: bool,
    scope: Option<String>,
    claims: BTreeMap<String, Vec<ClaimDescription>>,
}

/// `scope` and `authorization_details`, each by itself; where both ask for one configuration the
/// detail wins (AUTHZ-11, AUTHZ-12, AUTHZ-13, AUTHZ-17).
fn wanted(
    form: &[(String, String)],
    server: &Requestable<'_>,
) -> Result<Wanted, AuthorizationRefusal> {
    let details = match parameter(form, "authorization_details")? {
        Some(text) => details::parse(text, server)?,
        None => Vec::new(),
    };
    let (mut ids, mut claims) = (Vec::new(), BTreeMap::new());
    for detail in &details {
        if !ids.contains(&detail.credential_configuration_id) {
            ids.push(detail.credential_configuration_id.clone());
        }
        if !detail.claims.is_empty() {
            let wanted: &mut Vec<ClaimDescription> =
                claims.entry(detail.credential_configuration_id.clone()).or_default();
            wanted.extend(detail.claims.iter().cloned());
        }
    }
    let mut scope: Vec<&str> = Vec::new();
    for value in parameter(form, "scope")?.unwrap_or_default().split(' ').take(SCOPES_MAX) {
        let named = |scope: &Option<String>| scope.as_deref() == Some(value);
        let mut named = server.configurations.iter().filter(|(_, scope)| named(scope)).peekable();
        if named.peek().is_some() && !scope.contains(&value) {
            scope.push(value);
        }
        for (id, _) in named {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
    }
    Ok(Wanted {
        credential_configuration_ids: ids,
        by_identifier: !details.is_empty(),
        scope: (!scope.is_empty()).then(|| scope.join(" ")),
        claims,
    })
}

/// What the store knows of an authorization, beside the [`crate::grant::Grant`] of the same id: an
/// offer whose code a person got by signing in.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Of the grant.
    pub id: OfferId,
    /// Set for an offer that an operator made (VCI §4.1.1).
    pub issuer_state_digest: Option<SecretDigest>,
    /// Set once a person has allowed it.
    pub code: Option<GrantedCode>,
    /// Set while there are refresh tokens.
    pub refresh: Option<crate::refresh::RefreshChain>,
    /// The only account that can take the offer; `None` for any.
    pub for_account: Option<String>,
}

impl Authorization {
    /// Whether somebody who signed in as this account can have what the offer holds.
    #[must_use]
    pub fn is_for(&self, account: &str) -> bool {
        self.for_account.as_deref().is_none_or(|only| only == account)
    }
}

/// The code that a Wallet was sent back with.
#[derive(Clone, Debug)]
pub struct GrantedCode {
    /// Of the code.
    pub digest: SecretDigest,
    /// The first second in which it is dead.
    pub expires_at: Timestamp,
    /// What was asked for, which the Token Request must fit.
    pub request: AuthorizationRequest,
    /// Who allowed it.
    pub account: String,
    /// Whether it became a token.
    pub is_spent: bool,
}

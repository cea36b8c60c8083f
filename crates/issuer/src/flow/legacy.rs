//! What the steps need to be spoken in a draft: its own metadata, and what its token is good for.

use std::collections::BTreeMap;

use keys::json;
use oid4vci::access::{Presented, authenticate};
use oid4vci::authorization::CodeFlowMetadata;
use oid4vci::credential::{CredentialRefusal, Selector};
use oid4vci::deferred::{self as core, DeferredRefusal};
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{
    AuthorizationServerMetadata, CredentialConfiguration, CredentialIssuerMetadata,
};
use oid4vci::secret::TransactionId;
use oid4vci::token::{TokenRequest, credential_identifier};
use serde_json::Value;

use super::external::offer_id;
use super::{deferred, metadata, notification};
use crate::failure::Failure;
use crate::store::StoreError;
use crate::store::held::Held;
use crate::{Issuer, IssuerKeys};

/// What Wallets wait between two Token Requests where an offer says nothing (draft 13, section 4.1.1).
pub const POLL_SECONDS: u64 = 5;
/// Where several credentials are asked for at once; its name in the address.
pub const BATCH: &str = "batch-credential";

/// The URL of an endpoint below the identifier of the draft.
fn endpoint(dialect: Dialect, name: &str, issuer: &Issuer) -> String {
    format!("{}/{name}", issuer.identifier(Some(dialect)))
}

/// Credential Issuer Metadata in the words of the draft.
#[must_use]
pub fn credential_issuer(dialect: Dialect, issuer: &Issuer, keys: &IssuerKeys) -> Value {
    let own = metadata::credential_issuer(issuer, keys);
    let notifies = own.notification_endpoint.is_some();
    let own = CredentialIssuerMetadata {
        credential_issuer: issuer.identifier(Some(dialect)).into_owned(),
        authorization_servers: Vec::new(),
        credential_endpoint: endpoint(dialect, "credential", issuer),
        nonce_endpoint: endpoint(dialect, "nonce", issuer),
        deferred_credential_endpoint: Some(endpoint(dialect, deferred::ENDPOINT, issuer)),
        notification_endpoint: notifies.then(|| endpoint(dialect, notification::ENDPOINT, issuer)),
        ..own
    };
    let server = authorization_server(dialect, issuer);
    dialect.issuer_metadata(&own, &server, &endpoint(dialect, BATCH, issuer))
}

/// Authorization server metadata. Tokens of any draft are ended, and looked into, where those of 1.0
/// are. An `acceptance_token` comes
/// back as a Bearer token, so where there are such, tokens are bound only if the operator insists.
#[must_use]
pub fn authorization_server(dialect: Dialect, issuer: &Issuer) -> AuthorizationServerMetadata {
    let own = metadata::authorization_server(issuer);
    let code_flow = own.code_flow.map(|own| CodeFlowMetadata {
        authorization_endpoint: endpoint(dialect, "authorize", issuer),
        pushed_authorization_request_endpoint: endpoint(dialect, "par", issuer),
        authorization_challenge_endpoint: None, // it speaks 1.0
        ..own
    });
    let mut sender = own.sender;
    if dialect.has_acceptance_tokens() && !issuer.config.dpop.required {
        sender.dpop_signing_alg_values_supported.clear();
    }
    AuthorizationServerMetadata {
        issuer: issuer.identifier(Some(dialect)).into_owned(),
        token_endpoint: endpoint(dialect, "token", issuer),
        sender,
        code_flow,
        ..own
    }
}

/// An Authorization Request of the draft in the words of 1.0.
#[must_use]
pub(super) fn authorization_request(
    form: Vec<(String, String)>,
    dialect: Dialect,
    issuer: &Issuer,
) -> Vec<(String, String)> {
    let known = issuer.types.keys().filter_map(|id| Some((id.clone(), configuration(id, issuer)?)));
    dialect.authorization_request(form, &known.collect())
}

/// A configuration by its id, as metadata have it.
#[must_use]
pub fn configuration(id: &str, issuer: &Issuer) -> Option<CredentialConfiguration> {
    let algorithm = issuer.keys().signing.signer.algorithm();
    issuer.types.get(id).map(|one| metadata::configuration(one, algorithm))
}

/// Configurations by their ids.
type Known = BTreeMap<String, CredentialConfiguration>;

/// What a token is good for, by which a request of a draft is read; `own` is the draft of its offer.
/// Nothing is decided by it; the grant goes on to where that is done.
pub async fn configurations(
    presented: Presented<'_>,
    own: Option<Dialect>,
    issuer: &Issuer,
) -> Result<(Known, Option<Grant>), Failure<CredentialRefusal>> {
    let id = match own {
        Some(_) => presented.token().offer_id(),
        None => offer_id::<CredentialRefusal>(presented, issuer).await?,
    };
    let grant = match id {
        Some(id) => issuer.grant(id, own).await?,
        None => None,
    };
    let token = authenticate(presented, grant.as_ref(), issuer.clock.now())?;
    let ids = token.redemption().credential_configuration_ids.iter();
    let known = ids.filter_map(|id| Some((id.clone(), configuration(id, issuer)?))).collect();
    Ok((known, grant))
}

/// Whether a token may ask for what waits; nothing is decided by it.
pub async fn waiting(
    presented: Presented<'_>,
    dialect: Dialect,
    issuer: &Issuer,
) -> Result<(), Failure<DeferredRefusal>> {
    let grant = match presented.token().offer_id() {
        Some(id) => issuer.grant(id, Some(dialect)).await?,
        None => None,
    };
    let token = core::authenticate(presented, grant.as_ref(), issuer.clock.now());
    Ok(token.map(drop).map_err(DeferredRefusal::from)?)
}

/// Whether who has this code is to wait (draft 13, section 6.3). Nothing is spent, nothing counted; of
/// a code that is none nobody hears it. The grant goes on to where more is decided.
pub async fn held(
    request: &TokenRequest,
    dialect: Dialect,
    issuer: &Issuer,
) -> Result<(Held, Option<Grant>), StoreError> {
    let TokenRequest::PreAuthorizedCode(request) = request else { return Ok((Held::No, None)) };
    let code = &request.pre_authorized_code;
    let Some(id) = code.offer_id().filter(|_| dialect.has_polling()) else {
        return Ok((Held::No, None));
    };
    let (now, attempts_max) = (issuer.clock.now(), issuer.config.offer.tx_code_attempts_max);
    let grant = issuer.grant(id, Some(dialect)).await?;
    let is_open = grant.as_ref().is_some_and(|grant| {
        grant.code_digest.matches(&code.digest()) && grant.state(now, attempts_max).is_open()
    });
    let held = if is_open { issuer.store.ask_held(id, POLL_SECONDS, now).await? } else { Held::No };
    Ok((held, grant))
}

/// The configuration that a request of 1.0 means; of one that it is refused for, any.
#[must_use]
pub fn meant<'k>(
    selector: &Selector,
    known: &'k BTreeMap<String, CredentialConfiguration>,
) -> Option<(&'k String, &'k CredentialConfiguration)> {
    known.iter().find(|(id, _)| match selector {
        Selector::Configuration(wanted) => *id == wanted,
        Selector::Identifier(wanted) => &credential_identifier(id) == wanted,
    })
}

/// Whether credentials of this configuration wait for an officer.
#[must_use]
pub fn is_deferred(id: &str, issuer: &Issuer) -> bool {
    issuer.types.get(id).is_some_and(deferred::waits)
}

/// Whether a request that names no format is for what waits: 1.0, which may be as lenient about its
/// single proof (AMB-17), has an answer to it, and no draft at a shared identifier has.
#[must_use]
pub fn is_for_later(body: &[u8], issuer: &Issuer) -> bool {
    let parameters = json::parse_object(body).unwrap_or_default();
    let wanted = parameters.get("credential_identifier").and_then(Value::as_str);
    let is_meant = |id: &String| wanted == Some(&*credential_identifier(id));
    issuer.config.compatibility.single_proof
        && !parameters.contains_key("format")
        && issuer.types.keys().any(|id| is_meant(id) && is_deferred(id, issuer))
}

/// The format of what waits; `None` where nothing does.
pub async fn deferred_format(
    transaction_id: &TransactionId,
    issuer: &Issuer,
) -> Result<Option<&'static str>, StoreError> {
    let deferral = deferred::find(transaction_id, issuer).await?;
    let deferred = deferral.as_ref().map(|deferral| &deferral.credential_configuration_id);
    let credential_type = deferred.and_then(|id| issuer.types.get(id));
    Ok(credential_type.map(|credential_type| credential_type.format.name()))
}

//! Step 15 with a token of another authorization server: it becomes a grant once, and from there on
//! nothing knows the difference (VCI §12.2.4).

use oid4vci::access::Presented;
use oid4vci::credential::CredentialRefusal;
use oid4vci::external::{self, ExternalContext, ExternalRefusal};
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use serde_json::{Map, Value};

use super::account::{fitting, in_all_formats};
use super::authorization::configurations;
use super::deferred::to_keep;
use crate::Issuer;
use crate::external::External;
use crate::failure::{Broken, Failure};
use crate::store::StoreError;

/// Seconds that the server's clock may differ from ours.
const WINDOW_SECONDS: u64 = 60;

/// The offer that a token belongs to: our own names it, one of another server is verified and made
/// into a grant; `None` for a token that is nobody's.
pub(super) async fn offer_id<R: From<CredentialRefusal>>(
    presented: Presented<'_>,
    issuer: &Issuer,
) -> Result<Option<OfferId>, Failure<R>> {
    let own = presented.token().offer_id();
    let Some(external) = &issuer.external else { return Ok(own) };
    // An opaque token of theirs may look like one of ours.
    if let Some(id) = own
        && issuer.store.grant(id).await?.is_some()
    {
        return Ok(own);
    }
    admitted(presented, external, issuer).await.map(Some).map_err(|failure| match failure {
        Failure::Refused(refusal) => Failure::Refused(refusal.into()),
        Failure::Broken(broken) => Failure::Broken(broken),
    })
}

/// Whether only a request can say which grant its token belongs to: the token names none itself.
/// Nobody else makes us read what is sent with a token before we know the token.
pub(super) async fn names_no_grant(
    presented: Presented<'_>,
    issuer: &Issuer,
) -> Result<bool, StoreError> {
    let token = presented.token();
    let Some(external) = &issuer.external else { return Ok(false) };
    if external::named_id(token, external.issuer()).is_some() {
        return Ok(false);
    }
    match token.offer_id() {
        Some(id) => Ok(issuer.store.grant(id).await?.is_none()),
        None => Ok(true),
    }
}

/// The grant of a token that is of use only with what was begun with it: that was verified then, and
/// outlives the token (DEFER-21, NOTIF-03). `named` is the offer that the request speaks of; by that
/// an opaque token is found of which its server knows nothing any more.
pub(super) async fn known_grant<R: From<CredentialRefusal>>(
    presented: Presented<'_>,
    named: Option<OfferId>,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<Option<Grant>, Failure<R>> {
    let token = presented.token();
    let external = issuer.external.as_ref();
    if let Some(id) = external.and_then(|external| external::named_id(token, external.issuer())) {
        return Ok(issuer.grant(id, dialect).await?);
    }
    if let (Some(_), Some(id)) = (external, named) {
        let grant = issuer.grant(id, dialect).await?;
        let is_its = |grant: &Grant| {
            let redemption = grant.redemption.as_ref();
            redemption.is_some_and(|one| one.token_digest.matches(&token.digest()))
        };
        if grant.as_ref().is_some_and(is_its) {
            return Ok(grant);
        }
    }
    Ok(match offer_id(presented, issuer).await? {
        Some(id) => issuer.grant(id, dialect).await?,
        None => None,
    })
}

/// What the server vouches for is on disk before anything is decided by it.
async fn admitted(
    presented: Presented<'_>,
    external: &External,
    issuer: &Issuer,
) -> Result<OfferId, Failure<CredentialRefusal>> {
    let configurations = configurations(issuer);
    let context = ExternalContext {
        issuer: external.issuer(),
        audience: external.audience().unwrap_or(issuer.credential_issuer()),
        configurations: &configurations,
        window_seconds: WINDOW_SECONDS,
        now: issuer.clock.now(),
    };
    let token = external.token(presented.token(), &context, &*issuer.clock).await;
    let mut token = token.map_err(|refusal| refused(refusal, presented))?;
    if issuer.config.dpop.required && token.bound_to.is_none() {
        return Err(presented.bad_token().into()); // as none of ours is a Bearer token either
    }
    // Nobody but its wallet makes it a grant.
    presented.check_binding(token.bound_to.as_ref()).map_err(CredentialRefusal::from)?;
    let account = external.account(&token);
    let datasets = issuer.store.account(&account).await?.map(|account| account.datasets);
    let mut datasets = in_all_formats(issuer, datasets.unwrap_or_default());
    datasets.retain(|id, _| token.credential_configuration_ids.contains(id));
    let id = token.grant(presented.token(), external.issuer()).id;
    let is_new = issuer.store.grant(id).await?.is_none();
    if is_new {
        datasets = all_fitting(issuer, datasets).await;
    }
    let no_account = || {
        tracing::info!("a person of the authorization server has no account here");
        CredentialRefusal::NotAuthorised
    };
    if datasets.is_empty() {
        return Err(no_account().into());
    }
    if is_new {
        token.credential_configuration_ids.retain(|id| datasets.contains_key(id));
        let grant = token.grant(presented.token(), external.issuer());
        if !issuer.store.admit(&grant, &account, &datasets).await? {
            return Err(no_account().into());
        }
        tracing::info!(offer = %id, "a token of the authorization server was admitted");
    }
    Ok(id)
}

/// What is good for its type, as that stands now.
async fn all_fitting(issuer: &Issuer, stored: Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (id, claims) in stored {
        let (Some(credential_type), Value::Object(claims)) = (issuer.types.get(&id), claims) else {
            continue;
        };
        let claims = fitting(issuer, credential_type, &claims).await;
        all.extend(claims.map(|claims| (id, to_keep(credential_type, claims).into())));
    }
    all
}

/// Who could not be asked may be there again soon; all else is the token's own fault.
fn refused(refusal: ExternalRefusal, presented: Presented<'_>) -> Failure<CredentialRefusal> {
    tracing::info!(reason = refusal.message(), "token of another server refused");
    if refusal == ExternalRefusal::Unreachable {
        return Failure::Broken(Broken::passing(refusal.message().into()));
    }
    if refusal == ExternalRefusal::NothingOfOurs {
        return CredentialRefusal::NotAuthorised.into();
    }
    presented.bad_token().into()
}

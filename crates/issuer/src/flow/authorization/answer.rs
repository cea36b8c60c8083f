//! The person's answer, which is the client's answer too (RFC 6749 §4.1.2).

use oid4vci::authorization::{
    AuthorizationAnswer, AuthorizationRefusal, DeadEnd, GrantedCode, RunningAuthorization, Stage,
    redirect,
};
use oid4vci::code::CODE_SECONDS;
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::secret::{AuthorizationCode, OfferReference, PreAuthorizedCode};
use serde_json::{Map, Value};

use super::{Entitled, client_name, entitled, refused};
use crate::Issuer;
use crate::failure::Failure;
use crate::flow::deferred::to_keep;
use crate::store::authorization::{Allowed, AllowedOffer};

/// The person allows it; the address to send the browser to results. The code is on disk before
/// anybody hears it.
pub async fn allow(
    issuer: &Issuer,
    seen: &RunningAuthorization,
) -> Result<String, Failure<DeadEnd>> {
    let Some(code) = granted(issuer, seen).await? else {
        return end(issuer, seen, AuthorizationRefusal::NotEntitled).await;
    };
    let answer = AuthorizationAnswer::Code(&code);
    let identifier = issuer.identifier(seen.request.dialect);
    Ok(redirect(&seen.request.answer_to, answer, &identifier))
}

/// The code for whoever has signed in, on disk before anybody hears it; `None`, and nothing is written,
/// for somebody who can have nothing of what is asked for.
pub(super) async fn granted(
    issuer: &Issuer,
    seen: &RunningAuthorization,
) -> Result<Option<AuthorizationCode>, Failure<DeadEnd>> {
    let Stage::SignedIn(person) = &seen.stage else { return Err(DeadEnd::Over.into()) };
    let entitled = entitled(issuer, seen).await?;
    if entitled.is_empty() {
        return Ok(None);
    }
    client_name(issuer, seen).await?;
    let now = issuer.clock.now();
    let id = seen.request.offer_id.map_or(seen.id, OfferId);
    let code = AuthorizationCode::fresh(id, &*issuer.random);
    let mut request = seen.request.clone();
    request.credential_configuration_ids =
        entitled.iter().map(|one| one.credential_type.id.clone()).collect();
    let ids = request.credential_configuration_ids.clone();
    let granted = GrantedCode {
        digest: code.digest(),
        expires_at: now.plus(CODE_SECONDS),
        request,
        account: person.account.clone(),
        is_spent: false,
    };
    let offer = match seen.request.offer_id {
        Some(_) => AllowedOffer::Made(id),
        None => fresh(issuer, (id, ids), (entitled, seen.request.dialect)),
    };
    let allowed = Allowed { code: granted, offer };
    if !issuer.store.allow_authorization(seen, &allowed, now).await? {
        return Err(DeadEnd::Over.into());
    }
    tracing::info!(authorization = %seen.id, offer = %id, "allowed");
    Ok(Some(code))
}

/// An offer that exists for this code alone: reference and Pre-Authorized Code are drawn and
/// forgotten, so that nothing else opens it.
fn fresh(
    issuer: &Issuer,
    (id, ids): (OfferId, Vec<String>),
    (entitled, dialect): (Vec<Entitled<'_>>, Option<Dialect>),
) -> AllowedOffer {
    let now = issuer.clock.now();
    let nobody = OfferReference::fresh(id, &*issuer.random);
    let nothing = OfferReference::fresh(id, &*issuer.random);
    let digests = (nobody.digest(), PreAuthorizedCode::new(nothing.expose()).digest());
    let times = (now, now.plus(CODE_SECONDS));
    let grant = Grant { dialect, ..Grant::fresh(id, ids, times, digests) };
    let datasets: Map<String, Value> = entitled
        .into_iter()
        .map(|one| {
            let claims = to_keep(one.credential_type, one.claims);
            (one.credential_type.id.clone(), Value::Object(claims))
        })
        .collect();
    AllowedOffer::Fresh(Box::new(grant), datasets)
}

/// The person says no, or leaves; the client hears `access_denied` (AUTHZ-23).
pub async fn deny(
    issuer: &Issuer,
    seen: &RunningAuthorization,
) -> Result<String, Failure<DeadEnd>> {
    end(issuer, seen, AuthorizationRefusal::Denied).await
}

async fn end(
    issuer: &Issuer,
    seen: &RunningAuthorization,
    refusal: AuthorizationRefusal,
) -> Result<String, Failure<DeadEnd>> {
    if !issuer.store.deny_authorization(seen).await? {
        return Err(DeadEnd::Over.into());
    }
    let identifier = issuer.identifier(seen.request.dialect);
    Ok(refused(&identifier, &seen.request.answer_to, refusal))
}

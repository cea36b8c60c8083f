//! What a person who signed in can have, and what of it the Wallet wants (AUTHZ-07, AUTHZ-25).

use formats::path::Step;
use oid4vci::authorization::{ClaimDescription, Person, RunningAuthorization, Stage};
use oid4vci::claims_path::select;
use oid4vci::offer::OfferId;
use serde_json::{Map, Value};

use crate::Issuer;
use crate::credential_type::{Claim, CredentialType, remove};
use crate::flow::account::{fitting, in_all_formats};
use crate::store::StoreError;

/// What one credential will say.
#[derive(Debug)]
pub struct Entitled<'i> {
    /// Its type.
    pub credential_type: &'i CredentialType,
    /// Its claims, checked.
    pub claims: Map<String, Value>,
}

/// What the account of a sign-in can have of what is asked for; empty when there is nothing.
///
/// Of an offer that an operator made, it is what that says, for whoever it is; else what stands in
/// the account. Claims that the Wallet did not name are left out, unless the type always has them.
pub async fn entitled<'i>(
    issuer: &'i Issuer,
    running: &RunningAuthorization,
) -> Result<Vec<Entitled<'i>>, StoreError> {
    let Stage::SignedIn(person) = &running.stage else { return Ok(Vec::new()) };
    let is_offer = running.request.offer_id;
    let Some(own) = own_datasets(issuer, person).await? else { return Ok(Vec::new()) };
    let datasets = match is_offer {
        Some(id) => offered(issuer, OfferId(id), person).await?,
        None => own,
    };
    let mut found = Vec::new();
    for id in &running.request.credential_configuration_ids {
        let Some(credential_type) = issuer.types.get(id) else { continue };
        let Some(Value::Object(claims)) = datasets.get(id).cloned() else { continue };
        // An account may be older than its type; an operator's offer stays as it was made.
        let claims = match is_offer {
            Some(_) => Some(claims),
            None => fitting(issuer, credential_type, &claims).await,
        };
        let Some(claims) = claims else { continue };
        let wanted = running.request.claims.get(id).map_or(&[][..], Vec::as_slice);
        found.extend(narrowed(credential_type, claims, wanted));
    }
    Ok(found)
}

/// What is known of a person: what the operator wrote of the account, and for the rest what a
/// provider said. `None` for an account that was removed meanwhile.
async fn own_datasets(
    issuer: &Issuer,
    person: &Person,
) -> Result<Option<Map<String, Value>>, StoreError> {
    let account = issuer.store.account(&person.account).await?;
    let written = account.map(|account| in_all_formats(issuer, account.datasets));
    Ok(match &person.provided {
        None => written,
        Some(provided) => {
            let mut datasets = provided.datasets.clone();
            datasets.extend(written.unwrap_or_default());
            Some(datasets)
        }
    })
}

/// What an offer holds, for whom it is: nobody else learns what that is.
async fn offered(
    issuer: &Issuer,
    id: OfferId,
    person: &Person,
) -> Result<Map<String, Value>, StoreError> {
    let beside = issuer.store.authorization(id).await?;
    if beside.is_none_or(|beside| !beside.is_for(&person.account)) {
        return Ok(Map::new());
    }
    Ok(issuer.store.datasets(id).await?.unwrap_or_default())
}

/// `None` when a claim is missing without which the Wallet takes nothing (CLAIM-02), or when of what it
/// takes no credential could be made.
fn narrowed<'t>(
    credential_type: &'t CredentialType,
    claims: Map<String, Value>,
    wanted: &[ClaimDescription],
) -> Option<Entitled<'t>> {
    let mut needed = wanted.iter().filter(|one| one.mandatory);
    let disclosed = credential_type.claims.to_disclose(&claims);
    let is_there = |path: &[Value]| path.is_empty() || select(&disclosed, path).is_some();
    if !needed.all(|one| is_there(below_format(credential_type, one))) {
        return None;
    }
    let claims = without_the_unwanted(credential_type, claims, wanted);
    credential_type.check_says_something(&claims).ok()?;
    Some(Entitled { credential_type, claims })
}

/// Claims that the Wallet did not name are left out, unless the type always has them; where it
/// names none, it wants all (AUTHZ-07).
pub(in crate::flow) fn without_the_unwanted(
    credential_type: &CredentialType,
    mut claims: Map<String, Value>,
    wanted: &[ClaimDescription],
) -> Map<String, Value> {
    let wanted: Vec<_> = wanted.iter().map(|one| steps(credential_type, one)).collect();
    // A constant goes with the object that it is in.
    let may_go = |claim: &&Claim| !claim.mandatory && claim.constant.is_none();
    for claim in credential_type.claims.iter().filter(may_go) {
        let touches = |path: &[Step]| path.iter().zip(&claim.path).all(|(a, b)| a == b);
        if !wanted.is_empty() && !wanted.iter().any(|path| touches(path)) {
            remove(&mut claims, &claim.path);
        }
    }
    claims
}

/// A path as the type has it: who names one element of a list gets all of them.
fn steps(credential_type: &CredentialType, description: &ClaimDescription) -> Vec<Step> {
    let path = below_format(credential_type, description).iter();
    path.map(|step| step.as_str().map_or(Step::Every, Step::from)).collect()
}

/// A path without what the format puts in front.
fn below_format<'d>(
    credential_type: &CredentialType,
    description: &'d ClaimDescription,
) -> &'d [Value] {
    match (credential_type.format.prefix(), description.path.as_slice()) {
        (Some(prefix), [first, rest @ ..]) if first == prefix => rest,
        (_, path) => path,
    }
}

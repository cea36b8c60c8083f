//! Several requests at once, as drafts 9 to 13 have them (section 8 there): each with a configuration and
//! a proof of its own, all recorded in one commit.

use oid4vci::access::{Authenticated, Presented, authenticate};
use oid4vci::credential::{
    CredentialRefusal, CredentialRequest, ISSUANCES_MAX, authorize, decide_all,
};
use oid4vci::encryption::ReceivedBody;
use oid4vci::grant::{Grant, StatusEntry};
use oid4vci::legacy::Dialect;
use oid4vci::nonce::SpendableNonce;
use oid4vci::proof::VerifiedProofs;
use serde_json::Value;

use super::cover;
use super::credential::{claims, entries, grant, make_all, proofs, refusal, sign_all};
use crate::Issuer;
use crate::credential_type::CredentialType;
use crate::failure::{Broken, Failure};
use crate::issue::{Made, check_signer};
use crate::store::Recorded;

/// One request, and what it is for.
struct Part<'p> {
    /// Which of the requests it is.
    place: usize,
    id: &'p str,
    credential_type: &'p CredentialType,
    proofs: Option<VerifiedProofs>,
    has_status: bool,
}

impl Part<'_> {
    fn count(&self) -> usize {
        self.proofs.as_ref().map_or(1, |proofs| proofs.proofs().len())
    }
}

/// Format and credential for each request, in their order. Nothing is issued unless all of it is, and
/// nobody waits for an officer here.
pub async fn batch(
    presented: Presented<'_>,
    requests: &[CredentialRequest],
    (dialect, mut seen): (Option<Dialect>, Option<Grant>),
    issuer: &Issuer,
) -> Result<Vec<(&'static str, Value)>, Failure<CredentialRefusal>> {
    // Nobody can ask for a cover of such an answer: where one is required, this is refused.
    cover::open(ReceivedBody::Json(b"{}"), dialect, issuer).map_err(CredentialRefusal::from)?;
    for _ in 0..=ISSUANCES_MAX {
        let now = issuer.clock.now();
        let grant = grant(presented, (dialect, &mut seen), issuer).await?;
        let token = authenticate(presented, grant.as_ref(), now)?;
        let parts = parts(requests, token, issuer).await?;
        let Some((first, beside)) = parts.split_first() else { return Ok(Vec::new()) };
        let beside: Vec<_> = beside.iter().map(|part| (part.id, part.proofs.as_ref())).collect();
        let first = (first.id, first.proofs.as_ref());
        let record = decide_all(token, first, &beside, issuer.credentials_per_offer())?;
        for part in &parts {
            check_signer(issuer, part.credential_type)?;
        }
        let places = places(&parts, issuer).await?;
        let made = made(&parts, (token, &places), issuer)
            .await
            .inspect_err(|_| issuer.status_lists.give_back(places.clone()))?;
        let recorded = issuer.store.record_issuance(&record, &nonces(&parts), &places, now).await?;
        if recorded == Recorded::Recorded {
            return Ok(signed(&parts, (token, made), issuer).await?);
        }
        issuer.status_lists.give_back(places);
        refusal(recorded)?; // or another request of this token was first
    }
    Err(Broken::fault("the offer changed more often than an offer can".into()).into())
}

/// Who may not have one of them has none. Those with a status are first: so the places in its lists are
/// those of the first credentials.
async fn parts<'p>(
    requests: &'p [CredentialRequest],
    token: Authenticated<'p>,
    issuer: &'p Issuer,
) -> Result<Vec<Part<'p>>, Failure<CredentialRefusal>> {
    if requests.len() > ISSUANCES_MAX - token.grant().issued.len().min(ISSUANCES_MAX) {
        return Err(CredentialRefusal::TooManyKeys.into());
    }
    let is_known = |id: &str| issuer.types.contains_key(id);
    let mut parts = Vec::with_capacity(requests.len());
    for (place, request) in requests.iter().enumerate() {
        let id = authorize(&request.selector, token, is_known)?;
        let credential_type = issuer.types.get(id).ok_or(CredentialRefusal::NotAuthorised)?;
        let proofs = proofs(request, credential_type, token, issuer).await?;
        let has_status = issuer.config.has_status(credential_type);
        parts.push(Part { place, id, credential_type, proofs, has_status });
    }
    parts.sort_by_key(|part| !part.has_status);
    Ok(parts)
}

/// One for each credential of a type that has a status.
async fn places(parts: &[Part<'_>], issuer: &Issuer) -> Result<Vec<StatusEntry>, Broken> {
    let with_status = || parts.iter().filter(|part| part.has_status);
    let Some(any) = with_status().next() else { return Ok(Vec::new()) };
    let count = with_status().map(Part::count).sum();
    Ok(entries(issuer, any.credential_type, count).await?)
}

/// Each once: in a batch one nonce may stand in every proof.
fn nonces(parts: &[Part<'_>]) -> Vec<SpendableNonce> {
    let mut all: Vec<SpendableNonce> = Vec::new();
    for nonce in
        parts.iter().filter_map(|part| part.proofs.as_ref()).flat_map(VerifiedProofs::nonces)
    {
        if !all.iter().any(|known| known.front == nonce.front) {
            all.push(*nonce);
        }
    }
    all
}

/// What each of the parts is to get.
async fn made<'p>(
    parts: &[Part<'p>],
    (token, places): (Authenticated<'_>, &[StatusEntry]),
    issuer: &Issuer,
) -> Result<Vec<Vec<Made<'p>>>, Broken> {
    let mut places = places.iter().copied();
    let mut all = Vec::with_capacity(parts.len());
    for part in parts {
        let count = if part.has_status { part.count() } else { 0 };
        let own: Vec<StatusEntry> = places.by_ref().take(count).collect();
        let claims = claims(token.grant(), part.credential_type, issuer).await?;
        let said = (&claims, part.proofs.as_ref(), &own[..]);
        all.push(make_all(part.credential_type, token, said, issuer)?);
    }
    Ok(all)
}

async fn signed(
    parts: &[Part<'_>],
    (token, made): (Authenticated<'_>, Vec<Vec<Made<'_>>>),
    issuer: &Issuer,
) -> Result<Vec<(&'static str, Value)>, Broken> {
    let mut all = Vec::with_capacity(parts.len());
    for (part, made) in parts.iter().zip(made) {
        let signed = sign_all(part.credential_type, token, made, issuer).await?;
        let format = part.credential_type.format.name();
        let credentials = signed.credentials.into_iter();
        all.extend(credentials.map(|one| (part.place, (format, one.credential))));
    }
    all.sort_by_key(|(place, _)| *place);
    Ok(all.into_iter().map(|(_, one)| one).collect())
}

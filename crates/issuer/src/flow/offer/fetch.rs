//! Step 5, seen from the Issuer: the offer by reference (VCI §4.1.3).

use oid4vci::error::{ErrorCode, Refusal};
use oid4vci::grant::OfferState;
use oid4vci::offer::CredentialOffer;
use oid4vci::secret::{IssuerState, OfferReference};
use serde_json::Value;

use super::secrets::tx_code_input;
use crate::Issuer;
use crate::failure::Failure;
use crate::store::StoreError;

/// Answers the GET of a `credential_offer_uri` (VCI §4.1.3); fetching spends nothing (A15).
///
/// `is_look` is a HEAD request: link previews send it, so it does not count as opened.
pub async fn credential_offer(
    issuer: &Issuer,
    reference: &OfferReference,
    is_look: bool,
) -> Result<Value, Failure<FetchRefusal>> {
    let now = issuer.clock.now();
    let id = reference.offer_id().ok_or(FetchRefusal::Unknown)?;
    let grant = issuer.store.grant(id).await?;
    let grant = grant.filter(|grant| grant.reference_digest.matches(&reference.digest()));
    let grant = grant.filter(|grant| issuer.speaks(grant.dialect)).ok_or(FetchRefusal::Unknown)?;
    let state = grant.state(now, issuer.config.offer.tx_code_attempts_max);
    if !state.is_open() {
        return Err(FetchRefusal::Unknown.into());
    }
    if state == OfferState::Created && !is_look {
        issuer.store.note_fetched(id, now).await?;
    }
    let code = reference.pre_authorized_code(&issuer.keys().offer);
    let code = code.filter(|code| grant.code_digest.matches(&code.digest()));
    let issuer_state = if grant.signs_in { issuer_state(issuer, reference).await? } else { None };
    if code.is_none() && issuer_state.is_none() {
        return Err(FetchRefusal::Unknown.into());
    }
    let identifier = issuer.identifier(grant.dialect);
    let offer = CredentialOffer {
        credential_issuer: &identifier,
        credential_configuration_ids: &grant.credential_configuration_ids,
        pre_authorized_code: code.as_ref(),
        tx_code: grant.tx_code_digest.map(|_| tx_code_input(issuer)),
        issuer_state: issuer_state.as_ref(),
        authorization_server: issuer.named_server(grant.dialect),
    };
    Ok(match grant.dialect {
        None => offer.to_json(),
        Some(dialect) => dialect.offer(&offer),
    })
}

/// The `issuer_state` of an offer that can be taken by signing in; where nobody can, there is none.
async fn issuer_state(
    issuer: &Issuer,
    reference: &OfferReference,
) -> Result<Option<IssuerState>, StoreError> {
    let (Some(id), true) = (reference.offer_id(), issuer.has_code_flow()) else {
        return Ok(None); // nobody can sign in any more
    };
    let authorization = issuer.store.authorization(id).await?;
    let stored = authorization.and_then(|authorization| authorization.issuer_state_digest);
    let state = reference.issuer_state(&issuer.keys().offer);
    Ok(state.filter(|state| stored.is_some_and(|stored| stored.matches(&state.digest()))))
}

/// Why nothing is found at a `credential_offer_uri`; unknown, used and expired look the same (A16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchRefusal {
    /// Whatever the cause.
    Unknown,
}

impl Refusal for FetchRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        (ErrorCode::NotFound, "this offer is unknown, used or expired: ask for a new one")
    }

    fn status(&self) -> u16 {
        404
    }
}

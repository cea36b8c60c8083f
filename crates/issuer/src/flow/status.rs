//! After the flow: credentials are revoked, suspended and reinstated (TSL §7.1).

use std::fmt;

use formats::status_list::Status;
use keys::outside::Timestamp;
use oid4vci::grant::{Issued, StatusEntry};
use oid4vci::offer::OfferId;

use crate::Issuer;
use crate::failure::Broken;
use crate::flow::offer::UNKNOWN_OFFER;
use crate::store::StoreError;

/// What an operator asks for.
#[derive(Clone, Debug)]
pub struct StatusRequest {
    /// What the credentials shall be.
    pub status: Status,
    /// Which credentials of the offer, counted from 1 in the order in which they were issued;
    /// `None` stands for all, those that a Wallet is just asking for too.
    pub credentials: Option<Vec<usize>>,
}

/// Sets the status of credentials that came from one offer.
///
/// All of an offer: what was revoked before stays revoked, and unless they are reinstated the offer
/// ends, so that no further credential comes from it (catalogue J05).
pub async fn set_status(
    issuer: &Issuer,
    id: OfferId,
    request: &StatusRequest,
) -> Result<Vec<Issued>, StatusError> {
    let now = issuer.clock.now();
    let mut credentials = credentials(issuer, id).await?;
    let mut chosen = choose(issuer, &credentials, request).await?;
    if request.credentials.is_none() && request.status != Status::Valid {
        issuer.store.end_offer(id, now).await?;
        credentials = self::credentials(issuer, id).await?; // also those of this very moment
        chosen = choose(issuer, &credentials, request).await?;
    }
    set(issuer, (chosen, request), now).await?;
    issuer.status_lists.wake();
    tracing::info!(offer = %id, status = %request.status, "status set");
    Ok(credentials)
}

/// The credentials that came from an offer, oldest first, also once the offer is forgotten.
pub async fn credentials(issuer: &Issuer, id: OfferId) -> Result<Vec<Issued>, StatusError> {
    let credentials = issuer.store.issued(id).await?;
    if !credentials.is_empty() {
        return Ok(credentials);
    }
    let offer = issuer.store.grant(id).await?;
    Err(offer.map_or(StatusError::Unknown, |_| StatusError::NothingIssued))
}

/// A credential of an offer, by its place, and where its status is.
type Chosen = (usize, StatusEntry);

/// The entries of the credentials that are meant; each must be able to have the status.
async fn choose(
    issuer: &Issuer,
    credentials: &[Issued],
    request: &StatusRequest,
) -> Result<Vec<Chosen>, StatusError> {
    let all = || (1..=credentials.len()).collect();
    let mut chosen = Vec::new();
    for place in request.credentials.clone().unwrap_or_else(all) {
        let record = place.checked_sub(1).and_then(|at| credentials.get(at));
        let record = record.ok_or(StatusError::NoSuchCredential(place))?;
        let entry = record.entry.ok_or(StatusError::InNoList(place))?;
        if request.status == Status::Suspended {
            let of_type = issuer.types.get(&record.credential_configuration_id);
            let by_type = of_type.is_none_or(|of_type| issuer.config.may_suspend(of_type));
            let by_list = issuer.status_lists.holds(issuer, entry.list, request.status).await?;
            if !by_type || by_list != Some(true) {
                return Err(StatusError::NeverSuspended(place));
            }
        }
        chosen.push((place, entry));
    }
    Ok(chosen)
}

/// Revoked is for good: named, it is refused; among all of an offer, it is left as it is.
async fn set(
    issuer: &Issuer,
    (mut chosen, request): (Vec<Chosen>, &StatusRequest),
    now: Timestamp,
) -> Result<(), StatusError> {
    if request.status != Status::Invalid {
        let entries: Vec<StatusEntry> = chosen.iter().map(|(_, entry)| *entry).collect();
        let statuses = issuer.store.statuses(&entries).await?;
        let mut is_revoked = statuses.iter().map(|status| *status == Status::Invalid);
        let first = chosen.first().map_or(1, |(place, _)| *place);
        let (revoked, others): (Vec<Chosen>, Vec<Chosen>) =
            chosen.into_iter().partition(|_| is_revoked.next().unwrap_or_default());
        if let (Some((place, _)), true) = (revoked.first(), request.credentials.is_some()) {
            return Err(StatusError::Revoked(*place));
        }
        if others.is_empty() {
            return Err(StatusError::Revoked(first));
        }
        chosen = others;
    }
    let wanted: Vec<(StatusEntry, Status)> =
        chosen.iter().map(|(_, entry)| (*entry, request.status)).collect();
    let statuses = issuer.store.set_statuses(&wanted, now).await?;
    // Somebody revoked it in this very moment.
    let refused = chosen.iter().zip(statuses).find(|(_, status)| *status != request.status);
    refused.map_or(Ok(()), |((place, _), _)| Err(StatusError::Revoked(*place)))
}

/// Why no status was set; told to the operator.
#[derive(Debug)]
pub enum StatusError {
    /// There is no such offer.
    Unknown,
    /// There is no credential yet.
    NothingIssued,
    /// The offer has fewer credentials.
    NoSuchCredential(usize),
    /// It was issued without an entry in a status list.
    InNoList(usize),
    /// Its type, or its list, has no suspension.
    NeverSuspended(usize),
    /// It was revoked, which is for good (catalogue J13).
    Revoked(usize),
    /// Our own fault.
    Broken(Broken),
}

impl From<StoreError> for StatusError {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str(UNKNOWN_OFFER),
            Self::NothingIssued => f.write_str(
                "No credential was issued from this offer: withdraw the offer, if it is open.",
            ),
            Self::NoSuchCredential(place) => {
                write!(f, "The offer has no credential {place}: look at its list of credentials.")
            }
            Self::InNoList(place) => write!(
                f,
                "Credential {place} is in no status list: nobody would see a change. It ends when \
                 its time is over."
            ),
            Self::NeverSuspended(place) => write!(
                f,
                "Credential {place} cannot be suspended: its type or its status list allows \
                 nothing but revoking it."
            ),
            Self::Revoked(place) => {
                write!(f, "Credential {place} is revoked, which is for good: issue a new one.")
            }
            Self::Broken(_) => f.write_str("Internal error: the log says more."),
        }
    }
}

impl std::error::Error for StatusError {}

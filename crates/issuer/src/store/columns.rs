//! What both engines say in the same words: columns, and the states of an offer as conditions.

use keys::outside::Timestamp;
use oid4vci::authorization::{AuthorizationRequest, Person, Provided, Stage};
use oid4vci::grant::OfferState;
use serde_json::{Map, Value};

use crate::account::{Account, PasswordHash};

/// The columns of an offer, in the order in which each engine's rows are read.
pub(super) const OFFER_COLUMNS: &str = "offer_id, credential_configuration_ids, created_at, \
    expires_at, reference_digest, code_digest, tx_code_digest, attempts, fetched_at, \
    withdrawn_at, redeemed_at, token_digest, token_expires_at, token_configuration_ids, \
    token_by_identifier, client_id, issued_count, token_bound_to, client_key, signs_in, \
    deferred_until, draft";

/// The columns of an application, in the order in which each engine's rows are read.
pub(super) const APPLICATION_COLUMNS: &str = "application_id, secret_digest, \
    credential_configuration_id, claims, state, created_at, decided_at, approvals, offer_id";

/// The columns of a deferred issuance, in the order in which each engine's rows are read.
pub(super) const DEFERRAL_COLUMNS: &str = "deferral_id, offer_id, transaction_digest, \
    credential_configuration_id, proofs, claims, state, created_at, expires_at, decided_at";

/// The same states as `Grant::state`, as a condition on the row; `:now` and `:attempts_max`.
pub(super) const fn state_condition(state: OfferState) -> &'static str {
    match state {
        OfferState::Created => {
            "issued_count = 0 AND withdrawn_at IS NULL AND redeemed_at IS NULL \
             AND attempts < :attempts_max AND expires_at > :now AND fetched_at IS NULL"
        }
        OfferState::Fetched => {
            "issued_count = 0 AND withdrawn_at IS NULL AND redeemed_at IS NULL \
             AND attempts < :attempts_max AND expires_at > :now AND fetched_at IS NOT NULL"
        }
        OfferState::Redeemed => {
            "issued_count = 0 AND withdrawn_at IS NULL AND token_expires_at > :now \
             AND coalesce(deferred_until, 0) <= :now AND attempts < :attempts_max + 1"
        }
        OfferState::Deferred => {
            "issued_count = 0 AND withdrawn_at IS NULL AND deferred_until > :now \
             AND :attempts_max >= 0"
        }
        OfferState::Issued => "issued_count > 0 AND :now >= 0 AND :attempts_max >= 0",
        OfferState::Locked => {
            "issued_count = 0 AND withdrawn_at IS NULL AND redeemed_at IS NULL \
             AND attempts >= :attempts_max AND :now >= 0"
        }
        OfferState::Expired => {
            "issued_count = 0 AND withdrawn_at IS NULL \
             AND coalesce(deferred_until, 0) <= :now AND (token_expires_at <= :now \
             OR (redeemed_at IS NULL AND attempts < :attempts_max AND expires_at <= :now))"
        }
        OfferState::Withdrawn => {
            "issued_count = 0 AND withdrawn_at IS NOT NULL AND :now >= 0 AND :attempts_max >= 0"
        }
    }
}

/// The stage of a running authorization, in three columns.
pub(super) fn stage_parts(stage: &Stage) -> (&'static str, Option<&str>, Option<String>) {
    match stage {
        Stage::Pushed => ("pushed", None, None),
        Stage::Opened => ("opened", None, None),
        Stage::SignedIn(Person { account, provided }) => {
            let provided = provided.as_ref();
            let provided = provided.map(|one| serde_json::to_string(one).unwrap_or_default());
            ("signed-in", Some(account), provided)
        }
    }
}

/// The account without which a person has nothing; none for whom a provider signed in.
pub(super) fn needed_account(stage: &Stage) -> Option<&str> {
    match stage {
        Stage::SignedIn(Person { account, provided: None }) => Some(account),
        Stage::SignedIn(_) | Stage::Pushed | Stage::Opened => None,
    }
}

/// The stage from three columns.
pub(super) fn stage_of(
    name: &str,
    account: Option<String>,
    provided: Option<&str>,
) -> Option<Stage> {
    let provided = match provided {
        Some(text) => Some(serde_json::from_str::<Provided>(text).ok()?),
        None => None,
    };
    match (name, account, provided) {
        ("pushed", None, None) => Some(Stage::Pushed),
        ("opened", None, None) => Some(Stage::Opened),
        ("signed-in", Some(account), provided) => {
            Some(Stage::SignedIn(Person { account, provided }))
        }
        _ => None,
    }
}

/// A request as one JSON text.
pub(super) fn request_text(request: &AuthorizationRequest) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

/// An account from its columns.
pub(super) fn account_of(
    (name, hash): (String, String),
    datasets: Map<String, Value>,
    created_at: Timestamp,
) -> Account {
    Account { name, password_hash: PasswordHash::new(hash), datasets, created_at }
}

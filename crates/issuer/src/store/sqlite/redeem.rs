//! Step 10: the code becomes a token, and the proofs of its sender are spent with it.

use keys::public_key::Thumbprint;
use oid4vci::grant::Redemption;
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
use oid4vci::secret::SecretDigest;
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::steps::{list, spend};
use super::writer::Step;
use crate::store::Redeemed;

pub(super) fn redeem(
    connection: &Connection,
    issuer_id: &str,
    seen: (OfferId, u32),
    redemption: &Redemption,
) -> rusqlite::Result<bool> {
    write(connection, issuer_id, seen, redemption)
}

pub(super) fn redeem_proved(
    connection: &Connection,
    issuer_id: &str,
    seen: (OfferId, u32),
    (redemption, used): (&Redemption, &[UsedJti]),
) -> rusqlite::Result<Step<Redeemed>> {
    if !spend(connection, issuer_id, used.iter().flat_map(UsedJti::marks))? {
        return Ok(Step::Undo(Redeemed::Replayed));
    }
    Ok(outcome(write(connection, issuer_id, seen, redemption)?))
}

pub(super) fn redeem_again(
    connection: &Connection,
    issuer_id: &str,
    (id, seen): (OfferId, SecretDigest),
    (redemption, used): (&Redemption, &[UsedJti]),
) -> rusqlite::Result<Step<Redeemed>> {
    if !spend(connection, issuer_id, used.iter().flat_map(UsedJti::marks))? {
        return Ok(Step::Undo(Redeemed::Replayed));
    }
    let sql = "UPDATE offers SET token_digest = :token, token_expires_at = :token_expires_at, \
               token_configuration_ids = :ids, token_by_identifier = :by_identifier \
               WHERE issuer_id = :issuer AND offer_id = :id AND token_digest = :seen \
               AND withdrawn_at IS NULL AND issued_count = 0";
    let rows = connection.prepare_cached(sql)?.execute(named_params! {
        ":token": redemption.token_digest.0,
        ":token_expires_at": redemption.token_expires_at.0,
        ":ids": list(&redemption.credential_configuration_ids),
        ":by_identifier": redemption.by_identifier,
        ":issuer": issuer_id,
        ":id": id.0,
        ":seen": seen.0,
    })?;
    Ok(outcome(rows == 1))
}

/// What was spent for nothing is not spent.
const fn outcome(is_written: bool) -> Step<Redeemed> {
    if is_written { Step::Keep(Redeemed::Redeemed) } else { Step::Undo(Redeemed::Changed) }
}

fn write(
    connection: &Connection,
    issuer_id: &str,
    (id, attempts): (OfferId, u32),
    redemption: &Redemption,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE offers SET redeemed_at = :now, token_digest = :token, \
               token_expires_at = :token_expires_at, token_configuration_ids = :ids, \
               token_by_identifier = :by_identifier, client_id = :client_id, \
               token_bound_to = :bound_to, client_key = :client_key \
               WHERE issuer_id = :issuer AND offer_id = :id AND redeemed_at IS NULL \
               AND withdrawn_at IS NULL AND expires_at > :now AND attempts = :attempts";
    let rows = connection.prepare_cached(sql)?.execute(named_params! {
        ":now": redemption.at.0,
        ":token": redemption.token_digest.0,
        ":token_expires_at": redemption.token_expires_at.0,
        ":ids": list(&redemption.credential_configuration_ids),
        ":by_identifier": redemption.by_identifier,
        ":client_id": redemption.client_id,
        ":bound_to": redemption.bound_to.as_ref().map(Thumbprint::to_string),
        ":client_key": redemption.client_key.as_ref().map(Thumbprint::to_string),
        ":issuer": issuer_id,
        ":id": id.0,
        ":attempts": attempts,
    })?;
    Ok(rows == 1)
}

/// Spends a code that somebody got by signing in: no Transaction Code was asked for, so wrong ones
/// do not matter.
pub(super) fn redeem_signed_in(
    connection: &Connection,
    issuer_id: &str,
    id: OfferId,
    redemption: &Redemption,
) -> rusqlite::Result<bool> {
    let sql = "SELECT attempts FROM offers WHERE issuer_id = ?1 AND offer_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let attempts = statement.query_row((issuer_id, id.0), |row| row.get(0)).optional()?;
    let Some(attempts) = attempts else { return Ok(false) };
    write(connection, issuer_id, (id, attempts), redemption)
}

/// Puts a fresh Access Token in the place of the one that was seen.
pub(super) fn renew(
    connection: &Connection,
    issuer_id: &str,
    (id, seen): (OfferId, SecretDigest),
    redemption: &Redemption,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE offers SET token_digest = :token, token_expires_at = :token_expires_at, \
               token_configuration_ids = :ids, token_by_identifier = :by_identifier, \
               token_bound_to = :bound_to, client_key = :client_key \
               WHERE issuer_id = :issuer AND offer_id = :id AND token_digest = :seen \
               AND withdrawn_at IS NULL";
    let rows = connection.prepare_cached(sql)?.execute(named_params! {
        ":token": redemption.token_digest.0,
        ":token_expires_at": redemption.token_expires_at.0,
        ":ids": list(&redemption.credential_configuration_ids),
        ":by_identifier": redemption.by_identifier,
        ":bound_to": redemption.bound_to.as_ref().map(Thumbprint::to_string),
        ":client_key": redemption.client_key.as_ref().map(Thumbprint::to_string),
        ":issuer": issuer_id,
        ":id": id.0,
        ":seen": seen.0,
    })?;
    Ok(rows == 1)
}

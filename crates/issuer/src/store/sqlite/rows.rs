//! Rows of the tables, to and from the types of the rules.

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use oid4vci::deferred::{Deferral, DeferralId, DeferralState};
use oid4vci::grant::{Grant, Issued, Redemption, StatusEntry};
use oid4vci::legacy::Dialect;
use oid4vci::notification::Event;
use oid4vci::offer::OfferId;
use oid4vci::proof::VerifiedProofs;
use oid4vci::secret::{SecretDigest, TxCodeDigest};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::application::{Application, ApplicationId, ApplicationState};

/// Reads an offer, but for its issuances; the second value says how many there are.
pub(super) fn grant(row: &Row<'_>) -> rusqlite::Result<(Grant, u32)> {
    let grant = Grant {
        id: OfferId(row.get(0)?),
        credential_configuration_ids: json(row, 1)?,
        created_at: Timestamp(row.get(2)?),
        expires_at: Timestamp(row.get(3)?),
        reference_digest: SecretDigest(row.get(4)?),
        code_digest: SecretDigest(row.get(5)?),
        tx_code_digest: row.get::<_, Option<[u8; 32]>>(6)?.map(TxCodeDigest),
        attempts: row.get(7)?,
        fetched_at: time(row, 8)?,
        withdrawn_at: time(row, 9)?,
        deferred_until: time(row, 20)?,
        redemption: redemption(row)?,
        issued: Vec::new(),
        signs_in: row.get(19)?,
        dialect: dialect(row, 21)?,
    };
    Ok((grant, row.get(16)?))
}

/// An offer in a draft that this program does not know is nobody's: it must not become one of 1.0.
fn dialect(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<Dialect>> {
    let Some(name) = row.get::<_, Option<String>>(place)? else { return Ok(None) };
    let unknown = || Error::FromSqlConversionFailure(place, Type::Text, "unknown draft".into());
    Dialect::parse(&name).map(Some).ok_or_else(unknown)
}

fn redemption(row: &Row<'_>) -> rusqlite::Result<Option<Redemption>> {
    let Some(at) = time(row, 10)? else { return Ok(None) };
    Ok(Some(Redemption {
        at,
        token_digest: SecretDigest(row.get(11)?),
        token_expires_at: Timestamp(row.get(12)?),
        credential_configuration_ids: json(row, 13)?,
        by_identifier: row.get(14)?,
        client_id: row.get(15)?,
        bound_to: thumbprint(row, 17)?,
        client_key: thumbprint(row, 18)?,
    }))
}

/// Adds the issuances of an offer that has any.
pub(super) fn with_issuances(
    connection: &Connection,
    issuer_id: &str,
    (mut grant, issued_count): (Grant, u32),
) -> rusqlite::Result<Grant> {
    if issued_count > 0 {
        grant.issued = issuances(connection, issuer_id, grant.id)?;
    }
    Ok(grant)
}

/// The issuances of an offer, oldest first.
pub(super) fn issuances(
    connection: &Connection,
    issuer_id: &str,
    id: OfferId,
) -> rusqlite::Result<Vec<Issued>> {
    let mut statement = connection.prepare_cached(
        "SELECT credential_configuration_id, thumbprint, issued_at, list_id, idx, event, \
         notified_at FROM issuances WHERE issuer_id = ?1 AND offer_id = ?2 ORDER BY place",
    )?;
    let rows = statement.query_map(params![issuer_id, id.0], |row| {
        Ok(Issued {
            credential_configuration_id: row.get(0)?,
            thumbprint: thumbprint(row, 1)?,
            at: Timestamp(row.get(2)?),
            entry: status_entry(row, 3)?,
            notified: notified(row, 5)?,
        })
    })?;
    rows.collect()
}

fn thumbprint(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<Thumbprint>> {
    let text = row.get::<_, Option<String>>(place)?;
    text.map(|text| parse(place, Thumbprint::parse(&text))).transpose()
}

/// Its place in a status list, in two columns.
fn status_entry(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<StatusEntry>> {
    let Some(list) = row.get(first)? else { return Ok(None) };
    Ok(Some(StatusEntry { list, idx: row.get(first + 1)? }))
}

/// What its Wallet said, in two columns.
fn notified(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<(Event, Timestamp)>> {
    let Some(event) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let event = parse(first, Event::parse(&event))?;
    Ok(Some((event, Timestamp(row.get(first + 1)?))))
}

/// Reads a deferred issuance.
pub(super) fn deferral(row: &Row<'_>) -> rusqlite::Result<Deferral> {
    let proofs = row.get::<_, Option<String>>(4)?.is_some().then(|| json::<Value>(row, 4));
    let proofs = proofs.transpose()?.map(|kept| parse(4, VerifiedProofs::from_kept(&kept)));
    let claims = row.get::<_, Option<String>>(5)?.is_some().then(|| json(row, 5));
    Ok(Deferral {
        id: DeferralId(OfferId(row.get(0)?)),
        offer_id: OfferId(row.get(1)?),
        transaction_digest: SecretDigest(row.get(2)?),
        credential_configuration_id: row.get(3)?,
        proofs: proofs.transpose()?,
        claims: claims.transpose()?,
        state: parse(6, DeferralState::parse(&row.get::<_, String>(6)?))?,
        created_at: Timestamp(row.get(7)?),
        expires_at: Timestamp(row.get(8)?),
        decided_at: time(row, 9)?,
    })
}

/// Reads an application.
pub(super) fn application(row: &Row<'_>) -> rusqlite::Result<Application> {
    let state = ApplicationState::parse(&row.get::<_, String>(4)?);
    Ok(Application {
        id: ApplicationId(OfferId(row.get(0)?)),
        secret_digest: SecretDigest(row.get(1)?),
        credential_configuration_id: row.get(2)?,
        claims: json(row, 3)?,
        state: parse(4, state)?,
        created_at: Timestamp(row.get(5)?),
        decided_at: time(row, 6)?,
        approvals: row.get(7)?,
        offer_id: row.get::<_, Option<[u8; 16]>>(8)?.map(OfferId),
    })
}

pub(super) fn time(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<u64>>(place)?.map(Timestamp))
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, place: usize) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(place)?)
        .map_err(|error| Error::FromSqlConversionFailure(place, Type::Text, Box::new(error)))
}

pub(super) fn parse<T>(place: usize, value: Option<T>) -> rusqlite::Result<T> {
    value.ok_or_else(|| Error::InvalidColumnType(place, "unknown value".into(), Type::Text))
}

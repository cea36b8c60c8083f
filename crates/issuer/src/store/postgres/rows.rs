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
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::fault::Fault;
use crate::application::{Application, ApplicationId, ApplicationState};

/// The issuances of an offer as one column, in the same glance as the offer; only where there are any.
pub(super) const ISSUANCES_COLUMN: &str = "CASE WHEN issued_count > 0 THEN (SELECT \
    json_agg(json_build_array(credential_configuration_id, thumbprint, issued_at, list_id, idx, \
    event, notified_at) ORDER BY place) \
    FROM issuances WHERE issuances.issuer_id = offers.issuer_id \
    AND issuances.offer_id = offers.offer_id)::TEXT END";

/// Reads an offer: the columns of [`OFFER_COLUMNS`], then [`ISSUANCES_COLUMN`].
///
/// [`OFFER_COLUMNS`]: crate::store::columns::OFFER_COLUMNS
pub(super) fn grant(row: &Row) -> Result<Grant, Fault> {
    let tx_code_digest: Option<&[u8]> = value(row, 6)?;
    Ok(Grant {
        id: offer_id(row, 0)?,
        credential_configuration_ids: json(value(row, 1)?)?,
        created_at: time(value(row, 2)?)?,
        expires_at: time(value(row, 3)?)?,
        reference_digest: SecretDigest(digest(value(row, 4)?)?),
        code_digest: SecretDigest(digest(value(row, 5)?)?),
        tx_code_digest: tx_code_digest.map(digest).transpose()?.map(TxCodeDigest),
        attempts: number(value(row, 7)?)?,
        fetched_at: optional_time(row, 8)?,
        withdrawn_at: optional_time(row, 9)?,
        redemption: redemption(row)?,
        signs_in: value(row, 19)?,
        deferred_until: optional_time(row, 20)?,
        dialect: dialect(value(row, 21)?)?,
        issued: issued(value(row, 22)?)?,
    })
}

/// An offer in a draft that this program does not know is nobody's: it must not become one of 1.0.
fn dialect(name: Option<&str>) -> Result<Option<Dialect>, Fault> {
    name.map(|name| Dialect::parse(name).ok_or_else(|| unknown("draft"))).transpose()
}

fn redemption(row: &Row) -> Result<Option<Redemption>, Fault> {
    let Some(at) = optional_time(row, 10)? else { return Ok(None) };
    let client_id: Option<&[u8]> = value(row, 15)?;
    let client_id = client_id.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
    Ok(Some(Redemption {
        at,
        token_digest: SecretDigest(digest(value(row, 11)?)?),
        token_expires_at: time(value(row, 12)?)?,
        credential_configuration_ids: json(value(row, 13)?)?,
        by_identifier: value(row, 14)?,
        client_id: client_id.map_err(|_| unknown("client_id"))?,
        bound_to: thumbprint(value(row, 17)?)?,
        client_key: thumbprint(value(row, 18)?)?,
    }))
}

fn issued(text: Option<&str>) -> Result<Vec<Issued>, Fault> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let rows: Vec<IssuedRow> = json(text)?;
    rows.into_iter().map(issued_one).collect()
}

/// The columns of an issuance: type, thumbprint, time, the place in a status list, and what the Wallet
/// said and when.
pub(super) type IssuedRow =
    (String, Option<String>, u64, Option<u64>, Option<u64>, Option<String>, Option<u64>);

pub(super) fn issued_one(row: IssuedRow) -> Result<Issued, Fault> {
    let (credential_configuration_id, thumbprint, at, list, idx, event, notified_at) = row;
    let event = event.map(|name| Event::parse(&name).ok_or_else(|| unknown("event")));
    Ok(Issued {
        credential_configuration_id,
        thumbprint: self::thumbprint(thumbprint.as_deref())?,
        at: Timestamp(at),
        entry: list.zip(idx).map(|(list, idx)| StatusEntry { list, idx }),
        notified: event.transpose()?.zip(notified_at.map(Timestamp)),
    })
}

fn thumbprint(text: Option<&str>) -> Result<Option<Thumbprint>, Fault> {
    let parsed = text.map(|text| Thumbprint::parse(text).ok_or_else(|| unknown("thumbprint")));
    parsed.transpose()
}

/// Reads a deferred issuance.
pub(super) fn deferral(row: &Row) -> Result<Deferral, Fault> {
    let (proofs, claims): (Option<&str>, Option<&str>) = (value(row, 4)?, value(row, 5)?);
    let proofs = proofs.map(|text| {
        let kept: Value = json(text)?;
        VerifiedProofs::from_kept(&kept).ok_or_else(|| unknown("proofs"))
    });
    Ok(Deferral {
        id: DeferralId(offer_id(row, 0)?),
        offer_id: offer_id(row, 1)?,
        transaction_digest: SecretDigest(digest(value(row, 2)?)?),
        credential_configuration_id: value(row, 3)?,
        proofs: proofs.transpose()?,
        claims: claims.map(json).transpose()?,
        state: deferral_state(row, 6)?,
        created_at: time(value(row, 7)?)?,
        expires_at: time(value(row, 8)?)?,
        decided_at: optional_time(row, 9)?,
    })
}

pub(super) fn deferral_state(row: &Row, place: usize) -> Result<DeferralState, Fault> {
    DeferralState::parse(value(row, place)?).ok_or_else(|| unknown("state"))
}

/// Reads an application.
pub(super) fn application(row: &Row) -> Result<Application, Fault> {
    let offer_id: Option<Uuid> = value(row, 8)?;
    Ok(Application {
        id: ApplicationId(self::offer_id(row, 0)?),
        secret_digest: SecretDigest(digest(value(row, 1)?)?),
        credential_configuration_id: value(row, 2)?,
        claims: json(value(row, 3)?)?,
        state: ApplicationState::parse(value(row, 4)?).ok_or_else(|| unknown("state"))?,
        created_at: time(value(row, 5)?)?,
        decided_at: optional_time(row, 6)?,
        approvals: number(value(row, 7)?)?,
        offer_id: offer_id.map(|id| OfferId(id.into_bytes())),
    })
}

/// One value of a row.
pub(super) fn value<'r, T: FromSql<'r>>(row: &'r Row, place: usize) -> Result<T, Fault> {
    Ok(row.try_get(place)?)
}

pub(super) fn offer_id(row: &Row, place: usize) -> Result<OfferId, Fault> {
    value::<Uuid>(row, place).map(|id| OfferId(id.into_bytes()))
}

pub(super) fn digest(bytes: &[u8]) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| unknown("digest"))
}

pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Broken(error.to_string()))
}

pub(super) fn optional_time(row: &Row, place: usize) -> Result<Option<Timestamp>, Fault> {
    value::<Option<i64>>(row, place)?.map(time).transpose()
}

pub(super) fn time(seconds: i64) -> Result<Timestamp, Fault> {
    number(seconds).map(Timestamp)
}

pub(super) fn number<T: TryFrom<i64>>(number: i64) -> Result<T, Fault> {
    T::try_from(number).map_err(|_| unknown("number"))
}

pub(super) fn unknown(what: &str) -> Fault {
    Fault::Broken(format!("unknown {what} in the database"))
}

/// A number or a time as the database holds it; what lies behind its last one is that last one.
pub(super) fn big(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A name of an offer as the database holds it.
pub(super) fn uuid(id: OfferId) -> Uuid {
    Uuid::from_bytes(id.0)
}

/// Identifiers of configurations as one JSON array.
pub(super) fn list(ids: &[String]) -> String {
    Value::from(ids).to_string()
}

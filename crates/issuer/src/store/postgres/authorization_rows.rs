//! Rows of the Authorization Code Flow, to the types of the rules.

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use oid4vci::authorization::{Authorization, GrantedCode, RunningAuthorization};
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::SecretDigest;
use tokio_postgres::Row;

use super::fault::Fault;
use super::rows::{digest, json, optional_time, time, unknown, value};
use crate::account::Account;
use crate::store::columns::{account_of, stage_of};

/// What is under way.
pub(super) const RUNNING: &str = "
SELECT handle_digest, stage, account, request, expires_at, provided FROM running_authorizations
WHERE issuer_id = $1 AND offer_id = $2";

/// What stands beside an offer.
pub(super) const AUTHORIZATION: &str = "
SELECT issuer_state_digest, code_digest, code_expires_at, code_spent, account, request,
    refresh_digest, refresh_replaced_digest, refresh_replaced_at, refresh_expires_at,
    refresh_sender, for_account
FROM authorizations WHERE issuer_id = $1 AND offer_id = $2";

/// A row of [`RUNNING`].
pub(super) fn running(row: &Row, id: OfferId) -> Result<RunningAuthorization, Fault> {
    let stage = stage_of(value(row, 1)?, value(row, 2)?, value(row, 5)?);
    Ok(RunningAuthorization {
        id,
        handle_digest: SecretDigest(digest(value(row, 0)?)?),
        stage: stage.ok_or_else(|| unknown("stage"))?,
        request: json(value(row, 3)?)?,
        expires_at: time(value(row, 4)?)?,
    })
}

/// A row of [`AUTHORIZATION`].
pub(super) fn authorization(row: &Row, id: OfferId) -> Result<Authorization, Fault> {
    let code = match optional_digest(row, 1)? {
        Some(digest) => Some(GrantedCode {
            digest,
            expires_at: time(value(row, 2)?)?,
            is_spent: value(row, 3)?,
            account: value(row, 4)?,
            request: json(value(row, 5)?)?,
        }),
        None => None,
    };
    let refresh = match optional_digest(row, 6)? {
        Some(digest) => Some(chain(row, digest)?),
        None => None,
    };
    Ok(Authorization {
        id,
        issuer_state_digest: optional_digest(row, 0)?,
        code,
        refresh,
        for_account: value(row, 11)?,
    })
}

fn chain(row: &Row, digest: SecretDigest) -> Result<RefreshChain, Fault> {
    let sender: Option<&str> = value(row, 10)?;
    let sender = sender.map(|text| Thumbprint::parse(text).ok_or_else(|| unknown("thumbprint")));
    Ok(RefreshChain {
        digest,
        replaced: optional_digest(row, 7)?,
        replaced_at: optional_time(row, 8)?.unwrap_or_default(),
        expires_at: optional_time(row, 9)?.unwrap_or_default(),
        sender: sender.transpose()?,
    })
}

/// An account.
pub(super) fn account(row: &Row) -> Result<Account, Fault> {
    let created_at: Timestamp = time(value(row, 3)?)?;
    Ok(account_of((value(row, 0)?, value(row, 1)?), json(value(row, 2)?)?, created_at))
}

fn optional_digest(row: &Row, place: usize) -> Result<Option<SecretDigest>, Fault> {
    let bytes: Option<&[u8]> = value(row, place)?;
    Ok(bytes.map(digest).transpose()?.map(SecretDigest))
}

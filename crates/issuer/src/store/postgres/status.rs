//! Status lists in PostgreSQL.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use formats::status_list::{Bits, Status};
use futures_util::FutureExt as _;
use keys::outside::Timestamp;
use oid4vci::grant::{Issued, StatusEntry};
use oid4vci::offer::OfferId;
use tokio_postgres::Row;

use super::Postgres;
use super::connection::{Connection, Query};
use super::fault::Fault;
use super::rows::{self, big, number, uuid, value};
use super::single::Context;
use crate::store::StoreError;
use crate::store::status::{ChangePlace, Lease, NewLease, StatusChange, StatusStore, StoredList};

/// Times that other nodes may be faster with opening a list and using it up.
const RACES_MAX: usize = 64;

/// The last list, whoever opened it.
const LAST: &str = "SELECT coalesce(max(list_id), 0) FROM status_lists WHERE issuer_id = $1";

/// Takes entries of the newest list that is open; `leased` may end above `size`.
const LEASE: &str = "
UPDATE status_lists SET leased = leased + $2 WHERE issuer_id = $1
    AND list_id = (SELECT max(list_id) FROM status_lists WHERE issuer_id = $1
        AND bits = $3 AND size = $4 AND NOT closed)
    AND leased < size
RETURNING list_id, bits, size, leased, shuffle_key";

/// Opens a list of this number, unless somebody else has just done so.
const OPEN: &str = "
INSERT INTO status_lists (issuer_id, list_id, bits, size, leased, shuffle_key, created_at, closed)
VALUES ($1, $2, $3, $4, 0, $5, $6, FALSE) ON CONFLICT DO NOTHING";

const LISTS: &str = "SELECT list_id, bits, size FROM status_lists
WHERE issuer_id = $1 AND list_id > $2 ORDER BY list_id";

/// What entries say; those that were never set have no row.
const STATUSES: &str = "
SELECT statuses.list_id, statuses.idx, statuses.status FROM statuses
JOIN unnest($2::BIGINT[], $3::BIGINT[]) AS given (list_id, idx)
ON statuses.list_id = given.list_id AND statuses.idx = given.idx
WHERE statuses.issuer_id = $1";

/// Revokes or suspends; 1 is invalid, which is for good. In the order of the key, so that two that
/// set the same entries wait for each other and not in a circle.
const SET: &str = "
INSERT INTO statuses (issuer_id, list_id, idx, status, changed_at)
SELECT $1, list_id, idx, status, greatest($5::BIGINT,
    (SELECT coalesce(max(changed_at), 0) FROM statuses WHERE issuer_id = $1))
FROM unnest($2::BIGINT[], $3::BIGINT[], $4::BIGINT[]) AS given (list_id, idx, status)
ORDER BY list_id, idx
ON CONFLICT (issuer_id, list_id, idx) DO UPDATE
SET status = excluded.status, changed_at = excluded.changed_at
WHERE statuses.status NOT IN (excluded.status, 1)";

/// Reinstates what is suspended, which is 2.
const REINSTATE: &str = "
UPDATE statuses SET status = 0, changed_at = greatest($4::BIGINT,
    (SELECT coalesce(max(changed_at), 0) FROM statuses WHERE issuer_id = $1))
FROM unnest($2::BIGINT[], $3::BIGINT[]) AS given (list_id, idx)
WHERE statuses.issuer_id = $1 AND statuses.list_id = given.list_id
    AND statuses.idx = given.idx AND statuses.status = 2";

const CHANGES: &str = "
SELECT list_id, idx, status, changed_at FROM statuses
WHERE issuer_id = $1 AND (changed_at, list_id, idx) > ($2, $3, $4)
ORDER BY changed_at, list_id, idx LIMIT $5";

const ISSUED: &str = "
SELECT credential_configuration_id, thumbprint, issued_at, list_id, idx, event, notified_at
FROM issuances WHERE issuer_id = $1 AND offer_id = $2 ORDER BY place";

/// Does not name itself as the last step: an issuance whose outcome is unknown is still read back.
const END_OFFER: &str = "
UPDATE offers SET withdrawn_at = $3 WHERE issuer_id = $1 AND offer_id = $2
    AND withdrawn_at IS NULL AND issued_count > 0";

#[async_trait]
impl StatusStore for Postgres {
    async fn lease_entries(&self, wanted: &NewLease) -> Result<Lease, StoreError> {
        let _turn = self.leasing.lock().await;
        self.single(wanted, |connection, context, wanted| {
            lease_entries(connection, context, wanted).boxed()
        })
        .await
    }

    async fn status_lists(&self, after: u64) -> Result<Vec<StoredList>, StoreError> {
        self.single(after, |connection, context, after| {
            let query = context.query(LISTS, vec![Box::new(big(*after))]);
            read_rows(connection, query, stored_list).boxed()
        })
        .await
    }

    async fn statuses(&self, entries: &[StatusEntry]) -> Result<Vec<Status>, StoreError> {
        self.single(entries, |connection, context, entries| {
            async move {
                let rows = connection.query(&select(context, entries)).await?;
                in_order(&rows, entries)
            }
            .boxed()
        })
        .await
    }

    async fn set_statuses(
        &self,
        wanted: &[(StatusEntry, Status)],
        now: Timestamp,
    ) -> Result<Vec<Status>, StoreError> {
        self.single((wanted, now), |connection, context, (wanted, now)| {
            set_statuses(connection, context, wanted, *now).boxed()
        })
        .await
    }

    async fn status_changes(
        &self,
        after: &ChangePlace,
        limit: u32,
    ) -> Result<Vec<StatusChange>, StoreError> {
        self.single((*after, limit), |connection, context, (after, limit)| {
            let ChangePlace { changed_at, entry } = after;
            let values = [big(changed_at.0), big(entry.list), big(entry.idx), big(*limit)];
            let query = context.query(CHANGES, values.map(|value| Box::new(value) as _).into());
            read_rows(connection, query, change).boxed()
        })
        .await
    }

    async fn issued(&self, id: OfferId) -> Result<Vec<Issued>, StoreError> {
        self.single(id, |connection, context, id| {
            let query = context.query(ISSUED, vec![Box::new(uuid(*id))]);
            read_rows(connection, query, issued).boxed()
        })
        .await
    }

    async fn end_offer(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError> {
        self.single((id, now), |connection, context, (id, now)| {
            let values: Values<'_> = vec![Box::new(uuid(*id)), Box::new(big(now.0))];
            let query = context.query(END_OFFER, values);
            async move { connection.query(&query).await.map(drop) }.boxed()
        })
        .await
    }
}

type Values<'v> = Vec<Box<dyn tokio_postgres::types::ToSql + Sync + Send + 'v>>;

impl<'c> Context<'c> {
    fn query(self, sql: &'static str, mut values: Values<'c>) -> Query<'c> {
        values.insert(0, Box::new(self.issuer_id));
        Query { sql, values }
    }
}

async fn read_rows<T>(
    connection: &mut Connection,
    query: Query<'_>,
    read: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    connection.query(&query).await?.iter().map(read).collect()
}

/// The last number is read before the lease is tried: a list that somebody opens in between has the
/// number that we would take, so none is opened in vain.
async fn lease_entries(
    connection: &mut Connection,
    context: Context<'_>,
    wanted: &NewLease,
) -> Result<Lease, Fault> {
    let kind = [big(wanted.bits.count()), big(wanted.size)];
    for _ in 0..RACES_MAX {
        let last = connection.query(&context.query(LAST, Vec::new())).await?;
        let last: i64 = last.first().map_or(Ok(0), |row| value(row, 0))?;
        let mut values: Values<'_> = vec![Box::new(big(wanted.count))];
        values.extend(kind.map(|value| Box::new(value) as _));
        let leased = connection.query(&context.query(LEASE, values)).await?;
        if let Some(row) = leased.first() {
            return lease(row, wanted.count);
        }
        let mut values: Values<'_> = vec![Box::new(last + 1)];
        values.extend(kind.map(|value| Box::new(value) as _));
        values.push(Box::new(wanted.shuffle_key.as_slice()));
        values.push(Box::new(big(wanted.now.0)));
        connection.query(&context.query(OPEN, values)).await?;
    }
    Err(Fault::Refused("other nodes use up status lists too fast".to_owned()))
}

fn lease(row: &Row, count: u64) -> Result<Lease, Fault> {
    let (list, leased) = (stored_list(row)?, number::<u64>(value(row, 3)?)?);
    let shuffle_key = rows::digest(value(row, 4)?)?;
    let (start, end) = (leased.saturating_sub(count), leased.min(list.size));
    Ok(Lease { list, shuffle_key, start, end })
}

fn stored_list(row: &Row) -> Result<StoredList, Fault> {
    let bits = Bits::parse(number(value(row, 1)?)?);
    Ok(StoredList {
        number: number(value(row, 0)?)?,
        bits: bits.ok_or_else(|| Fault::Broken("unknown bits in the database".to_owned()))?,
        size: number(value(row, 2)?)?,
    })
}

fn entry(row: &Row, first: usize) -> Result<StatusEntry, Fault> {
    Ok(StatusEntry { list: number(value(row, first)?)?, idx: number(value(row, first + 1)?)? })
}

fn change(row: &Row) -> Result<StatusChange, Fault> {
    Ok(StatusChange {
        entry: entry(row, 0)?,
        status: Status::of(number(value(row, 2)?)?),
        changed_at: Timestamp(number(value(row, 3)?)?),
    })
}

fn issued(row: &Row) -> Result<Issued, Fault> {
    let big = |column| value::<Option<i64>>(row, column)?.map(number).transpose();
    let at = number(value(row, 2)?)?;
    let (list, idx, event, notified_at) = (big(3)?, big(4)?, value(row, 5)?, big(6)?);
    rows::issued_one((value(row, 0)?, value(row, 1)?, at, list, idx, event, notified_at))
}

fn lists_of<'e>(entries: impl Iterator<Item = &'e StatusEntry>) -> Vec<i64> {
    entries.map(|entry| big(entry.list)).collect()
}

fn idx_of<'e>(entries: impl Iterator<Item = &'e StatusEntry>) -> Vec<i64> {
    entries.map(|entry| big(entry.idx)).collect()
}

fn select<'c>(context: Context<'c>, entries: &[StatusEntry]) -> Query<'c> {
    let values: Values<'c> =
        vec![Box::new(lists_of(entries.iter())), Box::new(idx_of(entries.iter()))];
    context.query(STATUSES, values)
}

fn in_order(rows: &[Row], entries: &[StatusEntry]) -> Result<Vec<Status>, Fault> {
    let mut found = HashMap::new();
    for row in rows {
        found.insert(entry(row, 0)?, Status::of(number(value(row, 2)?)?));
    }
    let status = |entry| found.get(entry).copied().unwrap_or(Status::Valid);
    Ok(entries.iter().map(status).collect())
}

/// One statement for what can be set together, one transaction for all.
async fn set_statuses(
    connection: &mut Connection,
    context: Context<'_>,
    wanted: &[(StatusEntry, Status)],
    now: Timestamp,
) -> Result<Vec<Status>, Fault> {
    let mut queries: Vec<Query<'_>> =
        rounds(wanted).into_iter().map(|round| set(context, round, now)).collect();
    let entries: Vec<StatusEntry> = wanted.iter().map(|(entry, _)| *entry).collect();
    queries.push(select(context, &entries));
    let rows = connection.commit(&queries).await?;
    in_order(rows.last().map_or(&[], Vec::as_slice), &entries)
}

/// A statement can touch an entry once, and either reinstates or does something else.
fn rounds(wanted: &[(StatusEntry, Status)]) -> Vec<&[(StatusEntry, Status)]> {
    let (mut rounds, mut rest) = (Vec::new(), wanted);
    while let Some((_, first)) = rest.first() {
        let mut seen = HashSet::new();
        let mut fits = |(entry, status): &&(StatusEntry, Status)| {
            (*status == Status::Valid) == (*first == Status::Valid) && seen.insert(*entry)
        };
        let length = rest.iter().take_while(|one| fits(one)).count();
        let (round, others) = rest.split_at(length);
        rounds.push(round);
        rest = others;
    }
    rounds
}

fn set<'c>(context: Context<'c>, round: &[(StatusEntry, Status)], now: Timestamp) -> Query<'c> {
    let entries = || round.iter().map(|(entry, _)| entry);
    let mut values: Values<'c> = vec![Box::new(lists_of(entries())), Box::new(idx_of(entries()))];
    let is_reinstatement = round.iter().all(|(_, status)| *status == Status::Valid);
    if !is_reinstatement {
        let statuses = round.iter().map(|(_, status)| i64::from(status.value()));
        values.push(Box::new(statuses.collect::<Vec<i64>>()));
    }
    values.push(Box::new(big(now.0)));
    context.query(if is_reinstatement { REINSTATE } else { SET }, values)
}

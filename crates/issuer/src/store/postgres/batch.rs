//! A batch of writes by kind: a column for each value, a statement for each kind.

use oid4vci::grant::StatusEntry;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::secret::SecretDigest;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connection::{Connection, Query};
use super::fault::Fault;
use super::rows::{big, digest, offer_id, uuid, value};
use super::statements::{
    COUNT_WRONG_TX_CODE, ENTRIES_RECORDED, NOTE_FETCHED, OPEN_OFFERS, RECORD_ISSUANCES, REDEEM,
    REDEEM_PROVED, REMEMBERED, STEPS_DONE,
};
use super::write::{Done, Fetched, Issuance, Open, Proved, Redeem, Write, WrongTxCode};

/// The steps of a batch, by the statement that does them.
#[derive(Default)]
pub(super) struct Kinds<'b> {
    open: Vec<&'b Open>,
    fetched: Vec<&'b Fetched>,
    redeem: Vec<&'b Redeem>,
    proved: Vec<&'b Proved>,
    wrong: Vec<&'b WrongTxCode>,
    record: Vec<&'b Issuance>,
}

impl<'b> Kinds<'b> {
    pub(super) fn of(batch: &'b [Write]) -> Self {
        let mut kinds = Self::default();
        for write in batch {
            match write {
                Write::Open(waiting) => kinds.open.push(&waiting.step),
                Write::NoteFetched(waiting) => kinds.fetched.push(&waiting.step),
                Write::Redeem(waiting) => kinds.redeem.push(&waiting.step),
                Write::RedeemProved(waiting) => kinds.proved.push(&waiting.step),
                Write::CountWrongTxCode(waiting) => kinds.wrong.push(&waiting.step),
                Write::Record(waiting) => kinds.record.push(&waiting.step),
            }
        }
        kinds
    }

    /// One transaction, all of it sent at once.
    pub(super) async fn commit(
        &self,
        connection: &mut Connection,
        issuer_id: &str,
    ) -> Result<Done, Fault> {
        let mut queries = Vec::new();
        if !self.open.is_empty() {
            queries.push(open_offers(&self.open));
        }
        if !self.fetched.is_empty() {
            queries.push(note_fetched(&self.fetched));
        }
        if !self.redeem.is_empty() {
            queries.push(redeem(REDEEM, &self.redeem));
        }
        if !self.proved.is_empty() {
            queries.push(redeem_proved(&self.proved));
        }
        if !self.wrong.is_empty() {
            queries.push(count_wrong_tx_code(&self.wrong));
        }
        if !self.record.is_empty() {
            queries.push(record_issuances(&self.record));
        }
        for query in &mut queries {
            query.values.insert(0, Box::new(issuer_id));
        }
        let rows = connection.commit(&queries).await?;
        let mut done = Done::default();
        for (query, rows) in queries.iter().zip(&rows) {
            note(query.sql, rows, &mut done)?;
        }
        Ok(done)
    }

    /// The batch may have been committed before: what was not done just now may be done all the same.
    pub(super) async fn read_back(
        &self,
        connection: &mut Connection,
        issuer_id: &str,
        done: &mut Done,
    ) -> Result<(), Fault> {
        let steps: Vec<_> =
            self.named_steps().filter(|(id, _)| !done.changed.contains(id)).collect();
        let ids: Vec<Uuid> = steps.iter().map(|(id, _)| uuid(*id)).collect();
        let step_ids: Vec<Uuid> = steps.iter().map(|(_, step_id)| *step_id).collect();
        let values: Vec<Box<dyn ToSql + Sync + Send>> =
            vec![Box::new(issuer_id), Box::new(ids), Box::new(step_ids)];
        for row in connection.query(&Query { sql: STEPS_DONE, values }).await? {
            done.changed.insert(offer_id(&row, 0)?);
        }
        self.read_back_entries(connection, issuer_id, done).await
    }

    /// A step that changed the same offer later hides an issuance; its first entry tells of it.
    async fn read_back_entries(
        &self,
        connection: &mut Connection,
        issuer_id: &str,
        done: &mut Done,
    ) -> Result<(), Fault> {
        let records = self.record.iter().filter(|step| !done.changed.contains(&step.id));
        let firsts: Vec<(Uuid, StatusEntry)> =
            records.filter_map(|step| Some((uuid(step.id), *step.entries.first()?))).collect();
        let values: Vec<Box<dyn ToSql + Sync + Send>> = vec![
            Box::new(issuer_id),
            Box::new(firsts.iter().map(|(id, _)| *id).collect::<Vec<Uuid>>()),
            Box::new(firsts.iter().map(|(_, entry)| big(entry.list)).collect::<Vec<i64>>()),
            Box::new(firsts.iter().map(|(_, entry)| big(entry.idx)).collect::<Vec<i64>>()),
        ];
        for row in connection.query(&Query { sql: ENTRIES_RECORDED, values }).await? {
            done.changed.insert(offer_id(&row, 0)?);
        }
        Ok(())
    }

    /// Each offer with the id of the step that was to change it; noting a fetch needs no answer.
    fn named_steps(&self) -> impl Iterator<Item = (OfferId, Uuid)> {
        let open = self.open.iter().map(|step| (step.offer.grant.id, step.step_id));
        let redeem = self.redeem.iter().map(|step| (step.id, step.step_id));
        let proved = self.proved.iter().map(|step| (step.redeem.id, step.redeem.step_id));
        let wrong = self.wrong.iter().map(|step| (step.id, step.step_id));
        let record = self.record.iter().map(|step| (step.id, step.step_id));
        open.chain(redeem).chain(proved).chain(wrong).chain(record)
    }

    /// Finds what an `Idempotency-Key` made that was used before (P13).
    pub(super) async fn find_first_offers(
        &self,
        connection: &mut Connection,
        issuer_id: &str,
        done: &mut Done,
    ) -> Result<(), Fault> {
        let repeated = self.open.iter().filter(|step| !done.changed.contains(&step.offer.grant.id));
        let keys = repeated.filter_map(|step| step.offer.idempotency.as_ref());
        let keys: Vec<&[u8]> = keys.map(|key| key.key_digest.0.as_slice()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let values: Vec<Box<dyn ToSql + Sync + Send>> = vec![Box::new(issuer_id), Box::new(keys)];
        for row in connection.query(&Query { sql: REMEMBERED, values }).await? {
            let first = (offer_id(&row, 1)?, SecretDigest(digest(value(&row, 2)?)?));
            done.remembered.insert(digest(value(&row, 0)?)?, first);
        }
        Ok(())
    }
}

fn note(sql: &str, rows: &[Row], done: &mut Done) -> Result<(), Fault> {
    for row in rows {
        let id = offer_id(row, 0)?;
        let spends = sql == RECORD_ISSUANCES || sql == REDEEM_PROVED;
        match if spends { value::<Option<&[u8]>>(row, 1)? } else { None } {
            Some(nonce) => done.spent.entry(id).or_default().push(nonce.to_vec()),
            None => drop(done.changed.insert(id)),
        }
    }
    Ok(())
}

type Column<'b> = Box<dyn ToSql + Sync + Send + 'b>;

/// One column: a value for each step.
fn column<'b, S, T>(steps: &[&'b S], value: impl Fn(&'b S) -> T) -> Column<'b>
where
    Vec<T>: ToSql + Sync + Send + 'b,
{
    Box::new(steps.iter().map(|step| value(step)).collect::<Vec<T>>())
}

pub(super) fn open_offers<'b>(steps: &[&'b Open]) -> Query<'b> {
    let values = vec![
        column(steps, |step| uuid(step.offer.grant.id)),
        column(steps, |step| big(step.offer.grant.created_at.0)),
        column(steps, |step| big(step.offer.grant.expires_at.0)),
        column(steps, |step| step.ids.as_str()),
        column(steps, |step| step.offer.grant.reference_digest.0.as_slice()),
        column(steps, |step| step.offer.grant.code_digest.0.as_slice()),
        column(steps, |step| {
            step.offer.grant.tx_code_digest.as_ref().map(|digest| digest.0.as_slice())
        }),
        column(steps, |step| big(step.offer.grant.attempts)),
        column(steps, |step| step.datasets.as_str()),
        column(steps, |step| step.step_id),
        column(steps, |step| {
            step.offer.idempotency.as_ref().map(|key| key.key_digest.0.as_slice())
        }),
        column(steps, |step| {
            step.offer.idempotency.as_ref().map(|key| key.request_digest.0.as_slice())
        }),
        column(steps, |step| step.offer.idempotency.as_ref().map(|key| big(key.expires_at.0))),
        column(steps, |step| step.offer.grant.dialect.map(Dialect::name)),
    ];
    Query { sql: OPEN_OFFERS, values }
}

fn note_fetched<'b>(steps: &[&'b Fetched]) -> Query<'b> {
    let values = vec![column(steps, |step| uuid(step.id)), column(steps, |step| step.now)];
    Query { sql: NOTE_FETCHED, values }
}

fn redeem<'b>(sql: &'static str, steps: &[&'b Redeem]) -> Query<'b> {
    let values = vec![
        column(steps, |step| uuid(step.id)),
        column(steps, |step| big(step.attempts)),
        column(steps, |step| big(step.redemption.at.0)),
        column(steps, |step| step.redemption.token_digest.0.as_slice()),
        column(steps, |step| big(step.redemption.token_expires_at.0)),
        column(steps, |step| step.ids.as_str()),
        column(steps, |step| step.redemption.by_identifier),
        column(steps, |step| step.redemption.client_id.as_ref().map(String::as_bytes)),
        column(steps, |step| step.step_id),
    ];
    Query { sql, values }
}

fn redeem_proved<'b>(steps: &[&'b Proved]) -> Query<'b> {
    let redeems: Vec<&'b Redeem> = steps.iter().map(|step| &step.redeem).collect();
    let spent = || {
        let steps = steps.iter();
        steps.flat_map(|step| step.used.iter().map(|nonce| (uuid(step.redeem.id), nonce)))
    };
    let mut query = redeem(REDEEM_PROVED, &redeems);
    query.values.extend([
        column(steps, |step| step.bound_to.as_deref()),
        column(steps, |step| step.client_key.as_deref()),
        column(steps, |step| step.seen.as_ref().map(<[u8; 32]>::as_slice)),
        Box::new(spent().map(|(id, _)| id).collect::<Vec<Uuid>>()),
        Box::new(spent().map(|(_, nonce)| nonce.as_slice()).collect::<Vec<&[u8]>>()),
    ]);
    query
}

fn count_wrong_tx_code<'b>(steps: &[&'b WrongTxCode]) -> Query<'b> {
    let values = vec![
        column(steps, |step| uuid(step.id)),
        column(steps, |step| big(step.attempts)),
        column(steps, |step| step.step_id),
    ];
    Query { sql: COUNT_WRONG_TX_CODE, values }
}

fn record_issuances<'b>(steps: &[&'b Issuance]) -> Query<'b> {
    let nonces = || steps.iter().flat_map(|step| nonces_of(step));
    let issued = || steps.iter().flat_map(|step| issued_of(step));
    let values: Vec<Column<'b>> = vec![
        column(steps, |step| uuid(step.id)),
        column(steps, |step| big(step.seen_count)),
        column(steps, |step| big(step.seen_count + step.thumbprints.len())),
        column(steps, |step| step.token_digest.as_slice()),
        column(steps, |step| step.now),
        column(steps, |step| step.step_id),
        Box::new(nonces().map(|(id, _)| id).collect::<Vec<Uuid>>()),
        Box::new(nonces().map(|(_, nonce)| nonce).collect::<Vec<&[u8]>>()),
        Box::new(issued().map(|(step, ..)| uuid(step.id)).collect::<Vec<Uuid>>()),
        Box::new(issued().map(|(_, place, _)| big(place)).collect::<Vec<i64>>()),
        Box::new(
            steps
                .iter()
                .flat_map(|step| &step.configurations)
                .map(String::as_str)
                .collect::<Vec<&str>>(),
        ),
        Box::new(issued().map(|(.., thumbprint)| thumbprint).collect::<Vec<Option<&str>>>()),
        Box::new(issued().map(|(step, ..)| step.now).collect::<Vec<i64>>()),
        Box::new(
            issued().map(|one| entry_of(one).map(|entry| big(entry.list))).collect::<Entries>(),
        ),
        Box::new(
            issued().map(|one| entry_of(one).map(|entry| big(entry.idx))).collect::<Entries>(),
        ),
    ];
    Query { sql: RECORD_ISSUANCES, values }
}

type Entries = Vec<Option<i64>>;

fn entry_of((step, place, _): (&Issuance, usize, Option<&str>)) -> Option<StatusEntry> {
    step.entries.get(place - step.seen_count).copied()
}

fn nonces_of(step: &Issuance) -> impl Iterator<Item = (Uuid, &[u8])> {
    step.used.iter().chain(&step.nonces).map(|nonce| (uuid(step.id), nonce.as_slice()))
}

fn issued_of(step: &Issuance) -> impl Iterator<Item = (&Issuance, usize, Option<&str>)> {
    let thumbprints = step.thumbprints.iter().map(Option::as_deref);
    (step.seen_count..).zip(thumbprints).map(move |(place, thumbprint)| (step, place, thumbprint))
}

//! Steps that read one offer, and their batches.

use std::collections::HashMap;
use std::sync::LazyLock;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use oid4vci::grant::Grant;
use oid4vci::offer::OfferId;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::connection::{Connection, Query};
use super::fault::Fault;
use super::queue::Work;
use super::rows::{ISSUANCES_COLUMN, grant, json, offer_id, uuid, value};
use super::statements::DATASETS;
use super::worker::Job;
use crate::store::StoreError;
use crate::store::columns::OFFER_COLUMNS;

/// Offers with what was issued from them.
static GRANTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {OFFER_COLUMNS}, {ISSUANCES_COLUMN} FROM offers \
         WHERE issuer_id = $1 AND offer_id = ANY($2::UUID[])"
    )
});

/// One reader that waits.
#[derive(Debug)]
pub(super) enum Read {
    Grant(OfferId, Answer<Option<Grant>>),
    Datasets(OfferId, Answer<Option<Map<String, Value>>>),
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

impl Work for Read {
    type Key = ();

    fn key(&self) -> Option<()> {
        None
    }

    fn bytes(&self) -> usize {
        0
    }

    fn fail(self, error: StoreError) {
        let error = error.with_nothing_written();
        match self {
            Self::Grant(_, answer) => drop(answer.send(Err(error))),
            Self::Datasets(_, answer) => drop(answer.send(Err(error))),
        }
    }
}

/// What a batch has read; a row that cannot be read spoils no other.
#[derive(Debug, Default)]
pub(super) struct Found {
    grants: HashMap<OfferId, Result<Grant, Fault>>,
    datasets: HashMap<OfferId, Result<Map<String, Value>, Fault>>,
}

impl Job for Read {
    type Done = Found;

    fn run<'r>(
        connection: &'r mut Connection,
        issuer_id: &'r str,
        batch: &'r [Self],
        _again: bool,
    ) -> BoxFuture<'r, Result<Found, Fault>> {
        run(connection, issuer_id, batch).boxed()
    }

    fn answer(self, found: &Found) {
        match self {
            Self::Grant(id, answer) => {
                let outcome = found.grants.get(&id).cloned().transpose();
                drop(answer.send(outcome.map_err(StoreError::from)));
            }
            Self::Datasets(id, answer) => {
                let outcome = found.datasets.get(&id).cloned().transpose();
                drop(answer.send(outcome.map_err(StoreError::from)));
            }
        }
    }
}

async fn run(connection: &mut Connection, issuer_id: &str, batch: &[Read]) -> Result<Found, Fault> {
    let (mut grants, mut datasets) = (Vec::<Uuid>::new(), Vec::<Uuid>::new());
    for read in batch {
        match read {
            Read::Grant(id, _) => grants.push(uuid(*id)),
            Read::Datasets(id, _) => datasets.push(uuid(*id)),
        }
    }
    let kinds = [(GRANTS.as_str(), grants), (DATASETS, datasets)];
    let queries: Vec<Query<'_>> = kinds
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(sql, ids)| Query { sql, values: vec![Box::new(issuer_id), Box::new(ids)] })
        .collect();
    let mut found = Found::default();
    let rows = connection.queries(&queries).await?;
    for (query, row) in
        queries.iter().zip(&rows).flat_map(|(query, rows)| rows.iter().map(move |row| (query, row)))
    {
        let id = offer_id(row, 0)?;
        if query.sql == DATASETS {
            found.datasets.insert(id, value(row, 1).and_then(json));
        } else {
            found.grants.insert(id, grant(row));
        }
    }
    Ok(found)
}

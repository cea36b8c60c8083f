//! What the server's planner knows of new tables.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::sleep;

use super::StepIds;
use super::connection::Connection;
use super::fault::Fault;
use super::pool::Pool;

/// After so many steps of this node the tables are looked at.
const LOOKS: [u64; 3] = [100, 1_000, 10_000];
/// How often the steps are counted.
const PAUSE: Duration = Duration::from_secs(1);
/// Fewer rows tell the planner nothing.
const ROWS_MIN: i32 = 100;

/// The tables that batches read by their keys.
const NEW_TABLES: &str = "SELECT relname FROM pg_class WHERE relkind = 'r' \
    AND pg_table_is_visible(oid) AND relname IN ('offers', 'datasets', 'issuances', \
    'spent_nonces', 'idempotency_keys') AND reltuples < $1::FLOAT8";

/// Has new tables counted as soon as there is something to count.
///
/// The server does so itself, a minute later. Until then it believes that few of the rows belong to
/// our issuer, keeps plans that read all of them, and is slower with every row.
pub(super) async fn count_new_tables(pool: Arc<Pool>, steps: Arc<StepIds>) {
    for look in LOOKS {
        while steps.count() < look {
            sleep(PAUSE).await;
        }
        let counted = pool.run(&(), |connection, (), _again| count(connection).boxed()).await;
        if let Err(error) = counted {
            tracing::debug!(%error, "the new tables were not counted");
        }
    }
}

async fn count(connection: &mut Connection) -> Result<(), Fault> {
    let client = &connection.client;
    for row in client.query(NEW_TABLES, &[&f64::from(ROWS_MIN)]).await? {
        let table: &str = row.try_get(0)?;
        client.batch_execute(&format!("ANALYZE {table}")).await?;
    }
    Ok(())
}

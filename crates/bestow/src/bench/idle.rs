//! Connections of wallets that wait: open, and silent.

use std::sync::Arc;

use http_body_util::Full;
use hyper::Request;
use oid4vci::metadata::{CREDENTIAL_ISSUER, well_known};
use tokio::task::JoinSet;

use super::http::{Connection, Origin, path};
use super::plan::Plan;
use super::process::Usage;
use super::trouble::Trouble;
use crate::exit::Failure;

/// Connections that are opened at the same time.
const TOGETHER: usize = 64;

/// Connections that were used once and then kept.
pub(super) struct Idle {
    connections: Vec<Connection>,
    /// Of the server's memory, when it is known.
    pub(super) bytes_each: Option<u64>,
}

impl Idle {
    /// Opens so many, and asks something over each.
    pub(super) async fn open(plan: &Plan, count: u32, pid: Option<u32>) -> Result<Self, Failure> {
        let memory = || pid.and_then(Usage::of).map(|usage| usage.memory_bytes);
        let before = memory();
        let url = well_known(&plan.credential_issuer, CREDENTIAL_ISSUER);
        let url = url.ok_or_else(|| Failure::usage("the issuer's address is none"))?;
        let origin = Arc::new(Origin::of(&url, &plan.trust)?);
        let path = path(&url).map_err(|trouble| trouble.failure("metadata"))?;
        let (mut opening, mut connections) = (JoinSet::new(), Vec::new());
        for _ in 0..count {
            if opening.len() >= TOGETHER {
                connections.extend(opened(opening.join_next().await)?);
            }
            opening.spawn(open(Arc::clone(&origin), path.clone()));
        }
        while let Some(one) = opening.join_next().await {
            connections.extend(opened(Some(one))?);
        }
        let grown = before.zip(memory()).map(|(before, after)| after.saturating_sub(before));
        let bytes_each = grown.and_then(|grown| grown.checked_div(count.into()));
        Ok(Self { connections, bytes_each })
    }

    /// How many there were, and how many there are still.
    pub(super) fn counts(&self) -> (usize, usize) {
        let open = self.connections.iter().filter(|connection| connection.is_open()).count();
        (self.connections.len(), open)
    }
}

async fn open(origin: Arc<Origin>, path: hyper::Uri) -> Result<Connection, Trouble> {
    let mut connection = origin.connect().await?;
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path;
    connection.ask(request).await?.success()?;
    Ok(connection)
}

fn opened(
    one: Option<Result<Result<Connection, Trouble>, tokio::task::JoinError>>,
) -> Result<Option<Connection>, Failure> {
    let failed = |trouble: Trouble| {
        trouble.failure("idle connection").hint("allow more open files: ulimit -n, on both sides")
    };
    let one = one.transpose().map_err(Failure::own_fault)?;
    one.transpose().map_err(failed)
}

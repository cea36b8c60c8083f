//! Step 18, later: what is still to come is asked for again (VCI §9).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use wallet::flow::deferred::Resumed;
use wallet::store::CredentialId;

use super::flows::Stage;
use super::problem::{Id, Problem};
use super::{Served, gate};

/// `POST /api/pending/{id}`: what is here by now becomes a flow whose card is looked at.
pub(super) async fn ask(
    State(served): State<Arc<Served>>,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    // On its own: a browser that goes away must not cost the holder what was fetched.
    let step = tokio::spawn(async move {
        let resumed = served.wallet.resume(&CredentialId::new(id)).await?;
        let _ = served.wallet.send_notices().await; // those that do not arrive are sent later
        Ok(match resumed {
            Resumed::Waits(waits) => Json(json!({ "ask_at": waits.ask_at.to_rfc3339() })),
            Resumed::Received(received) => {
                let flow = gate::draw(&*served.wallet.random).to_string();
                served.flows.begin_at(flow.clone(), Stage::Received(received));
                Json(json!({ "flow": flow }))
            }
        })
    });
    step.await.unwrap_or_else(|error| Err(crate::exit::Failure::own_fault(error).into()))
}

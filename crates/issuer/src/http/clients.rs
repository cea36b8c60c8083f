//! Clients, as operators register them while the issuer serves.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use axum::{Json, Router};
use keys::json;
use oid4vci::client::is_client_id;
use serde_json::Value;

use super::problem::Problem;
use crate::Issuer;
use crate::config::WrittenClient;
use crate::flow::client::{self, ClientError};

/// Clients in one answer.
const LIMIT: u32 = 200;

/// Below `/admin/v1`.
pub(super) fn routes() -> Router<Arc<Issuer>> {
    Router::new()
        .route("/admin/v1/clients", get(list).post(add))
        .route("/admin/v1/clients/after/{client_id}", get(list_after))
        .route("/admin/v1/clients/{client_id}", delete(remove))
}

async fn add(
    State(issuer): State<Arc<Issuer>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let body = body.map_err(|_| Problem::bad_request("The body is too large."))?;
    let value = json::parse(&body);
    let value = value.map_err(|error| Problem::bad_request(format!("The body: {error}.")))?;
    let written = serde_json::from_value::<WrittenClient>(value);
    let written = written
        .map_err(|error| Problem::bad_request(format!("The body does not fit: {error}.")))?;
    let client = client::add(&issuer, written).await?;
    Ok((StatusCode::CREATED, Json(serde_json::json!({ "client_id": client.client_id }))))
}

async fn list(State(issuer): State<Arc<Issuer>>) -> Result<Json<Value>, Problem> {
    answer(&issuer, "").await
}

async fn list_after(
    State(issuer): State<Arc<Issuer>>,
    client_id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    answer(&issuer, &named(client_id)?).await
}

/// Those of files need no database to be seen, and are not among them.
async fn answer(issuer: &Issuer, after: &str) -> Result<Json<Value>, Problem> {
    let clients = client::list(issuer, after, LIMIT).await?;
    let files: Vec<&String> = issuer.clients.keys().collect();
    Ok(Json(serde_json::json!({ "clients": clients, "files": files })))
}

async fn remove(
    State(issuer): State<Arc<Issuer>>,
    client_id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    client::remove(&issuer, &named(client_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name that nobody can have is that of no client.
fn named(client_id: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let name = client_id.ok().map(|Path(id)| id).filter(|id| is_client_id(id));
    name.ok_or_else(|| ClientError::Unknown.into())
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        let detail = error.to_string();
        match error {
            ClientError::Exists | ClientError::IsFile => Self::conflict(detail),
            ClientError::Unknown => Self::not_found(detail),
            ClientError::Broken(broken) => broken.into(),
            ClientError::OnlyFiles | ClientError::FirstParty | ClientError::Mistake(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "No such client can be there", detail)
            }
        }
    }
}

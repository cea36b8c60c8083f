//! Accounts, as operators make them: who can sign in, and with which claims.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use keys::json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::account::{Password, is_account_name};
use crate::flow::account::{AccountError, add, change_password};
use crate::{Issuer, failure::Broken};

/// Accounts in one answer.
const LIMIT: u32 = 1_000;

/// Below `/admin/v1`.
pub(super) fn routes() -> Router<Arc<Issuer>> {
    Router::new()
        .route("/admin/v1/accounts", get(list).post(make))
        .route("/admin/v1/accounts/after/{name}", get(list_after))
        .route("/admin/v1/accounts/{name}", delete(remove))
        .route("/admin/v1/accounts/{name}/password", post(password))
}

/// Body of `POST /admin/v1/accounts`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    name: String,
    #[serde(default)]
    password: Option<String>,
    claims: Map<String, Value>,
}

/// Body of `POST /admin/v1/accounts/NAME/password`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
}

/// The text of an error could repeat a value, which may be the password: it is not told.
fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    let body = body.map_err(|_| Problem::bad_request("The body is too large."))?;
    json::from_slice(&body).map_err(|error| Problem::bad_request(format!("The body: {error}.")))
}

async fn make(
    State(issuer): State<Arc<Issuer>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let new: NewAccount = read(body)?;
    add(&issuer, &new.name, new.password.map(Password::new), &new.claims).await?;
    Ok((StatusCode::CREATED, Json(serde_json::json!({ "name": new.name }))))
}

async fn list(State(issuer): State<Arc<Issuer>>) -> Result<impl IntoResponse, Problem> {
    names(&issuer, "").await
}

async fn list_after(
    State(issuer): State<Arc<Issuer>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    names(&issuer, &named(name)?).await
}

async fn names(issuer: &Issuer, after: &str) -> Result<Json<Value>, Problem> {
    let names = issuer.store.accounts(after, LIMIT).await.map_err(Broken::from)?;
    Ok(Json(serde_json::json!({ "accounts": names })))
}

async fn remove(
    State(issuer): State<Arc<Issuer>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    if issuer.store.remove_account(&named(name)?).await.map_err(Broken::from)? {
        tracing::info!("account removed");
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(AccountError::Unknown.into())
}

async fn password(
    State(issuer): State<Arc<Issuer>>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let new: NewPassword = read(body)?;
    change_password(&issuer, &named(name)?, Password::new(new.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name that nobody can have is that of no account.
fn named(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let name = name.ok().map(|Path(name)| name).filter(|name| is_account_name(name));
    name.ok_or_else(|| AccountError::Unknown.into())
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let detail = error.to_string();
        match error {
            AccountError::Exists => Self::conflict(detail),
            AccountError::Unknown => Self::not_found(detail),
            AccountError::Broken(broken) => broken.into(),
            AccountError::BadName
            | AccountError::BadPassword
            | AccountError::NoClaims
            | AccountError::UnknownType(_)
            | AccountError::Claims(..) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "No such account can be made", detail)
            }
        }
    }
}

//! `GET /status-lists/{number}`: a signed status list, from memory (TSL §8.1, TSL §8.2).

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use formats::status_list::token::TokenFormat;
use oid4vci::error::ErrorCode;

use super::accept::{Names, names, quality};
use super::not_found;
use crate::Issuer;
use crate::failure::{Broken, error};
use crate::status::{Published, Representation, Which};

pub(super) async fn status_list(
    State(issuer): State<Arc<Issuer>>,
    number: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Broken> {
    if asks_for_the_past(query.as_deref().unwrap_or_default()) {
        return Ok(past_is_not_kept());
    }
    let number = number.ok().and_then(|Path(text)| number_of(&text));
    let published = match number {
        Some(number) => issuer.status_lists.published(&issuer, number).await?,
        None => None,
    };
    match published {
        Some(published) => Ok(answer(&published, &headers, issuer.config.status.ttl)),
        None => Ok(not_found().await),
    }
}

/// The same list as a W3C credential: one address for each purpose, in the form that the credentials
/// have which refer to it (Bitstring Status List §2.2).
pub(super) async fn list_credential(
    State(issuer): State<Arc<Issuer>>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Broken> {
    if asks_for_the_past(query.as_deref().unwrap_or_default()) {
        return Ok(past_is_not_kept());
    }
    let named = path.ok().and_then(|Path((number, form, purpose))| {
        Some((number_of(&number)?, Which::parse(&form, &purpose)?))
    });
    let Some((number, which)) = named else { return Ok(not_found().await) };
    let Some(credential) = issuer.status_lists.credential(&issuer, number, which).await? else {
        return Ok(not_found().await);
    };
    let Representation { body, etag } = &credential.representation;
    let max_age = format!("public, max-age={}", issuer.config.status.ttl);
    let about = [(ETAG, etag.clone()), (CACHE_CONTROL, max_age)];
    if names(&headers, etag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let media_type = which.form.media_type();
    Ok((about, [(CONTENT_TYPE, media_type)], body.clone()).into_response())
}

fn past_is_not_kept() -> Response {
    let text = "what a list said at another time is not kept";
    error(StatusCode::NOT_IMPLEMENTED, ErrorCode::InvalidRequest, text)
}

/// TSL §8.4; the W3C calls it `timestamp` (Bitstring Status List §3.2).
fn asks_for_the_past(query: &str) -> bool {
    let mut names = url::form_urlencoded::parse(query.as_bytes());
    names.any(|(name, _)| name == "time" || name == "timestamp")
}

/// One spelling: what is served says its own address, which another spelling would not be.
fn number_of(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

fn answer(published: &Published, headers: &HeaderMap, ttl: u64) -> Response {
    let format = wanted_format(headers);
    let is_packed = format == TokenFormat::Jwt && quality(headers, &ACCEPT_ENCODING, GZIP) > 0.0;
    let Representation { body, etag } = match format {
        TokenFormat::Cwt => &published.cwt,
        TokenFormat::Jwt if is_packed => &published.jwt_gzip,
        TokenFormat::Jwt => &published.jwt,
    };
    let about = [
        (ETAG, etag.clone()),
        (CACHE_CONTROL, format!("public, max-age={ttl}")),
        (VARY, "accept, accept-encoding".to_owned()),
    ];
    if names(headers, etag) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let encoding = is_packed.then_some([(CONTENT_ENCODING, "gzip")]);
    (about, encoding, [(CONTENT_TYPE, format.media_type())], body.clone()).into_response()
}

const JWT: Names = ["application/statuslist+jwt", "application/*", "*/*"];
const CWT: Names = ["application/statuslist+cwt", "application/*", "*/*"];
const GZIP: Names = ["gzip", "x-gzip", "*"];

/// Whoever does not say, or wants something else, gets the JWT.
fn wanted_format(headers: &HeaderMap) -> TokenFormat {
    if quality(headers, &ACCEPT, CWT) > quality(headers, &ACCEPT, JWT) {
        TokenFormat::Cwt
    } else {
        TokenFormat::Jwt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_that_is_wanted_more_is_served() {
        for (accept, is_cwt) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("application/statuslist+jwt"), false),
            (Some("application/statuslist+cwt"), true),
            (Some("Application/StatusList+CWT; q=0.5"), true),
            (Some("application/statuslist+jwt, application/statuslist+cwt"), false),
            (Some("application/statuslist+jwt;q=0.4, application/statuslist+cwt;q=0.9"), true),
            (Some("*/*;q=0.1, application/statuslist+cwt"), true),
            (Some("application/statuslist+cwt;q=0, */*"), false),
            (Some("application/statuslist+jwt;q=0, application/*"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|value| (ACCEPT, value.parse().unwrap())));
            assert_eq!(wanted_format(&headers) == TokenFormat::Cwt, is_cwt, "{accept:?}");
        }
    }

    #[test]
    fn a_list_has_one_address() {
        for (text, number) in
            [("1", Some(1)), ("01", None), ("+1", None), ("-1", None), ("", None), ("1a", None)]
        {
            assert_eq!(number_of(text), number, "{text}");
        }
    }
}

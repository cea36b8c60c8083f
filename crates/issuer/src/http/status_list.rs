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
use crate::status::{Published, Representation};

pub(super) async fn status_list(
    State(issuer): State<Arc<Issuer>>,
    number: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Broken> {
    if asks_for_the_past(query.as_deref().unwrap_or_default()) {
        let text = "what a list said at another time is not kept";
        return Ok(error(StatusCode::NOT_IMPLEMENTED, ErrorCode::InvalidRequest, text));
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

/// TSL §8.4
fn asks_for_the_past(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "time")
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

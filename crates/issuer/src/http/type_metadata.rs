//! `GET` of a `vct` of ours: what describes the type (SD-JWT VC §6.3.1), the same for everybody.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use formats::type_metadata::sha256;
use url::Url;

use super::accept::names;
use super::not_found;
use super::well_known::CACHED;
use crate::Issuer;

/// All descriptions, by the path of their address; made once.
pub(super) struct Descriptions(BTreeMap<String, Description>);

struct Description {
    body: Bytes,
    etag: String,
}

impl Descriptions {
    pub(super) fn of(issuer: &Issuer) -> Self {
        let types = issuer.types.values();
        let described = types.filter_map(|one| {
            let url = Url::parse(one.described_at(issuer.credential_issuer())?).ok()?;
            let body = one.type_metadata()?;
            let etag = format!("\"{}\"", sha256(&body));
            Some((url.path().to_owned(), Description { body: body.into(), etag }))
        });
        Self(described.collect())
    }

    /// Stands behind all routes: a type may have any name that no route has.
    pub(super) async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let is_look = matches!(*method, Method::GET | Method::HEAD);
        let Some(found) = self.0.get(uri.path()).filter(|_| is_look) else {
            return not_found().await;
        };
        let about = [(ETAG, found.etag.as_str()), (CACHE_CONTROL, CACHED)];
        if names(headers, &found.etag) {
            return (StatusCode::NOT_MODIFIED, about).into_response();
        }
        (about, [(CONTENT_TYPE, "application/json")], found.body.clone()).into_response()
    }
}

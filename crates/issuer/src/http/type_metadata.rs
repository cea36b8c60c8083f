//! `GET` of a `vct` of ours: what describes the type (SD-JWT VC §6.3.1), and the pictures of its card
//! beside it (SD-JWT VC §8.1.2), the same for everybody.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use formats::type_metadata::sha256;
use url::Url;

use super::accept::names;
use super::not_found;
use super::well_known::CACHED;
use crate::Issuer;

/// A picture that somebody opens by itself runs and fetches nothing either.
const PICTURE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// All descriptions and pictures, by the path of their address; made once.
pub(super) struct Descriptions(BTreeMap<String, Document>);

struct Document {
    body: Bytes,
    etag: String,
    content_type: &'static str,
}

impl Document {
    fn new(body: Vec<u8>, content_type: &'static str) -> Self {
        let etag = format!("\"{}\"", sha256(&body));
        Self { body: body.into(), etag, content_type }
    }
}

impl Descriptions {
    pub(super) fn of(issuer: &Issuer) -> Self {
        let mut documents = BTreeMap::new();
        let mut insert = |address: &str, document| {
            Url::parse(address).map(|url| documents.insert(url.path().to_owned(), document))
        };
        for one in issuer.types.values() {
            let Some(vct) = one.described_at(issuer.credential_issuer()) else { continue };
            for picture in &one.svg_templates {
                let body = picture.template.source().as_bytes().to_vec();
                let _ = insert(&picture.address(vct), Document::new(body, "image/svg+xml"));
            }
            if let Some(body) = one.type_metadata() {
                let _ = insert(vct, Document::new(body, "application/json"));
            }
        }
        Self(documents)
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
        let kind = [
            (CONTENT_TYPE, found.content_type),
            (CONTENT_SECURITY_POLICY, PICTURE_POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (about, kind, found.body.clone()).into_response()
    }
}

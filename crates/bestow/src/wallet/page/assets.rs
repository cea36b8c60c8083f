//! The page's files; they hold nothing that is secret.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;

use super::{Served, problem};

/// Nothing inline, nothing from elsewhere, no frame around it; what cards say becomes no markup
/// (catalogue N10). Photos and logos are `data:`, a dropped picture is `blob:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(), geolocation=(), display-capture=()",
    ),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal: $content_type:ident, $name:literal;)*) => {
        [$(($path, $content_type, include_str!(concat!("../../../assets/wallet/", $name)))),*]
    };
}

/// Where each file is, what it is, and what is in it.
const FILES: [(&str, &str, &str); 9] = files![
    "/": HTML, "index.html";
    "/assets/wallet.css": CSS, "wallet.css";
    "/assets/wallet.js": SCRIPT, "wallet.js";
    "/assets/api.js": SCRIPT, "api.js";
    "/assets/page.js": SCRIPT, "page.js";
    "/assets/card.js": SCRIPT, "card.js";
    "/assets/scan.js": SCRIPT, "scan.js";
    "/assets/receive.js": SCRIPT, "receive.js";
    "/assets/icon.svg": SVG, "icon.svg";
];

/// A route for each file.
pub(super) fn routes() -> Router<Arc<Served>> {
    let file = |router: Router<Arc<Served>>, (path, content_type, content)| {
        router.route(path, get(move || async move { ([(CONTENT_TYPE, content_type)], content) }))
    };
    FILES.into_iter().fold(Router::new(), file).fallback(problem::nothing_here)
}

/// Go with every answer; one that may do less says so itself.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        if name == CONTENT_SECURITY_POLICY && response.headers().contains_key(&name) {
            continue;
        }
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

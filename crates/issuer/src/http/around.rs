//! What stands around every handler: an id for the log, limits, the client's address, CORS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use oid4vci::error::ErrorCode;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use super::limits::{Excess, Limits};
use super::sender::Demanded;
use crate::Issuer;
use crate::config::TrustedProxy;

/// The id under which the log tells of a request; the other side sees it too.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The same id, for pages that tell it to the reader.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Where a request came from: the peer, or what a trusted proxy says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// How a listener words a refusal that has nothing to do with what was asked.
pub(super) type Refuse = fn(StatusCode, ErrorCode, &'static str) -> Response;

/// What the outermost layer needs.
struct Around {
    issuer: Arc<Issuer>,
    limits: Limits,
    refuse: Refuse,
}

/// Wraps a whole listener.
pub(super) fn wrap(
    router: Router<Arc<Issuer>>,
    issuer: &Arc<Issuer>,
    refuse: Refuse,
) -> Router<Arc<Issuer>> {
    let server = &issuer.config.server;
    let around = Around { issuer: Arc::clone(issuer), limits: Limits::of(server), refuse };
    let panicked = move |_| {
        refuse(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, "internal error")
    };
    router
        .layer(DefaultBodyLimit::max(server.body_bytes_max))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::new(around), identify))
}

/// Gives the request an id and an address, and tells the log how it ended; no query, no body, and
/// of the path only what holds no secret.
async fn identify(State(around): State<Arc<Around>>, mut request: Request, next: Next) -> Response {
    let issuer = &around.issuer;
    let mut id = [0; 8];
    issuer.random.fill(&mut id);
    let id = format!("{:016x}", u64::from_be_bytes(id));
    request.extensions_mut().insert(RequestId(id.clone()));
    let proxies = &issuer.config.server.trusted_proxies;
    let address = client_address(&request, proxies);
    if let Some(address) = address {
        request.extensions_mut().insert(ClientAddress(address));
    }
    let path = without_secrets(request.uri().path()).to_owned();
    let span = tracing::info_span!("request", id, method = %request.method(), path);
    // A proxy that does not say for whom it asks stands for everybody: nobody's failures are its own.
    let counted = address.filter(|address| !is_trusted(proxies, *address));
    let mut response = around.answer(counted, request, next).instrument(span.clone()).await;
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), "answered"));
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(id).ok().map(|id| (REQUEST_ID, id)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Around {
    /// The answer of the handler, within the limits of the listener.
    async fn answer(&self, address: Option<IpAddr>, request: Request, next: Next) -> Response {
        let room = if begins(&request) { self.issuer.load.begin() } else { Ok(()) };
        let permit = match self.limits.admit(address, room) {
            Ok(permit) => permit,
            Err(excess) if wants_page(&request) => return excess.for_people().into_response(),
            Err(excess) => return self.excess(&excess),
        };
        let response = tokio::time::timeout(self.limits.patience, next.run(request)).await;
        drop(permit);
        let response = response.unwrap_or_else(|_| {
            let text = "the request took too long; send it again";
            (self.refuse)(StatusCode::REQUEST_TIMEOUT, ErrorCode::InvalidRequest, text)
        });
        if response.extensions().get::<Demanded>().is_none() {
            self.limits.note(address, response.status());
        }
        response
    }

    fn excess(&self, excess: &Excess) -> Response {
        let code = ErrorCode::TemporarilyUnavailable;
        let mut response = (self.refuse)(excess.status(), code, excess.text());
        response.headers_mut().insert(RETRY_AFTER, excess.retry_after().into());
        response
    }
}

/// How addresses end with which a flow goes on, or an operator looks after us.
const GOES_ON: [&str; 11] = [
    "/nonce",
    "/challenge",
    "/credential",
    "/batch-credential",
    "/deferred-credential",
    "/notification",
    "/introspect",
    "/revoke",
    "/sign-in/callback",
    "/healthz",
    "/readyz",
];
/// What stands before the link, handle or name by which something goes on.
const GOES_ON_AT: [&str; 4] = ["/authorize/", "/applications/", "/status-lists/", "/assets/"];

/// Whether a flow begins with it, or nobody knows what it is. What goes on with one is not refused
/// for want of time: whoever was let in is served, and what is refused here has cost nobody anything.
fn begins(request: &Request) -> bool {
    let (is_post, path) = (*request.method() == Method::POST, request.uri().path());
    if path.starts_with("/admin/") {
        return is_post && path == "/admin/v1/offers";
    }
    let is_filled_in = is_post && path.contains("/apply/");
    !is_filled_in
        && !GOES_ON.iter().any(|end| path.ends_with(end))
        && !GOES_ON_AT.iter().any(|part| path.contains(part))
}

/// Whether somebody looks at the answer: a browser that opens a page says so.
fn wants_page(request: &Request) -> bool {
    let mut accepted = request.headers().get_all(ACCEPT).iter();
    accepted.any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")))
}

/// What follows `/offers/`, `/applications/` or `/authorize/` opens them: it stays out of the log (R01).
fn without_secrets(path: &str) -> &str {
    let secret = ["/offers/", "/applications/", "/authorize/"]
        .iter()
        .find_map(|name| path.find(name).map(|start| start + name.len()));
    secret.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// Headers count only when the peer is a proxy we were told of; of a chain of proxies, walked from
/// our side, the first one that is not ours is the client (Q10).
fn client_address(request: &Request, trusted: &[TrustedProxy]) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    if !is_trusted(trusted, peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    for text in forwarded_for(request).rev() {
        // What stands left of something unreadable may have been written by anybody.
        let Some(address) = text.and_then(read_address) else { break };
        nearest = address;
        if !is_trusted(trusted, address) {
            break;
        }
    }
    Some(nearest)
}

fn is_trusted(proxies: &[TrustedProxy], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// The entries of `X-Forwarded-For`, the client first; `None` stands for bytes that are no text.
fn forwarded_for(request: &Request) -> impl DoubleEndedIterator<Item = Option<&str>> {
    let values = request.headers().get_all("x-forwarded-for").iter();
    values.flat_map(|value| match value.to_str() {
        Ok(text) => text.split(',').map(Some).collect::<Vec<_>>(),
        Err(_) => vec![None],
    })
}

/// An address as proxies write it: alone, in brackets, with a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.parse().ok();
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = alone
        .or_else(|| bracketed?.parse().ok())
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

/// What a page may send beside its request: its token, and what it proves.
const ALLOWED: &str =
    "authorization, content-type, dpop, oauth-client-attestation, oauth-client-attestation-pop";
/// What a page may read of our answers: what its next proof needs (RFC 9449 §8), and why it was
/// refused (RFC 6750 §3).
const EXPOSED: &str = "dpop-nonce, oauth-client-attestation-challenge, www-authenticate";

/// Wallets that are web pages call us from their own origin; there is no cookie to steal (P20).
pub(super) async fn cross_origin(request: Request, next: Next) -> Response {
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if is_preflight {
        let allowed = HeaderValue::from_static(ALLOWED);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        let methods = HeaderValue::from_static("GET, HEAD, POST");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, forwarded: &[&[u8]]) -> String {
        let mut request = Request::new(axum::body::Body::empty());
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        for value in forwarded {
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().append("x-forwarded-for", value);
        }
        let trusted = ["10.0.0.0/8", "2001:db8::1"].map(|text| {
            serde_json::from_value::<TrustedProxy>(serde_json::Value::from(text)).unwrap()
        });
        client_address(&request, &trusted).unwrap().to_string()
    }

    #[test]
    fn the_last_address_that_is_no_proxy_of_ours_is_the_client() {
        let rows: [(&str, &[&[u8]], &str); 10] = [
            ("192.0.2.9", &[b"198.51.100.1"], "192.0.2.9"), // not from a proxy: not believed
            (PROXY, &[], PROXY),
            (PROXY, &[b"198.51.100.1"], "198.51.100.1"),
            (PROXY, &[b"203.0.113.5, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            (PROXY, &[b"203.0.113.5", b"198.51.100.1"], "198.51.100.1"),
            // Q10: what the client wrote, before what the proxy added, and junk between them
            (PROXY, &[b"203.0.113.5, junk, 198.51.100.1"], "198.51.100.1"),
            (PROXY, &[b"203.0.113.5, junk"], PROXY),
            (PROXY, &[b"203.0.113.5", b"\xff"], PROXY),
            (PROXY, &[b"198.51.100.1:4711"], "198.51.100.1"),
            ("2001:db8::1", &[b"[2001:db8:5::7]"], "2001:db8:5::7"),
        ];
        for (peer, forwarded, expected) in rows {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    /// Q04: who was let in is served, also where there is no time for more.
    #[test]
    fn a_flow_begins_with_all_that_does_not_go_on_with_one() {
        let begin = [
            "POST /admin/v1/offers",
            "GET /offers/x",
            "GET /university/offers/x",
            "GET /.well-known/openid-credential-issuer/university",
            "GET /jwks",
            "GET /university/did.json",
            "POST /token",
            "POST /university/par",
            "GET /authorize",
            "GET /",
            "GET /apply/student_card",
            "GET /wp-login.php",
        ];
        let go_on = [
            "POST /nonce",
            "POST /challenge",
            "POST /university/credential",
            "OPTIONS /university/credential",
            "POST /deferred-credential",
            "POST /notification",
            "POST /introspect",
            "POST /revoke",
            "GET /authorize/x",
            "POST /university/authorize/x", // somebody has signed in, or agreed
            "GET /authorize/x/provider",
            "GET /university/sign-in/callback",
            "POST /apply/student_card", // somebody has filled it in
            "GET /applications/x",
            "GET /applications/x/events",
            "GET /assets/page.css",
            "GET /status-lists/1",
            "GET /admin/v1/offers",
            "GET /admin/v1/offers/x",
            "POST /admin/v1/deferrals/x/approve",
            "GET /healthz",
            "GET /readyz",
        ];
        let begins = |line: &&str| {
            let (method, path) = line.split_once(' ').unwrap();
            let request = Request::builder().method(method).uri(path);
            begins(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert_eq!(begin.iter().find(|line| !begins(line)), None);
        assert_eq!(go_on.iter().find(|line| begins(line)), None);
    }

    /// Each endpoint of a flow is told from what begins by the name that its route has.
    #[test]
    fn what_goes_on_has_the_names_of_the_routes() {
        for name in [
            crate::flow::deferred::ENDPOINT,
            crate::flow::notification::ENDPOINT,
            crate::flow::legacy::BATCH,
            crate::flow::authorization::CALLBACK,
        ] {
            assert!(GOES_ON.contains(&&*format!("/{name}")), "{name}");
        }
    }
}

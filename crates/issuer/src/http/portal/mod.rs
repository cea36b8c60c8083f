//! The portal's routes: pages for people who apply, by the applicant's unguessable link.
//!
//! | What | Where |
//! |---|---|
//! | who asks, and what every page is made with | `visitor` |
//! | what stands around every handler, and pages for what went wrong | `trouble` |
//! | whether a form comes from one of our pages | `form_session` |
//! | signing in for a wallet | `sign_in`, `provider`, `known_browser` |
//! | what was filled in | `form_body`, `form_fields`, `fault` |

use std::net::IpAddr;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router, middleware};

use crate::application::ApplicationId;
use crate::http::address_limit::AddressLimit;
use crate::http::failed_sign_ins::SignInTries;
use crate::places::Places;
use crate::{Issuer, flow};
pub(crate) use known_browser::SECONDS as KNOWN_BROWSER_SECONDS;
use trouble::Trouble;

mod application;
mod apply;
mod assets;
mod events;
mod fault;
mod form_body;
mod form_fields;
mod form_session;
mod known_browser;
mod provider;
mod sign_in;
mod trouble;
mod visitor;

/// What all handlers share.
struct Portal {
    issuer: Arc<Issuer>,
    /// The host that wallets name, for people to compare.
    host: String,
    /// The colours of all types: the same until the next start.
    types_css: String,
    pages: AddressLimit,
    applications: AddressLimit,
    tries: Arc<SignInTries>,
    /// Open streams of events, by address and by application.
    streams: Arc<Places<IpAddr>>,
    streams_of_applications: Arc<Places<ApplicationId>>,
}

/// The pages below the path of the issuer's identifier; those to apply on only where the operator has
/// not switched them off, those to sign in on only where a wallet is registered that sends people.
pub(super) fn routes(issuer: &Arc<Issuer>, tries: &Arc<SignInTries>) -> Router<Arc<Issuer>> {
    let (applies, signs_in) = (issuer.config.portal.enabled, issuer.has_code_flow());
    if !applies && !signs_in {
        return Router::new();
    }
    let portal = Arc::new(Portal::of(issuer, tries));
    let at = |path: &str| format!("{}{path}", issuer.config.url.path());
    let mut pages = Router::new();
    let mut parts = Router::new().route(&at("/assets/{name}"), get(assets::asset));
    if applies {
        pages = apply_pages(issuer);
        parts = parts.route(&at("/applications/{secret}/events"), get(events::events));
    }
    if signs_in {
        pages = pages
            .route(&at("/authorize"), get(sign_in::authorize))
            .route(&at("/authorize/{handle}"), get(sign_in::page).post(sign_in::answer));
        for dialect in issuer.config.legacy.drafts.iter().copied() {
            let authorize = get(sign_in::authorize).layer(Extension(dialect));
            pages = pages.route(&at(&format!("/draft-{dialect}/authorize")), authorize);
        }
    }
    if signs_in && issuer.provider.is_some() {
        let callback = format!("/{}", flow::authorization::CALLBACK);
        pages = pages
            .route(&at("/authorize/{handle}/provider"), get(provider::leave))
            .route(&at(&callback), get(provider::back));
    }
    // A page asks for its parts by itself, so they do not count as pages that somebody opens.
    pages
        .route_layer(middleware::from_fn(visitor::limit_pages))
        .merge(parts)
        .method_not_allowed_fallback(async || Trouble::WrongMethod)
        .layer(middleware::from_fn_with_state(portal, trouble::around))
}

fn apply_pages(issuer: &Arc<Issuer>) -> Router<Arc<Issuer>> {
    let base = issuer.config.url.path();
    let at = |path: &str| format!("{base}{path}");
    let application = at("/applications/{secret}");
    let mut pages = Router::new()
        .route(&at("/"), get(apply::index))
        .route(&at("/apply/{id}"), get(apply::form).post(apply::apply))
        .route(&application, get(application::application))
        .route(&format!("{application}/qr.png"), get(application::qr_png))
        .route(&format!("{application}/letter.pdf"), get(application::letter_pdf))
        .route(&format!("{application}/renew"), post(application::renew));
    if !base.is_empty() {
        pages = pages.route(base, get(apply::index));
    }
    pages
}

impl Portal {
    fn of(issuer: &Arc<Issuer>, tries: &Arc<SignInTries>) -> Self {
        let limits = &issuer.config.portal;
        Self {
            host: issuer.config.url.host_and_port(),
            types_css: assets::types_css(issuer),
            pages: AddressLimit::per_minute(limits.pages_per_minute),
            applications: AddressLimit::per_hour(limits.applications_per_hour),
            tries: Arc::clone(tries),
            streams: Places::new(events::STREAMS_MAX, events::STREAMS_PER_ADDRESS_MAX),
            streams_of_applications: Places::new(
                events::STREAMS_MAX,
                events::STREAMS_PER_APPLICATION_MAX,
            ),
            issuer: Arc::clone(issuer),
        }
    }
}

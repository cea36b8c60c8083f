//! Who asks: the reader's language, address and form session, and pages made for this reader.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{FromRequestParts, Path, Request};
use axum::http::header::{ACCEPT_LANGUAGE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};

use tokio::sync::OwnedSemaphorePermit;

use super::Portal;
use super::form_session::{FormSession, is_cross_site};
use super::known_browser::KnownBrowser;
use super::trouble::Trouble;
use crate::Issuer;
use crate::application::ApplicationId;
use crate::config::Config;
use crate::credential_type::CredentialType;
use crate::flow::application::{ApplicationView, view};
use crate::http::around::ClientAddress;
use crate::http::failed_sign_ins::{Try, Who};
use crate::network::network;
use crate::places::Place;
use crate::portal::language::Language;
use crate::portal::pages::{Card, Logo, Site};

/// Who asks.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) portal: Arc<Portal>,
    pub(super) language: Language,
    address: IpAddr,
    session: FormSession,
    known: Option<KnownBrowser>,
    is_cross_site: bool,
}

impl Visitor {
    pub(super) fn of(portal: &Arc<Portal>, request: &Request) -> Self {
        let issuer = &portal.issuer;
        let (url, headers) = (&issuer.config.url, request.headers());
        let address = request.extensions().get::<ClientAddress>();
        Self {
            portal: Arc::clone(portal),
            language: language(headers, &issuer.config),
            address: address.map_or(Ipv6Addr::UNSPECIFIED.into(), |address| address.0),
            session: FormSession::of(headers, url, &*issuer.random),
            known: KnownBrowser::of(headers),
            is_cross_site: is_cross_site(headers, url),
        }
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.portal.issuer
    }

    /// What every page says about the issuer.
    pub(super) fn site(&self) -> Site<'_> {
        let config = &self.issuer().config;
        Site {
            base: config.url.path(),
            issuer_name: &config.name,
            host: &self.portal.host,
            help_line: &config.portal.help_line,
            language: self.language,
        }
    }

    /// A credential type as a card, in the reader's language.
    pub(super) fn card<'t>(&self, credential_type: &'t CredentialType) -> Card<'t> {
        let display = credential_type.display(self.language.tag());
        let logo = display.and_then(|display| display.logo.as_ref());
        // The policy of our pages would block a picture from another host, and the host would
        // learn who applies.
        let own = logo.filter(|logo| logo.uri.as_str().starts_with("data:"));
        Card {
            id: &credential_type.id,
            name: display.map_or(&*credential_type.id, |display| &*display.name),
            description: display.and_then(|display| display.description.as_deref()).unwrap_or(""),
            logo: own.map(|logo| Logo { uri: logo.uri.as_str(), alt_text: &logo.alt_text }),
        }
    }

    /// The application behind a link; other people's are not there (P05).
    pub(super) async fn view(&self, link: &str) -> Result<ApplicationView<'_>, Trouble> {
        view(self.issuer(), link).await?.ok_or(Trouble::NotFound)
    }

    /// Goes into every form, as `csrf`.
    pub(super) fn csrf(&self) -> String {
        self.session.token(&self.issuer().keys().form)
    }

    /// Refuses a form that did not come from a page of ours (P01).
    pub(super) fn check_csrf(&self, given: Option<&str>) -> Result<(), Trouble> {
        let keys = self.issuer().keys();
        let ours = given.is_some_and(|given| self.session.holds(&keys.form, given));
        if ours && !self.is_cross_site { Ok(()) } else { Err(Trouble::StaleForm) }
    }

    /// Counts one application of this address.
    pub(super) fn limit_applications(&self) -> Result<(), Trouble> {
        Ok(self.portal.applications.check(self.address)?)
    }

    /// Waits for the turn of one try to sign in; whoever has failed too often gets none.
    pub(super) async fn try_sign_in(
        &self,
        account: &str,
    ) -> Result<(Try<'_>, Option<OwnedSemaphorePermit>), Trouble> {
        let account = account.trim();
        let known = self.known.and_then(|one| one.of_account(account, &self.issuer().keys().form));
        let who = Who::of(self.address, account, known);
        Ok(self.portal.tries.turn(who).await?)
    }

    /// Whoever has just signed in is known in this browser from now on.
    pub(super) fn remember(&self, account: &str, response: &mut Response) {
        let issuer = self.issuer();
        let known = KnownBrowser::fresh(account.trim(), &issuer.keys().form, &*issuer.random);
        let cookie = HeaderValue::try_from(known.set_cookie(&issuer.config.url)).ok();
        response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    }

    /// Places for a stream of events of this application; `None` when they are taken (P06).
    pub(super) fn take_stream(&self, application: ApplicationId) -> Option<StreamPlaces> {
        let of_application = self.portal.streams_of_applications.take(Some(application))?;
        let of_address = self.portal.streams.take(Some(network(self.address, false)))?;
        Some(StreamPlaces { _of_application: of_application, _of_address: of_address })
    }

    /// A page, with the cookie that its forms need.
    pub(super) fn page(
        &self,
        status: StatusCode,
        page: &impl Template,
    ) -> Result<Response, Trouble> {
        let html = page.render().map_err(|error| Trouble::fault(error.to_string()))?;
        let mut response = (status, Html(html)).into_response();
        let cookie = self.session.set_cookie(&self.issuer().config.url);
        let cookie = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok());
        response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
        Ok(response)
    }
}

/// What an open stream of events occupies.
pub(super) struct StreamPlaces {
    _of_application: Place<ApplicationId>,
    _of_address: Place<IpAddr>,
}

/// Refuses an address that opens too many pages.
pub(super) async fn limit_pages(
    Extension(visitor): Extension<Visitor>,
    request: Request,
    next: Next,
) -> Result<Response, Trouble> {
    visitor.portal.pages.check(visitor.address)?;
    Ok(next.run(request).await)
}

/// The best-liked of our languages; the operator's for a reader who asks for none of them.
fn language(headers: &HeaderMap, config: &Config) -> Language {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let fallback = config.locale.as_str();
    Language::accepted(&format!("{fallback};q=0.001,{}", wanted.unwrap_or_default()))
}

/// The part of the path that stands for something; one that is no text stands for nothing.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        segment.map(|Path(segment)| Self(segment)).map_err(|_| Trouble::NotFound)
    }
}

//! Whether a form was sent from one of our own pages (P01).
//!
//! A page sets a cookie with random bytes and carries a MAC over them in its form: another site can
//! neither read the cookie nor make the MAC. The cookie names nobody and opens nothing (P04).

use axum::http::header::{COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::MacKey;
use keys::outside::Random;

use crate::config::IssuerUrl;

/// The form's field that carries the MAC.
pub(super) use crate::credential_type::CSRF_FIELD as FIELD;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const PURPOSE: &str = "portal form";

/// What ties a browser's forms to the pages that it was given; shared by all its tabs.
#[derive(Clone)]
pub(super) struct FormSession {
    secret: [u8; 32],
    is_new: bool,
}

impl FormSession {
    /// The browser's own, or a new one.
    pub(super) fn of(headers: &HeaderMap, url: &IssuerUrl, random: &dyn Random) -> Self {
        if let Some(secret) = cookie(headers, cookie_name(url)) {
            return Self { secret, is_new: false };
        }
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self { secret, is_new: true }
    }

    /// What goes into the form.
    pub(super) fn token(&self, key: &MacKey) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(key.mac(PURPOSE, &[&self.secret]))
    }

    /// Whether this came back in the form.
    pub(super) fn holds(&self, key: &MacKey, given: &str) -> bool {
        let mac = BASE64_URL_SAFE_NO_PAD.decode(given.trim()).unwrap_or_default();
        !self.is_new && key.verify(PURPOSE, &[&self.secret], &mac)
    }

    /// The cookie to set with a page that has a form; none when the browser has it.
    pub(super) fn set_cookie(&self, url: &IssuerUrl) -> Option<String> {
        let name = cookie_name(url);
        let value = BASE64_URL_SAFE_NO_PAD.encode(self.secret);
        let path = if url.path().is_empty() { "/" } else { url.path() };
        // Plain http is for this machine only, where not every browser keeps a `Secure` cookie.
        let secure = if url.is_plain_http() { "" } else { "; Secure" };
        let cookie = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict{secure}");
        self.is_new.then_some(cookie)
    }
}

/// With the prefix a browser takes the cookie from this very host only.
fn cookie_name(url: &IssuerUrl) -> &'static str {
    let alone = !url.is_plain_http() && url.path().is_empty();
    if alone { "__Host-bestow-form" } else { "bestow-form" }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<[u8; 32]> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|one| one.split_once('='));
    pairs.find_map(|(given, value)| {
        let bytes = (given.trim() == name).then(|| BASE64_URL_SAFE_NO_PAD.decode(value.trim()));
        bytes?.ok()?.try_into().ok()
    })
}

/// Whether the browser says that another site sent this request.
///
/// `Sec-Fetch-Site` cannot be written by a page. `Origin` is only asked where it is missing, and
/// may be `null`: that is what a browser sends for our own forms under `Referrer-Policy:
/// no-referrer`.
pub(super) fn is_cross_site(headers: &HeaderMap, url: &IssuerUrl) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site != "same-origin" && site != "none";
    }
    let own = url.as_str().strip_suffix(url.path()).unwrap_or_default();
    headers.get(ORIGIN).is_some_and(|origin| origin != own && origin != "null")
}

//! A browser in which somebody has signed in before: nobody else's failures lock its owner out.
//!
//! It has a cookie with random bytes and a MAC over them and the account. The cookie tells nobody
//! which account that is, and opens nothing: its owner types the password all the same (P04).

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::MacKey;
use keys::outside::Random;

use crate::config::IssuerUrl;

const NAME: &str = "bestow-known";
const PURPOSE: &str = "known browser";
/// As long as browsers keep any cookie.
pub(crate) const SECONDS: u32 = 400 * 24 * 60 * 60;

/// What a browser brings; whether it is of an account shows with the account's name.
#[derive(Clone, Copy)]
pub(super) struct KnownBrowser {
    nonce: [u8; 32],
    mac: [u8; 32],
}

impl KnownBrowser {
    /// Reads the cookie.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs =
            lines.flat_map(|line| line.split(';')).filter_map(|one| one.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim() == NAME)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value.trim()).ok()?;
        let (nonce, mac) = bytes.split_first_chunk()?;
        Some(Self { nonce: *nonce, mac: mac.try_into().ok()? })
    }

    /// The browser of somebody who has just signed in.
    pub(super) fn fresh(account: &str, key: &MacKey, random: &dyn Random) -> Self {
        let mut nonce = [0; 32];
        random.fill(&mut nonce);
        Self { nonce, mac: key.mac(PURPOSE, &[&nonce, account.as_bytes()]) }
    }

    /// What its failures are counted by, when this account was signed in with here.
    pub(super) fn of_account(self, account: &str, key: &MacKey) -> Option<[u8; 32]> {
        key.verify(PURPOSE, &[&self.nonce, account.as_bytes()], &self.mac).then_some(self.nonce)
    }

    /// Sets the cookie.
    pub(super) fn set_cookie(self, url: &IssuerUrl) -> String {
        let value = BASE64_URL_SAFE_NO_PAD.encode([self.nonce, self.mac].concat());
        let path = if url.path().is_empty() { "/" } else { url.path() };
        let secure = if url.is_plain_http() { "" } else { "; Secure" };
        format!("{NAME}={value}; Path={path}; Max-Age={SECONDS}; HttpOnly; SameSite=Strict{secure}")
    }
}

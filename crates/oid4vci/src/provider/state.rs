//! What ties the answer of a provider to the browser and the request that it was asked for: derived
//! from what both bring, never stored.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::{MacKey, equal};
use keys::outside::Random;
use zeroize::Zeroizing;

use crate::authorization::RunningAuthorization;
use crate::offer::OfferId;
use crate::secret::CodeVerifier;

const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

/// What a browser keeps in a cookie while its person is at the provider: without it, whoever has
/// the address of the answer can do nothing with it (RFC 6749 §10.12).
#[derive(Clone)]
pub struct BrowserSecret(Zeroizing<[u8; 32]>);

impl BrowserSecret {
    /// Draws one.
    #[must_use]
    pub fn fresh(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(Zeroizing::new(bytes))
    }

    /// Reads the cookie.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// The value of the cookie.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(*self.0)
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(..)")
    }
}

/// `state`: names the running authorization, and is right for one stage of it in one browser.
#[derive(Clone)]
pub struct ProviderState {
    text: String,
    id: OfferId,
    salt: [u8; SALT_BYTES],
}

impl ProviderState {
    /// Reads the parameter; it is believed once [`SignInSecrets::again`] has made the same.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 2 * (ID_BYTES + SALT_BYTES + MAC_BYTES) {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (salt, mac) = rest.split_first_chunk::<SALT_BYTES>()?;
        let whole = mac.len() == MAC_BYTES;
        whole.then(|| Self { text: text.to_owned(), id: OfferId(*id), salt: *salt })
    }

    /// The authorization that it claims to belong to.
    #[must_use]
    pub const fn id(&self) -> OfferId {
        self.id
    }

    /// As it stands in addresses.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ProviderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderState(..)")
    }
}

/// What one way to the provider and back needs.
#[derive(Clone, Debug)]
pub struct SignInSecrets {
    state: ProviderState,
    nonce: String,
    code_verifier: CodeVerifier,
}

impl SignInSecrets {
    /// For a way that begins.
    #[must_use]
    pub fn fresh(
        key: &MacKey,
        browser: &BrowserSecret,
        running: &RunningAuthorization,
        random: &dyn Random,
    ) -> Self {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        Self::derive(key, browser, running, salt)
    }

    /// The same for the way back. Of another browser, or once the authorization has gone on, its
    /// `state` is another one, and with it nonce and verifier.
    #[must_use]
    pub fn again(
        key: &MacKey,
        browser: &BrowserSecret,
        running: &RunningAuthorization,
        state: &ProviderState,
    ) -> Self {
        Self::derive(key, browser, running, state.salt)
    }

    fn derive(
        key: &MacKey,
        browser: &BrowserSecret,
        running: &RunningAuthorization,
        salt: [u8; SALT_BYTES],
    ) -> Self {
        let id = running.id;
        let key = key.at(id.drawn_at()); // it is derived again after the key was replaced
        let parts: [&[u8]; 4] = [&id.0, &running.handle_digest.0, &*browser.0, &salt];
        let text = |purpose| BASE64_URL_SAFE_NO_PAD.encode(key.mac(purpose, &parts));
        let mac = key.mac("provider state", &parts);
        let state = BASE64_URL_SAFE_NO_PAD.encode([&id.0[..], &salt, &mac].concat());
        Self {
            state: ProviderState { text: state, id, salt },
            nonce: text("provider nonce"),
            code_verifier: CodeVerifier::new(text("provider code_verifier")),
        }
    }

    /// `state`
    #[must_use]
    pub const fn state(&self) -> &ProviderState {
        &self.state
    }

    /// Whether the `state` that came back is this one; in constant time.
    #[must_use]
    pub fn made(&self, given: &ProviderState) -> bool {
        equal(self.state.text.as_bytes(), given.text.as_bytes())
    }

    /// `nonce`
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// RFC 7636 §4.1
    #[must_use]
    pub const fn code_verifier(&self) -> &CodeVerifier {
        &self.code_verifier
    }
}

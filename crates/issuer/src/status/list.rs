//! One list: its bits in memory, and the signed tokens that are served.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use formats::status_list::token::{self, StatusListClaims, StatusListKey, TokenFormat};
use formats::status_list::{CompressedList, Status, StatusList};
use keys::digest::sha256;
use keys::outside::Timestamp;

use super::bitstring::{Credential, Which};
use crate::Issuer;
use crate::failure::Broken;
use crate::store::status::StoredList;

/// What many gain by it is worth a millisecond once.
const GZIP_LEVEL: u32 = 6;
/// Bytes of a digest that name one version of a token.
const ETAG_BYTES: usize = 16;

/// One list.
#[derive(Debug)]
pub(super) struct List {
    /// Where it is, as credentials say it.
    uri: String,
    state: Mutex<State>,
    published: RwLock<Option<Arc<Published>>>,
    /// Whoever signs; others wait for what it brings.
    signing: tokio::sync::Mutex<()>,
    /// As W3C credentials; whoever makes one holds them.
    pub(super) credentials: tokio::sync::Mutex<BTreeMap<Which, Arc<Credential>>>,
}

#[derive(Debug)]
struct State {
    entries: StatusList,
    /// Counts the changes.
    version: u64,
}

/// What is served of one list until it changes, or half its time is over.
#[derive(Debug)]
pub struct Published {
    /// For most.
    pub jwt: Representation,
    /// The same in `Content-Encoding: gzip`.
    pub jwt_gzip: Representation,
    /// For those who ask.
    pub cwt: Representation,
    version: u64,
    /// The key that signed it.
    kid: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// One form of a token.
#[derive(Clone, Debug)]
pub struct Representation {
    /// The body of the answer.
    pub body: Bytes,
    /// Its name, in quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

impl Representation {
    pub(super) fn of(body: Vec<u8>) -> Self {
        let digest = sha256(&body);
        let name = digest.get(..ETAG_BYTES).unwrap_or_default();
        Self { etag: format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(name)), body: body.into() }
    }
}

impl List {
    pub(super) fn new(uri: String, stored: &StoredList) -> Self {
        let state = State { entries: StatusList::new(stored.bits, stored.size), version: 0 };
        Self {
            uri,
            state: Mutex::new(state),
            published: RwLock::default(),
            signing: tokio::sync::Mutex::default(),
            credentials: tokio::sync::Mutex::default(),
        }
    }

    /// Whether its entries have room for this status.
    pub(super) fn holds(&self, status: Status) -> bool {
        self.state().entries.bits().hold(status)
    }

    /// How many entries it has.
    pub(super) fn size(&self) -> u64 {
        self.state().entries.entries()
    }

    /// Takes over what the store says.
    pub(super) fn set(&self, idx: u64, status: Status) {
        let mut state = self.state();
        if state.entries.status(idx) == Some(status) {
            return; // changes are read more than once
        }
        if state.entries.set(idx, status) {
            state.version += 1;
        } else {
            tracing::error!(list = self.uri, idx, %status, "a status has no room in its list");
        }
    }

    /// What to serve; `None` when there is nothing that is still good.
    pub(super) fn published(&self, now: Timestamp) -> Option<Arc<Published>> {
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        published.filter(|published| now < published.expires_at)
    }

    /// Whether what is served is no longer right.
    pub(super) fn has_changed(&self, now: Timestamp) -> bool {
        let version = self.version();
        self.published(now).is_none_or(|published| published.version != version)
    }

    /// The number of changes that led to its entries.
    pub(super) fn version(&self) -> u64 {
        self.state().version
    }

    /// Whether what is served is right, and half its time is over, or another key signs by now
    /// (catalogue J09).
    pub(super) fn is_old(&self, issuer: &Issuer, now: Timestamp) -> bool {
        self.published(now).is_none_or(|published| {
            let lifetime = published.expires_at.0.saturating_sub(published.issued_at.0);
            now >= published.issued_at.plus(lifetime / 2)
                || published.kid != issuer.keys().signing.kid
        })
    }

    /// Packs and signs, unless somebody else has just done so.
    pub(super) async fn publish(&self, issuer: &Issuer) -> Result<(), Broken> {
        let _alone = self.signing.lock().await;
        let now = issuer.clock.now();
        if !self.has_changed(now) && !self.is_old(issuer, now) {
            return Ok(());
        }
        let (entries, version) = self.snapshot();
        let packed = tokio::task::spawn_blocking(move || entries.compress());
        let list = packed.await.map_err(fault)?.map_err(fault)?;
        let published = self.sign(issuer, &list, (version, now)).await?;
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(published));
        Ok(())
    }

    async fn sign(
        &self,
        issuer: &Issuer,
        list: &CompressedList,
        (version, now): (u64, Timestamp),
    ) -> Result<Published, Broken> {
        let keys = issuer.keys();
        let key = &keys.signing;
        // A clock that was set back must not make the list look older (catalogue J08).
        let before = self.published(Timestamp(0)).map_or(now, |published| published.issued_at);
        let issued_at = now.max(before);
        let claims = StatusListClaims {
            uri: &self.uri,
            issued_at,
            expires_at: issued_at.plus(issuer.config.status.expires_in),
            ttl_seconds: issuer.config.status.ttl,
            list,
        };
        let its_key = StatusListKey { x5c: &key.x5c, kid: &key.kid };
        let issue = |format| token::issue(format, claims, its_key, &*key.signer);
        let jwt = issue(TokenFormat::Jwt).await.map_err(fault)?;
        let cwt = issue(TokenFormat::Cwt).await.map_err(fault)?;
        Ok(Published {
            jwt_gzip: Representation::of(gzip(&jwt).map_err(fault)?),
            jwt: Representation::of(jwt),
            cwt: Representation::of(cwt),
            version,
            kid: key.kid.clone(),
            issued_at,
            expires_at: claims.expires_at,
        })
    }

    /// The entries, and the number of changes that led to them.
    pub(super) fn snapshot(&self) -> (StatusList, u64) {
        let state = self.state();
        (state.entries.clone(), state.version)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
    encoder.write_all(bytes)?;
    encoder.finish()
}

pub(super) fn fault(error: impl std::fmt::Display) -> Broken {
    Broken::fault(format!("a status list was not signed: {error}"))
}

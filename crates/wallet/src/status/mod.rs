//! What became of a credential since it was issued: the status list of its issuer (TSL §8.3,
//! Bitstring Status List §3.2).
//!
//! The list is fetched whole: its host learns that somebody asks, from where and when, and not about
//! which of its many entries. So nothing is asked unless the holder wants it, and not again while
//! what is known is fresh (TSL §11.5).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use formats::status_list::token::{TOKEN_BYTES_MAX, TokenFormat};
use formats::status_list::{Status, StatusListError};
use formats::{KeyReference, Unverified};
use keys::outside::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::WalletError;
use crate::flow::host;
use crate::flow::offer::Consent;
use crate::http::Request;
use crate::reader::Reader;

mod entry;
mod list;
mod refresh;
mod signer;
mod standing;

pub(crate) use entry::{Entry, entries, entries_in, together};
use list::VerifiedList;
pub use refresh::Refreshed;
pub use standing::{Standing, word};

/// Both forms; the JWT is what most servers have (TSL §8.1).
const ACCEPT: &str = "application/statuslist+jwt, application/statuslist+cwt;q=0.9";
/// W3C credentials in the forms that we read; some servers know no names for them.
const ACCEPT_BITSTRING: &str = "application/vc+jwt, application/vc, application/jwt;q=0.9, \
    application/json;q=0.8, */*;q=0.1";

/// What a list said of a credential when it was last asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct KnownStatus {
    value: u8,
    /// When the list was signed; of several, the oldest.
    pub listed_at: Timestamp,
    /// When the list was asked for.
    pub checked_at: Timestamp,
    /// Until when there is no need to ask again.
    pub fresh_until: Timestamp,
    /// When each list was signed, by its address: none of those that do not say so. `None` where it
    /// was noted before lists were told apart.
    #[serde(default)]
    signed_at: Option<BTreeMap<String, Timestamp>>,
}

impl KnownStatus {
    /// What the list said (TSL §7.1).
    #[must_use]
    pub const fn status(&self) -> Status {
        Status::of(self.value)
    }

    /// Of two programs that asked, each may be the last to write: what is revoked stays so, and what
    /// an older list said tells nothing.
    pub(crate) fn after(self, known: Option<Self>) -> Self {
        let stays = |known: &Self| known.status() == Status::Invalid || known.is_newer_than(&self);
        known.filter(stays).unwrap_or(self)
    }

    /// By the lists that both have heard; where there are none, by all together.
    fn is_newer_than(&self, other: &Self) -> bool {
        let (own, theirs) = (self.signed_at.iter().flatten(), other.signed_at.as_ref());
        let theirs = |uri| theirs.and_then(|theirs| theirs.get(uri));
        let mut shared = own.filter_map(|(uri, own)| Some((own, theirs(uri)?))).peekable();
        if shared.peek().is_none() {
            return self.listed_at > other.listed_at;
        }
        shared.any(|(own, theirs)| own > theirs)
    }

    /// When the newest was signed of those that were seen at an address.
    fn signed_at(&self, uri: &str) -> Option<Timestamp> {
        match &self.signed_at {
            Some(signed_at) => signed_at.get(uri).copied(),
            None => Some(self.listed_at),
        }
    }

    /// Whether asking again can bring nothing new: not yet, or never, as what is revoked stays so.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        self.status() == Status::Invalid || now < self.fresh_until
    }
}

/// A list as it was fetched; whose it is depends on the credential that refers to it.
#[derive(Clone, Debug)]
pub(crate) struct FetchedList {
    pub(crate) format: TokenFormat,
    pub(crate) token: Vec<u8>,
    pub(crate) fetched_at: Timestamp,
}

/// Lists of one run, by address: whoever holds several credentials asks once.
#[derive(Debug, Default)]
pub struct Lists {
    fetched: HashMap<String, Result<Arc<FetchedList>, StatusFault>>,
    last: Vec<JudgedList>,
}

/// A list that was looked at lately: the copies of a credential mostly share it, and its signer.
#[derive(Debug)]
struct JudgedList {
    /// Of the copy for which it was looked at.
    entry: Entry,
    signer: KeyReference,
    issuer: String,
    list: Result<VerifiedList, StatusFault>,
}

/// A credential, and who is to have signed its list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed<'c> {
    pub(crate) entry: &'c Entry,
    /// Of the key that signed the credential.
    pub(crate) signer: &'c KeyReference,
    /// Credential Issuer Identifier.
    pub(crate) issuer: &'c str,
}

impl Reader<'_> {
    /// What the list says of a credential now (TSL §8.3).
    pub(crate) async fn status(
        &self,
        listed: Listed<'_>,
        list: &FetchedList,
        known: Option<&KnownStatus>,
    ) -> Result<KnownStatus, StatusFault> {
        let verified = self.verified_list(listed, list).await?;
        verified.told(listed.entry, list.fetched_at, known)
    }

    /// Where a list is, if that is among the hosts that were agreed to.
    pub(crate) fn list_address(&self, uri: &str, consent: &Consent) -> Result<Url, StatusFault> {
        let url = Url::parse(uri).map_err(|_| StatusFault::BadAddress)?;
        self.permit(&url)?;
        consent.covers(&host(&url))?;
        Ok(url)
    }

    /// Asks for a list, in any form that we read (TSL §8.1).
    pub(crate) async fn fetch_list(
        &self,
        url: Url,
        entry: &Entry,
    ) -> Result<FetchedList, StatusFault> {
        let fetched_at = self.clock.now();
        let accept = match entry {
            Entry::Token(_) => ACCEPT,
            Entry::Bitstring(_) => ACCEPT_BITSTRING,
        };
        let request = Request::get(url).header("accept", accept).at_most(TOKEN_BYTES_MAX);
        let answer = self.send(request).await?;
        if answer.status != 200 {
            return Err(StatusFault::Answer(answer.status));
        }
        let is_cwt = answer.is(TokenFormat::Cwt.media_type());
        let format = if is_cwt { TokenFormat::Cwt } else { form(&answer.body) };
        Ok(FetchedList { format, token: answer.body, fetched_at })
    }
}

/// Which form a list has; some lie where nobody names media types.
pub(crate) fn form(token: &[u8]) -> TokenFormat {
    // How the JSON of a header begins in base64url.
    if token.starts_with(b"ey") { TokenFormat::Jwt } else { TokenFormat::Cwt }
}

/// A credential as it is stored.
pub(crate) fn stored(format: &str, raw: &str) -> Option<Unverified> {
    formats::parse_raw(format, raw).ok()
}

/// Why nothing can be said of a status; that is never "valid".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusFault {
    /// The credential has a status of a kind that is not known here (TSL §6.1).
    OtherMechanism,
    /// This version cannot read the credential, which another has stored.
    Unreadable,
    /// The credential does not say where the list is.
    BadAddress,
    /// The list could not be asked for.
    NotAsked(WalletError),
    /// The host had no list.
    Answer(u16),
    /// The list itself is wrong, is too long, or is another one.
    List(StatusListError),
    /// Nothing ties the key that signed the list to the credential's issuer.
    OtherSigner,
    /// The list is too short for the credential (catalogue J07).
    NoEntry,
    /// The list is older than one that was seen before (catalogue J08).
    Older,
}

impl From<WalletError> for StatusFault {
    fn from(error: WalletError) -> Self {
        Self::NotAsked(error)
    }
}

impl StatusFault {
    /// Whether it may be otherwise later, as nobody said anything wrong.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        match self {
            Self::NotAsked(_) | Self::Answer(_) => true,
            Self::OtherMechanism
            | Self::Unreadable
            | Self::BadAddress
            | Self::List(_)
            | Self::OtherSigner
            | Self::NoEntry
            | Self::Older => false,
        }
    }
}

impl fmt::Display for StatusFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherMechanism => "its status is of a kind that is not known here",
            Self::Unreadable => "it is stored in a form that cannot be read here",
            Self::BadAddress => "it does not say where its status list is",
            Self::NotAsked(error) => return error.fmt(f),
            Self::Answer(status) => {
                return write!(f, "the status list was answered with HTTP status {status}");
            }
            Self::List(error) => return error.fmt(f),
            Self::OtherSigner => "the status list is signed by somebody else than the issuer",
            Self::NoEntry => "the status list is too short for it",
            Self::Older => "the status list is older than one that was seen before",
        })
    }
}

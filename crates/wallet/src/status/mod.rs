//! What became of a credential since it was issued: the Token Status List of its issuer (TSL §8.3).
//!
//! The list is fetched whole: its host learns that somebody asks, from where and when, and not about
//! which of its many entries. So nothing is asked unless the holder wants it, and not again while
//! what is known is fresh (TSL §11.5).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use formats::status_list::token::{self, TOKEN_BYTES_MAX, TokenFormat, VerifiedStatusList};
use formats::status_list::{CredentialStatus, Status, StatusListError, StatusReference};
use formats::{FormatError, KeyReference, Unverified};
use keys::outside::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::error::WalletError;
use crate::flow::host;
use crate::flow::offer::Consent;
use crate::http::Request;
use crate::reader::Reader;

mod refresh;
mod signer;
mod standing;

pub use refresh::Refreshed;
pub use standing::{Standing, word};

/// Both forms; the JWT is what most servers have (TSL §8.1).
const ACCEPT: &str = "application/statuslist+jwt, application/statuslist+cwt;q=0.9";

/// What a list said of a credential when it was last asked.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct KnownStatus {
    value: u8,
    /// When the list was signed.
    pub listed_at: Timestamp,
    /// When the list was asked for.
    pub checked_at: Timestamp,
    /// Until when there is no need to ask again.
    pub fresh_until: Timestamp,
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
        let stays =
            |known: &Self| known.status() == Status::Invalid || known.listed_at > self.listed_at;
        known.filter(stays).unwrap_or(self)
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
    last: Option<JudgedList>,
}

/// The list that was looked at last: the copies of a credential mostly share one, and its signer.
#[derive(Debug)]
struct JudgedList {
    uri: String,
    signer: KeyReference,
    issuer: String,
    list: Result<VerifiedStatusList, StatusFault>,
}

/// A credential, and who is to have signed its list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed<'c> {
    pub(crate) reference: &'c StatusReference,
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
        told(&verified, listed.reference, list.fetched_at, known)
    }

    async fn verified_list(
        &self,
        listed: Listed<'_>,
        list: &FetchedList,
    ) -> Result<VerifiedStatusList, StatusFault> {
        let unverified = token::parse(list.format, &list.token).map_err(StatusFault::List)?;
        let key = self.list_key(&unverified.key_reference(), listed).await?;
        unverified.verify(&key, &listed.reference.uri, self.clock.now()).map_err(StatusFault::List)
    }

    /// Where a list is, if that is among the hosts that were agreed to.
    pub(crate) fn list_address(&self, uri: &str, consent: &Consent) -> Result<Url, StatusFault> {
        let url = Url::parse(uri).map_err(|_| StatusFault::BadAddress)?;
        self.permit(&url)?;
        consent.covers(&host(&url))?;
        Ok(url)
    }

    /// Asks for a list, in either form (TSL §8.1).
    pub(crate) async fn fetch_list(&self, url: Url) -> Result<FetchedList, StatusFault> {
        let fetched_at = self.clock.now();
        let request = Request::get(url).header("accept", ACCEPT).at_most(TOKEN_BYTES_MAX);
        let answer = self.send(request).await?;
        if answer.status != 200 {
            return Err(StatusFault::Answer(answer.status));
        }
        let is_cwt = answer.is(TokenFormat::Cwt.media_type());
        let format = if is_cwt { TokenFormat::Cwt } else { form(&answer.body) };
        Ok(FetchedList { format, token: answer.body, fetched_at })
    }
}

fn told(
    list: &VerifiedStatusList,
    reference: &StatusReference,
    fetched_at: Timestamp,
    known: Option<&KnownStatus>,
) -> Result<KnownStatus, StatusFault> {
    // An older one than was seen before is a replay (catalogue J08).
    if known.is_some_and(|known| list.issued_at() < known.listed_at) {
        return Err(StatusFault::Older);
    }
    let status = list.status(reference).ok_or(StatusFault::NoEntry)?;
    Ok(KnownStatus {
        value: status.value(),
        listed_at: list.issued_at(),
        checked_at: fetched_at,
        fresh_until: list.fresh_until(fetched_at),
    })
}

/// Which form a list has; some lie where nobody names media types.
pub(crate) fn form(token: &[u8]) -> TokenFormat {
    // How the JSON of a header begins in base64url.
    if token.starts_with(b"ey") { TokenFormat::Jwt } else { TokenFormat::Cwt }
}

/// What a credential says of where its status is; `None` where it says nothing.
pub(crate) fn reference(credential: &Unverified) -> Result<Option<StatusReference>, StatusFault> {
    referred(credential.status())
}

/// The same of the claims of any JWT.
pub(crate) fn reference_in(
    claims: &Map<String, Value>,
) -> Result<Option<StatusReference>, StatusFault> {
    referred(CredentialStatus::from_claims(claims))
}

fn referred(
    status: Result<Option<CredentialStatus>, FormatError>,
) -> Result<Option<StatusReference>, StatusFault> {
    match status {
        Ok(None) => Ok(None),
        Ok(Some(CredentialStatus::StatusList(reference))) => Ok(Some(reference)),
        Ok(Some(CredentialStatus::Other)) | Err(_) => Err(StatusFault::OtherMechanism),
    }
}

/// The same for what is stored.
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

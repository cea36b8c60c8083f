//! Status lists of attesters: whether an attestation was withdrawn (TSL §8.3).
//!
//! Asked for only where somebody trusted has signed the address. Each node keeps what it read as long
//! as the list says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use formats::status_list::token::{TOKEN_BYTES_MAX, TokenFormat, VerifiedStatusList, parse};
use formats::status_list::{Status, StatusReference};
use keys::jws::Jws;
use keys::outside::{Clock, Timestamp};
use oid4vci::attestation::Attesters;
use oid4vci::attestation::status::{KnownEntries, ListEntry};
use tokio::sync::Mutex;
use url::{Host, Url};

use crate::Issuer;
use crate::config::ConfigError;
use crate::failure::Broken;
use crate::outgoing::{Outgoing, OutgoingError};
use crate::provider::outgoing;

/// Most lists that are kept; attesters have few.
const LISTS_MAX: usize = 64;
/// For so long a list that could not be had is not asked for again.
const RETRY_SECONDS: u64 = 2;

/// What is known of one list: itself and until when it is fresh, or when asking failed.
#[derive(Debug)]
enum Read {
    Not,
    List(VerifiedStatusList, Timestamp),
    Failed(Timestamp),
}

/// The lists, by address. Each is asked for by one request at a time.
#[derive(Debug)]
pub struct AttestationLists {
    outgoing: Outgoing,
    lists: Lock<HashMap<String, Arc<Mutex<Read>>>>,
}

/// What lists say of entries that attestations name; a list that cannot be had is no reason to refuse,
/// and none to trust: the request may come again.
pub(crate) async fn known_entries(
    entries: Vec<ListEntry>,
    attesters: &Attesters,
    issuer: &Issuer,
) -> Result<KnownEntries, Broken> {
    let mut known = KnownEntries::default();
    for entry in entries {
        let is_valid = match &issuer.attestation_lists {
            Some(lists) => lists.is_valid(&entry, attesters, &*issuer.clock).await,
            None => Err("nobody is asked".to_owned()),
        };
        let unknown = |problem| format!("the status of an attestation is unknown: {problem}");
        known.add(entry, is_valid.map_err(|problem| Broken::passing(unknown(problem)))?);
    }
    Ok(known)
}

impl AttestationLists {
    /// `authorities` is a file with those that certify the lists' servers, beside what the machine
    /// trusts.
    pub fn open(authorities: Option<&Path>) -> Result<Self, ConfigError> {
        Ok(Self { outgoing: outgoing(authorities)?, lists: Lock::default() })
    }

    async fn is_valid(
        &self,
        entry: &ListEntry,
        attesters: &Attesters,
        clock: &dyn Clock,
    ) -> Result<bool, String> {
        let list = self.list(&entry.uri);
        let mut read = list.lock().await;
        let now = clock.now();
        let is_fresh = match &*read {
            Read::List(_, until) => now < *until,
            Read::Failed(at) if now < at.plus(RETRY_SECONDS) => {
                return Err("the list could not be had a moment ago".to_owned());
            }
            Read::Not | Read::Failed(_) => false,
        };
        if !is_fresh {
            *read = match self.fetch(&entry.uri, attesters, now).await {
                Ok(list) => {
                    let until = list.fresh_until(now);
                    Read::List(list, until)
                }
                Err(problem) => {
                    *read = Read::Failed(now);
                    return Err(problem);
                }
            };
        }
        let Read::List(list, _) = &*read else { return Err("there is no list".to_owned()) };
        let reference = StatusReference { uri: entry.uri.clone(), idx: entry.idx };
        // What a list does not have is nothing that it vouches for.
        Ok(list.status(&reference).is_some_and(|status| status == Status::Valid))
    }

    fn list(&self, uri: &str) -> Arc<Mutex<Read>> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= LISTS_MAX && !lists.contains_key(uri) {
            lists.retain(|_, list| Arc::strong_count(list) > 1);
        }
        Arc::clone(lists.entry(uri.to_owned()).or_insert_with(|| Arc::new(Mutex::new(Read::Not))))
    }

    /// A list must be signed by whoever may attest.
    async fn fetch(
        &self,
        uri: &str,
        attesters: &Attesters,
        now: Timestamp,
    ) -> Result<VerifiedStatusList, String> {
        let url = Url::parse(uri).ok().filter(is_for_us).ok_or("the list has no https address")?;
        let format = TokenFormat::Jwt;
        let bytes = self.outgoing.bytes(&url, format.media_type(), TOKEN_BYTES_MAX).await;
        let bytes = bytes.map_err(|error: OutgoingError| error.to_string())?;
        let text = str::from_utf8(&bytes).map_err(|_| "the list is no JWT")?.trim();
        let jws = Jws::parse(text, TOKEN_BYTES_MAX).map_err(|error| error.to_string())?;
        let key = attesters.signer(&jws, now).ok_or("nobody who may attest has signed the list")?;
        let list = parse(format, text.as_bytes()).map_err(|error| error.to_string())?;
        list.verify(&key, uri, now).map_err(|error| error.to_string())
    }
}

/// `https`, but for this machine.
fn is_for_us(url: &Url) -> bool {
    let is_local = |address: std::net::IpAddr| address.is_loopback();
    match url.host() {
        Some(Host::Ipv4(address)) if is_local(address.into()) => true,
        Some(Host::Ipv6(address)) if is_local(address.into()) => true,
        Some(_) => url.scheme() == "https",
        None => false,
    }
}

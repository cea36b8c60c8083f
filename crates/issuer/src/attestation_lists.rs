//! Status lists of attesters: whether an attestation was withdrawn (TSL §8.3).
//!
//! Asked for only where somebody trusted has signed the address. Each node keeps what it read as long
//! as the list says.

use std::path::Path;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use formats::status_list::token::{TokenFormat, VerifiedStatusList, parse};
use formats::status_list::{Status, StatusReference};
use keys::jws::Jws;
use keys::outside::{Clock, Timestamp};
use oid4vci::attestation::Attesters;
use oid4vci::attestation::status::KnownEntries;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;
use url::{Host, Url};

use crate::Issuer;
use crate::config::ConfigError;
use crate::failure::Broken;
use crate::outgoing::{Outgoing, OutgoingError};
use crate::provider::outgoing;

/// Most lists that are kept; attesters have few.
const LISTS_MAX: usize = 16;
/// Longest list that is read.
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// For so long a list that could not be had is not asked for again.
const RETRY_SECONDS: u64 = 2;
/// For so long a list without an end of its own stands in for a newer one that cannot be had.
const STALE_SECONDS: u64 = 24 * 3600;
/// For so long a request waits for another one that asks.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of one list.
#[derive(Debug, Default)]
struct Known {
    /// The last good one, until when it is fresh, and until when it may be used at all.
    list: Option<(VerifiedStatusList, Timestamp, Timestamp)>,
    /// When asking for a newer one failed.
    failed_at: Option<Timestamp>,
}

impl Known {
    fn needs_asking(&self, now: Timestamp) -> bool {
        let is_fresh = self.list.as_ref().is_some_and(|(_, fresh_until, _)| now < *fresh_until);
        let has_failed = self.failed_at.is_some_and(|at| now < at.plus(RETRY_SECONDS));
        !is_fresh && !has_failed
    }

    fn usable(&self, now: Timestamp) -> Option<&VerifiedStatusList> {
        let (list, _, end) = self.list.as_ref()?;
        (now < *end).then_some(list)
    }
}

/// The lists, by address and by whose word they were taken on: who may attest wallets need not be who
/// may attest keys. Each is asked for by one request at a time.
#[derive(Debug)]
pub struct AttestationLists {
    source: Source,
    lists: Lock<Vec<List>>,
}

/// One list, for those who trust these attesters.
#[derive(Debug)]
struct List {
    uri: String,
    attesters: Attesters,
    known: Arc<Mutex<Known>>,
}

/// How lists are fetched.
#[derive(Clone, Debug)]
struct Source {
    outgoing: Outgoing,
    /// Whether they may be on this machine, as the issuer is.
    is_local: bool,
}

/// What lists say of entries that attestations name; a list that cannot be had is no reason to refuse,
/// and none to trust: the request may come again.
pub(crate) async fn known_entries(
    entries: Vec<StatusReference>,
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
    /// trusts; lists on this machine are for an issuer that is there itself.
    pub fn open(authorities: Option<&Path>, is_local: bool) -> Result<Self, ConfigError> {
        let source = Source { outgoing: outgoing(authorities)?, is_local };
        Ok(Self { source, lists: Lock::default() })
    }

    async fn is_valid(
        &self,
        entry: &StatusReference,
        attesters: &Attesters,
        clock: &dyn Clock,
    ) -> Result<bool, String> {
        let known = timeout(PATIENCE, self.list(&entry.uri, attesters).lock_owned()).await;
        let mut known = known.map_err(|_| "its list is being asked for")?;
        let now = clock.now();
        if known.needs_asking(now) {
            let (source, uri) = (self.source.clone(), entry.uri.clone());
            // Whoever asked may be gone before there is an answer, which is noted all the same.
            let asking = tokio::spawn(source.renew(known, uri, (attesters.clone(), now)));
            known = asking.await.map_err(|error| error.to_string())?;
        }
        let list = known.usable(clock.now()).ok_or("its list cannot be had")?;
        // What a list does not have is nothing that it vouches for.
        Ok(list.status(entry).is_some_and(|status| status == Status::Valid))
    }

    fn list(&self, uri: &str, attesters: &Attesters) -> Arc<Mutex<Known>> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |list: &&List| list.uri == uri && list.attesters == *attesters;
        if let Some(list) = lists.iter().find(is_wanted) {
            return Arc::clone(&list.known);
        }
        if lists.len() >= LISTS_MAX {
            lists.retain(|list| Arc::strong_count(&list.known) > 1);
        }
        let known = Arc::default();
        let list =
            List { uri: uri.to_owned(), attesters: attesters.clone(), known: Arc::clone(&known) };
        lists.push(list);
        known
    }
}

impl Source {
    /// Asks, and notes what came; the hand that holds what is known is given back.
    async fn renew(
        self,
        mut known: OwnedMutexGuard<Known>,
        uri: String,
        (attesters, now): (Attesters, Timestamp),
    ) -> OwnedMutexGuard<Known> {
        let begun = Instant::now();
        match self.fetch(&uri, &attesters, now).await {
            Ok(list) => {
                let end = list.expires_at().unwrap_or_else(|| now.plus(STALE_SECONDS));
                let fresh_until = list.fresh_until(now);
                *known = Known { list: Some((list, fresh_until, end)), failed_at: None };
            }
            Err(problem) => {
                tracing::warn!(problem, "a status list of attestations cannot be had");
                known.failed_at = Some(now.plus(begun.elapsed().as_secs()));
            }
        }
        known
    }

    /// A list must be signed by whoever may attest.
    async fn fetch(
        &self,
        uri: &str,
        attesters: &Attesters,
        now: Timestamp,
    ) -> Result<VerifiedStatusList, String> {
        let url = Url::parse(uri).ok().filter(|url| self.is_for_us(url));
        let url = url.ok_or("the list has no https address")?;
        let format = TokenFormat::Jwt;
        let bytes = self.outgoing.bytes(&url, format.media_type(), LIST_BYTES_MAX).await;
        let bytes = bytes.map_err(|error: OutgoingError| error.to_string())?;
        let text = str::from_utf8(&bytes).map_err(|_| "the list is no JWT")?.trim();
        let jws = Jws::parse(text, LIST_BYTES_MAX).map_err(|error| error.to_string())?;
        let key = attesters.signer(&jws, now).ok_or("nobody who may attest has signed the list")?;
        let list = parse(format, text.as_bytes()).map_err(|error| error.to_string())?;
        list.verify(&key, uri, now).map_err(|error| error.to_string())
    }

    /// `https`, but for this machine where the issuer is on it.
    fn is_for_us(&self, url: &Url) -> bool {
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return false,
        };
        if is_loopback { self.is_local } else { url.scheme() == "https" }
    }
}

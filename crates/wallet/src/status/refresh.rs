//! `wallet refresh`: the holder asks how what the wallet holds stands.

use std::sync::Arc;

use oid4vci::metadata::parse_identifier;

use super::{Entry, FetchedList, JudgedList, KnownStatus, Listed, Lists, StatusFault};
use super::{entries, stored, together};
use crate::Wallet;
use crate::error::WalletError;
use crate::flow::host;
use crate::flow::offer::Consent;
use crate::reader::Reader;
use crate::store::StoredCredential;

/// Most lists that are kept at once: each may have some megabytes.
const LISTS_MAX: usize = 32;
/// Most lists that are kept unpacked: one for each purpose of a W3C credential.
const LAST_MAX: usize = 3;

/// What came of asking for one credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Of how many copies something new is known.
    pub learnt: usize,
    /// Why of others nothing is.
    pub faults: Vec<StatusFault>,
}

impl Wallet {
    /// Asks for the status of a credential and its copies, where what is known is no longer fresh,
    /// and keeps what was learnt. The issuer's host is agreed to since the credential was fetched;
    /// `others` are hosts to which the holder says yes now.
    pub async fn refresh_status(
        &self,
        credential: &StoredCredential,
        others: &[String],
        lists: &mut Lists,
    ) -> Result<Refreshed, WalletError> {
        let consent =
            others.iter().fold(issuer_host(credential), |consent, host| consent.and(host));
        let mut refreshed = Refreshed::default();
        let mut learnt = Vec::new();
        for (raw, known) in credential.statuses() {
            if known.is_some_and(|known| known.is_settled(self.clock.now())) {
                continue;
            }
            let Some(parsed) = stored(&credential.format, raw) else {
                refreshed.note(StatusFault::Unreadable);
                continue;
            };
            let entries = match entries(&parsed) {
                Ok(entries) => entries,
                Err(fault) => {
                    refreshed.note(fault);
                    continue;
                }
            };
            let signer = parsed.key_reference();
            let issuer = &credential.credential_issuer;
            let mut heard = Vec::new();
            for entry in &entries {
                let listed = Listed { entry, signer: &signer, issuer };
                let known = (&consent, known);
                heard.push(lists.status(&self.reader(), listed, known).await);
            }
            match together(heard) {
                Some(Ok(status)) => learnt.push((raw.to_owned(), status)),
                Some(Err(fault)) => refreshed.note(fault),
                None => {}
            }
        }
        if !learnt.is_empty() {
            refreshed.learnt = learnt.len();
            self.store.record_statuses(&credential.id, learnt).await?;
        }
        Ok(refreshed)
    }
}

impl Refreshed {
    /// Copies mostly fail alike.
    fn note(&mut self, fault: StatusFault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

impl Lists {
    /// What a list says of a credential; the list and its signer are looked at once for all copies.
    async fn status(
        &mut self,
        reader: &Reader<'_>,
        listed: Listed<'_>,
        (consent, known): (&Consent, Option<&KnownStatus>),
    ) -> Result<KnownStatus, StatusFault> {
        let fetched = self.get(reader, listed.entry, consent).await?;
        let judged = match self.last.iter().position(|last| last.is_for(listed)) {
            Some(place) => self.last.remove(place),
            None => JudgedList {
                entry: listed.entry.clone(),
                signer: listed.signer.clone(),
                issuer: listed.issuer.to_owned(),
                list: reader.verified_list(listed, &fetched).await,
            },
        };
        if self.last.len() == LAST_MAX {
            self.last.pop();
        }
        self.last.insert(0, judged);
        let list = self.last.first().ok_or(StatusFault::NoEntry)?;
        list.list.as_ref().map_err(Clone::clone)?.told(listed.entry, fetched.fetched_at, known)
    }

    /// Asks each address once, whatever comes of it, unless there are very many, and none that this
    /// holder's yes does not cover.
    async fn get(
        &mut self,
        reader: &Reader<'_>,
        entry: &Entry,
        consent: &Consent,
    ) -> Result<Arc<FetchedList>, StatusFault> {
        let uri = entry.uri();
        let url = reader.list_address(uri, consent)?;
        if let Some(fetched) = self.fetched.get(uri) {
            return fetched.clone();
        }
        let fetched = reader.fetch_list(url, entry).await.map(Arc::new);
        if self.fetched.len() == LISTS_MAX {
            self.fetched.clear();
        }
        self.fetched.insert(uri.to_owned(), fetched.clone());
        fetched
    }
}

impl JudgedList {
    fn is_for(&self, listed: Listed<'_>) -> bool {
        self.entry.is_of_list_of(listed.entry)
            && self.signer == *listed.signer
            && self.issuer == listed.issuer
    }
}

fn issuer_host(credential: &StoredCredential) -> Consent {
    let issuer = parse_identifier(&credential.credential_issuer);
    Consent::to(&issuer.map(|url| host(&url)).unwrap_or_default())
}

//! `wallet refresh`: the holder asks how what the wallet holds stands.

use std::sync::Arc;

use oid4vci::metadata::parse_identifier;

use super::{
    Entry, FetchedList, KnownStatus, Listed, Lists, StatusFault, entries, stored, together,
};
use crate::Wallet;
use crate::error::WalletError;
use crate::flow::host;
use crate::flow::offer::Consent;
use crate::reader::Reader;
use crate::store::StoredCredential;

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
            let Some(parsed) = stored(&credential.format, raw) else { continue };
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
                heard.push(self.ask(listed, known.as_ref(), (&consent, lists)).await);
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

    async fn ask(
        &self,
        listed: Listed<'_>,
        known: Option<&KnownStatus>,
        (consent, lists): (&Consent, &mut Lists),
    ) -> Result<KnownStatus, StatusFault> {
        let reader = self.reader();
        let list = lists.get(&reader, listed.entry, consent).await?;
        reader.status(listed, &list, known).await
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
    /// Asks each address once, whatever comes of it, and none that this holder's yes does not cover.
    async fn get(
        &mut self,
        reader: &Reader<'_>,
        entry: &Entry,
        consent: &Consent,
    ) -> Result<Arc<FetchedList>, StatusFault> {
        let uri = entry.uri();
        let url = reader.list_address(uri, consent)?;
        if let Some(fetched) = self.0.get(uri) {
            return fetched.clone();
        }
        let fetched = reader.fetch_list(url, entry).await.map(Arc::new);
        self.0.insert(uri.to_owned(), fetched.clone());
        fetched
    }
}

fn issuer_host(credential: &StoredCredential) -> Consent {
    let issuer = parse_identifier(&credential.credential_issuer);
    Consent::to(&issuer.map(|url| host(&url)).unwrap_or_default())
}

//! `wallet refresh`: the holder asks how what the wallet holds stands.

use std::sync::Arc;

use oid4vci::metadata::parse_identifier;

use super::{FetchedList, Listed, Lists, StatusFault, reference, stored};
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
            let reference = match reference(&parsed) {
                Ok(Some(reference)) => reference,
                Ok(None) => continue,
                Err(fault) => {
                    refreshed.note(fault);
                    continue;
                }
            };
            let signer = parsed.key_reference();
            let issuer = &credential.credential_issuer;
            let listed = Listed { reference: &reference, signer: &signer, issuer };
            let reader = self.reader();
            let list = lists.get(&reader, &reference.uri, &consent).await;
            let status = match list {
                Ok(list) => reader.status(listed, &list, known.as_ref()).await,
                Err(fault) => Err(fault),
            };
            match status {
                Ok(status) => learnt.push((raw.to_owned(), status)),
                Err(fault) => refreshed.note(fault),
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
    /// Asks each address once, whatever comes of it, and none that this holder's yes does not cover.
    async fn get(
        &mut self,
        reader: &Reader<'_>,
        uri: &str,
        consent: &Consent,
    ) -> Result<Arc<FetchedList>, StatusFault> {
        let url = reader.list_address(uri, consent)?;
        if let Some(fetched) = self.0.get(uri) {
            return fetched.clone();
        }
        let fetched = reader.fetch_list(url).await.map(Arc::new);
        self.0.insert(uri.to_owned(), fetched.clone());
        fetched
    }
}

fn issuer_host(credential: &StoredCredential) -> Consent {
    let issuer = parse_identifier(&credential.credential_issuer);
    Consent::to(&issuer.map(|url| host(&url)).unwrap_or_default())
}

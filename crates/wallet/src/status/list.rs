//! A list of either kind, once it is known whose it is, and what it says of a credential.

use formats::status_list::bitstring::{UnverifiedBitstringList, VerifiedBitstringList};
use formats::status_list::token::{self, VerifiedStatusList};
use keys::outside::Timestamp;

use super::{Entry, FetchedList, KnownStatus, Listed, StatusFault};
use crate::reader::Reader;

/// A list whose signature is right.
#[derive(Debug)]
pub(super) enum VerifiedList {
    Token(VerifiedStatusList),
    /// A credential, trusted as the one that refers to it.
    Bitstring(VerifiedBitstringList),
}

impl Reader<'_> {
    pub(super) async fn verified_list(
        &self,
        listed: Listed<'_>,
        list: &FetchedList,
    ) -> Result<VerifiedList, StatusFault> {
        let now = self.clock.now();
        match listed.entry {
            Entry::Token(reference) => {
                let unverified =
                    token::parse(list.format, &list.token).map_err(StatusFault::List)?;
                let key = self.list_key(&unverified.key_reference(), listed).await?;
                let verified = unverified.verify(&key, &reference.uri, now);
                verified.map(VerifiedList::Token).map_err(StatusFault::List)
            }
            Entry::Bitstring(entry) => {
                let unverified =
                    UnverifiedBitstringList::parse(&list.token).map_err(StatusFault::List)?;
                let key = self.list_key(&unverified.key_reference(), listed).await?;
                let verified = unverified.verify(&key, entry, now);
                verified.map(VerifiedList::Bitstring).map_err(StatusFault::List)
            }
        }
    }
}

impl VerifiedList {
    pub(super) fn told(
        &self,
        entry: &Entry,
        fetched_at: Timestamp,
        known: Option<&KnownStatus>,
    ) -> Result<KnownStatus, StatusFault> {
        let (status, signed_at, fresh_until) = match (self, entry) {
            (Self::Token(list), Entry::Token(reference)) => {
                (list.status(reference), Some(list.issued_at()), list.fresh_until(fetched_at))
            }
            (Self::Bitstring(list), Entry::Bitstring(entry)) => {
                (list.status(entry), list.issued_at(), list.fresh_until(fetched_at))
            }
            (Self::Token(_) | Self::Bitstring(_), _) => return Err(StatusFault::NoEntry),
        };
        // An older one than was seen before at its address is a replay (catalogue J08). Without a date
        // of its own a list cannot be told from an older one, and takes no date from those that are.
        let seen = known.and_then(|known| known.signed_at(entry.uri()));
        if signed_at.is_some_and(|signed_at| seen.is_some_and(|seen| signed_at < seen)) {
            return Err(StatusFault::Older);
        }
        let value = status.ok_or(StatusFault::NoEntry)?.value();
        let listed_at = signed_at.unwrap_or(fetched_at);
        let noted = signed_at.or(seen).map(|signed_at| (entry.uri().to_owned(), signed_at));
        let signed_at = Some(noted.into_iter().collect());
        Ok(KnownStatus { value, listed_at, checked_at: fetched_at, fresh_until, signed_at })
    }
}

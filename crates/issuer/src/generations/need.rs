//! How long a key that is no longer in use is needed for what was made with it.

use keys::outside::Timestamp;
use oid4vci::nonce;

use super::{KeyPurpose, Uses};
use crate::flow::metadata::SIGNED_SECONDS;
use crate::http::portal::KNOWN_BROWSER_SECONDS;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Clocks differ, and a request takes its time.
const SLACK_SECONDS: u64 = 5 * MINUTE;

/// The first second in which nothing needs a key any more that was retired at `retired_at`.
#[must_use]
pub fn needed_until(purpose: KeyPurpose, uses: &Uses<'_>, retired_at: Timestamp) -> Timestamp {
    retired_at.plus(needed_seconds(purpose, uses)).plus(SLACK_SECONDS)
}

fn needed_seconds(purpose: KeyPurpose, uses: &Uses<'_>) -> u64 {
    let config = uses.config;
    let offers = u64::from(config.offer.expires_in_max);
    let days = |days: u32| u64::from(days) * DAY;
    match purpose {
        // Verifiers look its public part up as long as a credential is valid, or what says so.
        KeyPurpose::Signing | KeyPurpose::Bbs => {
            let types = uses.types.values().map(|credential_type| credential_type.validity_days);
            // A credential ends with a day, not before its time.
            days(types.max().unwrap_or(0) + 1).max(config.status.expires_in).max(SIGNED_SECONDS)
        }
        // Wallets may go by signed metadata with it until those expire (catalogue H06).
        KeyPurpose::Encryption => SIGNED_SECONDS,
        // As long as its offers are in the database, their codes, transaction ids and notification
        // ids may come in.
        KeyPurpose::Offer => {
            offers + days(config.deferred.keep_days + config.retention.offers_days)
        }
        // A fresh offer of an application has the Transaction Code of the application's first day;
        // it is kept for so many days once it is decided, and waits for that no longer.
        KeyPurpose::TxCode => offers + 2 * days(config.retention.applications_days),
        KeyPurpose::Nonce => nonce::LIFETIME_SECONDS,
        // Cookies by which a browser is known again; no page with a form is open for so long.
        KeyPurpose::Form => u64::from(KNOWN_BROWSER_SECONDS),
    }
}

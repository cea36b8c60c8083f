//! The drafts of OpenID4VCI that deployed Wallets and Issuers still speak, at the edge.
//!
//! What comes in the words of a draft becomes a type of 1.0 before any rule sees it; what goes out is
//! made from a type of 1.0. Others name nothing of this but [`Dialect`]: its methods are the way in.

mod authorization;
mod claims;
mod credential;
mod dialect;
mod differences;
mod encryption;
mod error;
mod format;
mod metadata;
mod offer;
mod received;
mod shared;
mod token;

pub use credential::{Configurations, Read};
pub use dialect::Dialect;

use crate::nonce::{LIFETIME_SECONDS, NonceResponse};
use dialect::Draft;
use serde_json::{Map, Value};

impl Dialect {
    /// Whether proofs need no `typ`: the texts of 8 and 9 know none, and their Wallets send `JWT`.
    #[must_use]
    pub fn has_untyped_proofs(self) -> bool {
        self.0 <= Draft::D9
    }

    /// Whether a certificate may come with a key that a proof names otherwise: from draft 12, section
    /// 7.2.1.1, to draft 15, section 8.2.1.1, only `jwk` and `kid` exclude each other.
    #[must_use]
    pub fn has_certificates_beside_keys(self) -> bool {
        self.0 >= Draft::D12
    }

    /// Whether nonces come from an endpoint of their own (draft 15, section 7); before that they come
    /// with answers.
    #[must_use]
    pub fn has_nonce_endpoint(self) -> bool {
        self.0 >= Draft::D15
    }

    /// Whether keys can be attested (draft 15, appendix D).
    #[must_use]
    pub fn has_key_attestations(self) -> bool {
        self.0 >= Draft::D15
    }

    /// Whether an offer may stand elsewhere than in its link (draft 10, section 4.1.3).
    #[must_use]
    pub fn has_offers_by_reference(self) -> bool {
        self.0 >= Draft::D11
    }

    /// Whether the Wallet tells what became of a credential (draft 13, section 10).
    #[must_use]
    pub fn has_notifications(self) -> bool {
        self.0 >= Draft::D13
    }

    /// Whether Wallets wait for an offer that cannot be taken yet (draft 8, section 7.2, to draft 13,
    /// section 6.3).
    #[must_use]
    pub fn has_polling(self) -> bool {
        self.0 <= Draft::D13
    }

    /// Whether the answer itself says how long to wait (section 6.2 of drafts 10 and 11, section 7.2 of
    /// those before); later offers say it, and who asks too often is told to slow down.
    fn has_interval_in_answers(self) -> bool {
        self.0 <= Draft::D11
    }

    /// Whether several credentials come from an endpoint of their own (section 8 of drafts 9 to 13).
    #[must_use]
    pub fn has_batch_endpoint(self) -> bool {
        (Draft::D9..=Draft::D13).contains(&self.0)
    }

    /// Whether what waits is asked for with an `acceptance_token` alone (section 9 of drafts 8 to 11).
    #[must_use]
    pub fn has_acceptance_tokens(self) -> bool {
        self.0 <= Draft::D11
    }

    /// Whether the metadata of the Issuer stand in those of its authorization server (draft 9, section
    /// 11.2).
    #[must_use]
    pub fn has_one_metadata(self) -> bool {
        self.0 <= Draft::D9
    }

    /// What is to be said where an Issuer of a later draft has them there, too.
    #[must_use]
    pub fn finding_of_one_metadata(self) -> Option<&'static str> {
        (!self.has_one_metadata()).then_some(ONE_METADATA)
    }
}

const ONE_METADATA: &str = "the issuer's metadata stand in those of its authorization server; \
                            since draft 11, section 10.2.2, they have a place of their own";

/// `c_nonce` beside something else, until draft 14.
fn with_nonce(mut object: Map<String, Value>, nonce: &NonceResponse) -> Value {
    object.insert("c_nonce".into(), nonce.c_nonce.clone().into());
    object.insert("c_nonce_expires_in".into(), LIFETIME_SECONDS.into());
    object.into()
}

/// The members of an object of ours.
fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

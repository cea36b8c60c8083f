//! Values that must never reach a log: codes, tokens, references.
//!
//! They are neither `Serialize` nor `Display`. A message that must carry one names it: `expose`.
//!
//! Codes and tokens begin with the time-ordered id of their offer, so that the store finds them by
//! a key that grows with time; 32 bytes nobody can guess follow.
//!
//! What is derived for an offer is derived under the generation of the key that was the present one
//! when the offer's id was drawn: the same on every node, and after the key was replaced.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::{MacKey, equal, sha256};
use keys::outside::Random;
use keys::public_key::Thumbprint;
use zeroize::Zeroize;

use crate::deferred::DeferralId;
use crate::offer::OfferId;

/// What the store keeps in place of an unguessable secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretDigest(pub [u8; 32]);

/// What the store keeps in place of a Transaction Code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TxCodeDigest(pub [u8; 32]);

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(String);

        impl $name {
            /// Takes the value as it came over the wire.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The value itself, for the one message that carries it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }
    )*};
}

macro_rules! unguessable {
    ($($name:ident)*) => {$(
        impl $name {
            fn of(id: OfferId, secret: &[u8; SECRET_BYTES]) -> Self {
                Self(BASE64_URL_SAFE_NO_PAD.encode([&id.0[..], secret].concat()))
            }

            /// The only form that may be stored. Nobody can try 2^256 values, so it needs no key.
            #[must_use]
            pub fn digest(&self) -> SecretDigest {
                SecretDigest(sha256(self.0.as_bytes()))
            }

        }
    )*};
}

macro_rules! of_an_offer {
    ($($name:ident)*) => {$(
        impl $name {
            /// The offer it claims to belong to; `None` when it is none of ours.
            #[must_use]
            pub fn offer_id(&self) -> Option<OfferId> {
                split(&self.0).map(|(id, _)| id)
            }
        }
    )*};
}

macro_rules! drawn {
    ($($name:ident)*) => {$(
        impl $name {
            /// Draws one that nobody can foretell; it carries nothing but the id of its offer.
            #[must_use]
            pub fn fresh(id: OfferId, random: &dyn Random) -> Self {
                let mut secret = [0; SECRET_BYTES];
                random.fill(&mut secret);
                Self::of(id, &secret)
            }
        }
    )*};
}

macro_rules! redacted {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

secrets! {
    /// `pre-authorized_code` (VCI §4.1.1): short-lived, single use (OFFER-16).
    PreAuthorizedCode
    /// `access_token` (VCI §6.2).
    AccessToken
    /// `code` (RFC 6749 §4.1.2): lives a minute, single use.
    AuthorizationCode
    /// `refresh_token` (RFC 6749 §6): replaced by each use.
    RefreshToken
    /// `issuer_state` (VCI §5.1.3): names an offer, and opens nothing by itself.
    IssuerState
    /// Names a running authorization: the last part of a `request_uri` (RFC 9126 §2.2), and then of
    /// the address of its pages. Each step has another one.
    AuthorizationHandle
    /// `code_verifier` (RFC 7636 §4.1).
    CodeVerifier
    /// `auth_session` (First-Party Apps §5.3.1), as a Wallet keeps it.
    AuthSession
    /// `password` of an account, as a person typed it into a Wallet (First-Party Apps §5.3).
    GivenPassword
    /// `tx_code` (VCI §6.1): reaches the End-User over a second channel.
    TxCode
    /// `transaction_id` (VCI §8.3): with the token, it fetches a credential that is made later.
    TransactionId
    /// The last part of a `credential_offer_uri`: whoever has it can read the offer (OFFER-27).
    OfferReference
}
unguessable! {
    PreAuthorizedCode AccessToken OfferReference TransactionId
    AuthorizationCode RefreshToken IssuerState AuthorizationHandle
}
of_an_offer! {
    PreAuthorizedCode AccessToken OfferReference
    AuthorizationCode RefreshToken IssuerState AuthorizationHandle
}
drawn! { AccessToken AuthorizationCode RefreshToken AuthorizationHandle OfferReference }
redacted! {
    PreAuthorizedCode AccessToken TransactionId TxCode OfferReference SecretDigest TxCodeDigest
    AuthorizationCode RefreshToken IssuerState AuthorizationHandle CodeVerifier
    AuthSession GivenPassword
}

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

fn split(text: &str) -> Option<(OfferId, [u8; SECRET_BYTES])> {
    // Longer text is not ours; it is not even decoded.
    if text.len() != (ID_BYTES + SECRET_BYTES) / 3 * 4 {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (id, secret) = bytes.split_at_checked(ID_BYTES)?;
    Some((OfferId(id.try_into().ok()?), secret.try_into().ok()?))
}

fn of_its_time(key: &MacKey, id: OfferId) -> &MacKey {
    key.at(id.drawn_at())
}

impl SecretDigest {
    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl OfferReference {
    /// Makes the same reference again from what its owner alone holds, such as the secret link of
    /// an application or an `Idempotency-Key`: so it can be shown again without being stored.
    #[must_use]
    pub fn derive(id: OfferId, key: &MacKey, owner: &[u8]) -> Self {
        Self::of(id, &of_its_time(key, id).mac("offer reference", &[&id.0, owner]))
    }

    /// The Pre-Authorized Code of this offer: derived, never stored.
    ///
    /// The reference must answer with its code again and again, also after a restart and on another
    /// node; a stolen database has digests only, a stolen key lacks the reference.
    #[must_use]
    pub fn pre_authorized_code(&self, key: &MacKey) -> Option<PreAuthorizedCode> {
        let (id, secret) = split(&self.0)?;
        let mac = of_its_time(key, id).mac("pre-authorized_code", &[&id.0, &secret]);
        Some(PreAuthorizedCode::of(id, &mac))
    }

    /// The `issuer_state` of this offer, derived in the same way (VCI §4.1.1).
    #[must_use]
    pub fn issuer_state(&self, key: &MacKey) -> Option<IssuerState> {
        let (id, secret) = split(&self.0)?;
        let mac = of_its_time(key, id).mac("issuer_state", &[&id.0, &secret]);
        Some(IssuerState::of(id, &mac))
    }
}

impl TransactionId {
    /// Makes the `transaction_id` of a deferred issuance: the same each time, so that who asks again
    /// because an answer was lost is told the same; it is of use with the token only.
    #[must_use]
    pub fn derive(id: DeferralId, offer: OfferId, key: &MacKey) -> Self {
        let mac = of_its_time(key, offer).mac("transaction_id", &[&id.0.0, &offer.0]);
        Self::of(id.0, &mac)
    }

    /// One that goes with the key for the answer that was asked for at first, and with no other
    /// (catalogue H11): the store need not know the key.
    #[must_use]
    pub fn derive_under(
        response_key: &Thumbprint,
        (id, offer): (DeferralId, OfferId),
        key: &MacKey,
    ) -> Self {
        let parts = [&id.0.0[..], &offer.0, response_key.as_bytes()];
        Self::of(id.0, &of_its_time(key, offer).mac("transaction_id under a key", &parts))
    }

    /// The deferred issuance it claims to belong to; `None` when it is none of ours.
    #[must_use]
    pub fn deferral_id(&self) -> Option<DeferralId> {
        split(&self.0).map(|(id, _)| DeferralId(id))
    }
}

/// Digits of a Transaction Code: few enough to type, many enough for [`TxCode::derive`].
pub const TX_CODE_LENGTHS: std::ops::RangeInclusive<u8> = 4..=12;

impl TxCode {
    /// Makes the Transaction Code that belongs to `context`, `length` decimal digits, under the
    /// present generation of the key.
    ///
    /// Every digit is equally likely: bytes of the MAC from 250 up are thrown away, as they would
    /// favour the low digits (catalogue C07).
    #[must_use]
    pub fn derive(key: &MacKey, context: &[&[u8]], length: u8) -> Self {
        let mut digits = String::new();
        for block in 0u32.. {
            let counter = block.to_be_bytes();
            let parts = [&[&counter[..]], context].concat();
            for byte in key.mac("draw tx_code", &parts) {
                if digits.len() == usize::from(length) {
                    return Self(digits);
                }
                if byte < 250 {
                    digits.push(char::from(b'0' + byte % 10));
                }
            }
        }
        Self(digits)
    }

    /// The only form that may be stored.
    ///
    /// It has so few values that a plain digest in a stolen database gives it away: hence the key.
    /// The offer is part of the input, so equal codes of two offers do not look equal.
    #[must_use]
    pub fn digest(&self, key: &MacKey, id: OfferId) -> TxCodeDigest {
        TxCodeDigest(of_its_time(key, id).mac("tx_code", &[&id.0, self.0.as_bytes()]))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, stored: &TxCodeDigest, key: &MacKey, id: OfferId) -> bool {
        equal(&self.digest(key, id).0, &stored.0)
    }
}

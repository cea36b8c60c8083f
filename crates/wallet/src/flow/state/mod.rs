//! Between the steps: a flow goes on in another process, as after a restart or on another machine.
//!
//! ```text
//! ResolvedOffer | SignIn | Authorized --export--> FlowState --text--> FlowState --import--> Point
//! PendingCredential ------export_pending-------->
//! ```
//!
//! What a person agreed to is what is used there: the state holds what the issuer published then, and
//! nothing is asked for again. The wallet that goes on holds it against its own settings.

use std::fmt;

use zeroize::Zeroizing;

use super::metadata::ResolvedOffer;
use super::sign_in::SignIn;
use super::token::Authorized;
use crate::Wallet;
use crate::error::WalletError;
use crate::store::{CredentialId, PendingCredential, StoreError};
use saved::{Saved, SavedAuthorized, SavedOffer, SavedPending, SavedPoint, SavedSignIn};

mod saved;

/// Longest state that is read: documents of an issuer and of its server, pictures, and a little more.
pub const STATE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A flow that was stopped, as text.
///
/// It has to be kept secret: there are codes, tokens and private keys in it, and whoever has it gets the
/// credentials in the holder's place. And it has to be authentic: it says what the holder agreed to, so
/// whoever can change it, or bring another, decides what this wallet goes on with. What is checked of it
/// finds mistakes and does not replace that. It is to be kept encrypted and authenticated, and no longer
/// than needed. Of two that go on with the same state one fails, as codes are good once.
#[derive(Clone)]
pub struct FlowState(Zeroizing<String>);

impl FlowState {
    /// Takes the text of a state.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for whoever keeps it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FlowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowState(..)")
    }
}

/// Where a flow goes on.
#[derive(Debug)]
pub enum Point {
    /// The holder is to say yes, and to type a Transaction Code where there is one.
    Offer(Box<ResolvedOffer>),
    /// The person is in the browser, or on the way there.
    SignIn(Box<SignIn>),
    /// There is a token; the credentials can be asked for.
    Authorized(Box<Authorized>),
    /// Something is still to come, and now stands in this wallet's store.
    Pending(Box<PendingCredential>),
}

impl ResolvedOffer {
    /// The flow as it is now, to go on with elsewhere.
    pub fn export(&self) -> Result<FlowState, WalletError> {
        Saved::of(SavedPoint::Offer(Box::new(SavedOffer::of(self)))).to_state()
    }
}

impl SignIn {
    /// The flow as it is now: the browser may come back to another process.
    pub fn export(&self) -> Result<FlowState, WalletError> {
        Saved::of(SavedPoint::SignIn(Box::new(SavedSignIn::of(self)))).to_state()
    }
}

impl Authorized {
    /// The flow as it is now, with its token.
    pub fn export(&self) -> Result<FlowState, WalletError> {
        Saved::of(SavedPoint::Authorized(Box::new(SavedAuthorized::of(self)))).to_state()
    }
}

impl Wallet {
    /// What is still to come, with its keys, to be fetched by another wallet.
    ///
    /// It stays here, too. A token is renewed once, and what comes is given once: as soon as the other
    /// wallet has it, it is to be given up here ([`Wallet::forget_pending`]).
    pub async fn export_pending(&self, id: &CredentialId) -> Result<FlowState, WalletError> {
        let pending = self.store.pending_credential(id).await?;
        let pending = pending.ok_or(WalletError::NoLongerPending)?;
        let token = self.store.shared_token(&pending.token).await?.ok_or(StoreError::Damaged)?;
        let mut keys = Vec::new();
        for key in &pending.holder_keys {
            keys.push(self.store.key(&key.kid).await?.ok_or(WalletError::LostKey)?);
        }
        let saved = SavedPending { pending, token, keys };
        Saved::of(SavedPoint::Pending(Box::new(saved))).to_state()
    }

    /// Reads a state, and goes on where that was left.
    pub async fn import(&self, state: &FlowState) -> Result<Point, WalletError> {
        Ok(match Saved::read(state)?.point {
            SavedPoint::Offer(offer) => Point::Offer(Box::new(self.offer_again(*offer).await?)),
            SavedPoint::SignIn(saved) => Point::SignIn(Box::new(self.sign_in_again(*saved).await?)),
            SavedPoint::Authorized(saved) => {
                Point::Authorized(Box::new(self.authorized_again(*saved).await?))
            }
            SavedPoint::Pending(saved) => {
                Point::Pending(Box::new(self.pending_again(*saved).await?))
            }
        })
    }

    /// Keeps what is still to come; what is here under the same name is the same, and may be further.
    async fn pending_again(&self, saved: SavedPending) -> Result<PendingCredential, WalletError> {
        saved.check()?;
        let SavedPending { pending, token, keys } = saved;
        if let Some(here) = self.store.pending_credential(&pending.id).await? {
            return Ok(here);
        }
        for key in keys {
            // The same key, of which this store may know more.
            if self.store.key(&key.id).await?.is_none() {
                self.store.save_key(key).await?;
            }
        }
        let pending = PendingCredential { taken_until: None, ..pending };
        self.store.put_off(pending.clone(), token).await?;
        Ok(pending)
    }
}

/// Why a text is no state to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// It is no state, or not all of it.
    Unreadable,
    /// A program of another version made it.
    OtherVersion,
}

impl StateError {
    /// What is wrong, for a person.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unreadable => "this is no state of a flow, or a part of it is missing",
            Self::OtherVersion => "this state of a flow was made by another version of the wallet",
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Unreadable => "take the whole text, or scan the offer again",
            Self::OtherVersion => "go on with the version that made it, or scan the offer again",
        }
    }

    /// A stable name for scripts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "bad_state",
            Self::OtherVersion => "state_of_other_version",
        }
    }
}

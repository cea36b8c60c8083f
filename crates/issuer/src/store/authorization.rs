//! What the store keeps of the Authorization Code Flow: sign-ins under way, codes, refresh tokens,
//! and who can sign in.

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::authorization::{Authorization, GrantedCode, RunningAuthorization};
use oid4vci::grant::{Grant, Redemption};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::SecretDigest;
use serde_json::{Map, Value};

use super::StoreError;
use crate::account::Account;

/// The part of [`super::Store`] that is about authorizations.
#[async_trait]
pub trait AuthorizationStore: Send + Sync {
    /// Records a request before anybody hears its handle, and spends the marks of the client's
    /// assertion, both or neither; `false` when they were spent before.
    async fn begin_authorization(
        &self,
        running: &RunningAuthorization,
        marks: &[SpendableNonce],
    ) -> Result<bool, StoreError>;

    /// Reads a request under way; writes nothing.
    async fn running_authorization(
        &self,
        id: OfferId,
    ) -> Result<Option<RunningAuthorization>, StoreError>;

    /// Puts it into its next stage, under the handle of that; holds only while the handle is the one
    /// that was `seen`, so that of two browsers one goes on (RFC 9126 §4).
    async fn advance_authorization(
        &self,
        seen: &RunningAuthorization,
        next: &RunningAuthorization,
    ) -> Result<bool, StoreError>;

    /// Ends a request without a code; holds only while the handle is the one that was `seen`.
    async fn deny_authorization(&self, seen: &RunningAuthorization) -> Result<bool, StoreError>;

    /// Ends a request with a code, both or neither; holds only while the handle is the one that was
    /// `seen`, the offer that is taken is open at `now`, and the account is there that the person
    /// signed in to with its password. Of a request without a browser the stage on disk is the one
    /// before: who has signed in stands in `seen` alone.
    async fn allow_authorization(
        &self,
        seen: &RunningAuthorization,
        allowed: &Allowed,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Reads what stands beside the offer of this id; writes nothing.
    async fn authorization(&self, id: OfferId) -> Result<Option<Authorization>, StoreError>;

    /// Spends an authorization code and records its tokens (RFC 6749 §4.1.2).
    ///
    /// Holds only while the offer is not redeemed, not withdrawn and not expired, and the code is
    /// the one that was seen, unspent.
    async fn redeem_authorization_code(
        &self,
        redeeming: &Redeeming<'_>,
        marks: &[SpendableNonce],
    ) -> Result<Renewed, StoreError>;

    /// Replaces both tokens of an authorization; holds only while they are as they were seen.
    async fn renew_tokens(
        &self,
        renewing: &Renewing<'_>,
        marks: &[SpendableNonce],
    ) -> Result<Renewed, StoreError>;

    /// Ends the Access Token and the refresh token of an authorization (RFC 7009 §2.1).
    async fn end_tokens(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError>;

    /// Records an account; `false` when there is one of this name.
    async fn open_account(&self, account: &Account) -> Result<bool, StoreError>;

    /// Reads one account.
    async fn account(&self, name: &str) -> Result<Option<Account>, StoreError>;

    /// Names of accounts, in their order, after this one, at most `limit`.
    async fn accounts(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Gives an account another password; `false` when there is none of this name.
    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, StoreError>;

    /// Removes an account; `false` when there is none of this name.
    /// With it end its sign-ins under way, codes and tokens; credentials that were issued stay.
    async fn remove_account(&self, name: &str) -> Result<bool, StoreError>;

    /// Spends marks that no other step spends; `false` when one was spent before (RFC 9449 §11.1).
    async fn spend(&self, marks: &[SpendableNonce]) -> Result<bool, StoreError>;
}

/// What a person has allowed.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The code, for the offer that it belongs to.
    pub code: GrantedCode,
    /// Which offer that is.
    pub offer: AllowedOffer,
}

/// The offer that a code belongs to.
#[derive(Clone, Debug)]
pub enum AllowedOffer {
    /// One that is made for it, with what the credentials will say.
    Fresh(Box<Grant>, Map<String, Value>),
    /// One that an operator made, with an `issuer_state`; a code that it had before is replaced.
    Made(OfferId),
}

impl AllowedOffer {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> OfferId {
        match self {
            Self::Fresh(grant, _) => grant.id,
            Self::Made(id) => *id,
        }
    }
}

/// A code on its way to become tokens.
#[derive(Clone, Copy, Debug)]
pub struct Redeeming<'r> {
    /// Of which offer.
    pub id: OfferId,
    /// Digest of the code.
    pub code_digest: &'r SecretDigest,
    /// The Access Token.
    pub redemption: &'r Redemption,
    /// The first refresh token, where there are any.
    pub refresh: Option<&'r RefreshChain>,
}

/// Tokens on their way to be replaced.
#[derive(Clone, Copy, Debug)]
pub struct Renewing<'r> {
    /// Of which offer.
    pub id: OfferId,
    /// The Access Token that was seen.
    pub seen_token: &'r SecretDigest,
    /// The refresh token that was seen.
    pub seen_refresh: &'r SecretDigest,
    /// The fresh Access Token.
    pub redemption: &'r Redemption,
    /// The fresh refresh token.
    pub refresh: &'r RefreshChain,
    /// Now.
    pub now: Timestamp,
}

/// What became of a step that makes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// They are on disk; now they may be told.
    Done,
    /// The offer is no longer as it was read: read again and decide again.
    Changed,
    /// The client's assertion was used before; nothing was written (RFC 7523 §3).
    Replayed,
}

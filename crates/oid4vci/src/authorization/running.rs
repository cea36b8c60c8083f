//! An authorization on its way from the request to the person's answer.

use std::fmt;

use keys::outside::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AuthorizationRequest, DeadEnd};
use crate::offer::OfferId;
use crate::secret::{AuthorizationHandle, SecretDigest};

/// How long a person may take to sign in and to answer.
pub const SIGN_IN_SECONDS: u64 = 600;

/// What the store knows of it. Each stage has a handle of its own, so that whoever knew the one
/// before can do nothing with the next: a link that somebody else has opened first, or was sent to
/// sign in on, never becomes theirs.
#[derive(Clone, Debug)]
pub struct RunningAuthorization {
    /// Becomes the id of the grant.
    pub id: OfferId,
    /// Of the handle of the present stage.
    pub handle_digest: SecretDigest,
    /// The first second in which it is over.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub stage: Stage,
    /// What is asked for.
    pub request: AuthorizationRequest,
}

/// How far an authorization has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pushed by the client; no browser has come.
    Pushed,
    /// In a browser; nobody has signed in.
    Opened,
    /// This person has signed in, and has not answered.
    SignedIn(Person),
}

/// Who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Of ours, or `PROVIDER#SUB` of somebody who signed in elsewhere.
    pub account: String,
    /// What a provider said of the person; `None` for an account of ours.
    pub provided: Option<Provided>,
}

/// What is kept of the claims of a provider until the person has answered.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
pub struct Provided {
    /// What the person is called, for the page that asks.
    pub name: String,
    /// What credentials would say, by Credential Configuration Identifier.
    pub datasets: Map<String, Value>,
}

impl Person {
    /// What the person is called, where something better than the account's name is known.
    #[must_use]
    pub fn name(&self) -> &str {
        self.provided.as_ref().map_or(&self.account, |provided| &provided.name)
    }
}

impl From<String> for Person {
    fn from(account: String) -> Self {
        Self { account, provided: None }
    }
}

impl From<&str> for Person {
    fn from(account: &str) -> Self {
        account.to_owned().into()
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provided(..)")
    }
}

impl RunningAuthorization {
    /// The pushed request behind a `request_uri`: of this client, and good once (RFC 9126 §4).
    pub fn pushed<'r>(
        found: Option<&'r Self>,
        handle: &AuthorizationHandle,
        client_id: &str,
        now: Timestamp,
    ) -> Result<&'r Self, DeadEnd> {
        let found = found.filter(|found| found.is_at(handle, now));
        let found = found.filter(|found| found.request.client_id == client_id);
        found.filter(|found| found.stage == Stage::Pushed).ok_or(DeadEnd::UnknownRequest)
    }

    /// What the pages of a handle are about.
    pub fn opened<'r>(
        found: Option<&'r Self>,
        handle: &AuthorizationHandle,
        now: Timestamp,
    ) -> Result<&'r Self, DeadEnd> {
        let found = found.filter(|found| found.is_at(handle, now) && !found.request.by_challenge);
        found.filter(|found| found.stage != Stage::Pushed).ok_or(DeadEnd::Over)
    }

    pub(super) fn is_at(&self, handle: &AuthorizationHandle, now: Timestamp) -> bool {
        self.handle_digest.matches(&handle.digest()) && now < self.expires_at
    }
}

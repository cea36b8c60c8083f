//! An authorization on its way from the request to the person's answer.

use keys::outside::Timestamp;

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
    /// This account has signed in, and has not answered.
    SignedIn(String),
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
        let found = found.filter(|found| found.is_at(handle, now));
        found.filter(|found| found.stage != Stage::Pushed).ok_or(DeadEnd::Over)
    }

    fn is_at(&self, handle: &AuthorizationHandle, now: Timestamp) -> bool {
        self.handle_digest.matches(&handle.digest()) && now < self.expires_at
    }
}

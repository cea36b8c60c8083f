//! A key by which authorization servers know the wallet, where it is registered with one: it proves
//! who it is (RFC 7523), and signs what it asks for (RFC 9101).

use std::fmt;
use std::sync::Arc;

use keys::outside::{Clock, Random};
use keys::signer::{SignError, Signer};
use oid4vci::authorization::NewRequestObject;
use oid4vci::client::NewClientAssertion;

/// The key, whose public half the operator of the server has registered. It is no secret of an app
/// that everybody can install: it is for a wallet that keeps it on a server of its own, or for one
/// that is registered by itself.
#[derive(Clone)]
pub struct ClientKey {
    signer: Arc<dyn Signer>,
    kid: Option<String>,
    signs_requests: bool,
}

impl ClientKey {
    /// Takes the key, and what the server calls it, where it has several.
    pub fn new(signer: Arc<dyn Signer>, kid: Option<String>) -> Self {
        Self { signer, kid, signs_requests: false }
    }

    /// The same, which signs each request to sign in, whether or not the server asks for that.
    #[must_use]
    pub fn signing_requests(self) -> Self {
        Self { signs_requests: true, ..self }
    }

    pub(crate) const fn signs_requests(&self) -> bool {
        self.signs_requests
    }

    pub(crate) fn signer(&self) -> &dyn Signer {
        &*self.signer
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.signer.public_key();
        f.debug_struct("ClientKey").field("key", key).finish_non_exhaustive()
    }
}

/// The wallet as one authorization server knows it.
#[derive(Clone, Debug)]
pub(crate) struct KnownClient {
    pub(crate) client_id: String,
    pub(crate) key: ClientKey,
}

impl KnownClient {
    /// Says who the wallet is, anew for each request (RFC 7523 §3).
    pub(crate) async fn assertion(
        &self,
        authorization_server: &str,
        (clock, random): (&dyn Clock, &dyn Random),
    ) -> Result<String, SignError> {
        let new = NewClientAssertion {
            client_id: &self.client_id,
            authorization_server,
            kid: self.key.kid.as_deref(),
            now: clock.now(),
        };
        new.sign(&*self.key.signer, random).await
    }

    /// Signs what the wallet asks for (RFC 9101 §4).
    pub(crate) async fn request_object(
        &self,
        parameters: &[(&str, &str)],
        authorization_server: &str,
        (clock, random): (&dyn Clock, &dyn Random),
    ) -> Result<String, SignError> {
        let new = NewRequestObject {
            client_id: &self.client_id,
            authorization_server,
            kid: self.key.kid.as_deref(),
            parameters,
            now: clock.now(),
        };
        new.sign(&*self.key.signer, random).await
    }
}

//! A key by which authorization servers know the wallet, where it is registered with one: it proves
//! who it is (RFC 7523), and signs what it asks for (RFC 9101).

use std::fmt;
use std::sync::Arc;

use keys::outside::{Clock, Random};
use keys::signer::{SignError, Signer};
use oid4vci::authorization::NewRequestObject;
use oid4vci::client::{ASSERTION_TYPE, NewClientAssertion};
use oid4vci::metadata::ReceivedServerMetadata;

use crate::Wallet;
use crate::error::WalletError;
use crate::http::Request;

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
    /// Says in a form who the wallet is, anew for each request (RFC 7523 §2.2, RFC 7523 §3).
    pub(crate) async fn prove(
        &self,
        request: Request,
        authorization_server: &str,
        (clock, random): (&dyn Clock, &dyn Random),
    ) -> Result<Request, SignError> {
        let new = NewClientAssertion {
            client_id: &self.client_id,
            authorization_server,
            kid: self.key.kid.as_deref(),
            now: clock.now(),
        };
        let jwt = new.sign(&*self.key.signer, random).await?;
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &*jwt)];
        Ok(request.more_form(&proof))
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

impl Wallet {
    /// The wallet's own key, where the server takes it.
    pub(crate) fn client_for(&self, server: &ReceivedServerMetadata) -> Option<KnownClient> {
        let key = self.settings.client_key.as_ref()?;
        let algorithm = key.signer.algorithm();
        server
            .sender
            .assertion_algorithms
            .contains(&algorithm)
            .then(|| KnownClient { client_id: self.settings.client_id.clone(), key: key.clone() })
    }

    /// The same for who authenticated with it before; no other way is as good (RFC 6749 §6).
    pub(crate) fn client_again(
        &self,
        client_id: &str,
        by_client_key: bool,
    ) -> Result<Option<KnownClient>, WalletError> {
        if !by_client_key {
            return Ok(None);
        }
        let key = self.settings.client_key.clone().ok_or(WalletError::ClientKeyNeeded)?;
        Ok(Some(KnownClient { client_id: client_id.to_owned(), key }))
    }
}

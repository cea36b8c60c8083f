//! A key by which authorization servers know the wallet, where it is registered with one: it proves
//! who it is (RFC 7523), and signs what it asks for (RFC 9101).

use std::fmt;
use std::sync::Arc;

use keys::algorithm::Algorithm;
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

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
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
    /// Whether it proves who the wallet is, too; where an attestation does, or nothing, it signs
    /// requests alone.
    pub(crate) authenticates: bool,
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

/// Why the wallet does not go on with its own key, or without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKeyError {
    /// The issuer takes only requests that this wallet signs with a key that is registered there.
    Needed,
    /// What goes on here was begun with a key of the wallet's own, which is not at hand.
    Missing,
    /// This wallet is to sign its requests, and the issuer's server does not take them signed, or
    /// not with this key.
    NotTaken,
}

impl ClientKeyError {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Needed => "client_key_needed",
            Self::Missing => "client_key_missing",
            Self::NotTaken => "signed_requests_not_taken",
        }
    }

    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::Needed => {
                "ask the issuer to register this wallet with a key, and go on with that key"
            }
            Self::Missing => "go on with the key that it was begun with",
            Self::NotTaken => {
                "ask the issuer which keys it takes for that; where it demands none, go on without"
            }
        }
    }
}

impl fmt::Display for ClientKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Needed => "the issuer takes only signed requests",
            Self::Missing => {
                "this was begun by a wallet with a key of its own, and goes on with no other"
            }
            Self::NotTaken => "the issuer does not take requests that are signed with this key",
        })
    }
}

impl From<ClientKeyError> for WalletError {
    fn from(error: ClientKeyError) -> Self {
        Self::ClientKey(error)
    }
}

impl Wallet {
    /// The wallet's own key. It authenticates where the server takes that, and nobody vouches for
    /// the wallet; `attested_as` is what who does calls it (HAIP-29).
    pub(crate) fn client_for(
        &self,
        server: &ReceivedServerMetadata,
        attested_as: Option<&str>,
    ) -> Option<KnownClient> {
        let key = self.settings.client_key.clone()?;
        let is_taken = server.sender.assertion_algorithms.contains(&key.algorithm());
        let client_id = attested_as.unwrap_or(&self.settings.client_id).to_owned();
        Some(KnownClient { client_id, key, authenticates: is_taken && attested_as.is_none() })
    }

    /// The same for who authenticated with it before; no other way is as good (RFC 6749 §6).
    pub(crate) fn client_again(
        &self,
        client_id: &str,
        by_client_key: bool,
    ) -> Result<Option<KnownClient>, WalletError> {
        let Some(key) = self.settings.client_key.clone() else {
            return if by_client_key { Err(ClientKeyError::Missing.into()) } else { Ok(None) };
        };
        let client_id = client_id.to_owned();
        Ok(Some(KnownClient { client_id, key, authenticates: by_client_key }))
    }
}

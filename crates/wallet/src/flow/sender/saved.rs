//! The sender of a flow that goes on in another process.

use std::sync::Arc;

use keys::signer::SoftwareKey;
use oid4vci::metadata::ReceivedServerMetadata;
use serde::{Deserialize, Serialize};

use super::Sender;
use crate::Wallet;
use crate::attestation::WalletAttestation;
use crate::error::WalletError;
use crate::flow::dialect::Spoken;
use crate::store::dpop_key;

/// Who sends, for a flow that goes on elsewhere.
#[derive(Deserialize, Serialize)]
pub(in crate::flow) struct SavedSender {
    #[serde(with = "dpop_key")]
    key: Option<Arc<SoftwareKey>>,
    is_bound: bool,
    /// The thumbprint of the key of the client attestation that was shown (WALATT-12).
    instance_key: Option<String>,
    /// Whether the wallet authenticated with its own key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    by_client_key: bool,
    /// What the wallet called itself: a code is for the client that asked for it (RFC 6749 §4.1.3).
    /// Absent in what was saved before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    authorization_server: String,
}

impl SavedSender {
    pub(in crate::flow) fn authorization_server(&self) -> &str {
        &self.authorization_server
    }
}

impl Sender {
    /// What is kept of it where a flow goes on elsewhere; the server says again which nonces it wants.
    pub(in crate::flow) fn save(&self) -> SavedSender {
        SavedSender {
            key: self.key.clone(),
            is_bound: self.is_bound,
            instance_key: self.attestation.as_ref().map(WalletAttestation::thumbprint),
            by_client_key: self.by_client_key(),
            client_id: self.begun_as().map(str::to_owned),
            authorization_server: self.authorization_server.clone(),
        }
    }
}

impl Wallet {
    /// The sender of a flow that another process began.
    pub(in crate::flow) async fn saved_sender(
        &self,
        server: &ReceivedServerMetadata,
        saved: SavedSender,
        spoken: Spoken,
    ) -> Result<Sender, WalletError> {
        let (id, instance_key) = (&saved.authorization_server, saved.instance_key.as_deref());
        let attestation = self.attestation_again(server, id, instance_key).await?;
        let client_id = saved.client_id.as_deref().unwrap_or(&self.settings.client_id);
        let attested_as = attestation.as_ref().map(WalletAttestation::client_id);
        let client = self.client_again(attested_as.unwrap_or(client_id), saved.by_client_key)?;
        Ok(Sender {
            key: saved.key,
            is_bound: saved.is_bound,
            client,
            attestation,
            begun_as: Some(client_id.to_owned()),
            authorization_server: saved.authorization_server,
            challenge_endpoint: server.challenge_endpoint.clone(),
            nonces: Arc::default(),
            challenge: Arc::default(),
            spoken,
        })
    }
}

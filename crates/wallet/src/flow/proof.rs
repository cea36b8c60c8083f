//! Step 12: the proof that the wallet holds the key (VCI §F.1).

use oid4vci::proof::NewProof;

use super::key::ChosenKey;
use super::token::Authorized;
use crate::Wallet;
use crate::error::WalletError;

impl Wallet {
    /// Gets a fresh nonce and signs it with the key that is to be bound (CRED-10).
    pub(super) async fn prove(
        &self,
        authorized: &Authorized,
        key: &ChosenKey,
    ) -> Result<String, WalletError> {
        let issuer = &authorized.offer.issuer;
        let nonce = self.request_nonce(issuer.nonce_endpoint.as_ref(), &authorized.sender).await?;
        let proof = NewProof {
            binding: &key.binding,
            credential_issuer: &issuer.credential_issuer,
            client_id: authorized.client_id.as_deref(),
            nonce: nonce.as_deref(),
            key_attestation: None,
            now: self.clock.now(),
        };
        Ok(proof.sign(&key.signer).await?)
    }
}

//! Step 12: the proof that the wallet holds the key (VCI §F.1).

use oid4vci::proof::{NewProof, Proofs};

use super::key::ChosenKey;
use super::token::Authorized;
use crate::Wallet;
use crate::error::WalletError;

impl Wallet {
    /// Gets a fresh nonce and signs it with each key that is to be bound (CRED-10): one nonce for all
    /// proofs of a request (AMB-03). No key, no proof (CRED-09).
    pub(super) async fn prove(
        &self,
        authorized: &Authorized,
        keys: &[ChosenKey],
    ) -> Result<Option<Proofs>, WalletError> {
        if keys.is_empty() {
            return Ok(None);
        }
        let issuer = &authorized.offer.issuer;
        let nonce = self.request_nonce(issuer.nonce_endpoint.as_ref(), &authorized.sender).await?;
        let mut jwts = Vec::new();
        for key in keys {
            let proof = NewProof {
                binding: &key.binding,
                credential_issuer: &issuer.credential_issuer,
                client_id: authorized.client_id.as_deref(),
                nonce: nonce.as_deref(),
                key_attestation: None,
                now: self.clock.now(),
            };
            jwts.push(proof.sign(&key.signer).await?);
        }
        Ok(Some(Proofs::Jwt(jwts)))
    }
}

//! Step 12: the proof that the wallet holds the key (VCI §F.1, VCI §F.2), or that somebody vouches for it
//! (VCI §F.3).

use keys::public_key::PublicKey;
use keys::signer::Signer as _;
use oid4vci::attestation::key::WantedKeyAttestation;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{ReceivedConfiguration, ReceivedKeyAttestation};
use oid4vci::proof::di_vp::NewPresentation;
use oid4vci::proof::{HolderBinding, NewProof, Proofs};

use super::key::ChosenKey;
use super::token::Authorized;
use crate::Wallet;
use crate::attestation::KeyAttestationError;
use crate::error::WalletError;

impl Wallet {
    /// Gets a fresh nonce and signs it with each key that is to be bound (CRED-10): one nonce for all
    /// proofs of a request (AMB-03). No key, no proof (CRED-09).
    ///
    /// Where the issuer wants the keys attested, all stand in one attestation, and one proof is
    /// enough: each of its keys gets a credential (PROOF-18, HAIP-31, HAIP-34, AMB-07).
    pub(super) async fn prove(
        &self,
        authorized: &Authorized,
        configuration: &ReceivedConfiguration,
        keys: &[ChosenKey],
    ) -> Result<Option<Proofs>, WalletError> {
        if keys.is_empty() {
            return Ok(None);
        }
        let issuer = &authorized.offer.issuer;
        let nonce = self.request_nonce(issuer.nonce_endpoint.as_ref(), &authorized.sender).await?;
        let nonce = nonce.as_deref();
        if !configuration.cryptosuites.is_empty() {
            return self.present(authorized, configuration, (keys, nonce)).await.map(Some);
        }
        let Some(wanted) = &configuration.key_attestation else {
            let mut jwts = Vec::new();
            for key in keys {
                jwts.push(self.sign_proof(authorized, key, (nonce, None)).await?);
            }
            return Ok(Some(Proofs::Jwt(jwts)));
        };
        let public: Vec<PublicKey> =
            keys.iter().map(|key| key.signer.public_key().clone()).collect();
        let wanted = wanted_attestation(authorized, configuration, wanted, (&public, nonce));
        let attestation = self.key_attestation(wanted).await?;
        match keys.first().filter(|_| !wanted.is_alone) {
            None => Ok(Some(Proofs::Attestation(attestation))),
            Some(key) => {
                let proof = self.sign_proof(authorized, key, (nonce, Some(&attestation))).await?;
                Ok(Some(Proofs::Jwt(vec![proof])))
            }
        }
    }

    /// A presentation for each key, where the issuer takes nothing else (VCI §F.2).
    async fn present(
        &self,
        authorized: &Authorized,
        configuration: &ReceivedConfiguration,
        (keys, nonce): (&[ChosenKey], Option<&str>),
    ) -> Result<Proofs, WalletError> {
        let mut presentations = Vec::new();
        for key in keys {
            let HolderBinding::Did(url) = &key.binding else {
                return Err(WalletError::UnsupportedBinding);
            };
            let presentation = NewPresentation {
                verification_method: url,
                credential_issuer: &authorized.offer.issuer.credential_issuer,
                nonce,
                cryptosuites: &configuration.cryptosuites,
                now: self.clock.now(),
            };
            let signed = presentation.sign(&key.signer).await;
            presentations.push(signed.map_err(|_| WalletError::Signing)?);
        }
        Ok(Proofs::DiVp(presentations))
    }

    async fn sign_proof(
        &self,
        authorized: &Authorized,
        key: &ChosenKey,
        (nonce, key_attestation): (Option<&str>, Option<&str>),
    ) -> Result<String, WalletError> {
        let dialect = authorized.sender.spoken.dialect;
        let must_name = dialect.is_some_and(Dialect::names_client_in_proof);
        let own = must_name.then(|| self.client_id(&authorized.sender));
        let proof = NewProof {
            binding: &key.binding,
            credential_issuer: &authorized.offer.issuer.credential_issuer,
            client_id: authorized.client_id.as_deref().or(own),
            nonce,
            key_attestation,
            now: self.clock.now(),
        };
        Ok(proof.sign(&key.signer).await?)
    }

    /// One that the issuer would refuse is not sent: whoever made it is to hear of that, and its
    /// nonce would be gone.
    async fn key_attestation(
        &self,
        wanted: WantedKeyAttestation<'_>,
    ) -> Result<String, WalletError> {
        let source = self.settings.key_attestation_source.as_ref();
        let source = source.ok_or(KeyAttestationError::Needed)?;
        let attestation = source.key_attestation(wanted).await?;
        wanted.check(&attestation, self.clock.now()).map_err(KeyAttestationError::Unfit)?;
        Ok(attestation)
    }
}

fn wanted_attestation<'w>(
    authorized: &'w Authorized,
    configuration: &'w ReceivedConfiguration,
    wanted: &'w ReceivedKeyAttestation,
    (keys, nonce): (&'w [PublicKey], Option<&'w str>),
) -> WantedKeyAttestation<'w> {
    WantedKeyAttestation {
        credential_issuer: &authorized.offer.issuer.credential_issuer,
        keys,
        nonce,
        algorithms: &configuration.proof_algorithms,
        required: &wanted.required,
        is_alone: wanted.is_alone,
    }
}

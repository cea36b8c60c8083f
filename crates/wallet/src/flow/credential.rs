//! Steps 13-14 and 19: the wallet asks for the credential and looks at what it gets (VCI §8).

use formats::binding::Binding;
use formats::verified::Verified;
use keys::did;
use keys::public_key::PublicKey;
use keys::signer::Signer;
use oid4vci::credential::{CredentialRequest, ReceivedCredentialResponse, Selector};
use oid4vci::metadata::ReceivedConfiguration;
use oid4vci::proof::Proofs;
use serde_json::Value;

use super::key::{ChosenKey, KeyWish};
use super::metadata::OfferedCredential;
use super::receipt::{Failure, Preview, Received};
use super::token::Authorized;
use crate::Wallet;
use crate::error::{Question, WalletError};
use crate::store::{CredentialId, StoredCredential, Trust};
use crate::trust::VerificationError;

/// Most datasets of one configuration that are asked for.
const IDENTIFIERS_MAX: usize = 16;

impl Wallet {
    /// Asks for everything that was offered and checks all of it; nothing is stored yet.
    ///
    /// One credential that fails does not cost the others. The token stays good, so that after a
    /// failure of the network the same step may be tried again (CRED-22).
    pub async fn request_credentials(
        &self,
        authorized: &Authorized,
        wish: &KeyWish,
    ) -> Result<Received, WalletError> {
        let mut previews = Vec::new();
        let mut failures = Vec::new();
        for offered in authorized.offer.offered() {
            for selector in selectors(authorized, offered.id()) {
                match self.receive(authorized, offered, selector, wish).await {
                    Ok(preview) => previews.push(preview),
                    Err(error) => failures.push(Failure { id: offered.id.clone(), error }),
                }
            }
        }
        Received::new(previews, failures)
    }

    async fn receive(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        selector: Selector,
        wish: &KeyWish,
    ) -> Result<Preview, WalletError> {
        if !offered.configuration.needs_proof {
            let credential = self.request(authorized, selector, None).await?;
            return self.check(authorized, offered, &credential, None).await;
        }
        let key = self.choose_key(&offered.configuration, wish).await?;
        let preview = match self.request_with_proof(authorized, selector, &key).await {
            Ok(credential) => self.check(authorized, offered, &credential, Some(&key)).await,
            Err(error) => Err(error),
        };
        // A key that became nothing is rubbish, unless the credential is still to come.
        if key.is_new && !matches!(preview, Ok(_) | Err(WalletError::NotYet { .. })) {
            self.store.delete_key(&key.holder_key.kid).await?;
        }
        preview
    }

    /// A nonce may have died on the way: one more try with a fresh one (CRED-59).
    async fn request_with_proof(
        &self,
        authorized: &Authorized,
        selector: Selector,
        key: &ChosenKey,
    ) -> Result<Value, WalletError> {
        let proof = self.prove(authorized, key).await?;
        match self.request(authorized, selector.clone(), Some(proof)).await {
            Err(WalletError::Refused(refused)) if refused.is("invalid_nonce") => {
                let proof = self.prove(authorized, key).await?;
                self.request(authorized, selector, Some(proof)).await
            }
            answer => answer,
        }
    }

    /// Step 14; one proof, so one credential comes back.
    async fn request(
        &self,
        authorized: &Authorized,
        selector: Selector,
        proof: Option<String>,
    ) -> Result<Value, WalletError> {
        let proofs = proof.map(|proof| Proofs::Jwt(vec![proof]));
        let parameters = CredentialRequest { selector, proofs }.to_json();
        let offer = &authorized.offer;
        let place = (&offer.issuer.credential_endpoint, &authorized.access_token);
        let answer = self.exchange(place, &offer.encryption, parameters).await?;
        match ReceivedCredentialResponse::parse(&answer) {
            Some(ReceivedCredentialResponse::Issued(credentials)) => only(credentials),
            Some(ReceivedCredentialResponse::Deferred { interval, .. }) => {
                Err(WalletError::NotYet { interval })
            }
            None => Err(WalletError::BadAnswer(Question::Credential)),
        }
    }

    /// Step 19: is it signed by whom it should be, and is it what was asked for (OFFER-37)?
    async fn check(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        credential: &Value,
        key: Option<&ChosenKey>,
    ) -> Result<Preview, WalletError> {
        let issuer = &authorized.offer.issuer.credential_issuer;
        let configuration = &offered.configuration;
        let unverified = formats::parse(&configuration.format, credential)
            .map_err(VerificationError::of_format)?;
        let signer = self.issuer_key(&unverified.key_reference(), issuer).await?;
        let now = self.clock.now();
        let verified = unverified.verify(&signer.key, now).map_err(VerificationError::of_format)?;
        check_type(&verified, configuration)?;
        check_binding(verified.binding.as_ref(), key.map(|key| key.signer.public_key()))?;
        let credential = StoredCredential {
            id: CredentialId::fresh(&*self.random),
            format: configuration.format.clone(),
            credential_configuration_id: offered.id.clone(),
            credential_issuer: issuer.clone(),
            raw: verified.raw,
            types: verified.types,
            claims: verified.claims,
            display: offered.display.clone(),
            trust: signer.tie.clone().unwrap_or(Trust::Accepted),
            holder_key: key.map(|key| key.holder_key.clone()),
            received_at: now,
            expires_at: verified.expires_at,
        };
        Ok(Preview { credential, doubt: signer.tie.err() })
    }
}

/// By identifier if the token came with identifiers, else by configuration (CRED-03, CRED-04).
fn selectors(authorized: &Authorized, id: &str) -> Vec<Selector> {
    if authorized.details.is_empty() {
        return vec![Selector::Configuration(id.to_owned())];
    }
    let ours = authorized.details.iter().filter(|detail| detail.credential_configuration_id == id);
    let identifiers = ours.flat_map(|detail| &detail.credential_identifiers);
    identifiers.take(IDENTIFIERS_MAX).cloned().map(Selector::Identifier).collect()
}

/// More credentials than proofs are nothing that was asked for (catalogue I20).
fn only(credentials: Vec<Value>) -> Result<Value, WalletError> {
    match <[Value; 1]>::try_from(credentials) {
        Ok([credential]) => Ok(credential),
        Err(_) => Err(VerificationError::Surplus.into()),
    }
}

/// The credential is of the type that the holder agreed to (catalogue I18).
fn check_type(
    verified: &Verified,
    configuration: &ReceivedConfiguration,
) -> Result<(), VerificationError> {
    let wanted = configuration.vct.iter().chain(&configuration.types);
    let has_all = wanted.clone().all(|wanted| verified.types.contains(wanted));
    let fits = has_all && wanted.count() > 0;
    fits.then_some(()).ok_or(VerificationError::OtherType)
}

/// It is bound to the key whose proof was sent, and to nothing if none was (catalogue I16).
fn check_binding(
    binding: Option<&Binding>,
    sent: Option<&PublicKey>,
) -> Result<(), VerificationError> {
    let bound = match binding {
        None => None,
        Some(Binding::Jwk(key)) => Some(key.clone()),
        Some(Binding::Kid(url)) => {
            Some(did::resolve(url).map_err(|_| VerificationError::OtherKey)?)
        }
    };
    match (bound, sent) {
        (None, None) => Ok(()),
        (Some(bound), Some(sent)) if bound.thumbprint() == sent.thumbprint() => Ok(()),
        (None, Some(_)) => Err(VerificationError::NotBound),
        (Some(_), _) => Err(VerificationError::OtherKey),
    }
}

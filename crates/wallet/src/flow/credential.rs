//! Steps 13-14: the wallet asks for the credential (VCI §8).

use std::borrow::Cow;

use oid4vci::credential::{CredentialRequest, ReceivedCredentialResponse, Selector};
use oid4vci::legacy::Dialect;
use oid4vci::metadata::ReceivedConfiguration;

use super::check::Expected;
use super::key::{ChosenKey, KeyWish};
use super::metadata::OfferedCredential;
use super::receipt::{Failure, Outcome, Preview, Received};
use super::token::Authorized;
use crate::Wallet;
use crate::error::{Question, WalletError};
use crate::store::{HolderKey, ResponseKey};

/// Most datasets of one configuration that are asked for.
const IDENTIFIERS_MAX: usize = 16;

impl Wallet {
    /// Asks for everything that was offered, each dataset by itself (GEN-06), and checks all of it;
    /// nothing is stored yet.
    ///
    /// One credential that fails does not cost the others. The token stays good, so that after a
    /// failure of the network the same step may be tried again (CRED-22).
    pub async fn request_credentials(
        &self,
        authorized: &Authorized,
        wish: &KeyWish,
    ) -> Result<Received, WalletError> {
        let mut outcomes = Vec::new();
        let mut failures = Vec::new();
        for offered in authorized.offer.offered() {
            let selectors = selectors(authorized, offered);
            if selectors.is_empty() {
                let error = WalletError::NotGranted { id: offered.id.clone() };
                failures.push(Failure { id: offered.id.clone(), error });
            }
            for selector in selectors {
                match self.receive(authorized, offered, selector, wish).await {
                    Ok(outcome) => outcomes.push(outcome),
                    Err(error) => failures.push(Failure { id: offered.id.clone(), error }),
                }
            }
        }
        Received::new(outcomes, failures)
    }

    async fn receive(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        selector: Selector,
        wish: &KeyWish,
    ) -> Result<Outcome, WalletError> {
        let batch_size = authorized.offer.issuer.batch_size;
        let configuration = bound_where_asked(authorized, &offered.configuration);
        let keys = self.choose_keys(&configuration, wish, batch_size).await?;
        let outcome = self.receive_for(authorized, offered, selector, &keys).await;
        let used = match &outcome {
            Ok(Outcome::Issued(previews)) => previews.as_slice(),
            Ok(Outcome::PutOff(_)) => return outcome, // its keys wait for it
            Err(_) => &[],
        };
        self.forget_idle_keys(&keys, used).await?;
        outcome
    }

    async fn receive_for(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        selector: Selector,
        keys: &[ChosenKey],
    ) -> Result<Outcome, WalletError> {
        let (answer, dialect, response_key) =
            self.request_with_proofs(authorized, offered, selector, keys).await?;
        let holder_keys: Vec<HolderKey> = keys.iter().map(|key| key.holder_key.clone()).collect();
        let expected = Expected::of(offered, &authorized.offer.issuer.credential_issuer);
        match answer {
            ReceivedCredentialResponse::Issued {
                credentials,
                notification_id,
                credential_metadata,
            } => {
                let issuer = &authorized.offer.issuer;
                let expected = expected.described_by(credential_metadata.as_ref(), issuer);
                let checked = self.check(&expected, &credentials, &holder_keys).await;
                let reporter = authorized.reporter(notification_id);
                self.report_failure(checked, reporter).await.map(Outcome::Issued)
            }
            ReceivedCredentialResponse::Deferred { transaction_id, interval } => {
                let when = (transaction_id, interval, dialect);
                let wanted = (expected, keys, response_key);
                let pending = self.put_off(authorized, wanted, when).await?;
                Ok(Outcome::PutOff(Box::new(pending)))
            }
        }
    }

    /// A key that became nothing is rubbish.
    async fn forget_idle_keys(
        &self,
        keys: &[ChosenKey],
        previews: &[Preview],
    ) -> Result<(), WalletError> {
        for key in keys.iter().filter(|key| key.is_new) {
            if !previews.iter().any(|preview| preview.is_bound_to(&key.holder_key)) {
                self.store.delete_key(&key.holder_key.kid).await?;
            }
        }
        Ok(())
    }

    /// A nonce may have died on the way: one more try with a fresh one (CRED-59). Any other no is
    /// the last word (CRED-62).
    async fn request_with_proofs(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        selector: Selector,
        keys: &[ChosenKey],
    ) -> Result<Answered, WalletError> {
        let spoken = &authorized.sender.spoken;
        let used = spoken.nonce();
        match self.request(authorized, offered, selector.clone(), keys).await {
            Err(WalletError::Refused(refused))
                if refused.is("invalid_nonce")
                    || spoken.may_prove_again(&refused, used.as_deref()) =>
            {
                self.request(authorized, offered, selector, keys).await
            }
            answer => answer,
        }
    }

    /// Step 14, with a proof for each key.
    async fn request(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        selector: Selector,
        keys: &[ChosenKey],
    ) -> Result<Answered, WalletError> {
        let proofs = self.prove(authorized, &offered.configuration, keys).await?;
        let request = CredentialRequest { selector, proofs };
        let dialect = authorized.sender.spoken.dialect;
        let parameters = match dialect {
            None => request.to_json(),
            Some(dialect) => dialect.write_credential_request(&request, &offered.named),
        };
        let offer = &authorized.offer;
        let Authorized { sender, access_token, .. } = authorized;
        let place = (&offer.issuer.credential_endpoint, sender, access_token);
        let mut response_key = ResponseKey::default();
        let cover = (&offer.encryption, &mut response_key);
        let answer = self.exchange(place, cover, parameters).await?;
        let response = sender.spoken.read_response(&answer);
        let response = response.ok_or(WalletError::BadAnswer(Question::Credential))?;
        let dialect = dialect.map(|dialect| dialect.read_deferral(&answer));
        Ok((response, dialect, response_key))
    }
}

/// What came, in what it is to be asked for if it comes later, and under which key.
type Answered = (ReceivedCredentialResponse, Option<Dialect>, ResponseKey);

/// Whoever speaks a draft and gives a nonce wants a proof, also where the metadata do not say so.
fn bound_where_asked<'c>(
    authorized: &Authorized,
    configuration: &'c ReceivedConfiguration,
) -> Cow<'c, ReceivedConfiguration> {
    if configuration.needs_proof || authorized.sender.spoken.nonce().is_none() {
        return Cow::Borrowed(configuration);
    }
    Cow::Owned(ReceivedConfiguration { needs_proof: true, ..configuration.clone() })
}

/// By identifier if the token came with identifiers, else by configuration (CRED-03, CRED-04, GEN-07,
/// TOKEN-20, AMB-16); nothing where the token is not good for it (CRED-06).
fn selectors(authorized: &Authorized, offered: &OfferedCredential) -> Vec<Selector> {
    let (id, scope) = (offered.id(), offered.configuration.scope.as_ref());
    if authorized.details.is_empty() {
        let is_granted = scope.is_none_or(|scope| !authorized.ungranted_scopes.contains(scope));
        return is_granted.then(|| Selector::Configuration(id.to_owned())).into_iter().collect();
    }
    let ours = authorized.details.iter().filter(|detail| detail.credential_configuration_id == id);
    let identifiers = ours.flat_map(|detail| &detail.credential_identifiers);
    identifiers.take(IDENTIFIERS_MAX).cloned().map(Selector::Identifier).collect()
}

//! Steps 13-14: the wallet asks for the credential (VCI §8).

use std::borrow::Cow;

use oid4vci::credential::{CredentialRequest, ReceivedCredentialResponse, Selector};
use oid4vci::legacy::Dialect;
use oid4vci::metadata::ReceivedConfiguration;

use super::check::Expected;
use super::key::{ChosenKey, KeyWish};
use super::metadata::OfferedCredential;
use super::receipt::{Failure, Outcome, Received};
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
    /// One credential that fails does not cost the others, nor does one part of a batch. The token
    /// stays good, so that after a failure of the network the same step may be tried again (CRED-22).
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
                for part in self.receive(authorized, offered, selector, wish).await {
                    match part {
                        Ok(outcome) => outcomes.push(outcome),
                        Err(error) => failures.push(Failure { id: offered.id.clone(), error }),
                    }
                }
            }
        }
        Received::new(outcomes, failures, authorized.sender.spoken.findings())
    }

    /// What came in each part of the answer: a part that fails does not cost the others.
    async fn receive(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        selector: Selector,
        wish: &KeyWish,
    ) -> Vec<Result<Outcome, WalletError>> {
        let batch_size = authorized.offer.issuer.batch_size;
        let configuration = bound_where_asked(authorized, &offered.configuration);
        let keys = match self.choose_keys(&configuration, wish, batch_size).await {
            Ok(keys) => keys,
            Err(error) => return vec![Err(error)],
        };
        let mut received = Vec::new();
        match self.request_with_proofs(authorized, offered, selector, &keys).await {
            Ok(Answered { responses, dialect, response_key }) => {
                for part in parts(responses, &keys) {
                    let way = (dialect, &response_key);
                    received.push(self.receive_part(authorized, offered, part, way).await);
                }
            }
            Err(error) => received.push(Err(error)),
        }
        self.forget_idle_keys(&keys, &received).await;
        received
    }

    async fn receive_part(
        &self,
        authorized: &Authorized,
        offered: &OfferedCredential,
        Part { response, keys }: Part<'_>,
        (dialect, response_key): (Option<Dialect>, &ResponseKey),
    ) -> Result<Outcome, WalletError> {
        let issuer = &authorized.offer.issuer;
        let expected = Expected::of(offered, &issuer.credential_issuer);
        match response {
            ReceivedCredentialResponse::Issued {
                credentials,
                notification_id,
                credential_metadata,
            } => {
                let expected = expected.described_by(credential_metadata.as_ref(), issuer);
                let holder_keys: Vec<HolderKey> =
                    keys.iter().map(|key| key.holder_key.clone()).collect();
                let checked = self.check(&expected, &credentials, &holder_keys).await;
                let reporter = authorized.reporter(notification_id);
                self.report_failure(checked, reporter).await.map(Outcome::Issued)
            }
            ReceivedCredentialResponse::Deferred { transaction_id, interval } => {
                let when = (transaction_id, interval, dialect);
                let wanted = (expected, &keys[..], response_key.clone());
                let pending = self.put_off(authorized, wanted, when).await?;
                Ok(Outcome::PutOff(Box::new(pending)))
            }
        }
    }

    /// A key that became nothing, and waits for nothing, is rubbish. Where it cannot be deleted now,
    /// that costs nothing of what came: it is unused, and goes with others that are.
    async fn forget_idle_keys(
        &self,
        keys: &[ChosenKey],
        received: &[Result<Outcome, WalletError>],
    ) {
        for key in keys.iter().filter(|key| key.is_new) {
            let is_used = |outcome: &Outcome| match outcome {
                Outcome::Issued(previews) => {
                    previews.iter().any(|preview| preview.is_bound_to(&key.holder_key))
                }
                Outcome::PutOff(pending) => pending.holder_keys.contains(&key.holder_key),
            };
            if !received.iter().flatten().any(is_used) {
                let _ = self.store.delete_key(&key.holder_key.kid).await;
            }
        }
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
        let (spoken, offer) = (&authorized.sender.spoken, &authorized.offer);
        let batch = offer.batch_endpoint.as_ref().zip(spoken.dialect).filter(|_| keys.len() > 1);
        let (endpoint, parameters) = match (batch, spoken.dialect) {
            (Some((endpoint, dialect)), _) => {
                (endpoint, dialect.write_batch_request(&request, &offered.named))
            }
            (None, Some(dialect)) => {
                let parameters = dialect.write_credential_request(&request, &offered.named);
                (&offer.issuer.credential_endpoint, parameters)
            }
            (None, None) => (&offer.issuer.credential_endpoint, request.to_json()),
        };
        let mut response_key = ResponseKey::default();
        let place = (endpoint, &authorized.sender, &authorized.access_token);
        let cover = (&offer.encryption, &mut response_key);
        let answer = self.exchange(place, cover, parameters).await?;
        let responses = match batch {
            None => spoken.read_response(&answer).map(|response| vec![response]),
            Some(_) => spoken.read_batch_response(&answer, keys.len()),
        };
        let responses = responses.ok_or(WalletError::BadAnswer(Question::Credential))?;
        self.check_dialect(spoken)?;
        let dialect = spoken.dialect.map(|dialect| dialect.read_deferral(&answer));
        Ok(Answered { responses, dialect, response_key })
    }
}

/// What came: one answer for all keys, or one for each.
struct Answered {
    responses: Vec<ReceivedCredentialResponse>,
    /// In what it is to be asked for if it comes later.
    dialect: Option<Dialect>,
    /// Under which key it comes.
    response_key: ResponseKey,
}

/// An answer, and the keys that it is for.
struct Part<'k> {
    response: ReceivedCredentialResponse,
    keys: Vec<&'k ChosenKey>,
}

/// Credentials that came together are copies of one; whatever comes later comes for itself.
fn parts(responses: Vec<ReceivedCredentialResponse>, keys: &[ChosenKey]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let is_alone = responses.len() == 1;
    for (place, response) in responses.into_iter().enumerate() {
        let own = if is_alone { keys } else { keys.get(place..=place).unwrap_or_default() };
        let same = parts.iter_mut().find_map(|part| match &mut part.response {
            ReceivedCredentialResponse::Issued { credentials, .. } => {
                Some((credentials, &mut part.keys))
            }
            ReceivedCredentialResponse::Deferred { .. } => None,
        });
        match (response, same) {
            (ReceivedCredentialResponse::Issued { credentials: more, .. }, Some((all, keys))) => {
                all.extend(more);
                keys.extend(own);
            }
            (response, _) => parts.push(Part { response, keys: own.iter().collect() }),
        }
    }
    parts
}

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

//! Step 18, later: the wallet keeps what is still to come, and fetches it (VCI §9).

use oid4vci::credential::ReceivedCredentialResponse;
use oid4vci::deferred::DeferredCredentialRequest;
use oid4vci::metadata::ReceivedIssuerMetadata;
use oid4vci::secret::TransactionId;

use super::check::Expected;
use super::key::ChosenKey;
use super::receipt::Received;
use super::sender::Sender;
use super::token::Authorized;
use crate::Wallet;
use crate::error::{Question, WalletError};
use crate::store::{CredentialId, PendingCredential, Reporter};

/// Where the issuer does not say how long to wait.
const INTERVAL_SECONDS: u64 = 60;
/// Longest that an issuer can make us wait before we ask again.
const INTERVAL_SECONDS_MAX: u64 = 24 * 60 * 60;

/// What became of a credential that was still to come.
#[derive(Debug)]
pub enum Resumed {
    /// It is here, checked and not yet stored.
    Received(Received),
    /// It is not ready: not to be asked for before its `ask_at`.
    Waits(PendingCredential),
}

impl Wallet {
    /// Keeps all that is needed to ask again, also after a restart; its keys are there to stay.
    pub(super) async fn put_off(
        &self,
        authorized: &Authorized,
        (expected, keys): (Expected, &[ChosenKey]),
        (transaction_id, interval): (TransactionId, Option<u64>),
    ) -> Result<PendingCredential, WalletError> {
        if authorized.offer.issuer.deferred_credential_endpoint.is_none() {
            return Err(WalletError::NotYet { interval }); // DEFER-01
        }
        let now = self.clock.now();
        let pending = PendingCredential {
            id: CredentialId::fresh(&*self.random),
            expected,
            holder_keys: keys.iter().map(|key| key.holder_key.clone()).collect(),
            transaction_id,
            token: authorized.sender.keep(&authorized.access_token),
            asked_at: now,
            ask_at: now.plus(seconds(interval)),
        };
        self.store.save_pending(pending.clone()).await?;
        // From here on the keys are spoken for, whatever becomes of this.
        for key in &pending.holder_keys {
            if let Ok(Some(stored)) = self.store.key(&key.kid).await {
                let _ = self.settle(stored).await;
            }
        }
        Ok(pending)
    }

    /// Asks for what is still to come, but not before its time.
    ///
    /// The issuer's metadata are read again: its keys may be others by now. What comes is held
    /// against what the holder agreed to then.
    pub async fn resume(&self, pending: &PendingCredential) -> Result<Resumed, WalletError> {
        if self.clock.now() < pending.ask_at {
            return Ok(Resumed::Waits(pending.clone()));
        }
        let issuer = self.issuer_metadata(&pending.expected.credential_issuer).await?;
        match self.ask_again(pending, &issuer).await {
            Ok(ReceivedCredentialResponse::Issued {
                credentials,
                notification_id,
                credential_metadata,
            }) => {
                let expected = pending.expected.clone();
                let expected = expected.described_by(credential_metadata.as_ref(), &issuer);
                let reporter = notification_id.and_then(|notification_id| {
                    let endpoint = issuer.notification_endpoint.as_ref()?.to_string();
                    Some(Reporter { endpoint, token: pending.token.clone(), notification_id })
                });
                let keys = &pending.holder_keys;
                let checked = self.check(&expected, &credentials, keys).await;
                let previews = match self.report_failure(checked, reporter).await {
                    Ok(previews) => previews,
                    Err(error @ WalletError::NotVerified(_)) => {
                        self.forget_pending(pending).await?; // it was delivered, such as it is
                        return Err(error);
                    }
                    Err(error) => return Err(error),
                };
                Ok(Resumed::Received(Received::resumed(previews, pending.clone())))
            }
            Ok(ReceivedCredentialResponse::Deferred { transaction_id, interval }) => {
                let ask_at = self.clock.now().plus(seconds(interval));
                let pending = PendingCredential { transaction_id, ask_at, ..pending.clone() };
                self.store.save_pending(pending.clone()).await?;
                Ok(Resumed::Waits(pending))
            }
            Err(WalletError::Refused(refused))
                if refused.is("credential_request_denied")
                    || refused.is("invalid_transaction_id") =>
            {
                self.forget_pending(pending).await?; // DEFER-18
                Err(WalletError::Refused(refused))
            }
            Err(error) => Err(error),
        }
    }

    async fn ask_again(
        &self,
        pending: &PendingCredential,
        issuer: &ReceivedIssuerMetadata,
    ) -> Result<ReceivedCredentialResponse, WalletError> {
        let endpoint = issuer.deferred_credential_endpoint.as_ref();
        let endpoint = endpoint.ok_or(WalletError::NotYet { interval: None })?;
        let servers = issuer.authorization_servers.iter().map(String::as_str);
        let homes: Vec<&str> = servers.chain([&*issuer.credential_issuer]).collect();
        let places = issuer.notification_endpoint.iter().chain([endpoint]);
        self.check_places(&homes, places)?;
        let transaction_id = pending.transaction_id.clone();
        let parameters = DeferredCredentialRequest { transaction_id }.to_json();
        let encryption = issuer.encryption.choose(false)?; // DEFER-07, DEFER-09
        let sender = Sender::of_kept(&pending.token);
        let place = (endpoint, &sender, &pending.token.access_token);
        let answer = self.exchange(place, &encryption, parameters).await?;
        let response = ReceivedCredentialResponse::parse(&answer);
        response.ok_or(WalletError::BadAnswer(Question::Credential))
    }

    /// Gives up what was still to come, with the keys that were made for it.
    pub async fn forget_pending(&self, pending: &PendingCredential) -> Result<(), WalletError> {
        let credentials = self.store.credentials().await?.records;
        for key in &pending.holder_keys {
            let is_bound =
                credentials.iter().any(|held| held.holder_keys().any(|bound| bound == key));
            if !is_bound {
                self.store.delete_key(&key.kid).await?;
            }
        }
        self.store.delete_pending(&pending.id).await?;
        Ok(())
    }
}

fn seconds(interval: Option<u64>) -> u64 {
    interval.unwrap_or(INTERVAL_SECONDS).clamp(1, INTERVAL_SECONDS_MAX)
}

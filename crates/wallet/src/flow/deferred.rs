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
use crate::error::{Question, Refused, WalletError};
use crate::store::{
    CredentialId, FetchedCredentials, KeptToken, PendingCredential, Reporter, ResponseKey,
};

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
        (expected, keys, response_key): (Expected, &[ChosenKey], ResponseKey),
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
            token: authorized.kept_token(),
            asked_at: now,
            ask_at: now.plus(seconds(interval)),
            response_key,
            fetched: None,
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
    /// against what the holder agreed to then. It comes once: so it is on disk before it is checked,
    /// and whatever fails on the way is done again the next time.
    pub async fn resume(&self, pending: &PendingCredential) -> Result<Resumed, WalletError> {
        if pending.fetched.is_some() {
            return self.look_at(pending.clone()).await;
        }
        // CRED-40, DEFER-19
        if self.clock.now() < pending.ask_at {
            return Ok(Resumed::Waits(pending.clone()));
        }
        let issuer = self.issuer_metadata(&pending.expected.credential_issuer).await?;
        let (pending, answer) = self.ask_with_live_token(pending, &issuer).await?;
        match answer {
            ReceivedCredentialResponse::Issued {
                credentials,
                notification_id,
                credential_metadata,
            } => {
                let expected = pending.expected.clone();
                let expected = expected.described_by(credential_metadata.as_ref(), &issuer);
                let reporter = notification_id.and_then(|notification_id| {
                    let endpoint = issuer.notification_endpoint.as_ref()?.to_string();
                    let token = KeptToken { renewal: None, ..pending.token.clone() };
                    Some(Reporter { endpoint, token, notification_id })
                });
                let fetched = Some(FetchedCredentials { credentials, reporter });
                let pending = PendingCredential { expected, fetched, ..pending };
                self.store.save_pending(pending.clone()).await?;
                self.look_at(pending).await
            }
            ReceivedCredentialResponse::Deferred { transaction_id, interval } => {
                let ask_at = self.clock.now().plus(seconds(interval));
                let pending = PendingCredential { transaction_id, ask_at, ..pending };
                self.store.save_pending(pending.clone()).await?;
                Ok(Resumed::Waits(pending))
            }
        }
    }

    /// Checks what came, now or another time.
    async fn look_at(&self, pending: PendingCredential) -> Result<Resumed, WalletError> {
        let fetched = pending.fetched.clone();
        let FetchedCredentials { credentials, reporter } =
            fetched.ok_or(WalletError::BadAnswer(Question::Credential))?;
        let checked = self.check(&pending.expected, &credentials, &pending.holder_keys).await;
        match checked {
            Err(error) if !matches!(error, WalletError::NotVerified(_)) => Err(error),
            checked => match self.report_failure(checked, reporter).await {
                Ok(previews) => Ok(Resumed::Received(Received::resumed(previews, pending))),
                Err(error) => {
                    self.forget_pending(&pending).await?; // it was delivered, such as it is
                    Err(error)
                }
            },
        }
    }

    /// Asks, and once more with a new token where the old one is dead: it need not be the token that
    /// asked first (DEFER-03). A no that is final ends the
    /// wait (DEFER-18); so does a token that nothing can renew.
    async fn ask_with_live_token(
        &self,
        pending: &PendingCredential,
        issuer: &ReceivedIssuerMetadata,
    ) -> Result<(PendingCredential, ReceivedCredentialResponse), WalletError> {
        let refused = match self.ask_again(pending, issuer).await {
            Err(WalletError::Refused(refused)) if refused.is_dead_token() => refused,
            answer => return self.unless_ended(pending.clone(), answer).await,
        };
        match self.renew_pending(pending, issuer).await {
            Ok(Some(renewed)) => {
                let answer = self.ask_again(&renewed, issuer).await;
                self.unless_ended(renewed, answer).await
            }
            Ok(None) => {
                let answer = Err(WalletError::Refused(refused));
                self.unless_ended(pending.clone(), answer).await
            }
            Err(error) => self.unless_ended(pending.clone(), Err(error)).await,
        }
    }

    /// The answer; where nothing will ever come, the wait ends with it.
    async fn unless_ended(
        &self,
        pending: PendingCredential,
        answer: Result<ReceivedCredentialResponse, WalletError>,
    ) -> Result<(PendingCredential, ReceivedCredentialResponse), WalletError> {
        match answer {
            Ok(answer) => Ok((pending, answer)),
            Err(WalletError::Refused(refused)) if is_final(&refused) => {
                self.forget_pending(&pending).await?;
                Err(WalletError::Ended(refused))
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
        let mut response_key = pending.response_key.clone();
        let cover = (&encryption, &mut response_key);
        let answer = self.exchange(place, cover, parameters).await?;
        let response = ReceivedCredentialResponse::parse(&answer);
        response.ok_or(WalletError::BadAnswer(Question::Credential))
    }

    /// Gives up what was still to come, with the keys that were made for it.
    pub async fn forget_pending(&self, pending: &PendingCredential) -> Result<(), WalletError> {
        let credentials = self.store.credentials().await?.records;
        let mut others = self.store.pending().await?.records;
        others.retain(|other| other.id != pending.id);
        for key in &pending.holder_keys {
            let is_bound =
                credentials.iter().any(|held| held.holder_keys().any(|bound| bound == key));
            let is_awaited = others.iter().any(|other| other.holder_keys.contains(key));
            if !is_bound && !is_awaited {
                self.store.delete_key(&key.kid).await?;
            }
        }
        self.store.delete_pending(&pending.id).await?;
        Ok(())
    }
}

/// Whether to ask again is of no use: it was rejected, is unknown or has expired (DEFER-16,
/// DEFER-17), or its token is dead and cannot be renewed (RFC 6749 §5.2).
fn is_final(refused: &Refused) -> bool {
    if refused.question == Question::Token {
        return refused.is("invalid_grant");
    }
    let has_ended = ["credential_request_denied", "invalid_transaction_id"];
    has_ended.iter().any(|code| refused.is(code)) || refused.is_dead_token()
}

fn seconds(interval: Option<u64>) -> u64 {
    interval.unwrap_or(INTERVAL_SECONDS).clamp(1, INTERVAL_SECONDS_MAX)
}

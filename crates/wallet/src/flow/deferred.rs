//! Step 18, later: the wallet keeps what is still to come, and fetches it (VCI §9).

use std::borrow::Cow;

use keys::outside::Timestamp;
use oid4vci::credential::ReceivedCredentialResponse;
use oid4vci::deferred::DeferredCredentialRequest;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::ReceivedIssuerMetadata;
use oid4vci::secret::TransactionId;
use zeroize::Zeroizing;

use super::check::Expected;
use super::dialect::Spoken;
use super::key::ChosenKey;
use super::receipt::Received;
use super::sender::Sender;
use super::token::Authorized;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::store::{
    CredentialId, FetchedCredentials, KeptToken, PendingCredential, Reporter, ResponseKey,
    StoreError, is_taken, taken_from,
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
        (expected, keys, response_key): (Expected, &[&ChosenKey], ResponseKey),
        (transaction_id, interval, dialect): (TransactionId, Option<u64>, Option<Dialect>),
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
            dialect,
            token: authorized.shared_as.clone(),
            asked_at: now,
            ask_at: now.plus(seconds(interval)),
            response_key,
            fetched: None,
            taken_until: None,
            revision: 0,
        };
        self.store.put_off(pending.clone(), authorized.shared_token()).await?;
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
    /// What counts is what the store has of it now, as other programs ask too; while this one asks,
    /// they do not: it comes once, and to whom it does not come it looks as if it never would. So it
    /// is also on disk before it is checked, and whatever fails on the way is done again the next
    /// time. The issuer's metadata are read again: its keys may be others by now. What comes is held
    /// against what the holder agreed to then.
    pub async fn resume(&self, id: &CredentialId) -> Result<Resumed, WalletError> {
        let seen = self.store.pending_credential(id).await?;
        let seen = seen.ok_or(WalletError::NoLongerPending)?;
        if seen.fetched.is_some() {
            return self.look_at(seen).await;
        }
        // CRED-40, DEFER-19
        if self.clock.now() < seen.ask_at {
            return Ok(Resumed::Waits(seen));
        }
        let taken = self.take(&seen).await?;
        match self.ask_with_live_token(&taken).await {
            Ok(answered) => {
                let next = self.keep_answer(taken, answered).await?;
                let waits = next.fetched.is_none();
                if waits { Ok(Resumed::Waits(next)) } else { self.look_at(next).await }
            }
            Err(WalletError::Refused(refused)) if is_final(&refused) => {
                self.forget(&taken).await?;
                Err(WalletError::Ended(refused))
            }
            Err(error) => {
                self.release(taken).await;
                Err(error)
            }
        }
    }

    /// Has the record for itself from here on, if it is still the one that was seen.
    async fn take(&self, seen: &PendingCredential) -> Result<PendingCredential, WalletError> {
        let now = self.clock.now();
        if is_taken(seen.taken_until, now) {
            return Err(StoreError::Busy.into());
        }
        let taken = PendingCredential { taken_until: Some(taken_from(now)), ..seen.clone() };
        let taken = self.store.replace_pending(seen, taken).await?;
        Ok(taken.ok_or(StoreError::Busy)?)
    }

    /// The same by its id; `None` when it is there no more.
    pub(super) async fn take_by_id(
        &self,
        id: &CredentialId,
    ) -> Result<Option<PendingCredential>, WalletError> {
        match self.store.pending_credential(id).await? {
            Some(seen) => self.take(&seen).await.map(Some),
            None => Ok(None),
        }
    }

    /// Leaves it to others again; where that fails its time is over soon.
    pub(super) async fn release(&self, taken: PendingCredential) {
        let free = PendingCredential { taken_until: None, ..taken.clone() };
        let _ = self.store.replace_pending(&taken, free).await;
    }

    /// What was answered is on disk before anything is done with it. A machine that slept meanwhile
    /// has nothing for itself any more: then what came counts more than that another program has
    /// asked.
    async fn keep_answer(
        &self,
        taken: PendingCredential,
        answered: PendingCredential,
    ) -> Result<PendingCredential, WalletError> {
        let free = PendingCredential { taken_until: None, ..answered };
        if let Some(kept) = self.store.replace_pending(&taken, free.clone()).await? {
            return Ok(kept);
        }
        let now = self.store.pending_credential(&taken.id).await?;
        let now = now.ok_or(WalletError::NoLongerPending)?;
        if now.fetched.is_some() || free.fetched.is_none() {
            return Ok(now);
        }
        Ok(self.store.replace_pending(&now, free).await?.ok_or(StoreError::Busy)?)
    }

    /// Checks what came, now or another time.
    async fn look_at(&self, pending: PendingCredential) -> Result<Resumed, WalletError> {
        let fetched = pending.fetched.clone();
        let FetchedCredentials { credentials, reporter, .. } =
            fetched.ok_or(WalletError::BadAnswer(Question::Credential))?;
        let checked = self.check(&pending.expected, &credentials, &pending.holder_keys).await;
        match checked {
            Err(error) if !matches!(error, WalletError::NotVerified(_)) => return Err(error),
            // It was delivered, such as it is; whoever gives it up tells of it.
            Err(error) if !self.forget_pending(&pending.id).await? => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let previews = self.report_failure(checked, reporter).await?;
        Ok(Resumed::Received(Received::resumed(previews, pending)))
    }

    /// Asks, and once more with a new token where the old one is dead: it need not be the token that
    /// asked first (DEFER-03). A no that is final ends the wait (DEFER-18); so does a token that
    /// nothing can renew.
    async fn ask_with_live_token(
        &self,
        pending: &PendingCredential,
    ) -> Result<PendingCredential, WalletError> {
        let issuer = &pending.expected.credential_issuer;
        let issuer = self.issuer_metadata(issuer, pending.dialect).await?;
        let token = self.token_for(pending).await?.token;
        let spoken = Spoken::new(pending.dialect, Vec::new());
        let refused = match self.ask_again(pending, &token, &issuer, &spoken).await {
            Err(WalletError::Refused(refused)) if refused.is_dead_token() => refused,
            answer => {
                let answer = (answer?, spoken.findings());
                return Ok(answered(pending, (&token, &issuer), answer, self.clock.now()));
            }
        };
        let Some(token) = self.token_after(&token, pending, &issuer).await? else {
            return Err(WalletError::Refused(refused));
        };
        let answer = self.ask_again(pending, &token, &issuer, &spoken).await?;
        let answer = (answer, spoken.findings());
        Ok(answered(pending, (&token, &issuer), answer, self.clock.now()))
    }

    async fn ask_again(
        &self,
        pending: &PendingCredential,
        token: &KeptToken,
        issuer: &ReceivedIssuerMetadata,
        spoken: &Spoken,
    ) -> Result<ReceivedCredentialResponse, WalletError> {
        let endpoint = issuer.deferred_credential_endpoint.as_ref();
        let endpoint = endpoint.ok_or(WalletError::NotYet { interval: None })?;
        // No server that the issuer has named since then: the holder has agreed to none of them.
        let homes = [&*issuer.credential_issuer, &*token.authorization_server];
        let places = issuer.notification_endpoint.iter().chain([endpoint]);
        self.check_places(&homes, places)?;
        let transaction_id = pending.transaction_id.clone();
        let parameters = DeferredCredentialRequest { transaction_id }.to_json();
        let mut sender = Sender::of_kept(token);
        sender.spoken = spoken.clone();
        let encryption = sender.spoken.encryption(&issuer.encryption)?; // DEFER-07, DEFER-09
        let place = (endpoint, &sender, &token.access_token);
        let mut response_key = pending.response_key.clone();
        let cover = (&encryption, &mut response_key);
        let answer = match pending.dialect.filter(|dialect| dialect.has_acceptance_tokens()) {
            None => self.exchange(place, cover, parameters).await,
            Some(_) => self
                .ask_with_own_token(endpoint, &pending.transaction_id, &sender.spoken)
                .await
                .map(Zeroizing::new),
        };
        if let Err(WalletError::Refused(refused)) = &answer
            && sender.spoken.is_not_ready(refused)
        {
            let transaction_id = pending.transaction_id.clone();
            let interval = sender.spoken.interval();
            return Ok(ReceivedCredentialResponse::Deferred { transaction_id, interval });
        }
        let answer = answer?;
        let response = sender.spoken.read_response(&answer);
        response.ok_or(WalletError::BadAnswer(Question::Credential))
    }

    /// Gives up what was still to come, with the keys that were made for it; `false` when it was
    /// there no more.
    pub async fn forget_pending(&self, id: &CredentialId) -> Result<bool, WalletError> {
        self.give_up(id, std::iter::empty()).await
    }

    /// The same, with what was stored of it.
    pub(super) async fn give_up(
        &self,
        id: &CredentialId,
        stored: impl Iterator<Item = &CredentialId>,
    ) -> Result<bool, WalletError> {
        let Some(taken) = self.take_by_id(id).await? else { return Ok(false) };
        for credential in stored {
            self.store.delete_credential(credential).await?;
        }
        self.forget(&taken).await?;
        Ok(true)
    }

    /// The same for whoever has it for itself, and still has: else nothing is given up.
    async fn forget(&self, taken: &PendingCredential) -> Result<(), WalletError> {
        let still = self.store.replace_pending(taken, taken.clone()).await?;
        let pending = still.ok_or(StoreError::Busy)?;
        // In this order: what becomes a credential meanwhile is seen as one or the other.
        let mut others = self.store.pending().await?.records;
        others.retain(|other| other.id != pending.id);
        let credentials = self.store.credentials().await?.records;
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

/// The record as it is after an answer.
fn answered(
    pending: &PendingCredential,
    (token, issuer): (&KeptToken, &ReceivedIssuerMetadata),
    (answer, findings): (ReceivedCredentialResponse, Vec<Cow<'static, str>>),
    now: Timestamp,
) -> PendingCredential {
    let pending = pending.clone();
    match answer {
        ReceivedCredentialResponse::Issued {
            credentials,
            notification_id,
            credential_metadata,
        } => {
            let reporter = notification_id.and_then(|notification_id| {
                let endpoint = issuer.notification_endpoint.as_ref()?.to_string();
                let token = KeptToken { renewal: None, ..token.clone() };
                Some(Reporter { endpoint, token, notification_id })
            });
            let findings = findings.into_iter().map(Cow::into_owned).collect();
            let fetched = Some(FetchedCredentials { credentials, reporter, findings });
            let expected = pending.expected.described_by(credential_metadata.as_ref(), issuer);
            PendingCredential { expected, fetched, ..pending }
        }
        ReceivedCredentialResponse::Deferred { transaction_id, interval } => {
            PendingCredential { transaction_id, ask_at: now.plus(seconds(interval)), ..pending }
        }
    }
}

/// Whether to ask again is of no use: it was rejected, is unknown or has expired (DEFER-16,
/// DEFER-17), or its token is dead and cannot be renewed (RFC 6749 §5.2).
fn is_final(refused: &Refused) -> bool {
    if refused.question == Question::Token {
        return refused.is("invalid_grant");
    }
    let has_ended = ["credential_request_denied", "invalid_transaction_id"];
    let has_ended = has_ended.iter().any(|code| refused.is(code)) || refused.is_dead_token();
    refused.question == Question::Credential && has_ended // metadata end no wait
}

fn seconds(interval: Option<u64>) -> u64 {
    interval.unwrap_or(INTERVAL_SECONDS).clamp(1, INTERVAL_SECONDS_MAX)
}

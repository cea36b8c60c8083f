//! Step 19 told to the issuer: what became of its credentials (VCI §11).
//!
//! A notice is on disk before it is sent, so one that does not arrive is sent later; nothing of it
//! ever holds up the holder.

use keys::outside::{Random, Timestamp};
use oid4vci::notification::{Event, NotificationRequest};
use url::Url;

use super::receipt::{Preview, Received};
use super::sender::Sender;
use super::token::Authorized;
use crate::Wallet;
use crate::error::WalletError;
use crate::http::Request;
use crate::store::{CredentialId, Notice, Reporter, Store, StoreError};

/// Largest answer to a notification: there is nothing to say.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// After this time no issuer wants to know.
const NOTICE_SECONDS_MAX: u64 = 90 * 24 * 60 * 60;

impl Authorized {
    /// How to tell the issuer of this response, if it asks for that.
    pub(super) fn reporter(&self, notification_id: Option<String>) -> Option<Reporter> {
        Some(Reporter {
            endpoint: self.offer.issuer.notification_endpoint.as_ref()?.to_string(),
            token: self.sender.keep(&self.access_token),
            notification_id: notification_id?,
        })
    }
}

impl Wallet {
    /// Tells of a response that cannot be used, all of it (NOTIF-08, NOTIF-09); one that can be gets
    /// the way to tell of it later.
    pub(super) async fn report_failure(
        &self,
        checked: Result<Vec<Preview>, WalletError>,
        reporter: Option<Reporter>,
    ) -> Result<Vec<Preview>, WalletError> {
        match checked {
            Ok(mut previews) => {
                for preview in &mut previews {
                    preview.credential.reporter.clone_from(&reporter);
                }
                Ok(previews)
            }
            Err(error) => {
                if let Some(reporter) = reporter {
                    self.tell(&[reporter], Event::CredentialFailure).await;
                }
                Err(error)
            }
        }
    }

    /// The holder does not want what came; the issuer is told (NOTIF-08).
    pub async fn decline(&self, received: &Received) {
        if let Some(pending) = received.resumed_from() {
            // It was delivered, and comes no second time. Where another program keeps it, or this
            // fails, nothing was declined yet. A program that was ended while it kept it may have
            // stored a part.
            let begun = received.previews().iter().map(|preview| &preview.credential().id);
            if !matches!(self.give_up(&pending.id, begun).await, Ok(true)) {
                return;
            }
        }
        self.tell(&received.reporters(), Event::CredentialDeleted).await;
    }

    /// Whatever fails here is tried again later, or not at all: no notification can be relied upon
    /// (NOTIF-01).
    pub(super) async fn tell(&self, reporters: &[Reporter], event: Event) {
        for reporter in reporters {
            let now = self.clock.now();
            let notice = notice(reporter, event, (now, &*self.random));
            if self.store.save_notice(notice.clone()).await.is_ok() {
                let _ = self.send_notice(&notice).await;
            }
        }
    }

    /// Sends what has not arrived yet, and says how many still have not.
    pub async fn send_notices(&self) -> Result<usize, WalletError> {
        let mut left = 0;
        for notice in self.store.notices().await?.records {
            if self.send_notice(&notice).await.is_err() {
                left += 1;
            }
        }
        Ok(left)
    }

    /// What is heard, or can never be heard, is forgotten. The token is that of the response which
    /// had the `notification_id` (NOTIF-02, NOTIF-17).
    async fn send_notice(&self, notice: &Notice) -> Result<(), WalletError> {
        let Reporter { endpoint, token, notification_id } = &notice.reporter;
        let is_old = notice.made_at.plus(NOTICE_SECONDS_MAX) <= self.clock.now();
        // What is no address was none of ours, and is forgotten too.
        if let (false, Ok(endpoint)) = (is_old, Url::parse(endpoint)) {
            self.permit(&endpoint)?;
            let notification_id = notification_id.clone();
            let body = NotificationRequest { notification_id, event: notice.event }.to_json();
            let request = Request::post(endpoint)
                .header("accept", "application/json")
                .body("application/json", body.to_string().into_bytes());
            let sender = Sender::of_kept(token);
            let request = request.at_most(ANSWER_BYTES_MAX);
            let answer = self.send_with_token(&sender, &token.access_token, request).await?;
            if matches!(answer.status, 408 | 429 | 500..) {
                let question = crate::error::Question::Notification;
                let refused = crate::error::Refused::read(question, answer.status, &answer.body);
                return Err(WalletError::Refused(refused));
            }
        }
        self.store.delete_notice(&notice.id).await?;
        Ok(())
    }
}

fn notice(reporter: &Reporter, event: Event, (now, random): (Timestamp, &dyn Random)) -> Notice {
    let id = CredentialId::fresh(random);
    Notice { id, reporter: reporter.clone(), event, made_at: now }
}

/// Deletes a credential; what its issuer is to hear of it waits in the store for
/// [`Wallet::send_notices`]. `false` when there was none.
pub async fn delete_credential(
    store: &dyn Store,
    id: &CredentialId,
    (now, random): (Timestamp, &dyn Random),
) -> Result<bool, StoreError> {
    // What is damaged can be deleted, too; nobody hears of it.
    let credential = store.credential(id).await.ok().flatten();
    let deleted = store.delete_credential(id).await?;
    if let Some(reporter) = credential.and_then(|credential| credential.reporter) {
        let event = Event::CredentialDeleted;
        let _ = store.save_notice(notice(&reporter, event, (now, random))).await;
    }
    Ok(deleted)
}

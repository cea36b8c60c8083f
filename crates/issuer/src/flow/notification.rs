//! Step 19 told to the Issuer: what became of the credentials of a response (VCI §11).

use oid4vci::access::Presented;
use oid4vci::legacy::Dialect;
use oid4vci::notification::{self, NotificationRefusal, NotificationRequest, Notified};

use super::external::known_grant;
use super::sender::spend;
use crate::Issuer;
use crate::failure::Failure;

/// Where a Notification Request goes; its name in the address.
pub const ENDPOINT: &str = "notification";

/// Takes a notification, once or many times (NOTIF-04).
pub async fn notification(
    presented: Presented<'_>,
    request: &NotificationRequest,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<(), Failure<NotificationRefusal>> {
    let now = issuer.clock.now();
    let named = Notified::parse(&request.notification_id, &issuer.keys().offer);
    let named = named.map(|notified| notified.offer_id);
    let grant = known_grant::<NotificationRefusal>(presented, named, dialect, issuer).await?;
    let token = notification::authenticate(presented, grant.as_ref(), now)
        .map_err(NotificationRefusal::from)?;
    spend::<NotificationRefusal>(token, issuer).await?;
    let notified = notification::decide(request, token, &issuer.keys().offer)?;
    issuer.store.note_event(&notified, request.event, now).await?;
    tracing::info!(offer = %notified.offer_id, event = request.event.name(), "notified");
    Ok(())
}

/// The `notification_id` of a response; `None` where wallets are not asked (NOTIF-01).
pub(super) fn notification_id(notified: Notified, issuer: &Issuer) -> Option<String> {
    issuer.config.notification.enabled.then(|| notified.notification_id(&issuer.keys().offer))
}

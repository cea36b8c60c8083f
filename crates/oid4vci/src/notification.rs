//! Step 19 told to the Issuer: the Notification Endpoint (VCI §11).
//!
//! A `notification_id` stores nothing: it names the issuances of one response, under a MAC.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::{MacKey, equal};
use keys::json;
use keys::outside::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::{self, Authenticated, Presented};
use crate::credential::CredentialRefusal;
use crate::encryption::ReceivedBody;
use crate::error::{Challenge, Demand, ErrorCode, Refusal};
use crate::grant::Grant;
use crate::offer::OfferId;
use crate::token::TokenType;

/// Longest Notification Request.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;

const ID_BYTES: usize = 16;
const FRONT_BYTES: usize = ID_BYTES + 4;
const MAC_BYTES: usize = 16;
const PURPOSE: &str = "notification_id";

/// What became of the credentials of one response (NOTIF-07, NOTIF-08, AMB-15).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// All of them are stored.
    CredentialAccepted,
    /// They are not, for another reason than the next one.
    CredentialFailure,
    /// The End-User did not want them, or does not any more.
    CredentialDeleted,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 3] =
        [Self::CredentialAccepted, Self::CredentialFailure, Self::CredentialDeleted];

    /// The value of `event`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CredentialAccepted => "credential_accepted",
            Self::CredentialFailure => "credential_failure",
            Self::CredentialDeleted => "credential_deleted",
        }
    }

    /// Reads the value, in its own case only.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// The issuances of one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notified {
    /// From which offer.
    pub offer_id: OfferId,
    /// The first of them, counted from 0.
    pub place: u16,
    /// How many there are.
    pub count: u16,
}

impl Notified {
    /// Of an issuance that was recorded behind `before` others of its offer.
    #[must_use]
    pub fn new(offer_id: OfferId, before: usize, count: usize) -> Self {
        let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Self { offer_id, place: small(before), count: small(count) }
    }

    /// The `notification_id` that stands for them (CRED-41).
    #[must_use]
    pub fn notification_id(&self, key: &MacKey) -> String {
        let [place, count] = [self.place, self.count].map(u16::to_be_bytes);
        let front = [&self.offer_id.0[..], &place, &count].concat();
        let mac = key.at(self.offer_id.drawn_at()).mac(PURPOSE, &[&front]);
        let mac = mac.iter().copied().take(MAC_BYTES);
        BASE64_URL_SAFE_NO_PAD.encode(front.iter().copied().chain(mac).collect::<Vec<u8>>())
    }

    /// Reads a `notification_id` of ours; `None` for any other.
    #[must_use]
    pub fn parse(text: &str, key: &MacKey) -> Option<Self> {
        if text.len() != (FRONT_BYTES + MAC_BYTES) / 3 * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (front, given) = bytes.split_at_checked(FRONT_BYTES)?;
        let (offer_id, numbers) = front.split_first_chunk::<ID_BYTES>()?;
        let mac = key.at(OfferId(*offer_id).drawn_at()).mac(PURPOSE, &[front]);
        if !equal(mac.get(..MAC_BYTES)?, given) {
            return None;
        }
        let (place, count) = numbers.split_first_chunk::<2>()?;
        Some(Self {
            offer_id: OfferId(*offer_id),
            place: u16::from_be_bytes(*place),
            count: u16::from_be_bytes(*count.first_chunk()?),
        })
    }
}

/// Notification Request (VCI §11.1); what else the Wallet has to say of it is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRequest {
    /// From the Credential Response.
    pub notification_id: String,
    /// What became of the credentials.
    pub event: Event,
}

impl NotificationRequest {
    /// Reads a body; unknown members are ignored (NOTIF-12), repeated ones refused (NOTIF-16).
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, NotificationRefusal> {
        let Some(ReceivedBody::Json(body)) = ReceivedBody::new(content_type, body) else {
            return Err(NotificationRefusal::WrongMediaType); // NOTIF-06
        };
        let too_long = body.len() > REQUEST_BYTES_MAX;
        let object = json::parse_object(body).ok().filter(|_| !too_long);
        let object = object.ok_or(NotificationRefusal::Unreadable)?;
        let text = |name| object.get(name).and_then(Value::as_str);
        let event = text("event").and_then(Event::parse);
        if object.get("event_description").is_some_and(|text| !text.is_string()) {
            return Err(NotificationRefusal::Unreadable);
        }
        Ok(Self {
            notification_id: text("notification_id").ok_or(NotificationRefusal::NoId)?.to_owned(),
            event: event.ok_or(NotificationRefusal::UnknownEvent)?,
        })
    }

    /// The body that a Wallet sends; without an `event_description`, which could only say too much
    /// (NOTIF-10).
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "notification_id": self.notification_id, "event": self.event })
    }
}

/// Holds a token against what is stored, as [`access::authenticate`] does, and for longer: a holder
/// may take a while to look at a credential, and deletes it much later (NOTIF-03, NOTIF-11). Once
/// its time is over, it is good here alone, to tell what became of what was issued with it.
pub fn authenticate<'g>(
    presented: Presented<'_>,
    grant: Option<&'g Grant>,
    now: Timestamp,
) -> Result<Authenticated<'g>, CredentialRefusal> {
    let issued = grant.filter(|grant| !grant.issued.is_empty());
    let redeemed_at = issued.and_then(|grant| grant.redemption.as_ref()).map(|token| token.at);
    access::authenticate(presented, grant, redeemed_at.unwrap_or(now))
}

/// Finds the issuances that a notification is about (NOTIF-15).
pub fn decide(
    request: &NotificationRequest,
    token: Authenticated<'_>,
    key: &MacKey,
) -> Result<Notified, NotificationRefusal> {
    let grant = token.grant();
    let found = Notified::parse(&request.notification_id, key).filter(|notified| {
        let end = usize::from(notified.place) + usize::from(notified.count);
        notified.offer_id == grant.id && end <= grant.issued.len()
    });
    found.ok_or(NotificationRefusal::UnknownId)
}

/// Why a notification is refused (VCI §11.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationRefusal {
    /// NOTIF-14
    Access(CredentialRefusal),
    /// NOTIF-06
    WrongMediaType,
    /// NOTIF-16
    Unreadable,
    /// NOTIF-16
    NoId,
    /// NOTIF-07
    UnknownEvent,
    /// NOTIF-15
    UnknownId,
}

impl From<CredentialRefusal> for NotificationRefusal {
    fn from(refusal: CredentialRefusal) -> Self {
        Self::Access(refusal)
    }
}

impl Refusal for NotificationRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidNotificationId, InvalidNotificationRequest};
        match self {
            Self::Access(refusal) => refusal.answer(),
            Self::WrongMediaType => {
                (InvalidNotificationRequest, "Content-Type of a notification is application/json")
            }
            Self::Unreadable => (
                InvalidNotificationRequest,
                "the notification is not a JSON object as it should be",
            ),
            Self::NoId => (InvalidNotificationRequest, "notification_id is missing, or no text"),
            Self::UnknownEvent => (
                InvalidNotificationRequest,
                "event must be credential_accepted, credential_failure or credential_deleted",
            ),
            Self::UnknownId => {
                (InvalidNotificationId, "notification_id is not of a response to this token")
            }
        }
    }

    fn status(&self) -> u16 {
        if let Self::Access(refusal) = self { refusal.status() } else { 400 }
    }

    fn challenge(&self) -> Option<Challenge> {
        if let Self::Access(refusal) = self { refusal.challenge() } else { None }
    }

    fn scheme(&self) -> TokenType {
        if let Self::Access(refusal) = self { refusal.scheme() } else { TokenType::Bearer }
    }

    fn demand(&self) -> Option<Demand> {
        if let Self::Access(refusal) = self { refusal.demand() } else { None }
    }
}

//! VCI §11 as tables: what is told, by whom, of what.

mod fixture;
#[macro_use]
mod refusals;

use fixture::{NOW, OFFER, TOKEN, redeemed};
use keys::digest::MacKey;
use oid4vci::access::Presented;
use oid4vci::credential::CredentialRefusal;
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::grant::{Grant, Issued};
use oid4vci::notification::NotificationRefusal::{
    self, NoId, UnknownEvent, UnknownId, Unreadable, WrongMediaType,
};
use oid4vci::notification::{Event, NotificationRequest, Notified, authenticate, decide};
use oid4vci::offer::OfferId;
use oid4vci::secret::AccessToken;
use refusals::check_texts;
use serde_json::{json, to_value};

const JSON: &str = "application/json";

fn key() -> MacKey {
    MacKey::new([3; 32])
}

fn issued(count: usize) -> Grant {
    let one = Issued {
        credential_configuration_id: "card".into(),
        thumbprint: None,
        at: NOW,
        entry: None,
        notified: None,
    };
    Grant { issued: vec![one; count], ..redeemed() }
}

/// CRED-41: it stores nothing, and nobody else can make one.
#[test]
fn an_id_names_the_issuances_of_one_response() {
    let notified = Notified::new(OFFER, 2, 3);
    let id = notified.notification_id(&key());
    assert_eq!(Notified::parse(&id, &key()), Some(notified));
    assert_eq!(Notified::parse(&id, &MacKey::new([4; 32])), None, "a key of ours is in it");
    let more = Notified::new(OFFER, 2, 4).notification_id(&key());
    assert_ne!(id, more);
    let forged = [&more[..28], &id[28..]].concat();
    assert_eq!(Notified::parse(&forged, &key()), None);
    for foreign in ["", "n", &"A".repeat(48), &"!".repeat(48), &id[1..], &format!("{id}A")] {
        assert_eq!(Notified::parse(foreign, &key()), None, "{foreign}");
    }
}

/// NOTIF-06, NOTIF-07, NOTIF-12, NOTIF-16
#[test]
fn a_request_is_read_strictly() {
    let good = r#"{"notification_id":"n","event":"credential_accepted"}"#;
    let more =
        r#"{"notification_id":"n","event":"credential_deleted","event_description":"x","y":1}"#;
    let cases = [
        ("NOTIF-06", JSON, good, Ok(Event::CredentialAccepted)),
        ("NOTIF-12", JSON, more, Ok(Event::CredentialDeleted)),
        ("another media type", "text/plain", good, Err(WrongMediaType)),
        ("ENC: never encrypted", "application/jwt", good, Err(WrongMediaType)),
        ("no JSON", JSON, "x", Err(Unreadable)),
        ("no object", JSON, "[]", Err(Unreadable)),
        (
            "NOTIF-16: repeated",
            JSON,
            r#"{"notification_id":"n","event":"credential_accepted","event":"credential_deleted"}"#,
            Err(Unreadable),
        ),
        ("no id", JSON, r#"{"event":"credential_accepted"}"#, Err(NoId)),
        ("a number", JSON, r#"{"notification_id":1,"event":"credential_accepted"}"#, Err(NoId)),
        ("no event", JSON, r#"{"notification_id":"n"}"#, Err(UnknownEvent)),
        (
            "NOTIF-07: its case counts",
            JSON,
            r#"{"notification_id":"n","event":"Credential_Accepted"}"#,
            Err(UnknownEvent),
        ),
        (
            "a description that is none",
            JSON,
            r#"{"notification_id":"n","event":"credential_failure","event_description":1}"#,
            Err(Unreadable),
        ),
    ];
    for (rule, media_type, body, expected) in cases {
        let read = NotificationRequest::parse(media_type, body.as_bytes());
        assert_eq!(read.map(|request| request.event), expected, "{rule}");
    }
    let large = format!(r#"{{"notification_id":"{}","event":"x"}}"#, "n".repeat(20_000));
    assert_eq!(NotificationRequest::parse(JSON, large.as_bytes()), Err(Unreadable));
    let event = Event::CredentialFailure;
    let sent = NotificationRequest { notification_id: "n".into(), event }.to_json();
    assert_eq!(sent, json!({ "notification_id": "n", "event": "credential_failure" }));
    for event in Event::ALL {
        assert_eq!(Event::parse(event.name()), Some(event));
        assert_eq!(to_value(event).unwrap(), event.name());
    }
}

/// NOTIF-02, NOTIF-03: the token of an issuance may tell of it later; it is good for nothing else.
#[test]
fn a_token_may_tell_later() {
    let cases = [
        ("in time, nothing issued", redeemed(), 299, true),
        ("too late, nothing issued", redeemed(), 300, false),
        ("issued, a year later", issued(1), 31_536_000, true),
        ("revoked", Grant { withdrawn_at: Some(NOW), ..issued(1) }, 0, false),
    ];
    let token = AccessToken::new(TOKEN);
    for (rule, grant, after, good) in cases {
        let found = authenticate(Presented::Bearer(&token), Some(&grant), NOW.plus(after));
        assert_eq!(found.is_ok(), good, "{rule}");
    }
    let other = AccessToken::new("another");
    assert!(authenticate(Presented::Bearer(&other), Some(&issued(1)), NOW).is_err());
}

/// NOTIF-15: only of what was issued with this token.
#[test]
fn only_its_own_responses_are_told_of() {
    let grant = issued(3);
    let token = AccessToken::new(TOKEN);
    let token = authenticate(Presented::Bearer(&token), Some(&grant), NOW).unwrap();
    let ask = |notified: Notified| {
        let notification_id = notified.notification_id(&key());
        let event = Event::CredentialAccepted;
        decide(&NotificationRequest { notification_id, event }, token, &key())
    };
    let known = Notified::new(OFFER, 1, 2);
    assert_eq!(ask(known), Ok(known));
    assert_eq!(ask(Notified::new(OfferId([9; 16]), 1, 2)), Err(UnknownId), "another offer's");
    assert_eq!(ask(Notified::new(OFFER, 2, 2)), Err(UnknownId), "not recorded");
    let event = Event::CredentialAccepted;
    let foreign = NotificationRequest { notification_id: "n".into(), event };
    assert_eq!(decide(&foreign, token, &key()), Err(UnknownId));
}

/// VCI §11.3
#[test]
fn each_refusal_has_its_code_and_text() {
    let all = every!(NotificationRefusal { WrongMediaType, Unreadable, NoId, UnknownEvent, UnknownId }
        except NotificationRefusal::Access(_));
    check_texts(&all.map(|refusal| refusal.answer().1));
    for refusal in all {
        let code = if refusal == UnknownId {
            ErrorCode::InvalidNotificationId
        } else {
            ErrorCode::InvalidNotificationRequest
        };
        assert_eq!((refusal.answer().0, refusal.status()), (code, 400));
        assert!(refusal.challenge().is_none());
    }
    let access = NotificationRefusal::Access(CredentialRefusal::NoToken);
    assert_eq!((access.answer().0, access.status()), (ErrorCode::InvalidToken, 401));
    assert!(access.challenge().is_some(), "NOTIF-14");
}

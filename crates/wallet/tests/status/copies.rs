//! What is known of a card and its copies, and what is not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::status_list::Status;
use formats::status_list::token::TokenFormat;
use keys::outside::Timestamp;
use serde_json::json;
use wallet::status::{KnownStatus, Lists, StatusFault, word};
use wallet::store::{CredentialCopy, StoredCredential};

use super::website::list_by;
use super::world::{ISSUER_KEYS, NOW};
use super::{LIST, TTL, card, holding, holding_with, serve};

/// Each copy has an entry of its own, and an issuer may revoke one of them alone.
#[tokio::test]
async fn of_several_copies_the_worst_is_told() {
    let world = holding(LIST).await;
    let mut card = card(&world);
    let raw = format!("{}x~", card.raw);
    let holder_key = card.holder_key.clone().unwrap();
    card.copies.push(CredentialCopy { raw: raw.clone(), holder_key, status: None });
    let known = |value| known(value, NOW);
    let tells = |card: &StoredCredential| {
        let standing = card.standing(NOW).unwrap();
        (word(standing.status), standing.copies)
    };
    assert_eq!(tells(&card), ("unknown", 2));
    card.learn(&card.raw.clone(), &known(0));
    assert_eq!(tells(&card), ("unknown", 1));
    card.learn(&raw, &known(0));
    assert_eq!(tells(&card), ("valid", 2));
    card.learn(&raw, &known(2));
    assert_eq!(tells(&card), ("suspended", 1));
    card.learn(&card.raw.clone(), &known(1));
    assert_eq!(tells(&card), ("revoked", 1));
}

fn known(value: u8, listed_at: Timestamp) -> KnownStatus {
    let until = NOW.plus(TTL);
    let known = json!({
        "value": value, "listed_at": listed_at, "checked_at": NOW, "fresh_until": until,
    });
    serde_json::from_value(known).unwrap()
}

/// Of two programs that ask at once, the one that writes last may have asked first.
#[tokio::test]
async fn what_is_known_is_not_taken_back_by_what_was_heard_before() {
    let world = holding(LIST).await;
    let mut card = card(&world);
    card.copies.push(CredentialCopy {
        raw: "copy".to_owned(),
        holder_key: card.holder_key.clone().unwrap(),
        status: None,
    });
    for raw in [card.raw.clone(), "copy".to_owned()] {
        for (value, listed_at, told) in [
            (2, NOW.plus(9), Status::Suspended),
            (0, NOW, Status::Suspended),
            (0, NOW.plus(9), Status::Valid),
            (1, NOW.plus(10), Status::Invalid),
            (0, NOW.plus(11), Status::Invalid),
        ] {
            card.learn(&raw, &known(value, listed_at));
            let status =
                if raw == "copy" { &card.copies.last().unwrap().status } else { &card.status };
            assert_eq!(status.as_ref().unwrap().status(), told, "{value} of {listed_at:?}");
        }
    }
}

/// Its list, its issuer's keys and the signature are the same for all of a batch.
#[tokio::test]
async fn what_copies_share_is_asked_for_once() {
    let world =
        holding_with(LIST, |header| *header = json!({ "typ": "dc+sd-jwt", "kid": "key-1" })).await;
    let mut card = card(&world);
    for at in 1..20 {
        let disclosed = BASE64_URL_SAFE_NO_PAD.encode(format!("[\"{at}\"]"));
        let raw = format!("{}{disclosed}~", card.raw);
        let holder_key = card.holder_key.clone().unwrap();
        card.copies.push(CredentialCopy { raw, holder_key, status: None });
    }
    serve(&world, LIST, TokenFormat::Jwt, list_by("key-1", None, &world.issuer));
    let before = world.network.sent_to(ISSUER_KEYS).len();
    let asked = world.wallet.refresh_status(&card, &[], &mut Lists::default()).await.unwrap();
    assert_eq!((asked.learnt, asked.faults), (20, vec![]));
    assert_eq!(world.network.sent_to(LIST).len(), 1);
    assert_eq!(world.network.sent_to(ISSUER_KEYS).len(), before + 1);
}

/// What another version stored has a status perhaps: that it has none, nobody can say.
#[tokio::test]
async fn a_card_that_cannot_be_read_stands_unknown() {
    let world = holding(LIST).await;
    let mut card = card(&world);
    card.raw = "of a form that is to come".to_owned();
    assert_eq!(word(card.standing(NOW).unwrap().status), "unknown");
    let asked = world.wallet.refresh_status(&card, &[], &mut Lists::default()).await.unwrap();
    assert_eq!(asked.faults, [StatusFault::Unreadable]);
}

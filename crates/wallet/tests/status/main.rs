//! What becomes of a credential later: its issuer's status list, asked for when the holder wants it
//! (TSL §8.3).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod copies;
mod website;
#[path = "../world/mod.rs"]
mod world;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::status_list::StatusListError;
use formats::status_list::token::{
    StatusListClaims, StatusListKey, TOKEN_BYTES_MAX, TokenFormat, issue,
};
use formats::status_list::{Bits, CompressedList, LIST_BYTES_MAX, Status, StatusList};
use keys::outside::Timestamp;
use keys::signer::Signer as _;
use keys::x509::x5c_from_header;
use serde_json::{Map, Value, json};
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::http::HttpError;
use wallet::status::{Lists, StatusFault, word};
use wallet::store::StoredCredential;
use world::{Answer, ISSUER, ISSUER_KEYS, NOW, SigningKey, World, published};

const LIST: &str = "https://issuer.example/status/1";
const ELSEWHERE: &str = "https://lists.example/1";
const IDX: u64 = 7;
const TTL: u64 = 300;

/// A wallet with a student card whose status is at this address.
async fn holding(uri: &'static str) -> World {
    holding_with(uri, |_| {}).await
}

async fn holding_with(uri: &'static str, spoil: fn(&mut Value)) -> World {
    let world = World::new();
    world.issues(move |issuer, proof| {
        issuer.student_card(&proof.cnf(), |header, claims| {
            claims["status"] = json!({ "status_list": { "idx": IDX, "uri": uri } });
            spoil(header);
        })
    });
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let accepted = received.accept_unverified_issuer();
    world.wallet.keep(&accepted).await.unwrap();
    world
}

fn packed(status: Status) -> CompressedList {
    let mut list = StatusList::new(Bits::Two, 64);
    assert!(list.set(IDX, status));
    list.compress().unwrap()
}

/// What a list says of itself.
struct Said {
    uri: &'static str,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

const HONEST: Said = Said { uri: LIST, issued_at: NOW, expires_at: NOW.plus(3600) };

async fn token(format: TokenFormat, said: Said, list: &CompressedList, by: &SigningKey) -> Vec<u8> {
    let header = Map::from_iter([("x5c".to_owned(), by.x5c.clone())]);
    let x5c = x5c_from_header(&header).unwrap().unwrap();
    let Said { uri, issued_at, expires_at } = said;
    let claims = StatusListClaims { uri, issued_at, expires_at, ttl_seconds: TTL, list };
    issue(format, claims, StatusListKey { x5c: &x5c, kid: "key-1" }, &by.key).await.unwrap()
}

fn serve(world: &World, url: &str, format: TokenFormat, token: Vec<u8>) {
    let token = Arc::new(token);
    world.network.on(url, move |_| Answer::Typed(format.media_type(), token.to_vec()));
}

fn card(world: &World) -> StoredCredential {
    world.stored().pop().unwrap()
}

/// Asks, and gives back why nothing is known.
async fn asked(world: &World) -> Vec<StatusFault> {
    asked_also(world, &[]).await
}

async fn asked_also(world: &World, hosts: &[String]) -> Vec<StatusFault> {
    let asked = world.wallet.refresh_status(&card(world), hosts, &mut Lists::default()).await;
    asked.unwrap().faults
}

fn stands(world: &World, seconds: u64) -> &'static str {
    word(card(world).standing(NOW.plus(seconds)).unwrap().status)
}

#[tokio::test]
async fn both_forms_of_a_list_are_read_and_what_they_say_is_kept() {
    for format in [TokenFormat::Jwt, TokenFormat::Cwt] {
        for (status, told) in [
            (Status::Valid, "valid"),
            (Status::Suspended, "suspended"),
            (Status::Invalid, "revoked"),
            (Status::Other(3), "not valid"),
        ] {
            let world = holding(LIST).await;
            assert_eq!(stands(&world, 0), "unknown", "nobody has asked");
            serve(
                &world,
                LIST,
                format,
                token(format, HONEST, &packed(status), &world.issuer).await,
            );
            assert_eq!(asked(&world).await, []);
            assert_eq!(stands(&world, 0), told, "{format:?}");
            let known = card(&world).status.unwrap();
            assert_eq!((known.listed_at, known.checked_at), (NOW, NOW));
        }
    }
}

/// TSL §11.5: what is fresh is not asked for again; what is old is no longer known, but what was
/// revoked stays so.
#[tokio::test]
async fn a_list_is_asked_for_again_when_its_time_to_live_is_over() {
    let world = holding(LIST).await;
    let format = TokenFormat::Jwt;
    serve(&world, LIST, format, token(format, HONEST, &packed(Status::Valid), &world.issuer).await);
    assert_eq!(asked(&world).await, []);
    world.clock.to(TTL - 1);
    assert_eq!(asked(&world).await, []);
    assert_eq!(world.network.sent_to(LIST).len(), 1, "it is fresh");
    assert_eq!(stands(&world, TTL), "unknown", "and then it is not");
    assert_eq!(card(&world).standing(NOW.plus(TTL)).unwrap().last.unwrap().status(), Status::Valid);

    world.clock.to(TTL);
    let revoked = token(format, HONEST, &packed(Status::Invalid), &world.issuer).await;
    serve(&world, LIST, format, revoked);
    assert_eq!(asked(&world).await, []);
    assert_eq!(world.network.sent_to(LIST).len(), 2);
    world.clock.to(10 * TTL);
    assert_eq!(asked(&world).await, []);
    assert_eq!(world.network.sent_to(LIST).len(), 2, "revoked is for ever");
    assert_eq!(stands(&world, 10 * TTL), "revoked");
}

/// Catalogue J07, J12: what is wrong with a list makes nothing valid.
#[tokio::test]
async fn a_list_that_breaks_a_rule_says_nothing() {
    let format = TokenFormat::Jwt;
    let valid = packed(Status::Valid);
    let short = StatusList::new(Bits::One, 0).compress().unwrap();
    let entries = 8 * (LIST_BYTES_MAX as u64 + 1);
    let bomb = StatusList::new(Bits::One, entries).compress().unwrap();
    assert!(bomb.lst.len() < 64 * 1024, "little that becomes much");
    let other = SigningKey::new(NOW, ISSUER);
    let old = NOW.minus(7200);
    let cases = [
        (HONEST, &valid, Some(&other), StatusFault::OtherSigner),
        (Said { uri: ELSEWHERE, ..HONEST }, &valid, None, of(StatusListError::OtherList)),
        (
            Said { issued_at: old, expires_at: old.plus(60), ..HONEST },
            &valid,
            None,
            of(StatusListError::Expired),
        ),
        (HONEST, &bomb, None, of(StatusListError::TooLong)),
        (HONEST, &short, None, StatusFault::NoEntry),
    ];
    for (said, list, signer, fault) in cases {
        let world = holding(LIST).await;
        let signer = signer.unwrap_or(&world.issuer);
        serve(&world, LIST, format, token(format, said, list, signer).await);
        assert_eq!(asked(&world).await, [fault]);
        assert_eq!(stands(&world, 0), "unknown");
    }
}

fn of(error: StatusListError) -> StatusFault {
    StatusFault::List(error)
}

#[tokio::test]
async fn a_list_that_was_changed_is_refused() {
    let world = holding(LIST).await;
    let format = TokenFormat::Jwt;
    let token = token(format, HONEST, &packed(Status::Invalid), &world.issuer).await;
    let text = String::from_utf8(token).unwrap();
    let mut parts: Vec<&str> = text.split('.').collect();
    let lst = BASE64_URL_SAFE_NO_PAD.encode(&packed(Status::Valid).lst);
    let claims = json!({
        "sub": LIST, "iat": NOW, "exp": NOW.0 + 3600, "status_list": { "bits": 2, "lst": lst },
    });
    let changed = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    *parts.get_mut(1).unwrap() = &changed;
    serve(&world, LIST, format, parts.join(".").into_bytes());
    assert_eq!(asked(&world).await, [of(StatusListError::WrongSignature)]);
}

/// Catalogue J08: whoever keeps an old list cannot take a suspension back with it.
#[tokio::test]
async fn a_list_older_than_one_that_was_seen_is_a_replay() {
    let world = holding(LIST).await;
    let format = TokenFormat::Cwt;
    let suspended = token(format, HONEST, &packed(Status::Suspended), &world.issuer).await;
    serve(&world, LIST, format, suspended);
    assert_eq!(asked(&world).await, []);
    world.clock.to(TTL);
    let older = Said { issued_at: NOW.minus(1), ..HONEST };
    let valid = token(format, older, &packed(Status::Valid), &world.issuer).await;
    serve(&world, LIST, format, valid);
    assert_eq!(asked(&world).await, [StatusFault::Older]);
    assert_eq!(stands(&world, TTL), "unknown");
    assert_eq!(card(&world).status.unwrap().status(), Status::Suspended);
}

#[tokio::test]
async fn silence_says_nothing_and_loses_nothing() {
    let world = holding(LIST).await;
    let format = TokenFormat::Jwt;
    let valid = token(format, HONEST, &packed(Status::Valid), &world.issuer).await;
    serve(&world, LIST, format, valid);
    assert_eq!(asked(&world).await, []);
    world.clock.to(TTL);
    for status in [304, 404, 500] {
        world.network.says(LIST, status, json!({}));
        assert_eq!(asked(&world).await, [StatusFault::Answer(status)]);
    }
    for cause in [HttpError::TimedOut, HttpError::TooLarge, HttpError::Redirected] {
        world.network.on(LIST, move |_| Answer::Fails(cause));
        let host = "issuer.example".to_owned();
        let fault = StatusFault::NotAsked(WalletError::Network { host, cause });
        assert_eq!(asked(&world).await, [fault]);
    }
    assert_eq!(stands(&world, TTL), "unknown");
    assert_eq!(card(&world).status.unwrap().checked_at, NOW, "as it was last heard");
}

/// What a server says of the length counts for nothing; the wallet says how much it reads.
#[tokio::test]
async fn a_body_that_is_no_list_is_refused() {
    let world = holding(LIST).await;
    for body in [b"".to_vec(), b"ey".to_vec(), b"{}".to_vec(), vec![0; 1000]] {
        serve(&world, LIST, TokenFormat::Cwt, body);
        assert_eq!(asked(&world).await, [of(StatusListError::Malformed)]);
    }
    serve(&world, LIST, TokenFormat::Cwt, vec![0; TOKEN_BYTES_MAX + 1]);
    assert_eq!(asked(&world).await, [of(StatusListError::TooLong)]);
}

/// The holder agreed to the issuer's host, not to any that a credential names.
#[tokio::test]
async fn a_list_on_another_host_is_asked_for_with_leave_only() {
    let world = holding(ELSEWHERE).await;
    let format = TokenFormat::Jwt;
    let said = Said { uri: ELSEWHERE, ..HONEST };
    let valid = token(format, said, &packed(Status::Valid), &world.issuer).await;
    serve(&world, ELSEWHERE, format, valid);
    let host = "lists.example".to_owned();
    let not_agreed = StatusFault::NotAsked(WalletError::NotAgreed { host: host.clone() });
    assert_eq!(asked(&world).await, [not_agreed]);
    assert!(world.network.sent_to(ELSEWHERE).is_empty());
    assert_eq!(asked_also(&world, &[host]).await, []);
    assert_eq!(stands(&world, 0), "valid");
}

#[tokio::test]
async fn an_address_that_is_not_https_is_not_asked() {
    let world = holding("http://issuer.example/status/1").await;
    let host = "issuer.example".to_owned();
    let fault = WalletError::Network { host, cause: HttpError::NotHttps };
    assert_eq!(asked(&world).await, [StatusFault::NotAsked(fault)]);
    let world = holding("status").await;
    assert_eq!(asked(&world).await, [StatusFault::BadAddress]);
}

/// Where the credential's key is one that the issuer publishes, the list's is looked for there.
#[tokio::test]
async fn the_list_of_an_issuer_that_publishes_its_keys_is_signed_by_one_of_them() {
    let by_name = |header: &mut Value| *header = json!({ "typ": "dc+sd-jwt", "kid": "key-1" });
    let format = TokenFormat::Jwt;
    let world = holding_with(LIST, by_name).await;
    let stranger = SigningKey::new(NOW, ISSUER);
    let forged = token(format, HONEST, &packed(Status::Valid), &stranger).await;
    serve(&world, LIST, format, forged);
    assert_eq!(asked(&world).await, [StatusFault::OtherSigner]);
    // The issuer's certificate is from an authority that nobody here knows, its key is published.
    let mut keys = published(world.issuer.key.public_key());
    let second = published(stranger.key.public_key());
    let second = second.pointer("/jwks/keys/0").unwrap().clone();
    keys.pointer_mut("/jwks/keys").unwrap().as_array_mut().unwrap().push(second);
    world.network.says(ISSUER_KEYS, 200, keys);
    let told = token(format, HONEST, &packed(Status::Suspended), &stranger).await;
    serve(&world, LIST, format, told);
    assert_eq!(asked(&world).await, []);
    assert_eq!(stands(&world, 0), "suspended");
}

/// To ask for a status brings no card back that its holder has deleted meanwhile.
#[tokio::test]
async fn a_deleted_card_stays_deleted() {
    let world = holding(LIST).await;
    let format = TokenFormat::Jwt;
    let valid = token(format, HONEST, &packed(Status::Valid), &world.issuer).await;
    let store = Arc::clone(&world.store);
    let deleted = Mutex::new(Some(card(&world).id));
    world.network.on(LIST, move |_| {
        let id = deleted.lock().unwrap().take();
        if let Some(id) = id {
            store.credentials.lock().unwrap().remove(&id);
        }
        Answer::Typed(format.media_type(), valid.clone())
    });
    assert_eq!(asked(&world).await, []);
    assert!(world.stored().is_empty());
}

#[tokio::test]
async fn a_card_without_a_status_is_asked_about_nowhere() {
    let world = World::new();
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    world.wallet.keep(&received).await.unwrap();
    let sent = world.network.sent().len();
    assert_eq!(asked(&world).await, []);
    assert_eq!(world.network.sent().len(), sent);
    assert_eq!(card(&world).standing(NOW), None);
}

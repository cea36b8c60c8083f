//! W3C credentials in Bitstring Status Lists: whose lists count, and what several say together
//! (Bitstring Status List §3.2).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;

use formats::status_list::bitstring::{Bitstring, ListCredential, Purpose};
use formats::status_list::{Bits, Status, StatusList, StatusListError};
use keys::outside::{Clock, Timestamp};
use keys::signer::Signer as _;
use serde_json::{Value, json};
use wallet::Settings;
use wallet::flow::key::KeyWish;
use wallet::http::Http;
use wallet::status::{Lists, StatusFault, word};
use wallet::verify::{Outcome, Verifier};
use world::{Answer, ISSUER, ISSUER_KEYS, Moved, NOW, Network, SigningKey, World, now, published};

const REVOCATION: &str = "https://issuer.example/status/revocation";
const SUSPENSION: &str = "https://issuer.example/status/suspension";
const INDEX: u64 = 7;

fn entry(purpose: &str, uri: &str) -> Value {
    json!({
        "type": "BitstringStatusListEntry", "statusPurpose": purpose,
        "statusListIndex": INDEX.to_string(), "statusListCredential": uri,
    })
}

/// A wallet with a diploma that has an entry for each purpose.
async fn holding() -> World {
    let world = World::new();
    world.issues(|issuer, proof| {
        issuer.diploma(&proof.did(), |_, claims| {
            claims["vc"]["credentialStatus"] =
                json!([entry("revocation", REVOCATION), entry("suspension", SUSPENSION)]);
        })
    });
    let key = &world.issuer.key;
    world.network.says(ISSUER_KEYS, 200, published(key.public_key()));
    let received = world.receive("diploma", &KeyWish::default()).await.unwrap();
    world.wallet.keep(&received).await.unwrap();
    world
}

fn list(by: &SigningKey, purpose: Purpose, is_set: bool, issued_at: Timestamp) -> Vec<u8> {
    let mut entries = StatusList::new(Bits::One, 64);
    assert!(!is_set || entries.set(INDEX, Status::Invalid));
    let encoded = Bitstring::of(&entries, Status::Invalid).encode().unwrap();
    let list = ListCredential {
        uri: if purpose == Purpose::Revocation { REVOCATION } else { SUSPENSION },
        issuer: ISSUER,
        purpose,
        issued_at,
        expires_at: NOW.plus(3600),
        ttl_seconds: 300,
        encoded: &encoded,
    };
    now(list.sign_jwt("key-1", &by.key)).unwrap()
}

fn serve(network: &Network, url: &str, list: Vec<u8>) {
    let list = Arc::new(list);
    network.on(url, move |_| Answer::Typed("application/vc+jwt", list.to_vec()));
}

/// Asks again, and gives back how the card stands and why not more is known.
async fn asked(world: &World) -> (&'static str, Vec<StatusFault>) {
    let card = world.stored().pop().unwrap();
    let asked = world.wallet.refresh_status(&card, &[], &mut Lists::default()).await.unwrap();
    let card = world.stored().pop().unwrap();
    (word(card.standing(NOW).unwrap().status), asked.faults)
}

#[tokio::test]
async fn the_worst_of_several_lists_counts() {
    for (is_revoked, is_suspended, told) in [
        (false, false, "valid"),
        (false, true, "suspended"),
        (true, false, "revoked"),
        (true, true, "revoked"),
    ] {
        let world = holding().await;
        let by = &world.issuer;
        serve(&world.network, REVOCATION, list(by, Purpose::Revocation, is_revoked, NOW));
        serve(&world.network, SUSPENSION, list(by, Purpose::Suspension, is_suspended, NOW));
        assert_eq!(asked(&world).await, (told, vec![]));
    }
}

/// What one list does not say is not made good by another, but for a revocation.
#[tokio::test]
async fn a_list_that_is_silent_leaves_the_status_unknown() {
    for (is_revoked, told, faults) in
        [(false, "unknown", vec![StatusFault::Answer(404)]), (true, "revoked", vec![])]
    {
        let world = holding().await;
        let by = &world.issuer;
        serve(&world.network, REVOCATION, list(by, Purpose::Revocation, is_revoked, NOW));
        world.network.says(SUSPENSION, 404, json!({}));
        assert_eq!(asked(&world).await, (told, faults));
    }
}

/// Catalogue J08, J12: a list of somebody else, for something else, or from before says nothing.
#[tokio::test]
async fn a_list_that_is_not_the_issuers_says_nothing() {
    let stranger = SigningKey::new(NOW, ISSUER);
    for (by, purpose, fault) in [
        (Some(&stranger), Purpose::Revocation, StatusFault::List(StatusListError::WrongSignature)),
        (None, Purpose::Suspension, StatusFault::List(StatusListError::OtherList)),
    ] {
        let world = holding().await;
        let by = by.unwrap_or(&world.issuer);
        serve(&world.network, REVOCATION, list(by, purpose, false, NOW));
        let good = list(&world.issuer, Purpose::Suspension, false, NOW);
        serve(&world.network, SUSPENSION, good);
        assert_eq!(asked(&world).await, ("unknown", vec![fault]));
    }
    let world = holding().await;
    let by = &world.issuer;
    serve(&world.network, SUSPENSION, list(by, Purpose::Suspension, true, NOW));
    serve(&world.network, REVOCATION, list(by, Purpose::Revocation, false, NOW));
    assert_eq!(asked(&world).await, ("suspended", vec![]));
    world.clock.to(301);
    let older = list(by, Purpose::Suspension, false, NOW.minus(1));
    serve(&world.network, SUSPENSION, older);
    assert_eq!(asked(&world).await.1, [StatusFault::Older]);
}

/// Catalogue J08: each list has dates of its own, and the oldest of one says nothing of another.
#[tokio::test]
async fn what_was_seen_of_each_list_is_kept_by_its_address() {
    let world = holding().await;
    let by = &world.issuer;
    let of = |purpose, seconds: u64| list(by, purpose, false, NOW.minus(seconds));
    serve(&world.network, REVOCATION, of(Purpose::Revocation, 1));
    serve(&world.network, SUSPENSION, of(Purpose::Suspension, 100));
    assert_eq!(asked(&world).await, ("valid", vec![]));
    world.clock.to(301);
    serve(&world.network, REVOCATION, of(Purpose::Revocation, 50));
    assert_eq!(
        asked(&world).await.1,
        [StatusFault::Older],
        "newer than the other, older than it was"
    );
    serve(&world.network, REVOCATION, of(Purpose::Revocation, 1));
    assert_eq!(asked(&world).await.1, []);
}

/// A list without a date cannot be told from an older one; what it is fetched at is no date of it.
#[tokio::test]
async fn a_list_without_a_date_notes_none() {
    let world = holding().await;
    let by = &world.issuer;
    let dated = |purpose| list(by, purpose, false, NOW.minus(100));
    let undated = |purpose: &str, uri: &str| {
        let mut entries = StatusList::new(Bits::One, 64);
        assert!(entries.set(1, Status::Invalid));
        let encoded = Bitstring::of(&entries, Status::Invalid).encode().unwrap();
        let claims = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "id": uri, "issuer": ISSUER,
            "credentialSubject": {
                "type": "BitstringStatusList", "statusPurpose": purpose, "encodedList": encoded,
            },
        });
        by.sign(&json!({ "typ": "vc+jwt", "kid": "key-1" }), &claims).into_bytes()
    };
    serve(&world.network, REVOCATION, undated("revocation", REVOCATION));
    serve(&world.network, SUSPENSION, undated("suspension", SUSPENSION));
    assert_eq!(asked(&world).await, ("valid", vec![]));
    world.clock.to(3601);
    serve(&world.network, REVOCATION, dated(Purpose::Revocation));
    serve(&world.network, SUSPENSION, dated(Purpose::Suspension));
    assert_eq!(asked(&world).await.1, []);
}

/// `bestow verify` asks each list, and says by which rule.
#[tokio::test]
async fn a_verifier_asks_each_list() {
    let issuer = SigningKey::new(NOW, ISSUER);
    let diploma = issuer.diploma("did:example:1", |_, claims| {
        claims["vc"]["credentialStatus"] =
            json!([entry("revocation", REVOCATION), entry("suspension", SUSPENSION)]);
    });
    for (is_suspended, outcome, word) in
        [(false, Outcome::Passed, "valid"), (true, Outcome::Failed, "suspended")]
    {
        let network = Arc::new(Network::default());
        network.says(ISSUER_KEYS, 200, published(issuer.key.public_key()));
        serve(&network, REVOCATION, list(&issuer, Purpose::Revocation, false, NOW));
        serve(&network, SUSPENSION, list(&issuer, Purpose::Suspension, is_suspended, NOW));
        let verifier = Verifier {
            http: Arc::clone(&network) as Arc<dyn Http>,
            clock: Arc::new(Moved::default()) as Arc<dyn Clock>,
            settings: Settings::default(),
            given_keys: None,
            status_list: None,
            is_now: true,
            without_status: false,
        };
        let report = verifier.credential("jwt_vc_json", diploma.as_str().unwrap()).await;
        let status = report.checks.iter().find(|check| check.name == "status").unwrap();
        assert_eq!((status.outcome, status.rule), (outcome, "Bitstring Status List §3.2"));
        assert!(status.found.starts_with(word), "{status:?}");
    }
}

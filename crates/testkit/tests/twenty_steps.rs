//! The story: from an application to a card, one line a step, and then every way through it.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use issuer::application::{ApplicationId, ApplicationSecret};
use issuer::flow::application::{Stage, apply, approve, view};
use keys::algorithm::Algorithm;
use oid4vci::proof::BindingMethod;
use oid4vci::secret::TxCode;
use qr::{Level, QrCode};
use serde_json::json;
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::store::{StoredCredential, Trust};

/// VCI §3.5
#[tokio::test(flavor = "multi_thread")]
async fn twenty_steps() {
    let world = World::new().await;
    let (wallet, consent) = (&world.wallet, Consent::to("issuer.example"));
    let (application, link) = holder_applies(&world, "student_card").await; // 1
    let tx_code = approve(&world.issuer, application).await.unwrap().tx_code; // 2
    let picture = page_shows_qr_code(&world, &link).await; // 3
    let scanned = ScannedOffer::scan(&qr::read(&picture).unwrap()[0]).unwrap(); // 4
    let fetched = wallet.fetch_offer(scanned, &consent).await.unwrap(); // 5
    let described = wallet.describe_offer(fetched, &consent).await.unwrap(); // 6
    let offer = wallet.resolve_offer(described, &consent).await.unwrap(); // 6
    let key = wallet.make_key(Algorithm::Es256, BindingMethod::Jwk).await.unwrap(); // 7
    let authorized = wallet.request_token(offer, tx_code).await.unwrap(); // 8-11
    let wish = KeyWish { key: Some(key.id), ..KeyWish::default() };
    let received = wallet.request_credentials(&authorized, &wish).await.unwrap(); // 12-18
    let kept = wallet.keep(&received).await.unwrap(); // 19
    assert_eq!(line(&kept[0], "Given name"), "Erika"); // 20
}

async fn holder_applies(world: &World, id: &str) -> (ApplicationId, String) {
    let credential_type = &world.issuer.types[id];
    let claims = credential_type.sample();
    let secret = apply(&world.issuer, credential_type, claims).await.unwrap();
    let (id, _) = ApplicationSecret::parse(secret.expose()).unwrap();
    (id, secret.expose().to_owned())
}

async fn page_shows_qr_code(world: &World, link: &str) -> Vec<u8> {
    let page = view(&world.issuer, link).await.unwrap().unwrap();
    let Stage::Offer(offer) = page.stage else { panic!("{:?}", page.stage) };
    QrCode::encode(&offer.uri, Level::M).unwrap().to_png(6)
}

fn line(credential: &StoredCredential, label: &str) -> String {
    let lines = credential.lines("en").shown;
    lines.iter().find(|line| line.label == label).unwrap().text()
}

/// One way through the flow.
#[derive(Clone, Copy, Debug)]
struct Way {
    id: &'static str,
    binding: BindingMethod,
    algorithm: Algorithm,
    tx_code: bool,
    by_value: bool,
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for id in ["student_card", "diploma", "course_ticket"] {
        for binding in [BindingMethod::Jwk, BindingMethod::DidJwk, BindingMethod::DidKey] {
            for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
                for (tx_code, by_value) in
                    [(false, false), (false, true), (true, false), (true, true)]
                {
                    ways.push(Way { id, binding, algorithm, tx_code, by_value });
                }
            }
        }
    }
    ways
}

/// Types, bindings, algorithms, with and without Transaction Code, by value and by reference.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_ends_at_a_card() {
    for path in ["", "/tenant/a"] {
        let world = World::at(&format!("{ISSUER}{path}"), |_| {}).await;
        for way in ways() {
            let kept = go(&world, way).await;
            check(&world, way, &kept);
        }
        let count = world.wallet.store.credentials().await.unwrap().records.len();
        assert_eq!(count, ways().len());
    }
}

async fn go(world: &World, way: Way) -> StoredCredential {
    let wallet = &world.wallet;
    let more = json!({ "tx_code": way.tx_code, "by_value": way.by_value });
    let offered = world.offer(way.id, &more).await;
    let resolved = resolve(world, &offered.uri).await;
    assert_eq!(resolved.tx_code().is_some(), way.tx_code, "OFFER-18: {way:?}");
    let tx_code = offered.tx_code.map(TxCode::new);
    let authorized = wallet.request_token(resolved, tx_code).await.unwrap();
    let (algorithm, binding) = (Some(way.algorithm), Some(way.binding));
    let wish = KeyWish { algorithm, binding, ..KeyWish::default() };
    let received = wallet.request_credentials(&authorized, &wish).await.unwrap();
    assert_eq!(received.doubt(), None, "{way:?}");
    wallet.keep(&received).await.unwrap().remove(0)
}

async fn resolve(world: &World, uri: &str) -> ResolvedOffer {
    let scanned = ScannedOffer::scan(uri).unwrap();
    let consent = Consent::to(scanned.host());
    let fetched = world.wallet.fetch_offer(scanned, &consent).await.unwrap();
    let described = world.wallet.describe_offer(fetched, &consent).await.unwrap();
    world.wallet.resolve_offer(described, &consent).await.unwrap()
}

fn check(world: &World, way: Way, kept: &StoredCredential) {
    let credential_type = &world.issuer.types[way.id];
    assert_eq!(kept.claims, credential_type.sample(), "{way:?}");
    assert_eq!(kept.credential_issuer, world.issuer.credential_issuer());
    assert_eq!(kept.format, credential_type.format.name());
    let by_certificate = way.id != "diploma";
    assert_eq!(matches!(kept.trust, Trust::Anchor { .. }), by_certificate, "{:?}", kept.trust);
    match &kept.holder_key {
        Some(key) => assert_eq!(key.binding, way.binding),
        None => assert_eq!(way.id, "course_ticket", "only a ticket is bound to no key"),
    }
}

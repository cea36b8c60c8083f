//! An issuer that says more of how its credentials look than a wallet can keep: the holder gets the
//! credential nevertheless, as the code for it is spent by then.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;

use keys::outside::SystemRandom;
use serde_json::{Value, json};
use tempfile::TempDir;
use wallet::display::{Display, LABELS_BYTES_MAX, PICTURES_BYTES_MAX};
use wallet::flow::key::KeyWish;
use wallet::store::{FileStore, StoredCredential, Unlock};
use world::{Answer, ISSUER_METADATA, Proof, World, endpoint, issuer_metadata};

const LOGO: &str = "https://issuer.example/logo";

/// A wallet whose store is on disk, and an issuer that says this of its card.
async fn world(credential_metadata: Value) -> (World, TempDir) {
    let mut world = World::new();
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("wallet");
    let unlock = Unlock::KeyFile(FileStore::key_file(&directory));
    let store = FileStore::open(directory, unlock, Arc::new(SystemRandom)).await.unwrap();
    world.wallet.store = Arc::new(store);
    let mut metadata = issuer_metadata();
    let card = &mut metadata["credential_configurations_supported"]["student_card"];
    card["credential_metadata"] = credential_metadata;
    world.network.says(ISSUER_METADATA, 200, metadata);
    (world, folder)
}

/// What is on disk in the end.
async fn kept(world: &World) -> StoredCredential {
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let kept = world.wallet.keep(&received).await.unwrap();
    world.wallet.store.credential(&kept[0].id).await.unwrap().unwrap()
}

fn pictures(display: &Display) -> Vec<&str> {
    let faces = display.faces.iter();
    let all = faces.flat_map(|face| face.logo.iter().chain(&face.background_image));
    all.map(|picture| picture.uri.as_str()).collect()
}

fn length(pictures: &[&str]) -> usize {
    pictures.iter().map(|uri| uri.len()).sum()
}

/// One picture at one address, shown in 64 languages.
#[tokio::test]
async fn one_picture_in_many_languages_does_not_cost_the_credential() {
    let face =
        |n: usize| json!({ "name": "Card", "locale": format!("x-{n}"), "logo": { "uri": LOGO } });
    let (world, _folder) = world(json!({ "display": (0..64).map(face).collect::<Value>() })).await;
    let png = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 190_000]].concat();
    world.network.on(LOGO, move |_| Answer::Typed("image/png", png.clone()));
    let kept = kept(&world).await;
    let pictures = pictures(&kept.display);
    assert!(length(&pictures) <= PICTURES_BYTES_MAX);
    assert_eq!(pictures.len(), 64, "the others stay where they are");
    let here = pictures.iter().filter(|uri| uri.starts_with("data:image/png"));
    assert_eq!(here.count(), 4, "as many as there is room for");
    assert!(pictures[0].starts_with("data:"));
}

/// Pictures that come with the answer, and metadata that are too long to be kept as they came.
#[tokio::test]
async fn pictures_in_the_answer_do_not_cost_the_credential() {
    let (world, _folder) = world(json!({})).await;
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        let card = issuer.student_card(&Proof::of(sent).cnf(), |_, _| {});
        let uri = format!("data:image/png;base64,{}", "A".repeat(250_000));
        let face = |n: usize| {
            json!({ "name": "Late", "locale": format!("x-{n}"), "background_image": { "uri": uri } })
        };
        let display: Value = (0..15).map(face).collect();
        let metadata = json!({ "display": display });
        Answer::Json(
            200,
            json!({ "credentials": [{ "credential": card }], "credential_metadata": metadata }),
        )
    });
    let kept = kept(&world).await;
    assert_eq!((kept.display.faces.len(), pictures(&kept.display).len()), (15, 4));
    assert!(length(&pictures(&kept.display)) <= PICTURES_BYTES_MAX);
    assert_eq!(kept.credential_metadata, None);
}

/// The longest that may come at all: a large card, described at length.
#[tokio::test]
async fn a_large_card_with_many_labels_is_kept() {
    let name = "n".repeat(300);
    let names: Vec<Value> =
        (0..20).map(|n| json!({ "name": name, "locale": format!("x-{n}") })).collect();
    let claim = |n: usize| json!({ "path": [format!("claim-{n}")], "display": names });
    let claims: Value = (0..250).map(claim).collect();
    let (world, _folder) = world(json!({ "claims": claims })).await;
    let photo = "p".repeat(1_400_000);
    world.issues(move |issuer, proof| {
        issuer.student_card(&proof.cnf(), |_, claims| claims["photo"] = json!(photo))
    });
    let kept = kept(&world).await;
    assert_eq!(kept.claims["photo"].as_str().unwrap().len(), 1_400_000);
    let labels = serde_json::to_string(&kept.display.claims).unwrap();
    assert!(labels.len() <= LABELS_BYTES_MAX + 1024 && kept.display.claims.len() > 60);
}

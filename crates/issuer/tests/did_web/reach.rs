//! Where the issuer goes for a did:web, and where it does not (F01).

use issuer::did_documents::DidDocuments;
use keys::signer::Signer as _;
use serde_json::json;
use testkit::proof::holder_key;
use testkit::website::Website;
use testkit::world::World;

use super::{CARD, allow, ask, edit, name_did_web, proof_as, world};

/// Without the switch nobody on this machine or in its network is knocked at.
#[tokio::test]
async fn private_addresses_are_not_asked() {
    let website = Website::start().await;
    let world = World::configured(|folder| {
        name_did_web(folder);
        allow(folder, &website, false);
    });
    let (world, key) = (world.await, holder_key());
    website.publishes(&[key.public_key()]);
    let port = website.did("").rsplit_once("%3A").unwrap().1.to_owned();
    let token = world.token(CARD).await;
    for host in ["localhost", "a.localhost", "localhost."] {
        world.clock.advance(30);
        let answer = ask(&world, &token, &key, &format!("did:web:{host}%3A{port}#0")).await;
        assert!(answer.is(400, "invalid_proof"), "{host}: {answer:?}");
        let text = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(text.contains("on the public internet"), "{host}: {text}");
    }
    for host in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "2130706433", "%5B::1%5D", "0x7f.1"] {
        let answer = ask(&world, &token, &key, &format!("did:web:{host}%3A{port}#0")).await;
        assert!(answer.is(400, "invalid_proof"), "{host}: {answer:?}");
    }
    assert_eq!(website.connections(), 0);
}

/// Only types that say so are bound to a did:web; else nobody is asked (META-33).
#[tokio::test]
async fn nobody_is_asked_for_a_type_that_does_not_say_so() {
    let website = Website::start().await;
    let (world, key) = (
        World::with(|issuer| {
            assert!(issuer.did_documents.is_none());
            issuer.config.proof.did_web_private_addresses = true;
            issuer.did_documents = Some(DidDocuments::open(&issuer.config.proof).unwrap());
        })
        .await,
        holder_key(),
    );
    let token = world.token(CARD).await;
    let answer = ask(&world, &token, &key, &format!("{}#0", website.did(""))).await;
    assert!(answer.is(400, "invalid_proof"), "{answer:?}");
    assert_eq!(website.connections(), 0);
}

/// What is refused anyway leads nowhere.
#[tokio::test]
async fn nobody_is_asked_for_a_proof_that_is_not_good() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    website.publishes(&[key.public_key()]);
    let (token, kid) = (world.token(CARD).await, format!("{}#0", website.did("")));
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.header("jwk", None);
    draft.header("kid", json!(kid));
    draft.claim("aud", json!("https://other.example"));
    let refused = world.credential(&token, CARD, &[draft.sign(&key).await]).await;
    assert!(refused.is(400, "invalid_proof"), "{refused:?}");
    let stale = proof_as(&world, &key, &kid, &"A".repeat(75)).await;
    let refused = world.credential(&token, CARD, &[stale]).await;
    assert!(refused.is(400, "invalid_nonce"), "{refused:?}");
    assert_eq!(ask(&world, "no-token", &key, &kid).await.status, 401);
    assert_eq!(website.connections(), 0);
}

/// Whom the operator does not trust says nothing, and is asked nothing.
#[tokio::test]
async fn a_website_without_a_good_certificate_is_not_asked() {
    let (website, other) = (Website::start().await, Website::start().await);
    let (world, key) = (world(&other).await, holder_key());
    website.publishes(&[key.public_key()]);
    let token = world.token(CARD).await;
    let refused = ask(&world, &token, &key, &format!("{}#0", website.did(""))).await;
    assert!(refused.is(400, "invalid_proof"), "{refused:?}");
    assert!(website.connections() > 0 && website.asked().is_empty());
}

/// The switch is told of; an authority that is none stops the issuer.
#[tokio::test]
async fn what_an_operator_writes_is_looked_at() {
    let website = Website::start().await;
    let world = world(&website).await;
    let warnings = world.issuer.config.warnings(&world.issuer.types);
    let told =
        warnings.iter().any(|warning| warning.starts_with("proof.did_web_private_addresses"));
    assert!(told, "{warnings:?}");
    let mut config = world.issuer.config.clone();
    config.proof.did_web_private_addresses = false;
    let warnings = config.warnings(&world.issuer.types);
    assert!(!warnings.iter().any(|warning| warning.contains("did_web")), "{warnings:?}");
    let file = world.folder.path().join("issuer/holders.pem");
    edit(&file, "BEGIN", "BEGUN");
    let error = DidDocuments::open(&world.issuer.config.proof).unwrap_err();
    assert!(error.to_string().contains("holds no authority"), "{error}");
}

//! One type in three formats, from one file and one set of claims to three cards (VCI §A).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;

use issuer::flow::application::{Stage, apply, view};
use issuer::flow::deferred::approve_deferral;
use issuer::store::deferral::DeferralPage;
use oid4vci::offer::OfferId;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::proof::holder_key;
use testkit::sign_in::{Browser, CLIENT, REDIRECT, parameter};
use testkit::world::World;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::store::StoredCredential;

const TYPE: &str = include_str!("../../../docs/credential-types/library_card.toml");
const CARD: &str = "library_card";
const SPACE: &str = "org.example.library.1";
const FORMATS: [(&str, &str); 3] =
    [(CARD, "dc+sd-jwt"), ("library_card_mdoc", "mso_mdoc"), ("library_card_ldp_vc", "ldp_vc")];

/// An issuer with the type and this way of approving it, and a wallet that people sign in with.
async fn world(approval: &str) -> World {
    let text = TYPE.replace("\"officer\"", &format!("\"{approval}\""));
    World::configured(|folder: &Path| {
        fs::write(folder.join("credentials/library_card.toml"), text).unwrap();
        let client = format!(
            "client_id = \"{CLIENT}\"\nname = \"Test Wallet\"\nredirect_uris = [\"{REDIRECT}\"]\n"
        );
        fs::create_dir_all(folder.join("clients")).unwrap();
        fs::write(folder.join("clients/test.toml"), client).unwrap();
    })
    .await
}

/// What a card says: of an mdoc, what is in its one name space.
fn said(card: &StoredCredential) -> Value {
    let claims = Value::Object(card.claims.clone());
    if card.format == "mso_mdoc" { claims.get(SPACE).cloned().unwrap() } else { claims }
}

fn check(cards: &[StoredCredential], claims: &Value) {
    assert_eq!(cards.len(), 3, "{cards:?}");
    for (id, format) in FORMATS {
        let card = cards.iter().find(|card| card.credential_configuration_id == id).unwrap();
        assert_eq!(card.format, format);
        assert_eq!(said(card), *claims, "{format}");
        let lines = card.lines("de").shown;
        let (first, last) = (lines.first().unwrap(), lines.last().unwrap());
        assert_eq!((first.label.as_str(), first.text().as_str()), ("Vorname", "Erika"), "{format}");
        assert!(last.label.ends_with("Ort"), "{format}: {}", last.label);
    }
}

/// FMT-MDOC-06, FMT-JWT-06: the same in each, in the shape of each.
#[tokio::test]
async fn one_set_of_claims_becomes_a_credential_in_each_format() {
    let world = world("officer").await;
    let offered = world.offer(CARD, &json!({ "all_formats": true })).await;
    let cards = agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await;
    check(&cards, &json!(world.issuer.types[CARD].sample()));
    // What is named is offered, and nothing else.
    let offered = world.offer("library_card_mdoc", &json!({})).await;
    let cards = agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await;
    assert_eq!((cards.len(), cards[0].format.as_str()), (1, "mso_mdoc"));
    assert_eq!(cards[0].types, ["org.example.library.1.card"]);
}

#[tokio::test]
async fn mistakes_in_the_claims_are_told_once() {
    let world = world("officer").await;
    let claims = json!({ "given_name": "Erika", "card_number": 7, SPACE: { "x": 1 } });
    let wish = world.wish(CARD, &json!({ "all_formats": true, "claims": claims }));
    let answer = world.operator("POST", "/admin/v1/offers", Some(&wish)).await;
    assert_eq!(answer.status, 422);
    let told = answer.json()["detail"].as_str().unwrap().to_owned();
    for once in ["card_number: must be text", "family_name: required", "x: no such claim"] {
        assert_eq!(told.matches(once).count(), 1, "{told}");
    }
    let unknown =
        world.wish(CARD, &json!({ "credential_configuration_ids": ["none"], "all_formats": true }));
    let answer = world.operator("POST", "/admin/v1/offers", Some(&unknown)).await;
    let told = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(told.starts_with("there is no credential type `none`; there is: "), "{told}");
    assert!(told.contains("library_card, library_card_ldp_vc, library_card_mdoc"), "{told}");
    assert!(told.ends_with("was started anew"), "{told}");
}

/// An issuer that asks for something which is in no card.
async fn with_hidden_claim(approval: &str) -> World {
    let hidden = "\n[[claims]]\npath = [\"register_number\"]\ntype = \"string\"\nrequired = true\n\
                  disclosure = \"never\"\nexample = \"R-17\"\n";
    let text = TYPE.replacen("\n[[claims]]", &format!("{hidden}\n[[claims]]"), 1);
    let text = text.replace("\"officer\"", &format!("\"{approval}\""));
    World::configured(|folder: &Path| {
        fs::write(folder.join("credentials/library_card.toml"), text).unwrap();
    })
    .await
}

/// What is never disclosed is kept with an offer only where an officer is still to decide by it.
#[tokio::test]
async fn an_offer_keeps_what_it_is_needed_for() {
    for (approval, is_kept) in [("officer", false), ("at-once", false), ("deferred", true)] {
        let world = with_hidden_claim(approval).await;
        let wish = world.wish(CARD, &json!({ "all_formats": true }));
        let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
        let id = OfferId::parse(made["id"].as_str().unwrap()).unwrap();
        let datasets = world.issuer.store.datasets(id).await.unwrap().unwrap();
        assert_eq!(datasets.len(), 3);
        for (id, _) in FORMATS {
            let claims = &datasets[id];
            assert_eq!(claims["given_name"], "Erika", "{approval} {id}");
            assert_eq!(claims.get("register_number").is_some(), is_kept, "{approval} {id}");
        }
    }
}

/// What is never disclosed is asked for and checked.
#[tokio::test]
async fn what_is_never_disclosed_is_in_no_format() {
    let world = with_hidden_claim("officer").await;
    let lacking = json!({ "given_name": "Erika", "family_name": "M", "card_number": "L-1" });
    let wish = world.wish(CARD, &json!({ "all_formats": true, "claims": lacking }));
    let answer = world.operator("POST", "/admin/v1/offers", Some(&wish)).await;
    assert!(answer.text().contains("register_number: required"), "{}", answer.text());
    let offered = world.offer(CARD, &json!({ "all_formats": true })).await;
    let cards = agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await;
    let mut expected = json!(world.issuer.types[CARD].sample());
    assert_eq!(expected["register_number"], "R-17");
    expected.as_object_mut().unwrap().remove("register_number");
    check(&cards, &expected);
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await;
    assert!(!metadata.text().contains("register_number"));
}

/// OFFER-05: each format is a configuration, and all of them say the same of the card.
#[tokio::test]
async fn metadata_have_an_entry_for_each_format() {
    let world = world("officer").await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let supported = &metadata["credential_configurations_supported"];
    for (id, format) in FORMATS {
        let entry = &supported[id];
        assert_eq!(entry["format"], format);
        let described = &entry["credential_metadata"];
        assert_eq!(described["display"], supported[CARD]["credential_metadata"]["display"]);
        let path = match format {
            "mso_mdoc" => json!([SPACE, "address", "city"]),
            "ldp_vc" => json!(["credentialSubject", "address", "city"]),
            _ => json!(["address", "city"]),
        };
        assert_eq!(described["claims"][6]["path"], path, "{format}");
    }
    assert_eq!(supported["library_card_mdoc"]["doctype"], "org.example.library.1.card");
    let vct = supported[CARD]["vct"].as_str().unwrap();
    assert!(vct.ends_with("/credentials/library_card"), "{vct}");
}

/// VCI §3.5: who applies fills in one form, and gets all formats.
#[tokio::test]
async fn an_application_is_for_all_formats() {
    let world = world("at-once").await;
    let credential_type = &world.issuer.types[CARD];
    let secret = apply(&world.issuer, credential_type, credential_type.sample()).await.unwrap();
    let shown = view(&world.issuer, secret.expose()).await.unwrap().unwrap();
    let Stage::Offer(offer) = shown.stage else { panic!("{:?}", shown.stage) };
    let cards = agreed::receive(&world.wallet, &offer.uri, &KeyWish::default()).await;
    check(&cards, &json!(credential_type.sample()));
}

/// AUTHZ-25: an account has its claims once, and people are shown them once.
#[tokio::test]
async fn who_signs_in_can_have_each_format() {
    let world = world("officer").await;
    world.account("erika", &[CARD]).await;
    let details: Vec<Value> = FORMATS
        .iter()
        .map(|(id, _)| json!({ "type": "openid_credential", "credential_configuration_id": id }))
        .collect();
    let details = [("authorization_details", &*json!(details).to_string())];
    let address = world.authorize(&world.authorization_request("", &details));
    let (_, page) = Browser::of(&world.public).sign_in(&address, "erika").await;
    assert_eq!(page.text().matches("L-204817").count(), 1, "{}", page.text());
    let back = Browser::of(&world.public).allow(&address, "erika").await;
    let tokens = world.redeem_code(&parameter(&back, "code").unwrap(), &[]).await.success();
    let granted = tokens["authorization_details"].as_array().unwrap();
    assert_eq!(granted.len(), 3);
    // A claim is named by its place in this format, and the type has the others always or not at all.
    let mdoc = "library_card_mdoc";
    let claims = json!([{ "path": [SPACE, "given_name"], "mandatory": true }]);
    let details = json!([{
        "type": "openid_credential", "credential_configuration_id": mdoc, "claims": claims,
    }]);
    let details = [("authorization_details", &*details.to_string())];
    let address = world.authorize(&world.authorization_request("", &details));
    let back = Browser::of(&world.public).allow(&address, "erika").await;
    let tokens = world.redeem_code(&parameter(&back, "code").unwrap(), &[]).await.success();
    let named = &tokens["authorization_details"][0]["credential_identifiers"][0];
    let token = tokens["access_token"].as_str().unwrap();
    let proof = world.proof(&holder_key()).await;
    let body = json!({ "credential_identifier": named, "proofs": { "jwt": [proof] } });
    let bearer = format!("Bearer {token}");
    let answer = world.credential_as(&[("authorization", &bearer)], &body).await.success();
    let read = formats::parse("mso_mdoc", &answer["credentials"][0]["credential"]).unwrap();
    let keys = world.issuer.keys();
    let now = keys::outside::Clock::now(&world.clock);
    let verified = read.verify(keys.signing.signer.public_key(), now).unwrap();
    let expected = json!({
        "given_name": "Erika", "family_name": "Mustermann", "card_number": "L-204817",
    });
    assert_eq!(Value::Object(verified.claims)[SPACE], expected, "not what nobody named");
}

/// VCI §9: an officer decides on each format, and writes claims as they are given everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn deferred_claims_have_the_shape_of_the_type() {
    let world = world("deferred").await;
    let offered = world.offer("library_card_mdoc", &json!({})).await;
    let resolved = agreed::resolve(&world.wallet, &offered.uri).await.unwrap();
    let authorized = world.wallet.request_token(resolved, None).await.unwrap();
    world.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
    let page = DeferralPage { state: None, after: None, limit: 10 };
    let id = world.issuer.store.deferrals(page).await.unwrap()[0].id;
    let claims = json!({ "given_name": "Erika", "family_name": "Gabler", "card_number": "L-1" });
    approve_deferral(&world.issuer, id, claims.as_object().cloned()).await.unwrap();
    world.clock.advance(60);
    let pending = &world.wallet.store.pending().await.unwrap().records[0].id;
    let Resumed::Received(received) = world.wallet.resume(pending).await.unwrap() else {
        panic!("it is approved");
    };
    let kept = world.wallet.keep(&received).await.unwrap();
    assert_eq!(said(&kept[0]), claims);
}

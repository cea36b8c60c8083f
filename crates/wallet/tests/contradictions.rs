//! An issuer whose answers say a thing twice, or two things at once: readers differ in what they take
//! of such an answer, so the wallet takes nothing of it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use keys::signer::Signer as _;
use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use world::{
    Answer, ISSUER_KEYS, ISSUER_METADATA, Proof, SERVER_METADATA, TOKEN, World, endpoint, issued,
    issuer_metadata, offer, published, server_metadata, token,
};

/// What an answer says, with its first member said before in another way.
fn doubled(answer: &Value) -> Vec<Vec<u8>> {
    let text = answer.to_string();
    let first = answer.as_object().unwrap().keys().next().unwrap();
    let escaped = format!("\\u{:04x}{}", u32::from(first.as_bytes()[0]), &first[1..]);
    let with = |member: &str| text.replacen('{', &format!("{{{member},"), 1).into_bytes();
    vec![
        with(&format!(r#""{first}":null"#)),
        with(&format!(r#""{escaped}":1"#)),
        with(r#""unknown":{"a":1,"a":2}"#),
    ]
}

fn says(world: &World, url: &str, body: Vec<u8>) {
    world.network.on(url, move |_| Answer::Typed("application/json", body.clone()));
}

async fn receive(world: &World) -> Result<(), WalletError> {
    let authorized = world.resolve(&offer(&["student_card"])).await?;
    let authorized = world.wallet.request_token(authorized, None).await;
    let authorized = authorized.map_err(|failure| failure.error)?;
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await?;
    assert!(!received.previews().is_empty(), "{:?}", received.failures());
    Ok(())
}

/// G03, OFFER-36, META-13, ASMETA-07, TOKEN-21, NONCE-04, CRED-42: no member twice, in no answer.
#[tokio::test]
async fn an_answer_that_says_a_thing_twice_is_not_taken() {
    let answers = [
        (ISSUER_METADATA.to_owned(), issuer_metadata(), "bad_metadata"),
        (SERVER_METADATA.to_owned(), server_metadata(), "bad_metadata"),
        (endpoint("token"), token(), "bad_answer"),
        (endpoint("nonce"), json!({ "c_nonce": "nonce-1" }), "bad_answer"),
    ];
    for (url, answer, code) in answers {
        for body in doubled(&answer) {
            let world = World::new();
            says(&world, &url, body.clone());
            let error = receive(&world).await.unwrap_err();
            let text = String::from_utf8_lossy(&body).into_owned();
            assert_eq!((error.code(), world.stored().len()), (code, 0), "{url}: {text}");
            assert_eq!(world.stored_keys(), 0);
        }
    }
    receive(&World::new()).await.unwrap();
}

/// The same of a Credential Response.
#[tokio::test]
async fn a_response_that_says_a_thing_twice_is_not_taken() {
    for place in 0..3 {
        let world = World::new();
        let issuer = std::sync::Arc::clone(&world.issuer);
        world.network.on(&endpoint("credential"), move |sent| {
            let card = issuer.student_card(&Proof::of(sent).cnf(), |_, _| {});
            let Answer::Json(_, answer) = issued(&card) else { unreachable!() };
            Answer::Typed("application/json", doubled(&answer).remove(place))
        });
        let error = receive(&world).await.unwrap_err();
        assert_eq!((error.code(), world.stored_keys()), ("bad_answer", 0), "{place}");
    }
}

/// The same of an offer that is fetched, and of the keys behind a signature.
#[tokio::test]
async fn an_offer_or_a_key_that_is_said_twice_is_not_taken() {
    let world = World::new();
    let reference = "https://issuer.example/o";
    let scanned =
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo";
    for body in doubled(&offer(&["student_card"])) {
        says(&world, reference, body);
        let scanned = ScannedOffer::scan(scanned).unwrap();
        let consent = Consent::to(scanned.host());
        let error = world.wallet.fetch_offer(scanned, &consent).await.unwrap_err();
        assert_eq!(error.code(), "bad_offer");
    }
    for body in doubled(&published(world.issuer.key.public_key())) {
        says(&world, ISSUER_KEYS, body);
        world.issues(|issuer, proof| issuer.diploma(&proof.did(), |_, _| {}));
        let error = world.receive("diploma", &KeyWish::default()).await.unwrap_err();
        assert_eq!(error.code(), "bad_answer", "{error:?}");
    }
    assert!(world.stored().is_empty());
}

/// CRED-34, CRED-38: issued and put off, or neither.
#[tokio::test]
async fn a_response_that_contradicts_itself_is_not_taken() {
    let one = json!([{ "credential": "x" }]);
    for answer in [
        json!({ "credentials": one, "transaction_id": "t" }),
        json!({ "credentials": one, "transaction_id": "t", "interval": 5 }),
        json!({ "credentials": { "credential": "x" } }),
        json!({ "credentials": "x" }),
        json!({ "credentials": null }),
        json!({ "credentials": [{}] }),
        json!({ "credentials": ["x"] }),
        json!({ "transaction_id": 1 }),
        json!({ "transaction_id": null }),
        json!({ "credential": "x" }),
    ] {
        for status in [200, 202] {
            let world = World::new();
            world.answers_credential(status, answer.clone());
            let error = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
            assert_eq!(error.code(), "bad_answer", "{status} {answer}");
            assert_eq!((world.stored().len(), world.stored_keys()), (0, 0));
        }
    }
}

/// TOKEN-18, TOKEN-20: details that cannot be used, or that are about something else.
#[tokio::test]
async fn details_that_name_nothing_get_nothing() {
    let detail = |more: Value| {
        let mut detail = json!({
            "type": "openid_credential", "credential_configuration_id": "student_card",
            "credential_identifiers": ["one"],
        });
        for (name, value) in more.as_object().unwrap() {
            detail[name] = value.clone();
        }
        json!([detail])
    };
    for details in [
        detail(json!({ "credential_identifiers": null })),
        detail(json!({ "credential_identifiers": "one" })),
        detail(json!({ "credential_identifiers": [1] })),
        detail(json!({ "credential_configuration_id": null })),
        json!({ "type": "openid_credential" }),
        json!("x"),
    ] {
        let world = World::new();
        let mut answer = token();
        answer["authorization_details"] = details.clone();
        world.network.says(&endpoint("token"), 200, answer);
        let error = receive(&world).await.unwrap_err();
        assert_eq!(error.code(), "bad_answer", "{details}");
        assert!(world.network.sent_to(&endpoint("credential")).is_empty());
    }
}

/// A refusal tells the person what it says, and can do no more: not to a terminal, not by its length.
#[tokio::test]
async fn a_refusal_cannot_do_harm() {
    let long = "x".repeat(100_000);
    for answer in [
        json!({ "error": "invalid_grant", "error_description": "\u{1b}[2J\u{202e}gone" }),
        json!({ "error": long, "error_description": long }),
        json!({ "error": 1 }),
        json!([]),
        json!({ "access_token": TOKEN, "token_type": "bearer" }),
    ] {
        let world = World::new();
        world.network.says(&endpoint("token"), 400, answer.clone());
        let error = receive(&world).await.unwrap_err();
        assert_eq!(error.class(), Class::Refused, "{answer}");
        let shown = error.to_string();
        let is_fit = shown.chars().all(|c| !c.is_control() && c != '\u{202e}');
        assert!(is_fit && shown.len() < 2_000, "{}", shown.len());
        assert!(!shown.contains(TOKEN));
    }
}

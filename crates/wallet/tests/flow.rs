//! The flow from a scan to a card, with an issuer that keeps to the rules.

mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::signer::Signer;
use oid4vci::proof::BindingMethod;
use oid4vci::secret::TxCode;
use serde_json::json;
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::http::{HttpError, Method};
use wallet::store::{KeyId, Store as _, Trust, UNUSED_KEY_SECONDS, forget_unused_keys};
use world::{
    Answer, CODE, ISSUER, ISSUER_KEYS, NOW, Proof, SERVER_METADATA, TOKEN, World, endpoint, issued,
    link, offer, offer_with_tx_code, published, server_metadata, token,
};

#[tokio::test]
async fn a_scan_becomes_a_card() {
    let world = World::new();
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert!(world.stored().is_empty(), "the holder has not said yes");
    assert_eq!(received.doubt(), None);
    let kept = world.wallet.keep(&received).await.unwrap();
    let [card] = kept.as_slice() else { panic!("one card") };
    assert_eq!(card.credential_configuration_id, "student_card");
    assert_eq!(card.credential_issuer, ISSUER);
    assert_eq!(card.claims.get("given_name").unwrap(), "Ada");
    assert_eq!(card.expires_at, Some(NOW.plus(3600)));
    assert_eq!(card.trust, Trust::Anchor { subject: Some("Riverside".to_owned()) });
    assert_eq!(card.display.issuer_name("en"), Some("Riverside University"));
    let face = card.display.face("de").unwrap();
    assert_eq!(
        (face.name.as_str(), face.background_color.as_deref()),
        ("Student card", Some("#123456"))
    );
    assert_eq!(world.stored().len(), 1);
    assert!(world.store.keys.lock().unwrap().contains_key(&card.holder_key.as_ref().unwrap().kid));
}

/// CRED-10, CRED-19, NONCE-02: and nothing beside it.
#[tokio::test]
async fn each_message_is_as_the_spec_wants_it() {
    let world = World::new();
    world.receive("student_card", &KeyWish::default()).await.unwrap();
    let token = &world.network.sent_to(&endpoint("token"))[0];
    assert_eq!(token.method, Method::Post);
    assert_eq!(token.headers["content-type"], "application/x-www-form-urlencoded");
    let form = token.form();
    assert_eq!(form.len(), 2, "nothing but grant_type and code: {form:?}");
    assert_eq!(form["pre-authorized_code"], CODE);

    let nonce = &world.network.sent_to(&endpoint("nonce"))[0];
    assert_eq!((nonce.method, nonce.body.len()), (Method::Post, 0));
    assert!(!nonce.headers.contains_key("authorization"));

    let request = &world.network.sent_to(&endpoint("credential"))[0];
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.json()["credential_configuration_id"], "student_card");
    let proof = Proof::of(request);
    assert_eq!(proof.header["typ"], "openid4vci-proof+jwt");
    let expected = json!({ "aud": ISSUER, "iat": NOW.0, "nonce": "nonce-1" });
    assert_eq!(serde_json::Value::Object(proof.claims), expected);
}

#[tokio::test]
async fn a_key_is_named_as_the_holder_wishes() {
    for (binding, algorithm) in [
        (BindingMethod::Jwk, Algorithm::Es256),
        (BindingMethod::DidJwk, Algorithm::Es256),
        (BindingMethod::DidKey, Algorithm::Es256),
        (BindingMethod::Jwk, Algorithm::EdDsa),
        (BindingMethod::DidJwk, Algorithm::EdDsa),
        (BindingMethod::DidKey, Algorithm::EdDsa),
    ] {
        let world = World::new();
        let wish =
            KeyWish { algorithm: Some(algorithm), binding: Some(binding), ..KeyWish::default() };
        for id in ["student_card", "diploma"] {
            world.issues(move |issuer, proof| match id {
                "diploma" => issuer.diploma(&proof.did(), |_, _| {}),
                _ => issuer.student_card(&proof.cnf(), |_, _| {}),
            });
            let received = world.receive(id, &wish).await.unwrap();
            let card = received.previews()[0].credential();
            let holder = card.holder_key.as_ref().unwrap();
            assert_eq!(holder.binding, binding);
            assert_eq!(holder.did.is_some(), binding != BindingMethod::Jwk);
            let proof = Proof::of(world.network.sent_to(&endpoint("credential")).last().unwrap());
            assert_eq!(proof.key.algorithm(), algorithm);
            assert_eq!(holder.kid, KeyId::from(&proof.key.thumbprint()));
            assert_eq!(proof.header["alg"], algorithm.name());
        }
    }
}

#[tokio::test]
async fn a_diploma_is_verified_by_the_keys_that_its_issuer_publishes() {
    let world = World::new();
    world.issues(|issuer, proof| issuer.diploma(&proof.did(), |_, _| {}));
    let received = world.receive("diploma", &KeyWish::default()).await.unwrap();
    let card = received.previews()[0].credential();
    assert_eq!(card.trust, Trust::IssuerMetadata);
    assert_eq!(serde_json::to_value(&card.claims).unwrap(), json!({ "degree": "MSc" }));

    let document = published(world.issuer.key.public_key());
    let by_reference = json!({ "issuer": ISSUER, "jwks_uri": endpoint("jwks") });
    world.network.says(ISSUER_KEYS, 200, by_reference);
    world.network.says(&endpoint("jwks"), 200, document["jwks"].clone());
    let received = world.receive("diploma", &KeyWish::default()).await.unwrap();
    assert_eq!(received.previews()[0].credential().trust, Trust::IssuerMetadata);
}

#[tokio::test]
async fn a_credential_without_a_key_needs_no_proof() {
    let world = World::new();
    let issuer = std::sync::Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        assert!(sent.json().get("proofs").is_none(), "CRED-09");
        issued(&issuer.student_card(&json!({}), |_, claims| {
            claims.as_object_mut().unwrap().remove("cnf");
        }))
    });
    let received = world.receive("ticket", &KeyWish::default()).await.unwrap();
    assert_eq!(received.previews()[0].credential().holder_key, None);
    assert_eq!(world.stored_keys(), 0);
    assert!(world.network.sent_to(&endpoint("nonce")).is_empty());
}

#[tokio::test]
async fn a_key_of_the_store_can_be_used_again() {
    let world = World::new();
    let first = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let kid = first.previews()[0].credential().holder_key.clone().unwrap().kid;
    let wish = KeyWish { key: Some(kid.clone()), ..KeyWish::default() };
    let second = world.receive("student_card", &wish).await.unwrap();
    assert_eq!(second.previews()[0].credential().holder_key.clone().unwrap().kid, kid);
    assert_eq!(world.stored_keys(), 1);

    let wish = KeyWish { key: Some(KeyId::new("nobody")), ..KeyWish::default() };
    let refused = world.receive("student_card", &wish).await.unwrap_err();
    assert_eq!(refused, WalletError::UnknownKey);
}

#[tokio::test]
async fn a_wish_that_the_issuer_does_not_take_sends_nothing() {
    let world = World::new();
    let wish = KeyWish { algorithm: Some(Algorithm::Es384), ..KeyWish::default() };
    let refused = world.receive("student_card", &wish).await.unwrap_err();
    assert_eq!((refused.class(), refused.code()), (Class::Usage, "unsupported_algorithm"));
    assert!(world.network.sent_to(&endpoint("credential")).is_empty());
    assert_eq!(world.stored_keys(), 0);
}

/// SEC-08, OFFER-26, OFFER-39: not even the offer is fetched.
#[tokio::test]
async fn nothing_is_sent_before_the_holder_agrees() {
    let world = World::new();
    let reference = "https://offers.example:8443/x";
    world.network.says(reference, 200, offer(&["student_card"]));
    let uri: String = url::form_urlencoded::byte_serialize(reference.as_bytes()).collect();
    let text = format!("openid-credential-offer://?credential_offer_uri={uri}");
    let scanned = ScannedOffer::scan(&text).unwrap();
    assert_eq!(scanned.host(), "offers.example:8443");
    for host in ["offers.example", "issuer.example", ""] {
        let refused = world.wallet.fetch_offer(scanned.clone(), &Consent::to(host)).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused, WalletError::NotAgreed { host: "offers.example:8443".to_owned() });
        assert_eq!(refused.class(), Class::Declined);
    }
    assert!(world.network.sent().is_empty());

    let consent = Consent::to(scanned.host());
    let fetched = world.wallet.fetch_offer(scanned, &consent).await.unwrap();
    assert_eq!((fetched.host(), fetched.credential_issuer()), ("issuer.example", ISSUER));
    let refused = world.wallet.describe_offer(fetched.clone(), &consent).await.unwrap_err();
    assert_eq!(refused, WalletError::NotAgreed { host: "issuer.example".to_owned() });
    assert_eq!(world.network.sent().len(), 1, "only the offer was fetched");
    let consent = consent.and(fetched.host());
    world.wallet.describe_offer(fetched, &consent).await.unwrap();
}

/// OFFER-23, TOKEN-25
#[tokio::test]
async fn a_wrong_transaction_code_may_be_typed_again() {
    let world = World::new();
    world.network.on(&endpoint("token"), |sent| match sent.form().get("tx_code") {
        Some(code) if code == "123456" => Answer::Json(200, token()),
        _ => Answer::Json(
            400,
            json!({ "error": "invalid_grant", "error_description": "no\u{1b}[2J" }),
        ),
    });
    let input = json!({ "length": 6, "description": "in the \u{1b}[31mletter" });
    let offer = world.resolve(&offer_with_tx_code(input)).await.unwrap();
    assert_eq!(offer.tx_code().unwrap().description.as_deref(), Some("in the [31mletter"));

    let failure = world.wallet.request_token(offer, None).await.unwrap_err();
    assert!(failure.may_retype() && failure.error == WalletError::TxCodeNeeded);
    for slip in ["12345", "1234567", "12345a", ""] {
        let failure = world.wallet.request_token(failure.offer.clone(), Some(TxCode::new(slip)));
        let failure = failure.await.unwrap_err();
        assert!(failure.may_retype() && failure.error == WalletError::TxCodeMisfit, "{slip}");
    }
    assert!(world.network.sent_to(&endpoint("token")).is_empty(), "a slip costs no attempt");

    let wrong = Some(TxCode::new("654321"));
    let failure = world.wallet.request_token(failure.offer, wrong).await.unwrap_err();
    assert!(failure.may_retype());
    assert_eq!((failure.error.class(), failure.error.code()), (Class::Refused, "invalid_grant"));
    assert!(!failure.to_string().contains('\u{1b}'), "a terminal would obey: {failure}");
    world.wallet.request_token(failure.offer, Some(TxCode::new("123456"))).await.unwrap();
}

#[tokio::test]
async fn a_used_offer_is_not_a_wrong_transaction_code() {
    let world = World::new();
    world.network.says(&endpoint("token"), 400, json!({ "error": "invalid_grant" }));
    let offer = world.resolve(&offer(&["student_card"])).await.unwrap();
    let failure = world.wallet.request_token(offer, None).await.unwrap_err();
    assert!(!failure.may_retype());
    assert!(failure.error.hint().contains("new one"), "{}", failure.error.hint());
}

#[tokio::test]
async fn a_transaction_code_that_nobody_asked_for_is_not_sent() {
    let world = World::new();
    let offer = world.resolve(&offer(&["student_card"])).await.unwrap();
    world.wallet.request_token(offer, Some(TxCode::new("123456"))).await.unwrap();
    assert!(!world.network.sent_to(&endpoint("token"))[0].form().contains_key("tx_code"));
}

#[tokio::test]
async fn a_wallet_names_itself_where_anonymous_requests_are_refused() {
    let world = World::new();
    let mut metadata = server_metadata();
    metadata.as_object_mut().unwrap().remove("pre-authorized_grant_anonymous_access_supported");
    world.network.says(SERVER_METADATA, 200, metadata);
    world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert_eq!(world.network.sent_to(&endpoint("token"))[0].form()["client_id"], "bestow");
    let proof = Proof::of(&world.network.sent_to(&endpoint("credential"))[0]);
    assert_eq!(proof.claims["iss"], "bestow");
}

/// CRED-59, NONCE-09: with all proofs anew, and no further.
#[tokio::test]
async fn a_dead_nonce_is_replaced_once() {
    let world = World::new();
    let count = AtomicUsize::new(0);
    world.network.on(&endpoint("nonce"), move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        Answer::Json(200, json!({ "c_nonce": format!("nonce-{n}") }))
    });
    let issuer = std::sync::Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        let proof = Proof::of(sent);
        match proof.claims["nonce"].as_str() {
            Some("nonce-0") => Answer::Json(400, json!({ "error": "invalid_nonce" })),
            _ => issued(&issuer.student_card(&proof.cnf(), |_, _| {})),
        }
    });
    world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert_eq!(world.network.sent_to(&endpoint("credential")).len(), 2);

    world.answers_credential(400, json!({ "error": "invalid_nonce" }));
    let refused = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
    assert_eq!((refused.class(), refused.code()), (Class::Refused, "invalid_nonce"));
    assert_eq!(world.network.sent_to(&endpoint("credential")).len(), 4, "no third try");
}

/// GEN-06, GEN-07, AMB-16, CRED-04
#[tokio::test]
async fn identifiers_of_the_token_are_used() {
    let world = World::new();
    let mut answer = token();
    answer["authorization_details"] = json!([
        { "type": "other", "unknown": 1 },
        { "type": "openid_credential", "credential_configuration_id": "student_card",
          "credential_identifiers": ["one", "two"] },
    ]);
    world.network.says(&endpoint("token"), 200, answer);
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert_eq!(received.previews().len(), 2);
    let sent = world.network.sent_to(&endpoint("credential"));
    let bodies: Vec<_> =
        sent.iter().map(|sent| sent.json()["credential_identifier"].clone()).collect();
    assert_eq!(bodies, ["one", "two"]);
    assert!(sent.iter().all(|sent| sent.json().get("credential_configuration_id").is_none()));
}

#[tokio::test]
async fn a_credential_that_is_not_ready_is_told_apart() {
    let world = World::new();
    world.answers_credential(202, json!({ "transaction_id": "t", "interval": 60 }));
    let not_yet = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
    assert_eq!(not_yet, WalletError::NotYet { interval: Some(60) });
    assert_eq!(not_yet.class(), Class::NotYet);
    assert_eq!(world.stored_keys(), 0, "DEFER-01: without an endpoint it can never come");
    assert!(not_yet.hint().contains("cannot fetch it later"), "{}", not_yet.hint());
}

/// Later than any request lasts.
const MUCH_LATER: Timestamp = NOW.plus(30 * UNUSED_KEY_SECONDS);

#[tokio::test]
async fn a_key_stays_once_its_credential_is_kept_or_the_holder_chose_it() {
    let world = World::new();
    let forget = async || forget_unused_keys(&*world.store, MUCH_LATER).await.unwrap();
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let kept = world.wallet.keep(&received).await.unwrap();
    world.store.delete_credential(&kept[0].id).await.unwrap();
    forget().await;
    assert_eq!(world.stored_keys(), 1, "the holder may want it again");

    let looked_at = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let kid = looked_at.previews()[0].credential().holder_key.as_ref().unwrap().kid.clone();
    let wish = KeyWish { key: Some(kid), ..KeyWish::default() };
    world.receive("student_card", &wish).await.unwrap();
    forget().await;
    assert_eq!(world.stored_keys(), 2, "it was chosen");
}

#[tokio::test]
async fn a_credential_that_nobody_kept_leaves_no_key() {
    let world = World::new();
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    forget_unused_keys(&*world.store, MUCH_LATER).await.unwrap();
    assert_eq!(world.stored_keys(), 0);
    let error = world.wallet.keep(&received).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::OwnFault, "lost_key"));
    assert!(world.stored().is_empty(), "without its key it is worthless");
}

#[tokio::test]
async fn one_failure_does_not_cost_the_other_credentials() {
    let world = World::new();
    world.issues(|issuer, proof| issuer.student_card(&proof.cnf(), |_, _| {}));
    let authorized = world.authorize(&["student_card", "diploma"]).await;
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let received = received.unwrap();
    assert_eq!(received.previews().len(), 1);
    assert_eq!(received.failures()[0].id, "diploma");
    world.wallet.keep(&received).await.unwrap();
    assert_eq!((world.stored().len(), world.stored_keys()), (1, 1));
}

#[tokio::test]
async fn a_step_may_be_tried_again_after_a_failure_of_the_network() {
    let world = World::new();
    let answers = Mutex::new(vec![Answer::Fails(HttpError::TimedOut)]);
    world.network.on(&endpoint("token"), move |_| {
        answers.lock().unwrap().pop().unwrap_or_else(|| Answer::Json(200, token()))
    });
    let offer = world.resolve(&offer(&["student_card"])).await.unwrap();
    let failure = world.wallet.request_token(offer, None).await.unwrap_err();
    assert_eq!(failure.error.class(), Class::Network);
    assert!(failure.to_string().contains("issuer.example"), "{failure}");
    world.wallet.request_token(failure.offer, None).await.unwrap();
}

#[tokio::test]
async fn what_the_wallet_cannot_hold_is_left_with_the_issuer() {
    let world = World::new();
    let refused = world.resolve(&offer(&["licence"])).await.unwrap_err();
    assert_eq!(refused, WalletError::UnsupportedFormat { format: "ac_vp".to_owned() });
    let offer = world.resolve(&offer(&["licence", "student_card"])).await.unwrap();
    assert_eq!(offer.unsupported(), ["ac_vp"]);
    assert_eq!(offer.offered().len(), 1);
    assert_eq!(offer.token_host(), "issuer.example");
}

/// What only other builds can verify is not fetched: it would be discarded, and its code spent.
#[tokio::test]
async fn what_only_other_builds_verify_is_left_with_the_issuer() {
    let resolved = World::new().resolve(&offer(&["pass"])).await;
    if cfg!(feature = "bbs-2023") {
        assert_eq!(resolved.unwrap().offered().len(), 1);
    } else {
        let format = "ldp_vc by bbs-2023".to_owned();
        assert_eq!(resolved.unwrap_err(), WalletError::UnsupportedFormat { format });
    }
}

#[tokio::test]
async fn no_secret_is_printed() {
    let world = World::new();
    let scanned = ScannedOffer::scan(&link(&offer(&["student_card"]))).unwrap();
    let resolved = world.resolve(&offer(&["student_card"])).await.unwrap();
    let authorized = world.authorize(&["student_card"]).await;
    let printed = format!("{scanned:?}{resolved:?}{authorized:?}");
    assert!(!printed.contains(CODE) && !printed.contains(TOKEN), "{printed}");
}

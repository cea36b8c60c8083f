//! Issuers that mix drafts: what they send counts more than what they should have sent, and is said.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::borrow::Cow;
use std::sync::Arc;

use oid4vci::secret::TxCode;
use serde_json::{Value, json};
use wallet::error::WalletError;
use wallet::flow::deferred::Resumed;
use wallet::flow::dialect::{Strictness, Version};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::token::Authorized;
use world::draft::*;
use world::{
    Answer, CODE, ISSUER, ISSUER_METADATA, Proof, SERVER_METADATA, TOKEN, World, endpoint,
};

async fn resolve(world: &World, link: &str) -> Result<ResolvedOffer, WalletError> {
    let scanned = ScannedOffer::scan(link)?;
    let consent = Consent::to(scanned.host());
    world.resolve_with(scanned, &consent).await
}

async fn authorize(world: &World, link: &str) -> Authorized {
    let offer = resolve(world, link).await.unwrap();
    world.wallet.request_token(offer, None).await.unwrap()
}

fn says(findings: &[Cow<'static, str>], said: &str) -> bool {
    findings.iter().any(|finding| finding.contains(said))
}

/// Whatever the draft, a `transaction_id` opens nothing without the token, and an `acceptance_token` is
/// one (draft 11, section 9.1; draft 12, section 9.1).
#[tokio::test]
async fn what_comes_later_is_asked_for_by_what_was_given() {
    for (draft, given, header, body) in [
        ("8", "transaction_id", format!("Bearer {TOKEN}"), r#"{"transaction_id":"later-1"}"#),
        ("11", "transaction_id", format!("Bearer {TOKEN}"), r#"{"transaction_id":"later-1"}"#),
        ("13", "acceptance_token", "BEARER later-1".to_owned(), ""),
    ] {
        let world = world(draft, Diploma);
        let mut metadata = metadata(draft, Diploma);
        metadata["deferred_credential_endpoint"] = endpoint("later").into();
        let place = if number(draft) <= 9 { OPENID_CONFIGURATION } else { APPENDED };
        world.network.says(place, 200, metadata);
        world.answers_credential(202, json!({ given: "later-1" }));
        let authorized = authorize(&world, &link(draft, false)).await;
        let wish = KeyWish::default();
        let received = world.wallet.request_credentials(&authorized, &wish).await.unwrap();
        let findings = authorized.offer().findings();
        assert!(says(&findings, given), "draft {draft}: {findings:?}");

        let sent = world.network.sent_to(&endpoint("credential"));
        let proof = Proof::of(&sent[0]);
        let ready = answer(draft, &credential(&world.issuer, Diploma, &proof));
        world.network.says(&endpoint("later"), 200, ready);
        world.clock.to(60);
        let id = received.pending()[0].id.clone();
        let Resumed::Received(received) = world.wallet.resume(&id).await.unwrap() else {
            panic!("it is ready")
        };
        assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1, "draft {draft}");
        let [sent] = &world.network.sent_to(&endpoint("later"))[..] else { panic!("asked once") };
        assert_eq!(sent.headers["authorization"], header, "draft {draft}");
        assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), body, "draft {draft}");
    }
}

/// The member of drafts 11 and 12 beside the ids of draft 13: the issuer wants its code.
#[tokio::test]
async fn a_pin_beside_later_ids_is_asked_for() {
    let world = world("13", Diploma);
    let grant = json!({ "pre-authorized_code": CODE, "user_pin_required": true });
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["id"],
        "grants": { GRANT: grant },
    });
    let offer = resolve(&world, &world::link(&offer)).await.unwrap();
    assert!(offer.tx_code().is_some());
    assert!(says(&offer.findings(), "user_pin_required"), "{:?}", offer.findings());
    world.wallet.request_token(offer, Some(TxCode::new(PIN))).await.unwrap();
    assert_eq!(world.network.sent_to(&endpoint("token"))[0].form()["tx_code"], PIN);
}

/// An issuer of draft 13 whose metadata hold nothing but what 1.0 has, too.
fn bare() -> World {
    let world = world("13", Diploma);
    let mut metadata = metadata("13", Diploma);
    let entry = metadata["credential_configurations_supported"]["id"].as_object_mut().unwrap();
    entry.remove("display");
    world.network.says(APPENDED, 200, metadata);
    world
}

/// Draft 13, section 6.2: the nonce of its token tells it from 1.0, before anything else is asked for.
#[tokio::test]
async fn a_nonce_with_the_token_tells_a_draft() {
    let world = bare();
    let offer = resolve(&world, &link("13", false)).await.unwrap();
    assert_eq!((offer.dialect(), offer.findings()), (None, vec![]), "nothing tells it before");
    let authorized = world.wallet.request_token(offer, None).await.unwrap();
    assert_eq!(authorized.offer().dialect().unwrap().name(), "13");
    assert!(says(&authorized.offer().findings(), "nonce_endpoint"));
    let received =
        world.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
    let mut body = world.network.sent_to(&endpoint("credential"))[0].json();
    assert!(body.as_object_mut().unwrap().remove("proof").is_some());
    assert_eq!(body, expected_request("13", Diploma));
}

/// The same in another process that goes on.
#[tokio::test]
async fn a_draft_that_was_heard_stays_known() {
    let world = bare();
    let authorized = authorize(&world, &link("13", false)).await;
    let state = authorized.export().unwrap();
    let wallet::flow::state::Point::Authorized(again) = world.wallet.import(&state).await.unwrap()
    else {
        panic!("there is a token")
    };
    world.wallet.request_credentials(&again, &KeyWish::default()).await.unwrap();
}

/// What has a Nonce Endpoint has its nonces there (VCI §7), whatever comes beside its token.
#[tokio::test]
async fn who_has_a_nonce_endpoint_is_no_draft() {
    let world = World::new();
    let mut token = world::token();
    token["c_nonce"] = "another".into();
    world.network.says(&endpoint("token"), 200, token);
    let authorized = world.authorize(&["student_card"]).await;
    assert_eq!((authorized.offer().dialect(), authorized.offer().findings()), (None, vec![]));
    world.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
}

/// A strict wallet asks for nothing more.
#[tokio::test]
async fn a_strict_wallet_refuses_a_draft_that_it_hears() {
    let mut world = bare();
    world.wallet.settings.strictness = Strictness::Final;
    let offer = resolve(&world, &link("13", false)).await.unwrap();
    let failure = world.wallet.request_token(offer, None).await.unwrap_err();
    assert_eq!(failure.error.code(), "not_final");
    assert!(world.network.sent_to(&endpoint("credential")).is_empty());
}

/// A name of draft 8 among the configurations of draft 13.
#[tokio::test]
async fn an_old_name_of_a_format_tells_a_draft() {
    let world = bare();
    let mut metadata = metadata("13", Diploma);
    let entry = metadata["credential_configurations_supported"]["id"].as_object_mut().unwrap();
    entry.remove("display");
    entry.insert("format".into(), "jwt_vc".into());
    world.network.says(APPENDED, 200, metadata);
    let offer = resolve(&world, &link("13", false)).await.unwrap();
    assert_eq!(offer.dialect().unwrap().name(), "13");
    assert!(says(&offer.findings(), "jwt_vc"), "{:?}", offer.findings());
    assert_eq!(offer.offered()[0].format(), "jwt_vc_json");
    let authorized = world.wallet.request_token(offer, None).await.unwrap();
    world.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
    let body = world.network.sent_to(&endpoint("credential"))[0].json();
    assert_eq!(body["format"], "jwt_vc", "as it is called there");
}

/// An issuer of draft 15 without the endpoint: the nonce that it gives elsewhere is taken, and said.
#[tokio::test]
async fn a_nonce_of_draft_15_may_come_with_the_token() {
    let world = world("15", Diploma);
    let mut metadata = metadata("15", Diploma);
    metadata.as_object_mut().unwrap().remove("nonce_endpoint");
    metadata["credential_configurations_supported"]["id"]["claims"] =
        json!([{ "path": ["credentialSubject", "degree"] }]);
    world.network.says(APPENDED, 200, metadata);
    let mut token = world::token();
    token["c_nonce"] = "nonce-1".into();
    world.network.says(&endpoint("token"), 200, token);
    let authorized = authorize(&world, &link("15", false)).await;
    assert_eq!(authorized.offer().dialect().unwrap().name(), "15");
    assert!(says(&authorized.offer().findings(), "c_nonce"));
    world.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
}

/// Whatever is not there is answered by some issuers with a page of theirs, or a refusal: the other places
/// are asked then, too. One that is broken is not taken for one that has nothing there.
#[tokio::test]
async fn a_place_that_has_nothing_may_say_so_in_any_way() {
    let page = || Answer::Typed("text/html", b"<html>Not here</html>".to_vec());
    let refused = |status| Answer::Json(status, Value::Null);
    for draft in ["8", "9", "11"] {
        for status in [200, 401, 403, 405, 410] {
            let world = world(draft, Diploma);
            let answer = move || if status == 200 { page() } else { refused(status) };
            let mut nothing = vec![ISSUER_METADATA];
            if number(draft) <= 9 {
                nothing.extend([APPENDED, SERVER_METADATA]);
            }
            for place in nothing {
                world.network.on(place, move |_| answer());
            }
            let offer = resolve(&world, &link(draft, false)).await.unwrap();
            assert_eq!(offer.dialect().unwrap().name(), draft, "{status}");
        }
        let broken = world(draft, Diploma);
        broken.network.on(ISSUER_METADATA, move |_| refused(500));
        let error = resolve(&broken, &link(draft, false)).await.unwrap_err();
        assert!(matches!(error, WalletError::Refused(_)), "{error:?}");
    }
}

/// An mdoc of draft 8 stands under `mdl_iso`, and is asked for as `mdl_iso_cbor` (draft 8, sections 10.2.1
/// and 8.3).
#[tokio::test]
async fn an_mdoc_of_draft_8_has_two_names() {
    const MDL: &str = "org.iso.18013.5.1.mDL";
    for (name, is_said) in [("mdl_iso", false), ("mdl_iso_cbor", true)] {
        let world = world("8", Diploma);
        let mut metadata = metadata("8", Diploma);
        metadata["credentials_supported"]["id"]["formats"] = json!({ name: {
            "types": [MDL], "cryptographic_binding_methods_supported": ["mso"],
        } });
        world.network.says(OPENID_CONFIGURATION, 200, metadata);
        world.answers_credential(400, json!({ "error": "unsupported_credential_type" }));
        let offer = resolve(&world, &link("8", false)).await.unwrap();
        assert_eq!(offer.offered()[0].format(), "mso_mdoc");
        assert_eq!(says(&offer.findings(), "mdl_iso"), is_said, "{:?}", offer.findings());
        let authorized = world.wallet.request_token(offer, None).await.unwrap();
        let _ = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
        let body = world.network.sent_to(&endpoint("credential"))[0].json();
        assert_eq!((&body["type"], &body["format"]), (&json!("id"), &json!("mdl_iso_cbor")));
    }
}

/// What is excused of an answer that comes later is told as well.
#[tokio::test]
async fn what_is_excused_later_is_told_too() {
    let world = world("13", Diploma);
    let mut metadata = metadata("13", Diploma);
    metadata["deferred_credential_endpoint"] = endpoint("later").into();
    world.network.says(APPENDED, 200, metadata);
    world.answers_credential(202, json!({ "transaction_id": "later-1" }));
    let authorized = authorize(&world, &link("13", false)).await;
    let wish = KeyWish::default();
    let received = world.wallet.request_credentials(&authorized, &wish).await.unwrap();
    let proof = Proof::of(&world.network.sent_to(&endpoint("credential"))[0]);
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint("later"), move |_| {
        Answer::Json(200, json!({ "credentials": [credential(&issuer, Diploma, &proof)] }))
    });
    world.clock.to(60);
    let Resumed::Received(received) = world.wallet.resume(&received.pending()[0].id).await.unwrap()
    else {
        panic!("it is ready")
    };
    assert!(says(received.findings(), "draft 14"), "{:?}", received.findings());
}

/// Who makes issuers of a draft learns whether they keep it: what is right by the draft passes, and the
/// first thing that is not ends it, wherever it is.
#[tokio::test]
async fn a_draft_can_be_held_to_its_own_words() {
    for (draft, kind) in SPOKEN {
        let mut world = world(draft, kind);
        world.wallet.settings.strictness = Strictness::Draft;
        let authorized = authorize(&world, &link(draft, false)).await;
        let wish = KeyWish::default();
        world.wallet.request_credentials(&authorized, &wish).await.unwrap();
        assert_eq!(authorized.offer().findings(), [""; 0], "draft {draft}");
    }
    // What looks like 1.0 until it gives its token is right in draft 13, too.
    let mut plain = bare();
    plain.wallet.settings.strictness = Strictness::Draft;
    let authorized = authorize(&plain, &link("13", false)).await;
    assert_eq!(authorized.offer().findings().len(), 1);
    plain.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();

    let mut world = world("13", Diploma);
    world.wallet.settings.strictness = Strictness::Draft;
    let offer = async || resolve(&world, &link("13", false)).await;
    let first = offer().await.unwrap();

    let mut without_type = world::token();
    without_type.as_object_mut().unwrap().remove("token_type");
    without_type["c_nonce"] = "nonce-1".into();
    world.network.says(&endpoint("token"), 200, without_type);
    let failure = world.wallet.request_token(first, None).await.unwrap_err();
    assert_eq!(failure.error.code(), "excusable");
    assert!(failure.error.to_string().contains("token_type"));

    let mut token = world::token();
    token["c_nonce"] = "nonce-1".into();
    world.network.says(&endpoint("token"), 200, token);
    let authorized = world.wallet.request_token(offer().await.unwrap(), None).await.unwrap();
    world.answers_credential(200, json!({ "credentials": ["a"], "c_nonce": "nonce-2" }));
    let error = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    assert_eq!(error.unwrap_err().code(), "excusable");

    let mut metadata = metadata("13", Diploma);
    metadata["authorization_server"] = ISSUER.into();
    world.network.says(APPENDED, 200, metadata);
    let error = offer().await.unwrap_err();
    assert!(error.to_string().contains("authorization_servers"), "{error}");
}

/// A flow that failed can still be asked what was spoken.
#[tokio::test]
async fn what_was_spoken_is_known_after_a_failure() {
    let world = world("11", Diploma);
    let mut metadata = metadata("11", Diploma);
    metadata["credentials_supported"][0]["id"] = "another".into();
    metadata["credentials_supported"][0]["format"] = "jwt_vc".into();
    world.network.says(APPENDED, 200, metadata);
    let scanned = ScannedOffer::scan(&link("11", false)).unwrap();
    let (dialogue, consent) = (scanned.dialogue(), Consent::to(scanned.host()));
    assert_eq!(dialogue.version(), None, "nobody has been asked");
    let error = world.resolve_with(scanned, &consent).await.unwrap_err();
    assert!(matches!(error, WalletError::UnknownConfiguration { .. }), "{error:?}");
    assert_eq!(dialogue.version().and_then(Version::draft).unwrap().name(), "11");
    assert!(says(&dialogue.findings(), "jwt_vc"), "{:?}", dialogue.findings());
}

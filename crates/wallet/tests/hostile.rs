//! Issuers that lie: nothing they send is stored, and the holder learns why.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::sync::Arc;

use keys::algorithm::Algorithm;
use keys::did;
use keys::signer::{Signer, SoftwareKey};
use keys::x509::Anchors;
use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::http::HttpError;
use wallet::store::Trust;
use wallet::trust::{Doubt, VerificationError};
use world::{
    Answer, ISSUER, ISSUER_KEYS, NOW, Proof, SigningKey, World, endpoint, offer, published,
};

/// Receives and expects that the credential is refused, and that nothing of it stays.
async fn refused(world: &World, id: &str) -> WalletError {
    let error = world.receive(id, &KeyWish::default()).await.unwrap_err();
    assert_eq!(error.class(), Class::NotVerified, "{error:?}");
    assert!(world.stored().is_empty());
    assert_eq!(world.stored_keys(), 0, "the key that became nothing");
    error
}

type Spoil = fn(&mut Value, &mut Value);

/// OFFER-36, OFFER-37: an offer makes no credential any better.
#[tokio::test]
async fn a_student_card_that_breaks_a_rule_is_refused() {
    use VerificationError as Error;
    let spoils: [(Spoil, Error); 12] = [
        (|_, claims| claims["vct"] = json!("https://issuer.example/vct/other"), Error::OtherType),
        (|_, claims| claims["exp"] = json!(NOW.0 - 61), Error::Expired),
        (|_, claims| claims["nbf"] = json!(NOW.0 + 61), Error::NotYetValid),
        (|_, claims| drop(claims.as_object_mut().unwrap().remove("cnf")), Error::NotBound),
        (|_, claims| claims["cnf"] = json!({ "jwk": other_key() }), Error::OtherKey),
        (|_, claims| claims["cnf"] = json!({ "kid": other_did() }), Error::OtherKey),
        (|_, claims| claims["cnf"] = json!({ "kid": "did:web:issuer.example" }), Error::OtherKey),
        (|header, _| header["typ"] = json!("JWT"), Error::Malformed),
        (|header, _| header["x5c"] = json!(["AAAA"]), Error::BadCertificate),
        (|header, _| header["x5c"] = foreign().x5c, Error::WrongSignature),
        (|header, _| header["x5c"] = old().x5c, Error::CertificateExpired),
        (
            |header, claims| {
                *header = json!({ "typ": "dc+sd-jwt", "jwk": other_key() });
                claims.as_object_mut().unwrap().remove("iss");
            },
            Error::NobodysKey,
        ),
    ];
    for (place, (spoil, error)) in spoils.into_iter().enumerate() {
        let world = World::new();
        world.issues(move |issuer, proof| issuer.student_card(&proof.cnf(), spoil));
        assert_eq!(refused(&world, "student_card").await, error.into(), "spoil {place}");
    }
}

#[tokio::test]
async fn a_diploma_that_breaks_a_rule_is_refused() {
    use VerificationError as Error;
    let spoils: [(Spoil, Error); 6] = [
        (|header, _| header["kid"] = json!("key-2"), Error::KeyNotPublished),
        (
            |_, claims| {
                claims["iss"] = json!("https://other.example");
                claims["vc"]["issuer"] = json!("https://other.example");
            },
            Error::OtherIssuer,
        ),
        (
            |header, claims| {
                header["kid"] = json!(other_did());
                claims["iss"] = json!("did:jwk:e30");
                claims["vc"]["issuer"] = json!("did:jwk:e30");
            },
            Error::OtherIssuer,
        ),
        (|_, claims| claims["vc"]["type"] = json!(["VerifiableCredential"]), Error::OtherType),
        (
            |_, claims| claims["vc"]["credentialSubject"]["id"] = json!("did:key:zOther"),
            Error::Malformed,
        ),
        (|_, claims| claims["exp"] = json!(NOW.0 - 61), Error::Expired),
    ];
    for (place, (spoil, error)) in spoils.into_iter().enumerate() {
        let world = World::new();
        world.issues(move |issuer, proof| issuer.diploma(&proof.did(), spoil));
        assert_eq!(refused(&world, "diploma").await, error.into(), "spoil {place}");
    }
}

#[tokio::test]
async fn one_changed_byte_is_refused() {
    let world = World::new();
    world.issues(|issuer, proof| {
        let card = issuer.student_card(&proof.cnf(), |_, _| {});
        let card = card.as_str().unwrap();
        let place = card.rfind('.').unwrap() + 10;
        let (front, back) = card.split_at(place);
        let changed = if back.starts_with('A') { "B" } else { "A" };
        format!("{front}{changed}{}", &back[1..]).into()
    });
    assert_eq!(refused(&world, "student_card").await, VerificationError::WrongSignature.into());
}

#[tokio::test]
async fn a_key_that_the_issuer_does_not_publish_is_refused() {
    let world = World::new();
    world.issues(|issuer, proof| {
        issuer.student_card(&proof.cnf(), |header, _| {
            *header = json!({ "typ": "dc+sd-jwt", "kid": "key-1", "jwk": issuer.key.public_key().to_jwk() });
        })
    });
    let other = SoftwareKey::generate(Algorithm::Es256).unwrap();
    world.network.says(ISSUER_KEYS, 200, published(other.public_key()));
    assert_eq!(refused(&world, "student_card").await, VerificationError::WrongSignature.into());
    let mut document = published(world.issuer.key.public_key());
    document["issuer"] = json!("https://issuer.example/b");
    world.network.says(ISSUER_KEYS, 200, document);
    assert_eq!(refused(&world, "student_card").await, VerificationError::KeyNotPublished.into());
    for host in ["evil.example", "issuer.example:8443"] {
        let elsewhere = json!({ "issuer": ISSUER, "jwks_uri": format!("https://{host}/jwks") });
        world.network.says(ISSUER_KEYS, 200, elsewhere);
        let error = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
        assert_eq!(error, WalletError::ForeignEndpoint { host: host.to_owned() });
    }
}

#[tokio::test]
async fn more_credentials_than_keys_are_refused() {
    let world = World::new();
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        let card = issuer.student_card(&Proof::of(sent).cnf(), |_, _| {});
        let one = json!({ "credential": card });
        Answer::Json(200, json!({ "credentials": [one, one] }))
    });
    assert_eq!(refused(&world, "student_card").await, VerificationError::Surplus.into());
}

#[tokio::test]
async fn an_issuer_of_an_unknown_authority_needs_a_yes_of_its_own() {
    let other = Anchors::from_pem(foreign().ca.certificate_pem()).unwrap();
    for anchors in [None, Some(Arc::new(other))] {
        let mut world = World::new();
        world.wallet.settings.anchors = anchors;
        doubted(&world, Doubt::UnknownAuthority).await;
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused_even_without_anchors() {
    let mut world = World::new();
    world.wallet.settings.anchors = None;
    let old = old();
    world.issues(move |_, proof| old.student_card(&proof.cnf(), |_, _| {}));
    let error = VerificationError::CertificateExpired;
    assert_eq!(refused(&world, "student_card").await, error.into());
}

/// The authority vouches for somebody else, the signer says it is somebody else, or both.
#[tokio::test]
async fn a_certificate_or_a_name_of_somebody_else_needs_a_yes_of_its_own() {
    const OTHER: &str = "https://other.example";
    for (certified, iss) in [(OTHER, OTHER), (OTHER, ISSUER), (ISSUER, OTHER)] {
        let world = World::new();
        world.issues(move |issuer, proof| {
            let key = issuer.key.public_key();
            let chain = issuer.ca.signing_certificate(key, "Other", certified, NOW).unwrap();
            let chain = keys::x509::x5c_from_pem(&chain).unwrap();
            issuer.student_card(&proof.cnf(), |header, claims| {
                header["x5c"] = keys::x509::x5c_to_json(&chain);
                claims["iss"] = json!(iss);
            })
        });
        doubted(&world, Doubt::OtherIssuer).await;
    }
}

/// IMPL-06
#[tokio::test]
async fn a_did_that_nothing_ties_to_the_issuer_needs_a_yes_of_its_own() {
    let world = World::new();
    world.issues(|issuer, proof| {
        let did = did::to_did_key(issuer.key.public_key());
        issuer.student_card(&proof.cnf(), |header, claims| {
            *header = json!({ "typ": "dc+sd-jwt", "kid": did::verification_method(&did) });
            claims["iss"] = json!(did);
        })
    });
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let trust = &received.previews()[0].credential().trust;
    assert_eq!((received.doubt(), trust), (None, &Trust::IssuerMetadata), "the key is published");
    let other = SoftwareKey::generate(Algorithm::Es256).unwrap();
    world.network.says(ISSUER_KEYS, 200, published(other.public_key()));
    doubted(&world, Doubt::UntiedDid).await;
    world.network.says(ISSUER_KEYS, 500, json!({}));
    doubted(&world, Doubt::UntiedDid).await;
}

async fn doubted(world: &World, doubt: Doubt) {
    world.store.credentials.lock().unwrap().clear();
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert_eq!(received.doubt(), Some(doubt));
    let error = world.wallet.keep(&received).await.unwrap_err();
    assert_eq!(error, WalletError::NotVerified(VerificationError::Doubtful(doubt)));
    assert_eq!((error.class(), error.code()), (Class::NotVerified, "issuer_not_verified"));
    assert!(world.stored().is_empty());
    let kept = world.wallet.keep(&received.accept_unverified_issuer()).await.unwrap();
    assert!(kept.len() == 1 && kept.iter().all(|card| card.trust == Trust::Accepted));
}

#[tokio::test]
async fn an_offer_that_its_issuer_does_not_describe_is_refused() {
    let world = World::new();
    let error = world.resolve(&offer(&["student_card", "crown"])).await.unwrap_err();
    assert_eq!(error, WalletError::UnknownConfiguration { id: "crown".to_owned() });
    let sign_in = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["student_card"],
        "grants": { "urn:example:another": {} },
    });
    assert_eq!(world.resolve(&sign_in).await.unwrap_err(), WalletError::UnknownGrant);
    assert!(world.network.sent_to(&endpoint("token")).is_empty());
}

/// OFFER-02, OFFER-26, OFFER-29
#[tokio::test]
async fn an_offer_by_reference_is_json_over_https_or_nothing() {
    let world = World::new();
    let get = async |reference: &str| {
        let text = format!("openid-credential-offer://?credential_offer_uri={reference}");
        let scanned = ScannedOffer::scan(&text)?;
        let consent = Consent::to(scanned.host());
        world.wallet.fetch_offer(scanned, &consent).await
    };
    let document = offer(&["student_card"]).to_string().into_bytes();
    for media_type in ["text/html", "application/jwt", "text/plain", ""] {
        let document = document.clone();
        let answer = move |_: &world::Sent| Answer::Typed(media_type, document.clone());
        world.network.on("https://issuer.example/o", answer);
        let error = get("https://issuer.example/o").await.unwrap_err();
        assert_eq!(error.code(), "bad_answer", "{media_type}");
    }
    let error = get("https://issuer.example/gone").await.unwrap_err();
    assert_eq!(error.class(), Class::Refused);
    assert!(error.hint().contains("new one"), "{}", error.hint());
    let sent = world.network.sent().len();
    let error = get("http://issuer.example/o").await.unwrap_err();
    let host = "issuer.example".to_owned();
    assert_eq!(error, WalletError::Network { host, cause: HttpError::NotHttps });
    assert_eq!(world.network.sent().len(), sent, "nothing was sent in clear");
}

#[tokio::test]
async fn tokens_that_cannot_be_used_are_refused() {
    for (answer, code) in [
        (json!({ "access_token": "t", "token_type": "DPoP" }), "unsupported_token"),
        (json!({ "access_token": "t", "token_type": "mac" }), "bad_answer"),
        (json!({ "access_token": "", "token_type": "bearer" }), "bad_answer"),
        (json!({ "token_type": "bearer" }), "bad_answer"),
        (json!("token"), "bad_answer"),
    ] {
        let world = World::new();
        world.network.says(&endpoint("token"), 200, answer.clone());
        let offer = world.resolve(&offer(&["student_card"])).await.unwrap();
        let failure = world.wallet.request_token(offer, None).await.unwrap_err();
        assert_eq!(failure.error.code(), code, "{answer}");
    }
}

#[tokio::test]
async fn answers_that_make_no_sense_are_refused() {
    for answer in [json!({}), json!({ "credentials": [] }), json!({ "credential": "x" }), json!(1)]
    {
        let world = World::new();
        world.answers_credential(200, answer.clone());
        let error = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
        assert_eq!(error.code(), "bad_answer", "{answer}");
        assert_eq!(world.stored_keys(), 0);
    }
    for answer in [json!({}), json!({ "c_nonce": "" }), json!({ "c_nonce": "x".repeat(2000) })] {
        let world = World::new();
        world.network.says(&endpoint("nonce"), 200, answer);
        let error = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
        assert_eq!(error.code(), "bad_answer");
    }
}

fn other_key() -> Value {
    SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().to_jwk().into()
}

fn other_did() -> String {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    did::verification_method(&did::to_did_jwk(key.public_key()))
}

/// Another issuer with another CA.
fn foreign() -> SigningKey {
    SigningKey::new(NOW, ISSUER)
}

/// A certificate of long ago; no anchor is needed to see that.
fn old() -> SigningKey {
    SigningKey::new(NOW.minus(3 * 366 * 24 * 3600), ISSUER)
}

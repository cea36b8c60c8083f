//! VCI §12.2.3: signed metadata of an issuer that says whatever a test wants.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;

use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use world::{
    Answer, ISSUER, ISSUER_METADATA, NOW, SigningKey, World, endpoint, issuer_metadata, offer,
};

const OTHER: &str = "https://evil.example/a";

/// Metadata that are good, with another name than the unsigned ones.
fn claims() -> Value {
    let mut claims = issuer_metadata();
    claims["display"] = json!([{ "name": "Signed University" }]);
    for (name, value) in [("sub", json!(ISSUER)), ("iss", json!("https://registrar.example"))] {
        claims[name] = value;
    }
    claims["iat"] = json!(NOW.0);
    claims["exp"] = json!(NOW.0 + 60);
    claims
}

fn signed(by: &SigningKey, spoil: impl Fn(&mut Value, &mut Value)) -> String {
    let mut header = json!({ "typ": "openidvci-issuer-metadata+jwt", "x5c": by.x5c });
    let mut claims = claims();
    spoil(&mut header, &mut claims);
    by.sign(&header, &claims)
}

/// The issuer has both forms, and answers with the one that is wanted more (META-08).
fn publishes(world: &World, jwt: String) {
    world.network.on(ISSUER_METADATA, move |sent| {
        if sent.headers["accept"].starts_with("application/jwt") {
            return Answer::Typed("application/jwt; charset=utf-8", jwt.clone().into_bytes());
        }
        Answer::Json(200, issuer_metadata())
    });
}

/// Who the holder is told that the offer is from.
async fn issuer_name(world: &World) -> Result<String, WalletError> {
    let resolved = world.resolve(&offer(&["student_card"])).await?;
    Ok(resolved.offered()[0].display().issuer_name("en").unwrap().to_owned())
}

fn asked(world: &World) -> Vec<String> {
    let sent = world.network.sent_to(ISSUER_METADATA);
    sent.iter().map(|sent| sent.headers["accept"].clone()).collect()
}

const BOTH: &str = "application/jwt, application/json;q=0.9";

/// META-05, SMETA-06 to SMETA-08: what somebody known signed counts.
#[tokio::test]
async fn metadata_that_an_authority_vouches_for_are_used() {
    let world = World::new();
    publishes(&world, signed(&world.issuer, |_, _| {}));
    assert_eq!(issuer_name(&world).await.unwrap(), "Signed University");
    assert_eq!(asked(&world), [BOTH]);
    let world = World::new();
    publishes(
        &world,
        signed(&world.issuer, |_, claims| {
            for optional in ["exp", "iss"] {
                claims.as_object_mut().unwrap().remove(optional);
            }
        }),
    );
    assert_eq!(issuer_name(&world).await.unwrap(), "Signed University");
}

/// META-07: an issuer without the signed form is asked once.
#[tokio::test]
async fn metadata_need_not_be_signed() {
    let world = World::new();
    assert_eq!(issuer_name(&world).await.unwrap(), "Riverside University");
    assert_eq!(asked(&world), [BOTH]);
}

/// SMETA-06: a wallet that knows no authority cannot establish trust, so it does not ask.
#[tokio::test]
async fn a_wallet_without_anchors_asks_for_the_unsigned_form() {
    let mut world = World::new();
    world.wallet.settings.anchors = None;
    publishes(&world, signed(&world.issuer, |_, _| {}));
    assert_eq!(issuer_name(&world).await.unwrap(), "Riverside University");
    assert_eq!(asked(&world), ["application/json"]);
}

/// SMETA-06: who is not known, or speaks for somebody else, is not believed; what the issuer's own
/// host says unsigned is.
#[tokio::test]
async fn what_nobody_known_signed_is_rejected() {
    let stranger = SigningKey::new(NOW, ISSUER);
    let known = World::new();
    let of_another = known.issuer.ca.signing_certificate(
        keys::signer::Signer::public_key(&known.issuer.key),
        "Other",
        OTHER,
        NOW,
    );
    let of_another = keys::x509::x5c_from_pem(&of_another.unwrap()).unwrap();
    let of_another = keys::x509::x5c_to_json(&of_another);
    for jwt in [
        signed(&stranger, |_, _| {}),
        signed(&known.issuer, |header, _| header["x5c"] = of_another.clone()),
        signed(&known.issuer, |header, _| drop(header.as_object_mut().unwrap().remove("x5c"))),
    ] {
        let world = World::new();
        let world = World { issuer: Arc::clone(&known.issuer), ..world };
        let mut world = world;
        world.wallet.settings.anchors = known.wallet.settings.anchors.clone();
        publishes(&world, jwt.clone());
        assert_eq!(issuer_name(&world).await.unwrap(), "Riverside University");
        assert_eq!(asked(&world), [BOTH, "application/json"]);

        world.network.on(ISSUER_METADATA, move |_| {
            Answer::Typed("application/jwt", jwt.clone().into_bytes())
        });
        let error = issuer_name(&world).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (Class::NotVerified, "bad_signed_metadata"));
        assert!(error.hint().contains("authority"), "{error}");
    }
}

/// SMETA-01 to SMETA-03, SMETA-07, SMETA-08: what somebody known signed is right, or the flow ends:
/// no other form is asked for then, and no code is sent.
#[tokio::test]
async fn signed_metadata_that_are_wrong_end_the_flow() {
    type Spoil = fn(&mut Value, &mut Value);
    let cases: [(&str, Spoil); 7] = [
        ("SMETA-02", |header, _| header["typ"] = json!("openid4vci-issuer-metadata+jwt")),
        ("SMETA-03: sub", |_, claims| claims["sub"] = json!(OTHER)),
        ("SMETA-08", |_, claims| claims["credential_issuer"] = json!(OTHER)),
        ("SMETA-03: iat", |_, claims| claims["iat"] = Value::Null),
        ("SMETA-08: exp", |_, claims| claims["exp"] = json!(NOW.0)),
        ("no number", |_, claims| claims["exp"] = json!("tomorrow")),
        ("SMETA-05", |_, claims| {
            drop(claims.as_object_mut().unwrap().remove("credential_endpoint"));
        }),
    ];
    for (rule, spoil) in cases {
        let world = World::new();
        publishes(&world, signed(&world.issuer, spoil));
        let error = issuer_name(&world).await.unwrap_err();
        assert_eq!(error.code(), "bad_signed_metadata", "{rule}");
        assert_eq!(asked(&world), [BOTH], "{rule}");
        assert!(world.network.sent_to(&endpoint("token")).is_empty(), "{rule}");
    }
    let world = World::new();
    let jwt = signed(&world.issuer, |_, _| {});
    let changed = signed(&world.issuer, |_, claims| claims["display"] = json!([]));
    let (front, _) = changed.rsplit_once('.').unwrap();
    let (_, signature) = jwt.rsplit_once('.').unwrap();
    publishes(&world, format!("{front}.{signature}"));
    assert_eq!(issuer_name(&world).await.unwrap_err().code(), "bad_signed_metadata", "SMETA-07");
    let world = World::new();
    publishes(&world, "no JWT".to_owned());
    assert_eq!(issuer_name(&world).await.unwrap_err().code(), "bad_signed_metadata");
}

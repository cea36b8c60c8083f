//! The country of an mdoc is that of its signer (ISO 18013-5 §9.3.1), and what an account holds is
//! as its type has it now: looked at before anything is recorded.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat, RgbImage};
use issuer::config::AuthorizationServer;
use issuer::credential_type::CredentialType;
use issuer::external::External;
use issuer::generations::{
    FOLLOWED_SECONDS, KeyPurpose, KeysError, Rotation, SigningKeyWish, Start, request_certificate,
    rotate,
};
use issuer::issue::check_key;
use keys::document_signer::{Authority, Iaca};
use keys::outside::{Clock as _, SystemRandom};
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::provider::TestProvider;
use testkit::sign_in::{Browser, CLIENT, PASSWORD, parameter, with_client};
use testkit::world::{ISSUER, World};

const HEAD: &str = r#"format = "dc+sd-jwt"
vct = "https://issuer.example/types/badge"
validity_days = 30

[[display]]
name = "Badge"
locale = "en"

[[claims]]
path = ["room"]
type = "integer"
required = true
example = 7
"#;
const COUNTRY: &str = "[[claims]]\npath = [\"issuing_country\"]\ntype = \"string\"\n";
const PORTRAIT: &str = "[[claims]]\npath = [\"portrait\"]\ntype = \"image\"\n";
const LEVEL: &str = "[[claims]]\npath = [\"level\"]\ntype = \"string\"\nvalue = \"gold\"\n";
const MDOC: &str = "[[also]]\nformat = \"mso_mdoc\"\ndoctype = \"org.example.badge.1\"\n";

fn types(text: &str) -> Vec<CredentialType> {
    CredentialType::parse_all(Path::new("credentials/badge.toml"), text, ISSUER).unwrap()
}

/// An issuer with the formats of the badge.
async fn world(claims: &str) -> World {
    World::with(|issuer| {
        with_client(issuer);
        let types = types(&format!("{HEAD}{claims}{MDOC}"));
        issuer.types.extend(types.into_iter().map(|one| (one.id.clone(), one)));
    })
    .await
}

/// From now on a document signer of Utopia signs.
fn move_to_utopia(world: &World) {
    let (config, now) = (&world.issuer.config, world.clock.now());
    let authority = Authority {
        country: "UT",
        name: "Utopia IACA",
        contact: "pki@authority.example",
        crl: "https://authority.example/crl",
    };
    let authority = Iaca::generate(authority, 1000, now).unwrap();
    let wish = &SigningKeyWish::Same;
    let asked = request_certificate(config, wish).unwrap();
    let certificate = authority.certify(&asked, 300, now).unwrap();
    let (random, start) = (&SystemRandom, Start::AtOnce);
    let certificate = Some(certificate.as_str());
    let rotated: Result<_, KeysError> =
        rotate(KeyPurpose::Signing, &Rotation { config, now, random, start, certificate, wish });
    rotated.unwrap();
    world.clock.advance(FOLLOWED_SECONDS);
    assert!(world.issuer.follow_keys().unwrap());
    assert_eq!(world.issuer.keys().signing.certificate.country.as_deref(), Some("UT"));
}

async fn add(world: &World, name: &str, claims: &Value) -> (u16, String) {
    let password = (!name.contains('#')).then_some(PASSWORD);
    let mut body = json!({ "name": name, "claims": { "badge": claims } });
    if let Some(password) = password {
        body["password"] = password.into();
    }
    let answer = world.operator("POST", "/admin/v1/accounts", Some(&body)).await;
    (answer.status, answer.text())
}

/// What is found only when it is to be signed costs neither nonce nor offer.
#[tokio::test]
async fn an_offer_older_than_its_signer_costs_nothing() {
    let world = world(COUNTRY).await;
    let claims = json!({ "room": 7, "issuing_country": "DE" });
    let more = json!({ "claims": claims, "without_tx_code": true });
    let offered = world.offer("badge_mdoc", &more).await;
    move_to_utopia(&world);
    let token = world.redeem(&offered.code, &[]).await.json();
    let token = token["access_token"].as_str().unwrap();
    let proof = world.proof(&holder_key()).await;
    for _ in 0..2 {
        let answer = world.credential(token, "badge_mdoc", std::slice::from_ref(&proof)).await;
        assert!(answer.is(500, "server_error"), "not a spent nonce: {answer:?}");
    }
    let standing = world.standing(&offered).await;
    assert_eq!(standing["state"], "redeemed", "nothing is on record: {standing}");
}

/// Claims that are written for one format are in the others, too.
#[tokio::test]
async fn an_account_is_checked_for_all_formats() {
    let world = world(COUNTRY).await;
    let foreign = json!({ "room": 7, "issuing_country": "DE" });
    assert_eq!(add(&world, "ada", &foreign).await.0, 201, "no country is certified");
    move_to_utopia(&world);
    let (status, told) = add(&world, "bob", &foreign).await;
    assert_eq!(status, 422);
    assert!(told.contains("badge_mdoc") && told.contains("issuing_country"), "{told}");
    assert_eq!(add(&world, "bob", &json!({ "room": 7, "issuing_country": "UT" })).await.0, 201);

    // Of an account from before, what can be signed is still there.
    let request = |id| world.authorize(&world.authorization_request(id, &[]));
    let back = Browser::of(&world.public).allow(&request("badge"), "ada").await;
    assert!(parameter(&back, "code").is_some(), "{back}");
    let (_, page) = Browser::of(&world.public).sign_in(&request("badge_mdoc"), "ada").await;
    let has_code = page.header("location").contains("code=");
    assert!(!has_code && !page.text().contains("value=\"allow\""), "{page:?}");
    let back = Browser::of(&world.public).allow(&request("badge_mdoc"), "bob").await;
    assert!(parameter(&back, "code").is_some(), "{back}");
}

/// What a type says itself is held against the certificate, however it says it; told is the file.
#[tokio::test]
async fn a_type_of_another_country_is_not_configured() {
    let world = world("").await;
    move_to_utopia(&world);
    for (said, is_good) in [
        ("value = \"DE\"", false),
        ("default = \"DE\"", false),
        ("value = \"UT\"", true),
        ("default = \"ut\"", true),
    ] {
        let types = types(&format!("{HEAD}{COUNTRY}{said}\n{MDOC}"));
        let types = types.into_iter().map(|one| (one.id.clone(), one)).collect();
        let checked = check_key(&world.issuer.config, &world.issuer.keys(), &types);
        assert_eq!(checked.is_ok(), is_good, "{said}: {checked:?}");
        let Err(error) = checked else { continue };
        let told = error.to_string();
        assert!(told.contains("badge.toml") && told.contains("of UT"), "{told}");
    }
}

fn png() -> String {
    let mut file = Cursor::new(Vec::new());
    let picture = DynamicImage::from(RgbImage::from_pixel(16, 16, image::Rgb([200, 30, 30])));
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(file.into_inner()))
}

/// An account that was made for the SD-JWT, before the type said its level or had an mdoc, at an issuer
/// with another authorization server.
#[tokio::test]
async fn an_account_is_brought_up_to_date_for_tokens_of_others() {
    let server = TestProvider::start().await;
    let config =
        AuthorizationServer { issuer: server.issuer.clone(), ..AuthorizationServer::default() };
    let with = |text: String| {
        let config = config.clone();
        move |issuer: &mut issuer::Issuer| {
            with_client(issuer);
            issuer.types.extend(types(&text).into_iter().map(|one| (one.id.clone(), one)));
            issuer.external = External::open(&config).unwrap();
            issuer.config.authorization_server = config;
        }
    };
    let before = World::with(with(format!("{HEAD}{PORTRAIT}"))).await;
    let name = format!("{}#248289", server.issuer);
    let added = add(&before, &name, &json!({ "room": 7, "portrait": png() })).await;
    assert_eq!(added.0, 201, "{}", added.1);
    let later = before.restored(with(format!("{HEAD}{PORTRAIT}{LEVEL}{MDOC}"))).await;

    let now = before.clock.now().0;
    let detail = |id| json!({ "type": "openid_credential", "credential_configuration_id": id });
    let token = json!({
        "iss": server.issuer, "aud": ISSUER, "sub": "248289", "client_id": CLIENT, "jti": "1",
        "iat": now, "exp": now + 300,
        "authorization_details": [detail("badge"), detail("badge_mdoc")],
    });
    let header = json!({ "typ": "at+jwt", "kid": "1" });
    let token = server.sign(&header, token.as_object().unwrap()).await;
    for (id, format) in [("badge", "dc+sd-jwt"), ("badge_mdoc", "mso_mdoc")] {
        let nonce = later.ask(axum::http::Request::post(format!("{ISSUER}/nonce")), "").await;
        let key = holder_key();
        let mut draft = before.draft(&key, nonce.json()["c_nonce"].as_str().unwrap());
        draft.claim("iss", Value::from(CLIENT));
        let body = request(id, &[draft.sign(&key).await]);
        let begun = axum::http::Request::post(format!("{ISSUER}/credential"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", testkit::wire::JSON);
        let answer = later.ask(begun, body.to_string()).await.success();
        let credential = formats::parse(format, &answer["credentials"][0]["credential"]).unwrap();
        let keys = before.issuer.keys();
        let signer = keys.signing.signer.public_key();
        let verified = credential.verify(signer, before.clock.now()).unwrap();
        let said = Value::Object(verified.claims);
        assert!(said.to_string().contains("gold"), "{id}: {said}");
        let portrait = match id {
            "badge" => &said["portrait"],
            _ => &said["org.example.badge.1"]["portrait"],
        };
        // Of one file all formats have the same.
        let is_jpeg = portrait.as_str().unwrap().starts_with("data:image/jpeg");
        assert!(is_jpeg, "{id}: {portrait}");
    }
}

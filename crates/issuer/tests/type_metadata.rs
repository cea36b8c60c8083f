//! What describes a type, served where its `vct` leads (SD-JWT VC §6.3.1).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;

use axum::http::Request;
use formats::type_metadata::{Chain, check, sha256};
use serde_json::Value;
use testkit::proof::holder_key;
use testkit::world::{ISSUER, World};

const CARD: &str = "credentials/student_card.toml";

/// A world whose card has more lines in front.
async fn with(lines: &'static str) -> World {
    World::configured(|folder: &Path| {
        let file = folder.join(CARD);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{lines}\n{text}")).unwrap();
    })
    .await
}

#[tokio::test]
async fn a_type_is_described_where_its_name_leads() {
    for path in ["", "/tenant"] {
        let world = World::at(&format!("{ISSUER}{path}"), |_| {}).await;
        let place = format!("{path}/credentials/student_card");
        let answer = world.public.get(&place).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("cache-control").contains("max-age"));
        let described = answer.json();
        assert_eq!(described["vct"], format!("{ISSUER}{path}/credentials/student_card"));
        assert_eq!(described["name"], "Student Card");
        let languages: Vec<&Value> =
            described["display"].as_array().unwrap().iter().map(|one| &one["lang"]).collect();
        assert_eq!(languages, ["en", "de"]);
        assert_eq!(described["display"][1]["locale"], "de");
        assert_eq!(described["display"][0]["rendering"]["simple"]["background_color"], "#12406b");
        let claims = described["claims"].as_array().unwrap();
        let at = |path: Value| claims.iter().find(|claim| claim["path"] == path).unwrap();
        let name = at(serde_json::json!(["given_name"]));
        assert_eq!((&name["sd"], &name["mandatory"]), (&"always".into(), &true.into()));
        assert_eq!(name["display"][1]["label"], "Vorname");
        assert_eq!(at(serde_json::json!(["university"]))["sd"], "never");
        assert_eq!(at(serde_json::json!(["address", "city"]))["svg_id"], "address_city");

        let etag = answer.header("etag").to_owned();
        let again = Request::get(&place).header("if-none-match", &etag);
        let again = world.public.ask(again, "").await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), etag);
        let other = Request::get(&place).header("if-none-match", "\"other\"");
        assert_eq!(world.public.ask(other, "").await.status, 200);
    }
}

/// Only types of this format, only below our own address, only to those who read.
#[tokio::test]
async fn nothing_else_is_described() {
    let world = with("vct = \"https://types.example/card\"").await;
    for place in ["/credentials/student_card", "/credentials/diploma", "/card"] {
        assert!(world.public.get(place).await.is(404, "not_found"), "{place}");
    }
    let world = World::new().await;
    let post = Request::post("/credentials/student_card");
    assert!(world.public.ask(post, "").await.is(404, "not_found"));
}

/// A type that has the name of an endpoint is described nowhere, and takes nothing from it.
#[tokio::test]
async fn an_endpoint_keeps_its_place() {
    let world = with("vct = \"https://issuer.example/jwks\"").await;
    assert!(world.public.get("/jwks").await.json()["keys"].is_array());
}

/// SD-JWT VC §7: over the bytes that are served; what we issue is as we describe it.
#[tokio::test]
async fn a_credential_names_its_description_and_is_what_it_says() {
    let world = with("vct_integrity = true").await;
    let token = world.token("student_card").await;
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(&token, "student_card", &[proof]).await.success();
    let raw = answer["credentials"][0]["credential"].as_str().unwrap().to_owned();
    let (mut chain, is_pinned) = Chain::of_credential(&raw).unwrap();
    assert!(is_pinned);
    let wanted = chain.wanted().unwrap();
    let served = world.public.get(wanted.uri.strip_prefix(ISSUER).unwrap()).await;
    assert_eq!(wanted.integrity, Some(&*sha256(&served.body)));
    chain.take(&served.body).unwrap();
    check(&chain.finish().unwrap(), &raw).unwrap();
}

#[tokio::test]
async fn a_type_says_what_it_extends() {
    let world = with(concat!(
        "extends = \"https://types.example/card\"\n",
        "extends_integrity = \"sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=\""
    ))
    .await;
    let described = world.public.get("/credentials/student_card").await.json();
    assert_eq!(described["extends"], "https://types.example/card");
    let integrity = "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=";
    assert_eq!(described["extends#integrity"], integrity);
}

/// A world whose card has this picture in English.
async fn pictured(picture: &'static str, lines: &'static str) -> World {
    World::configured(|folder: &Path| {
        let file = folder.join(CARD);
        let text = fs::read_to_string(&file).unwrap();
        let german = "[[display]]\nname = \"Studierendenausweis\"";
        let template = format!("[[display.svg_templates]]\nfile = \"card.svg\"\n{lines}\n{german}");
        fs::write(&file, text.replace(german, &template)).unwrap();
        fs::write(file.with_file_name("card.svg"), picture).unwrap();
    })
    .await
}

/// The one to start from.
const PICTURE: &str = include_str!("../../../docs/credential-types/student_card.svg");

/// SD-JWT VC §8.1.2: served as it is, named with its digest, and harmless where it is opened by itself.
#[tokio::test]
async fn a_picture_of_the_card_is_served_beside_the_description() {
    let world = pictured(PICTURE, "color_scheme = \"dark\"").await;
    let described = world.public.get("/credentials/student_card").await.json();
    for name in ["svg_template", "svg_templates"] {
        let template = &described["display"][0]["rendering"][name][0];
        assert_eq!(template["properties"], serde_json::json!({ "color_scheme": "dark" }));
        let uri = template["uri"].as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let answer = world.public.get(uri).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/svg+xml"));
        assert_eq!(answer.body, PICTURE.as_bytes());
        assert_eq!(template["uri#integrity"], sha256(&answer.body));
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await;
    assert!(!String::from_utf8_lossy(&metadata.body).contains("svg"), "they have no place for it");
    assert!(world.public.get("/credentials/student_card/other.svg").await.is(404, "not_found"));
}

//! Step 6: what the issuer publishes, and where (VCI §12.2, RFC 8414 §3).

use std::fs;
use std::path::Path;

use axum::http::Request;
use issuer::config::Config;
use oid4vci::signed_metadata::{SignedMetadataError, UnverifiedMetadata};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::world::{ISSUER, World};

const NAMES: [&str; 3] =
    ["openid-credential-issuer", "oauth-authorization-server", "jwt-vc-issuer"];

async fn document(world: &World, name: &str) -> Value {
    let path = world.issuer.config.url.path();
    let answer = world.public.get(&format!("/.well-known/{name}{path}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

/// REG-04, META-02, META-06, META-07, ASMETA-01: at the place of 1.0 and at that of the drafts, and
/// at no other; a wrong place is a 404 that a Wallet can parse.
#[tokio::test]
async fn documents_are_at_both_places_and_nowhere_else() {
    for path in ["", "/tenant", "/a/b"] {
        let world = World::at(&format!("{ISSUER}{path}"), |_| {}).await;
        for name in NAMES {
            let new = world.public.get(&format!("/.well-known/{name}{path}")).await;
            let old = world.public.get(&format!("{path}/.well-known/{name}")).await;
            assert_eq!((new.status, old.status), (200, 200), "{name} of {path}");
            assert_eq!(new.body, old.body);
            assert_eq!(new.header("access-control-allow-origin"), "*", "P20");
            let wrong = [
                format!("/.well-known/{name}/other"),
                format!("/.well-known/{name}{path}/"),
                format!("/.well-known/x{name}"),
                format!("/other/.well-known/{name}"),
            ];
            for place in wrong {
                assert!(world.public.get(&place).await.is(404, "not_found"), "{place}");
            }
            if !path.is_empty() {
                let bare = format!("/.well-known/{name}");
                assert!(world.public.get(&bare).await.is(404, "not_found"), "{bare}");
            }
        }
    }
}

/// META-24: the issuer's own picture, as the operator wrote it; without one there is none.
#[tokio::test]
async fn an_issuer_shows_its_logo() {
    let line = "logo = { uri = \"https://issuer.example/a.png\", alt_text = \"An otter\" }\n";
    let write = |line: String| {
        move |folder: &Path| {
            let file = folder.join("bestow.toml");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, line + &text).unwrap();
        }
    };
    let world = World::configured(write(line.to_owned())).await;
    let metadata = document(&world, NAMES[0]).await;
    let logo = json!({ "uri": "https://issuer.example/a.png", "alt_text": "An otter" });
    assert_eq!(metadata["display"][0]["logo"], logo);
    assert!(world.issuer.config.effective().contains("An otter"));
    let plain = document(&World::new().await, NAMES[0]).await;
    assert!(plain["display"][0].get("logo").is_none());
    for (bad, problem) in [
        (line.replace("https:", "http:"), "no address of a picture"),
        (line.replace("otter", "\\u202Eotter"), "no one can read this"),
    ] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("bestow.toml");
        fs::write(&file, format!("url = \"{ISSUER}\"\n{bad}")).unwrap();
        let error = Config::load(&file).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

/// REG-01, REG-03, META-12, META-17, META-18, META-23, ASMETA-04, ASMETA-05: every address begins
/// with the configured one, whatever `Host` says (G09).
#[tokio::test]
async fn endpoints_come_from_the_configuration_alone() {
    let issuer = format!("{ISSUER}/tenant");
    let world = World::at(&issuer, |_| {}).await;
    let begun = Request::get("/.well-known/openid-credential-issuer/tenant");
    let begun = begun.header("host", "evil.example").header("x-forwarded-host", "evil.example");
    let metadata = world.public.ask(begun, "").await.json();
    assert_eq!(metadata["credential_issuer"], issuer);
    assert_eq!(metadata["credential_endpoint"], format!("{issuer}/credential"));
    assert_eq!(metadata["nonce_endpoint"], format!("{issuer}/nonce"));
    assert_eq!(metadata["batch_credential_issuance"]["batch_size"], 10);
    assert_eq!(metadata["display"], json!([{ "name": "Riverside University", "locale": "en" }]));
    let server = document(&world, "oauth-authorization-server").await;
    assert_eq!(server["issuer"], issuer, "ASMETA-07");
    assert_eq!(server["token_endpoint"], format!("{issuer}/token"));
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    assert_eq!(server["grant_types_supported"], json!([grant]));
    assert_eq!(server["token_endpoint_auth_methods_supported"], json!(["none"]));
    assert_eq!(server["pre-authorized_grant_anonymous_access_supported"], true, "ASMETA-02");
    for endpoint in ["token", "nonce", "credential"] {
        let answer = world.public.ask(Request::post(world.issuer.endpoint(endpoint)), "").await;
        assert_ne!(answer.status, 404, "{endpoint} is where the metadata say");
        let bare = world.public.ask(Request::post(format!("/{endpoint}")), "").await;
        assert!(bare.is(404, "not_found"), "{endpoint} is nowhere else");
    }
}

/// FMT-JWT-03, FMT-SDJWT-02, PROOF-20, META-27, META-28, META-32, META-33, META-34, META-35,
/// META-36, META-39, META-40, IMPL-02
#[tokio::test]
async fn each_type_is_described() {
    let world = World::new().await;
    let metadata = document(&world, "openid-credential-issuer").await;
    let types = metadata["credential_configurations_supported"].as_object().unwrap();
    assert_eq!(types.keys().collect::<Vec<_>>(), ["course_ticket", "diploma", "student_card"]);
    for (id, described) in types {
        let bound = id != "course_ticket";
        assert_eq!(described["credential_signing_alg_values_supported"], json!(["ES256"]));
        assert_eq!(described.get("proof_types_supported").is_some(), bound, "{id}");
        assert_eq!(described.get("cryptographic_binding_methods_supported").is_some(), bound);
        if bound {
            let expected = json!({
                "jwt": { "proof_signing_alg_values_supported": ["ES256", "EdDSA"] }
            });
            assert_eq!(described["proof_types_supported"], expected, "META-37: no attestation");
            let methods = json!(["jwk", "did:jwk", "did:key"]);
            assert_eq!(described["cryptographic_binding_methods_supported"], methods);
        }
        let display = described["credential_metadata"]["display"].as_array().unwrap();
        assert!(display.iter().all(|one| one["name"].is_string()), "META-40");
        assert!(!described["credential_metadata"]["claims"].as_array().unwrap().is_empty());
    }
    assert_eq!(types["student_card"]["format"], "dc+sd-jwt");
    assert_eq!(types["student_card"]["vct"], format!("{ISSUER}/credentials/student_card"));
    assert_eq!(types["diploma"]["format"], "jwt_vc_json");
    let kinds = json!(["VerifiableCredential", "UniversityDegreeCredential"]);
    assert_eq!(types["diploma"]["credential_definition"]["type"], kinds);
}

/// FMT-SDJWT-09: the key behind `iss`, and nothing private.
#[tokio::test]
async fn the_keys_are_published_without_their_private_part() {
    let world = World::new().await;
    let by_issuer = document(&world, "jwt-vc-issuer").await;
    assert_eq!(by_issuer["issuer"], world.issuer.credential_issuer());
    let set = world.public.get(&world.issuer.endpoint("jwks")).await.json();
    assert_eq!(by_issuer["jwks"], set);
    let key = &set["keys"][0];
    let public = world.issuer.keys().signing.signer.public_key().to_jwk();
    assert!(public.iter().all(|(name, value)| key[name] == *value));
    assert_eq!(key["kid"], world.issuer.keys().signing.kid);
    assert!(key.get("d").is_none());
}

/// CRED-11: without room for two keys there is no batch.
#[tokio::test]
async fn batches_are_announced_only_where_there_are_any() {
    let world = World::with(|issuer| issuer.config.offer.credentials_per_offer = 1).await;
    let metadata = document(&world, "openid-credential-issuer").await;
    assert!(metadata.get("batch_credential_issuance").is_none(), "META-22");
}

async fn asked(world: &World, header: &str, value: &str) -> testkit::wire::Answer {
    let path = format!("/.well-known/openid-credential-issuer{}", world.issuer.config.url.path());
    world.public.ask(Request::get(path).header(header, value), "").await
}

/// SMETA-01 to SMETA-05, META-06 to META-08: signed for those who want it so, and the signed claims
/// are what the others get.
#[tokio::test]
async fn metadata_come_signed_to_those_who_ask() {
    let world = World::at(&format!("{ISSUER}/tenant"), |_| {}).await;
    let plain = document(&world, "openid-credential-issuer").await;
    for accept in
        ["application/jwt", "application/json;q=0.5, application/jwt", "*/*;q=0.1,application/jwt"]
    {
        let answer = asked(&world, "accept", accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
        assert_eq!(answer.header("vary"), "accept, accept-language");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let unverified = UnverifiedMetadata::parse(&text).unwrap();
        assert_eq!(unverified.x5c(), world.issuer.keys().signing.x5c);
        let keys = world.issuer.keys();
        let key = keys.signing.signer.public_key();
        let now = world.issuer.clock.now();
        let identifier = world.issuer.credential_issuer();
        let metadata = unverified.verify(key, identifier, now).unwrap();
        assert_eq!(Value::from(metadata), plain);
        let late = now.plus(24 * 3600);
        let verify = |identifier, now| unverified.verify(key, identifier, now).unwrap_err();
        assert_eq!(verify(identifier, late), SignedMetadataError::Expired);
        assert_eq!(verify(ISSUER, now), SignedMetadataError::OtherIssuer);
    }
    for accept in ["application/json", "*/*", "application/json, application/jwt", "text/html", ""]
    {
        let answer = asked(&world, "accept", accept).await;
        assert_eq!(answer.header("content-type"), "application/json", "{accept}");
        assert_eq!(answer.json(), plain, "{accept}");
    }
}

/// META-10, META-11: only the languages asked for, as far as there are any of them.
#[tokio::test]
async fn metadata_come_in_the_languages_asked_for() {
    let world = World::new().await;
    let plain = document(&world, "openid-credential-issuer").await;
    let answer = asked(&world, "accept-language", "de-AT, de;q=0.9").await;
    let german = answer.json();
    let card = "/credential_configurations_supported/student_card/credential_metadata/display";
    let names = |metadata: &Value| metadata.pointer(card).unwrap().as_array().unwrap().len();
    assert!(names(&plain) > 1, "the card is described in several languages");
    assert_eq!(names(&german), 1);
    assert_eq!(german.pointer(card).unwrap()[0]["locale"], "de");
    assert!(answer.header("content-language").contains("de"));
    for any in ["*", "de, *;q=0.1", "tlh"] {
        assert_eq!(asked(&world, "accept-language", any).await.json(), plain, "{any}");
    }
}

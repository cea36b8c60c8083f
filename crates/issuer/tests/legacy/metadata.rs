//! What is published for each draft, and where.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::world::{ISSUER, World};

use crate::speaker::{CARD, DIPLOMA, DRAFTS, Speaker, enable, world};

/// Inserted and appended, and each names its own identifier and endpoints.
#[tokio::test]
async fn each_draft_is_found_at_both_places() {
    let world = world().await;
    for draft in DRAFTS {
        let identifier = Speaker { world: &world, draft }.identifier();
        for name in ["openid-credential-issuer", "oauth-authorization-server"] {
            let inserted = world.public.get(&format!("/.well-known/{name}/draft-{draft}")).await;
            let appended = world.public.get(&format!("/draft-{draft}/.well-known/{name}")).await;
            assert_eq!((inserted.status, inserted.json()), (200, appended.json()));
            let document = inserted.json();
            if name == "oauth-authorization-server" || draft <= 9 {
                assert_eq!(document["issuer"], identifier);
                assert_eq!(document["token_endpoint"], format!("{identifier}/token"));
                let binds = document.get("dpop_signing_alg_values_supported").is_some();
                assert_eq!(binds, draft >= 12, "an acceptance_token is a Bearer token");
            }
            if name == "openid-credential-issuer" || draft <= 9 {
                assert_eq!(document["credential_endpoint"], format!("{identifier}/credential"));
            }
            if name == "openid-credential-issuer" && draft >= 11 {
                assert_eq!(document["credential_issuer"], identifier);
            }
        }
        let place = format!("/draft-{draft}/.well-known/openid-configuration");
        let provider = world.public.get(&place).await;
        assert_eq!(provider.status, if draft <= 9 { 200 } else { 404 });
    }
}

async fn published(world: &World, draft: u32) -> Value {
    let place = format!("/.well-known/openid-credential-issuer/draft-{draft}");
    world.public.get(&place).await.json()
}

/// The catalogue: a map in draft 8, a list until 11, a map again, and its names.
#[tokio::test]
async fn each_catalogue_has_the_shape_of_its_draft() {
    let world = world().await;
    let types = json!(["VerifiableCredential", "UniversityDegreeCredential"]);
    for draft in DRAFTS {
        let metadata = published(&world, draft).await;
        let name = if draft >= 13 {
            "credential_configurations_supported"
        } else {
            "credentials_supported"
        };
        let catalogue = &metadata[name];
        let entry = match draft {
            8 => &catalogue[DIPLOMA]["formats"]["jwt_vc"],
            9 | 11 => {
                let all = catalogue.as_array().unwrap();
                all.iter().find(|one| one["id"] == DIPLOMA).unwrap()
            }
            _ => &catalogue[DIPLOMA],
        };
        let listed =
            if draft >= 12 { &entry["credential_definition"]["type"] } else { &entry["types"] };
        assert_eq!(listed, &types, "{draft}: {metadata}");
        let suites = if draft >= 13 {
            "credential_signing_alg_values_supported"
        } else {
            "cryptographic_suites_supported"
        };
        assert_eq!(entry[suites], json!(["ES256"]), "{draft}: {entry}");
        let methods = entry["cryptographic_binding_methods_supported"].as_array().unwrap();
        assert_eq!(methods.contains(&json!("did")), draft <= 9, "{methods:?}");
        match draft {
            8 | 9 | 11 => assert!(entry.get("proof_types_supported").is_none()),
            12 => assert_eq!(entry["proof_types_supported"], json!(["jwt"])),
            _ => assert!(entry["proof_types_supported"]["jwt"].is_object()),
        }
        assert!(entry.get("credential_metadata").is_none());
        if draft != 8 {
            assert!(entry["display"][0]["name"].is_string(), "{entry}");
        }
        assert_eq!(metadata.get("nonce_endpoint").is_some(), draft == 15);
        assert_eq!(metadata.get("batch_credential_endpoint").is_some(), (9..=13).contains(&draft));
        assert_eq!(metadata.get("notification_endpoint").is_some(), draft >= 13);
    }
}

/// Claims: below the subject as a tree, then as paths.
#[tokio::test]
async fn claims_are_a_tree_until_draft_14() {
    let world = world().await;
    for draft in [9, 11, 13, 14, 15] {
        let metadata = published(&world, draft).await;
        let entry = |id: &str| match metadata.get("credentials_supported") {
            Some(all) => {
                let all = all.as_array().unwrap();
                all.iter().find(|one| one["id"] == id).cloned()
            }
            None => metadata["credential_configurations_supported"].get(id).cloned(),
        };
        let diploma = entry(DIPLOMA).unwrap();
        match draft {
            9 | 11 => assert!(diploma["credentialSubject"]["degree"].is_object(), "{diploma}"),
            15 => assert_eq!(diploma["claims"][0]["path"][0], "credentialSubject"),
            _ => {
                let subject = &diploma["credential_definition"]["credentialSubject"];
                assert!(subject["degree"].is_object(), "{diploma}");
            }
        }
        let Some(card) = entry(CARD) else {
            assert_eq!(draft, 9, "draft 9 has no word for SD-JWT VC");
            continue;
        };
        assert_eq!(card["format"], if draft == 15 { "dc+sd-jwt" } else { "vc+sd-jwt" });
        assert_eq!(card["vct"], format!("{ISSUER}/credentials/{CARD}"));
        let shape = card["claims"].is_array();
        assert_eq!(shape, draft == 15, "{card}");
    }
}

/// `logo.url` until draft 12.
#[tokio::test]
async fn a_logo_has_a_url_until_draft_12() {
    let world = World::configured(|folder| {
        enable(folder, &[9, 11, 12, 13]);
        let file = folder.join("bestow.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace("#logo = ", "logo = ")).unwrap();
    })
    .await;
    let uri = "https://issuer.example/a.png";
    let old = json!({ "url": uri, "alt_text": "A" });
    assert_eq!(published(&world, 9).await["credential_issuer"]["display"][0]["logo"], old);
    for draft in [11, 12] {
        assert_eq!(published(&world, draft).await["display"][0]["logo"], old);
    }
    let logo = json!({ "uri": uri, "alt_text": "A" });
    assert_eq!(published(&world, 13).await["display"][0]["logo"], logo);
}

/// An issuer with a path of its own.
#[tokio::test]
async fn an_identifier_with_a_path_grows_by_the_draft() {
    let edit = |folder: &Path| {
        enable(folder, &[13]);
        let file = folder.join("bestow.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replacen("https://issuer.example\"", "https://issuer.example/college\"", 1);
        fs::write(file, text).unwrap();
    };
    let world = World::configured(edit).await;
    let identifier = "https://issuer.example/college/draft-13";
    for place in [
        "/.well-known/openid-credential-issuer/college/draft-13",
        "/college/draft-13/.well-known/openid-credential-issuer",
    ] {
        let metadata = world.public.get(place).await.json();
        assert_eq!(metadata["credential_issuer"], identifier);
    }
    let form = [("grant_type", "x")];
    assert_eq!(world.public.post_form("/college/draft-13/token", &form).await.status, 400);
}

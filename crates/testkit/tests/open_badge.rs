//! An Open Badge (1EdTech, 3.0) from the example in the documentation to the card: what is the same in
//! each credential, and a name for each.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use issuer::credential_type::CredentialType;
use keys::jws::Jws;
use serde_json::{Map, Value, json};
use testkit::agreed;
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;
use wallet::store::{StoredCredential, Trust};

const BADGE: &str = "open_badge";
const EXAMPLE: &str = include_str!("../../../docs/credential-types/open_badge.toml");
const V2: &str = "https://www.w3.org/ns/credentials/v2";
const CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";

async fn world(format: &str) -> World {
    let text = EXAMPLE.replace("format = \"ldp_vc\"", &format!("format = \"{format}\""));
    let badge = CredentialType::parse(Path::new("open_badge.toml"), &text, ISSUER).unwrap();
    World::with(|issuer| {
        issuer.types.insert(BADGE.to_owned(), badge);
    })
    .await
}

async fn received(world: &World) -> StoredCredential {
    let offered = world.offer(BADGE, &json!({})).await;
    let wish = KeyWish { copies: 2, ..KeyWish::default() };
    let mut kept = agreed::receive(&world.wallet, &offered.uri, &wish).await;
    assert_eq!(kept.len(), 1, "both copies say the same");
    kept.remove(0)
}

fn credential(raw: &str) -> Map<String, Value> {
    match serde_json::from_str(raw) {
        Ok(Value::Object(credential)) => credential,
        _ => Jws::parse(raw.split('~').next().unwrap(), 100_000).unwrap().claims().unwrap(),
    }
}

/// Open Badges 3.0: what an `OpenBadgeCredential` must have, and what it may.
#[tokio::test]
async fn a_badge_has_what_its_standard_asks_for() {
    for format in ["ldp_vc", "vc+jwt", "vc+sd-jwt"] {
        let world = world(format).await;
        let card = received(&world).await;
        assert_eq!(card.trust, Trust::IssuerMetadata, "{format}");
        let made = credential(&card.raw);
        assert_eq!(made["@context"], json!([V2, CONTEXT]));
        assert_eq!(made["type"], json!(["VerifiableCredential", "OpenBadgeCredential"]));
        assert_eq!(made["name"], "Teamwork");
        let achievement = &card.claims["achievement"];
        assert_eq!(achievement["type"], json!(["Achievement"]));
        assert_eq!(achievement["id"], "https://issuer.example/achievements/teamwork");
        assert!(achievement["criteria"]["narrative"].is_string(), "{format}");
        assert_eq!(card.claims["type"], json!(["AchievementSubject"]));
        assert_eq!(card.claims["role"], "Lead");
        let lines = card.lines("en").shown;
        let has = |label: &str| lines.iter().any(|line| line.label == label);
        assert!(has("Achievement") && has("Criteria"), "{format}");
        let raws = card.copies.iter().map(|copy| &copy.raw).chain([&card.raw]);
        let ids: BTreeSet<String> =
            raws.map(|raw| credential(raw)["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 2, "{format}: each has a name of its own");
        assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")), "{ids:?}");
    }
}

/// It is the same for all: not even who offers it says otherwise.
#[tokio::test]
async fn nobody_gives_what_the_type_says() {
    let world = world("ldp_vc").await;
    for claims in [
        json!({ "type": ["AchievementSubject"] }),
        json!({ "achievement": { "name": "Solo" } }),
        json!({ "achievement": { "id": "https://issuer.example/achievements/solo" } }),
    ] {
        let wish = world.wish(BADGE, &json!({ "claims": claims }));
        let answer = world.operator("POST", "/admin/v1/offers", Some(&wish)).await;
        assert_eq!(answer.status, 422, "{claims}: {}", answer.text());
        assert!(answer.text().contains("is the same in every credential"), "{}", answer.text());
    }
}

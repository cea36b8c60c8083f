//! Under which name an issuer signs: each format by each of the names that it can have, received by our
//! wallet and looked at by our verifier.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;

use issuer::credential_type::CredentialType;
use issuer::generations::{FOLLOWED_SECONDS, KeyPurpose, Rotation, SigningKeyWish, Start, rotate};
use keys::did::{to_did_jwk, to_did_key};
use keys::jws::Jws;
use keys::outside::{Clock as _, SystemRandom};
use serde_json::{Map, Value, json};
use testkit::agreed;
use testkit::world::{ISSUER, World};
use wallet::Settings;
use wallet::flow::key::KeyWish;
use wallet::status::{Lists, word};
use wallet::store::{StoredCredential, Trust};
use wallet::verify::{Outcome, Verdict, Verifier};

const CARD: &str = "card";
const TYPE: &str = r#"
validity_days = 30
[[display]]
name = "Card"
locale = "en"
[[claims]]
path = ["name"]
type = "string"
required = true
example = "Ada"
"#;
const JWTS: [&str; 5] = ["dc+sd-jwt", "jwt_vc_json", "jwt_vc_json-ld", "vc+jwt", "vc+sd-jwt"];
const IDENTITIES: [&str; 5] = ["https", "x509", "did:web", "did:jwk", "did:key"];

fn parse(format: &str, lines: &str) -> Result<CredentialType, String> {
    let types = match format {
        "dc+sd-jwt" => "",
        "mso_mdoc" => "doctype = \"org.example.card.1\"",
        _ => "types = [\"VerifiableCredential\", \"Card\"]",
    };
    let text = TYPE.replace(
        "[\"name\"]",
        match format {
            "mso_mdoc" => "[\"org.example.card.1\", \"name\"]",
            _ => "[\"name\"]",
        },
    );
    let text = format!("format = \"{format}\"\n{types}\n{lines}\n{text}");
    let parsed = CredentialType::parse(Path::new("card.toml"), &text, ISSUER);
    parsed.map_err(|error| error.to_string())
}

async fn world(format: &str, lines: &str) -> World {
    let credential_type = parse(format, lines).unwrap();
    World::with(|issuer| {
        issuer.types.insert(CARD.to_owned(), credential_type);
    })
    .await
}

async fn received(world: &World) -> (StoredCredential, String) {
    let offered = world.offer(CARD, &json!({})).await;
    let mut kept = agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await;
    (kept.remove(0), offered.id)
}

fn jws(card: &StoredCredential) -> Jws {
    Jws::parse(card.raw.split('~').next().unwrap(), 100_000).unwrap()
}

/// `iss`, and `issuer` of a W3C credential: they say the same.
fn named(claims: &Map<String, Value>) -> String {
    let credential = claims.get("vc").and_then(Value::as_object).unwrap_or(claims);
    if let Some(issuer) = credential.get("issuer") {
        assert_eq!(claims["iss"], *issuer);
    }
    claims["iss"].as_str().unwrap().to_owned()
}

/// What a name of the issuer is, and how it leads to the key.
fn expected(world: &World, identity: &str) -> (String, Option<String>) {
    let keys = world.issuer.keys();
    let (kid, key) = (keys.signing.kid.clone(), keys.signing.signer.public_key());
    let of_key = |did: String, fragment: &str| (did.clone(), Some(format!("{did}#{fragment}")));
    match identity {
        "https" => (ISSUER.to_owned(), Some(kid)),
        "x509" => (ISSUER.to_owned(), None),
        "did:web" => of_key("did:web:issuer.example".to_owned(), &kid),
        "did:jwk" => of_key(to_did_jwk(key), "0"),
        _ => {
            let did = to_did_key(key);
            let fragment = did.strip_prefix("did:key:").unwrap().to_owned();
            of_key(did, &fragment)
        }
    }
}

/// FMT-SDJWT-09, VCI §14.4: header and payload name the same, and the wallet finds the issuer behind
/// it.
#[tokio::test]
async fn each_jwt_can_be_signed_under_each_name() {
    for format in JWTS {
        for identity in IDENTITIES {
            let world = world(format, &format!("issuer_identity = \"{identity}\"")).await;
            let (card, _) = received(&world).await;
            let jws = jws(&card);
            let (issuer, kid) = expected(&world, identity);
            assert_eq!(named(&jws.claims().unwrap()), issuer, "{format} {identity}");
            let header = jws.header();
            assert_eq!(header.get("kid").and_then(Value::as_str), kid.as_deref(), "{format}");
            assert_eq!(header.contains_key("x5c"), identity == "x509", "{format}");
            match (identity, card.trust) {
                ("x509", Trust::Anchor { .. }) | (_, Trust::IssuerMetadata) => {}
                (_, other) => panic!("{format} {identity}: {other:?}"),
            }
        }
    }
}

/// Without the line nothing changes.
#[tokio::test]
async fn each_format_has_a_usual_name() {
    for format in JWTS {
        let world = world(format, "").await;
        let usual = if format == "dc+sd-jwt" { "x509" } else { "https" };
        let (card, _) = received(&world).await;
        let (issuer, kid) = expected(&world, usual);
        assert_eq!(named(&jws(&card).claims().unwrap()), issuer);
        assert_eq!(jws(&card).header().get("kid").and_then(Value::as_str), kid.as_deref());
    }
}

/// VCI §A.1.2: the key is named below the DID of its owner.
#[tokio::test]
async fn linked_data_are_signed_under_a_did() {
    for identity in ["did:web", "did:jwk", "did:key"] {
        for suite in ["", "canonicalization = \"jcs\"", "cryptosuite = \"ecdsa-sd-2023\""] {
            let lines = format!("issuer_identity = \"{identity}\"\nstatus_list = false\n{suite}");
            let world = world("ldp_vc", &lines).await;
            let (card, _) = received(&world).await;
            let made: Value = serde_json::from_str(&card.raw).unwrap();
            let (issuer, method) = expected(&world, identity);
            assert_eq!(made["issuer"], issuer);
            assert_eq!(made["proof"]["verificationMethod"].as_str(), method.as_deref());
            assert_eq!(card.trust, Trust::IssuerMetadata, "{identity} {suite}");
        }
    }
}

fn verifier(world: &World, given_keys: Option<Vec<Value>>) -> Verifier {
    Verifier {
        http: Arc::new(world.public.clone()),
        clock: Arc::new(world.clock.clone()),
        settings: Settings { anchors: None, ..Settings::default() },
        given_keys,
        status_list: None,
        is_now: true,
        without_status: false,
    }
}

/// Who did not receive it finds the key, too; whose a DID of a bare key is, only the user can say.
#[tokio::test]
async fn a_verifier_finds_the_key_by_each_name() {
    for identity in ["https", "did:web", "did:jwk", "did:key"] {
        let mut formats = JWTS.to_vec();
        formats.extend(identity.starts_with("did:").then_some("ldp_vc"));
        for format in formats {
            let lines = format!("issuer_identity = \"{identity}\"\nstatus_list = false");
            let world = world(format, &lines).await;
            let (card, _) = received(&world).await;
            let report = verifier(&world, None).credential(format, &card.raw).await;
            let found = report.checks.iter().find(|check| check.name == "signature").unwrap();
            assert!(matches!(found.outcome, Outcome::Passed), "{format} {identity}: {found:?}");
            let is_bare = identity == "did:jwk" || identity == "did:key";
            let is_verified = report.verdict() == Verdict::Verified;
            assert_eq!(is_verified, !is_bare, "{format} {identity}: {:?}", report.checks);
            let jwks = world.public.get("/jwks").await.json();
            let given = jwks["keys"].as_array().unwrap().clone();
            let report = verifier(&world, Some(given)).credential(format, &card.raw).await;
            assert_eq!(report.verdict(), Verdict::Verified, "{format} {identity}");
        }
    }
}

/// Bitstring Status List §3.2: a list is of the same issuer as the credential.
#[tokio::test]
async fn lists_are_signed_under_the_name_of_their_credentials() {
    for format in ["vc+jwt", "vc+sd-jwt", "jwt_vc_json", "jwt_vc_json-ld"] {
        let lines = "issuer_identity = \"did:web\"\nstatus = \"bitstring\"";
        let world = world(format, lines).await;
        let (card, offer) = received(&world).await;
        let claims = jws(&card).claims().unwrap();
        let credential = claims.get("vc").and_then(Value::as_object).unwrap_or(&claims);
        let list = credential["credentialStatus"][0]["statusListCredential"].as_str().unwrap();
        let list = Jws::parse(&world.public.get(list).await.text(), 1_000_000).unwrap();
        assert_eq!(named(&list.claims().unwrap()), named(&claims), "{format}");
        let path = format!("/admin/v1/offers/{offer}/status");
        let wish = json!({ "status": "invalid" });
        assert_eq!(world.operator("POST", &path, Some(&wish)).await.status, 200);
        assert_eq!(standing(&world, &card).await, "revoked", "{format}");
    }
}

async fn standing(world: &World, card: &StoredCredential) -> &'static str {
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
    world.clock.advance(301);
    let asked = world.wallet.refresh_status(card, &[], &mut Lists::default()).await.unwrap();
    assert_eq!(asked.faults, []);
    let cards = world.wallet.store.credentials().await.unwrap();
    word(cards.records[0].standing(world.clock.now()).unwrap().status)
}

/// Token Status Lists are signed by a key that the issuer publishes, whatever its credentials call it;
/// also once another key signs.
#[tokio::test]
async fn token_lists_serve_each_name() {
    for identity in IDENTITIES {
        let world = world("dc+sd-jwt", &format!("issuer_identity = \"{identity}\"")).await;
        let (card, offer) = received(&world).await;
        assert_eq!(standing(&world, &card).await, "valid", "{identity}");
        let rotation = Rotation {
            config: &world.issuer.config,
            now: world.clock.now(),
            random: &SystemRandom,
            start: Start::AtOnce,
            certificate: None,
            wish: &SigningKeyWish::Same,
        };
        rotate(KeyPurpose::Signing, &rotation).unwrap();
        world.clock.advance(FOLLOWED_SECONDS);
        assert!(world.issuer.follow_keys().unwrap());
        let path = format!("/admin/v1/offers/{offer}/status");
        let wish = json!({ "status": "invalid" });
        assert_eq!(world.operator("POST", &path, Some(&wish)).await.status, 200);
        assert_eq!(standing(&world, &card).await, "revoked", "{identity}");
    }
}

#[test]
fn a_name_that_a_format_cannot_have_is_refused() {
    for (format, lines, problem) in [
        ("mso_mdoc", "issuer_identity = \"https\"", "by its certificate alone"),
        ("mso_mdoc", "issuer_identity = \"x509\"", ""),
        ("ldp_vc", "issuer_identity = \"https\"", "below a DID"),
        ("ldp_vc", "issuer_identity = \"x509\"", "below a DID"),
        ("ldp_vc", "issuer_identity = \"did:key\"", "gone with the key"),
        ("vc+jwt", "issuer_identity = \"did:jwk\"\nstatus = \"bitstring\"", "gone with the key"),
        ("vc+jwt", "issuer_identity = \"did:jwk\"", ""),
        ("vc+jwt", "issuer_identity = \"did:ion\"", "unknown variant"),
    ] {
        let told = parse(format, lines).map_or_else(|error| error, |_| String::new());
        let is_it = if problem.is_empty() { told.is_empty() } else { told.contains(problem) };
        assert!(is_it, "{format} {lines}: {told}");
    }
}

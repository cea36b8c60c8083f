//! W3C credentials in Bitstring Status Lists: from the file of the type to the wallet that asks, through
//! every change of an operator (Bitstring Status List §3.2).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;

use axum::http::Request;
use issuer::credential_type::{CredentialType, Revocation};
use serde_json::{Value, json};
use testkit::agreed;
use testkit::wire::{Answer, Wire};
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;
use wallet::status::{Lists, word};
use wallet::store::StoredCredential;

const DEGREE: &str = "degree";
const TYPE: &str = r#"
types = ["VerifiableCredential", "Degree"]
validity_days = 30
[[display]]
name = "Degree"
locale = "en"
[[claims]]
path = ["name"]
type = "string"
label = { en = "Name" }
example = "Ada"
"#;
/// What is written of each, and the part of its lists' addresses that says how they are secured.
const FORMATS: [(&str, &str); 6] = [
    ("format = \"vc+jwt\"\nstatus = \"bitstring\"", "jwt"),
    ("format = \"vc+sd-jwt\"\nstatus = \"bitstring\"", "jwt"),
    ("format = \"ldp_vc\"", "ldp"),
    ("format = \"ldp_vc\"\ncanonicalization = \"jcs\"", "ldp"),
    ("format = \"jwt_vc_json\"\nstatus = \"bitstring\"", "jwt_vc_json"),
    ("format = \"jwt_vc_json-ld\"\nstatus = \"bitstring\"", "jwt_vc_json"),
];

fn parse(lines: &str) -> Result<CredentialType, String> {
    let parsed = CredentialType::parse(Path::new("degree.toml"), &format!("{lines}{TYPE}"), ISSUER);
    parsed.map_err(|error| error.to_string())
}

async fn world(lines: &str) -> World {
    let credential_type = parse(lines).unwrap();
    World::with(|issuer| {
        issuer.types.insert(DEGREE.to_owned(), credential_type);
    })
    .await
}

/// A credential in the wallet, and the offer that it came from.
async fn received(world: &World) -> (StoredCredential, String) {
    let offered = world.offer(DEGREE, &json!({})).await;
    let kept = agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await;
    (kept[0].clone(), offered.id)
}

/// `credentialStatus`, of a JWT or of JSON.
fn entries(card: &StoredCredential) -> Vec<Value> {
    let claims = if card.format == "ldp_vc" {
        serde_json::from_str(&card.raw).unwrap()
    } else {
        let jwt = card.raw.split('~').next().unwrap();
        Value::Object(keys::jws::Jws::parse(jwt, 100_000).unwrap().claims().unwrap())
    };
    // Of version 1.1 the credential lies inside of the JWT.
    let credential = claims.get("vc").unwrap_or(&claims);
    credential["credentialStatus"].as_array().unwrap().clone()
}

/// What an operator says, and every node has heard.
async fn set(world: &World, offer: &str, status: &str) {
    let path = format!("/admin/v1/offers/{offer}/status");
    let answer = world.operator("POST", &path, Some(&json!({ "status": status }))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
}

/// What the wallet knows after it has asked again.
async fn standing(world: &World, card: &StoredCredential) -> &'static str {
    world.clock.advance(301);
    let asked = world.wallet.refresh_status(card, &[], &mut Lists::default()).await.unwrap();
    assert_eq!(asked.faults, []);
    let cards = world.wallet.store.credentials().await.unwrap();
    word(cards.records[0].standing(keys::outside::Clock::now(&world.clock)).unwrap().status)
}

async fn get(wire: &Wire, uri: &str, known: &str) -> Answer {
    wire.ask(Request::get(uri).header("if-none-match", known), "").await
}

#[tokio::test]
async fn a_change_is_seen_by_the_wallet() {
    for (lines, _) in FORMATS {
        let world = world(lines).await;
        let (card, offer) = received(&world).await;
        assert_eq!(standing(&world, &card).await, "valid", "{lines}");
        for (status, told) in [
            ("suspended", "suspended"),
            ("valid", "valid"),
            ("suspended", "suspended"),
            ("invalid", "revoked"),
        ] {
            set(&world, &offer, status).await;
            assert_eq!(standing(&world, &card).await, told, "{lines}");
        }
    }
}

/// One entry for each purpose; a type, or lists, without suspension have no list of it.
#[tokio::test]
async fn a_credential_has_an_entry_for_each_purpose() {
    for (lines, form) in FORMATS {
        let world = world(lines).await;
        let (card, _) = received(&world).await;
        let entries = entries(&card);
        let index = entries[0]["statusListIndex"].as_str().unwrap();
        let expected = ["revocation", "suspension"].map(|purpose| {
            json!({
                "type": "BitstringStatusListEntry", "statusPurpose": purpose,
                "statusListIndex": index,
                "statusListCredential": format!("{ISSUER}/status-lists/1/{form}/{purpose}"),
            })
        });
        assert_eq!(entries, expected);
    }
    let mut credential_type = parse(FORMATS[0].0).unwrap();
    credential_type.revocation = Revocation::WithoutSuspension;
    let world = World::with(|issuer| {
        issuer.types.insert(DEGREE.to_owned(), credential_type);
    })
    .await;
    let (card, _) = received(&world).await;
    assert_eq!(entries(&card).len(), 1);
}

/// RFC 9110 §13.1.2, DEP-10: a list is made anew when something changed, and else has its name.
#[tokio::test]
async fn a_list_is_served_under_its_name_until_it_changes() {
    for (lines, media_type) in [
        (FORMATS[0].0, "application/vc+jwt"),
        (FORMATS[2].0, "application/vc"),
        (FORMATS[4].0, "application/jwt"),
    ] {
        let world = world(lines).await;
        let (card, offer) = received(&world).await;
        let entries = entries(&card);
        let lists: Vec<&str> =
            entries.iter().map(|entry| entry["statusListCredential"].as_str().unwrap()).collect();
        let mut names = Vec::new();
        for uri in &lists {
            let first = get(&world.public, uri, "").await;
            assert_eq!((first.status, first.header("content-type")), (200, media_type));
            assert_eq!(first.header("cache-control"), "public, max-age=300");
            assert_eq!(first.header("access-control-allow-origin"), "*");
            let etag = first.header("etag").to_owned();
            let again = get(&world.public, uri, &etag).await;
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, &*etag));
            assert_eq!(
                get(&world.public, uri, "").await.body,
                first.body,
                "it is not signed again"
            );
            names.push(etag);
        }
        set(&world, &offer, "suspended").await;
        for (uri, etag) in lists.iter().zip(&names) {
            assert_eq!(get(&world.public, uri, etag).await.status, 200, "{uri}");
        }
        // Half its life later it is another: never is one served that ends soon.
        let etag = get(&world.public, lists[0], "").await.header("etag").to_owned();
        world.clock.advance(6 * 3600);
        assert_eq!(get(&world.public, lists[0], &etag).await.status, 200);
        let past = format!("{}?timestamp=2026-01-01T00:00:00Z", lists[0]);
        assert!(get(&world.public, &past, "").await.is(501, "invalid_request"));
    }
}

#[tokio::test]
async fn where_there_is_no_list_there_is_nothing() {
    let world = world(FORMATS[0].0).await;
    received(&world).await;
    for path in [
        "1/jwt/message",
        "1/jwt/x",
        "1/ldp/revocation",
        "1/x/revocation",
        "2/jwt/revocation",
        "01/jwt/revocation",
        "1/jwt",
        "1/jwt/%ff",
    ] {
        let answer = world.public.get(&format!("/status-lists/{path}")).await;
        assert!(answer.is(404, "not_found"), "{path}: {answer:?}");
    }
}

/// Nothing is signed for strangers in a form that no credential here refers to. A type that changed to
/// the other kind of list may have credentials from before.
#[tokio::test]
async fn a_list_is_served_in_the_forms_that_a_type_has() {
    for (lines, served) in [
        ("format = \"jwt_vc_json\"", "jwt_vc_json"),
        ("format = \"jwt_vc_json-ld\"\nstatus = \"bitstring\"", "jwt_vc_json"),
        ("format = \"vc+jwt\"\nstatus = \"token\"", "jwt"),
        ("format = \"vc+sd-jwt\"\nstatus = \"bitstring\"", "jwt"),
        ("format = \"ldp_vc\"", "ldp"),
    ] {
        let credential_type = parse(lines).unwrap();
        let world = World::with(|issuer| {
            issuer.types.clear(); // the diploma of each new issuer has a form, too
            issuer.types.insert(DEGREE.to_owned(), credential_type);
        })
        .await;
        received(&world).await;
        for form in ["jwt", "jwt_vc_json", "ldp"] {
            let status = if form == served { 200 } else { 404 };
            let uri = format!("/status-lists/1/{form}/revocation");
            assert_eq!(get(&world.public, &uri, "").await.status, status, "{lines}: {form}");
        }
    }
}

/// A type whose issuer is called otherwise from today on has credentials from before, which say where
/// their lists are, and whose they are.
#[tokio::test]
async fn another_name_of_the_issuer_takes_no_list_away() {
    let did = "issuer_identity = \"did:web\"";
    for format in ["vc+jwt", "jwt_vc_json"] {
        let by_url = format!("format = \"{format}\"\nstatus = \"bitstring\"\n");
        let by_did = format!("{by_url}{did}\n");
        for (before, after, name) in
            [(&by_url, &by_did, ISSUER), (&by_did, &by_url, "did:web:issuer.example")]
        {
            let world = world(before).await;
            let (card, _) = received(&world).await;
            let later = world
                .restored(|issuer| {
                    issuer.types.clear();
                    issuer.types.insert(DEGREE.to_owned(), parse(after).unwrap());
                })
                .await;
            for entry in entries(&card) {
                let uri = entry["statusListCredential"].as_str().unwrap();
                let answer = get(&later, uri, "").await;
                assert_eq!(answer.status, 200, "{uri}");
                let list = String::from_utf8(answer.body.to_vec()).unwrap();
                let list = keys::jws::Jws::parse(&list, 100_000).unwrap().claims().unwrap();
                let issuer = list.get("iss").unwrap_or_else(|| &list["issuer"]);
                assert_eq!(issuer, name, "{uri}");
            }
        }
    }
}

/// What an operator writes wrongly is told, with what to write instead.
#[test]
fn a_status_that_a_format_has_no_place_for_is_refused() {
    for (lines, told) in [
        ("format = \"ldp_vc\"\nstatus = \"token\"", "no place for a status list of this kind"),
        ("format = \"vc+jwt\"\nstatus = \"bitstring\"\nstatus_list = false", "without a status"),
        ("format = \"ldp_vc\"\nstatus_list = false\nsuspendable = true", "without a status list"),
    ] {
        let error = parse(lines).unwrap_err();
        assert!(error.contains(told), "{lines}: {error}");
    }
}

/// Linked data says from where the words of an entry are known: the credential, its metadata, and the
/// list itself; whoever reads no more than version 1.1 can read the list.
#[tokio::test]
async fn version_1_1_has_its_own_words_and_its_own_list() {
    const CONTEXTS: [&str; 2] =
        ["https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/status/v1"];
    for (lines, has_context) in [(FORMATS[4].0, false), (FORMATS[5].0, true)] {
        let world = world(lines).await;
        let (card, _) = received(&world).await;
        let jwt = keys::jws::Jws::parse(&card.raw, 100_000).unwrap().claims().unwrap();
        assert!(!jwt.contains_key("status"), "it stands in one place");
        let contexts = jwt["vc"]["@context"].as_array().unwrap();
        assert_eq!(contexts.contains(&json!(CONTEXTS[1])), has_context, "{contexts:?}");
        let uri = entries(&card)[0]["statusListCredential"].as_str().unwrap().to_owned();
        let list = String::from_utf8(get(&world.public, &uri, "").await.body.to_vec()).unwrap();
        let list = keys::jws::Jws::parse(&list, 100_000).unwrap();
        assert_eq!(list.header()["typ"], "JWT");
        let list = list.claims().unwrap();
        assert_eq!(list["vc"]["@context"], json!(CONTEXTS));
        assert_eq!(list["vc"]["type"][1], "BitstringStatusListCredential");
        assert_eq!((&list["jti"], &list["vc"]["id"]), (&json!(uri), &json!(uri)));
        assert!(list["vc"]["issuanceDate"].is_string() && list["vc"]["validFrom"].is_null());
    }
}

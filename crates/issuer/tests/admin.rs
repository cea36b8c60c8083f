//! What an operator, or an operator's program, asks the admin API, and what it says no to.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use oid4vci::offer::OfferId;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::wire::Answer;
use testkit::world::World;
use tokio::task::JoinSet;

const OFFERS: &str = "/admin/v1/offers";
const CARD: &str = "student_card";

/// Status and detail of a problem, in the one shape that all problems have (RFC 9457 §3.1).
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    assert!(body["title"].is_string() && body["type"] == "about:blank", "{body}");
    (answer.status, body["detail"].as_str().unwrap().to_owned())
}

/// P11
#[tokio::test]
async fn only_the_key_opens_it() {
    let world = World::new().await;
    let key = world.issuer.keys().admin.expose().to_owned();
    let paths =
        [OFFERS, "/admin/v1/offers/x", "/admin/v1/applications", "/admin/v1/applications/x"];
    for path in paths {
        let values = [
            String::new(),
            format!("Basic {key}"),
            key.clone(),
            format!("Bearer {}", &key[1..]),
            format!("Bearer {key}x"),
            format!("Bearer {}", key.to_uppercase()),
            "Bearer ".to_owned(),
        ];
        for value in values {
            for method in ["GET", "POST", "DELETE"] {
                let mut begun = Request::builder().method(method).uri(path);
                if !value.is_empty() {
                    begun = begun.header(AUTHORIZATION, &value);
                }
                let answer = world.admin.ask(begun, "").await;
                let expected_405 = answer.status == 405; // the method is judged first
                assert!(expected_405 || problem(&answer).0 == 401, "{method} {path}: {answer:?}");
                assert!(expected_405 || answer.header("www-authenticate") == "Bearer");
            }
        }
    }
    let in_query = world.admin.get(&format!("{OFFERS}?key={key}")).await;
    assert_eq!(problem(&in_query).0, 401);
    let begun = Request::get(OFFERS).header(AUTHORIZATION, format!("bearer {key}"));
    assert_eq!(world.admin.ask(begun, "").await.status, 200);
}

async fn make(world: &World, wish: &Value) -> Answer {
    world.operator("POST", OFFERS, Some(wish)).await
}

/// I21, I22: what cannot become a credential is refused before anybody holds an offer, by name.
#[tokio::test]
async fn a_wish_that_cannot_be_granted_is_refused_by_name() {
    let world = World::new().await;
    let card = |more: Value| world.wish(CARD, &more);
    let claims = |change: &dyn Fn(&mut Value)| {
        let mut wish = card(json!({}));
        change(&mut wish["claims"]);
        wish
    };
    let set = |name: &'static str, value: Value| claims(&|claims| claims[name] = value.clone());
    let without = claims(&|claims| drop(claims.as_object_mut().unwrap().remove("birth_date")));
    let both = json!([CARD, "nobody"]);
    let rows: Vec<(&str, Value, u16, &str)> = vec![
        ("unknown member", card(json!({ "tx_cod": true })), 400, "tx_cod"),
        ("wrong type", card(json!({ "tx_code": "yes" })), 400, "boolean"),
        ("P12: mass assignment", card(json!({ "state": "issued" })), 400, "state"),
        ("nothing asked", json!({}), 400, "credential_configuration_ids"),
        ("negative", card(json!({ "expires_in": -1 })), 400, "-1"),
        ("no type", card(json!({ "credential_configuration_ids": [] })), 422, "what to offer"),
        ("unknown type", card(json!({ "credential_configuration_ids": both })), 422, "nobody"),
        ("a type twice", card(json!({ "credential_configuration_ids": [CARD, CARD] })), 422, CARD),
        ("unknown claim", set("shoe_size", json!(43)), 422, "shoe_size"),
        ("I22: reserved", set("cnf", json!({})), 422, "cnf"),
        ("missing claim", without, 422, "birth_date"),
        ("a wrong day", set("birth_date", json!("2003-02-30")), 422, "birth_date"),
        ("a number for text", set("given_name", json!(7)), 422, "given_name"),
        ("inside an object", claims(&|c| c["address"]["planet"] = json!("Mars")), 422, "planet"),
        ("too short a life", card(json!({ "expires_in": 0 })), 422, "one second"),
        ("too long a life", card(json!({ "expires_in": 601 })), 422, "600"),
        ("G14: endless", card(json!({ "expires_in": u64::MAX })), 422, "600"),
        ("printed, unguarded", card(json!({ "printed": true })), 422, "transaction code"),
    ];
    for (row, wish, status, named) in rows {
        let answer = make(&world, &wish).await;
        let (found, detail) = problem(&answer);
        assert!(found == status && detail.contains(named), "{row}: {answer:?}");
    }
    for body in ["", "[]", "{", r#"{"tx_code":true,"tx_code":false}"#] {
        let key = format!("Bearer {}", world.issuer.keys().admin.expose());
        let answer = world.admin.ask(Request::post(OFFERS).header(AUTHORIZATION, key), body).await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
    let listed = world.operator("GET", OFFERS, None).await.json();
    assert_eq!(listed["offers"], json!([]), "nothing was made");
}

/// P09: of a picture the credential holds the pixels, whoever sent it; in one for several types too.
#[tokio::test]
async fn a_picture_is_encoded_again() {
    let world = World::new().await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(4, 4).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    let url = |file: &[u8]| format!("data:image/png;base64,{}", BASE64_STANDARD.encode(file));
    let (mut wish, hiding) = (world.wish(CARD, &json!({})), [&png[..], b"Somebody"].concat());
    wish["claims"]["photo"] = json!(url(&hiding));
    let made = make(&world, &wish).await.json();
    let id = OfferId::parse(made["id"].as_str().unwrap()).unwrap();
    let datasets = world.issuer.store.datasets(id).await.unwrap().unwrap();
    let photo = datasets[CARD]["photo"].as_str().unwrap();
    let kept = BASE64_STANDARD.decode(photo.split_once(',').unwrap().1).unwrap();
    assert!(image::load_from_memory(&kept).is_ok() && !kept.ends_with(b"Somebody"));
    wish["claims"]["photo"] = json!(url(&png[..40]));
    let (status, detail) = problem(&make(&world, &wish).await);
    assert!(status == 422 && detail.contains("photo: must be a still picture"), "{detail}");
}

/// Every claim that is wrong is named at once.
#[tokio::test]
async fn all_mistakes_in_the_claims_are_told_together() {
    let world = World::new().await;
    let wish = json!({ "credential_configuration_ids": [CARD], "claims": { "a": 1, "b": 2 } });
    let (_, detail) = problem(&make(&world, &wish).await);
    for name in ["a", "b", "given_name", "family_name", "birth_date", "student_id"] {
        assert!(detail.contains(name), "{name} in {detail}");
    }
}

/// GEN-09, VCI §13.6.1: what lies around for long, or on paper, needs a second secret.
#[tokio::test]
async fn long_and_printed_offers_need_a_transaction_code_or_a_word_of_their_own() {
    let world = World::with(|issuer| {
        issuer.types.get_mut(CARD).unwrap().offer_seconds = Some(86_400);
    })
    .await;
    let wishes = [
        (json!({ "expires_in": 3600 }), 201),
        (json!({ "expires_in": 3601 }), 422),
        (json!({ "expires_in": 3601, "tx_code": true }), 201),
        (json!({ "expires_in": 3601, "without_tx_code": true }), 201),
        (json!({ "expires_in": 86_401, "tx_code": true }), 422),
        (json!({ "printed": true }), 422),
        (json!({ "printed": true, "tx_code": true }), 201),
        (json!({ "printed": true, "without_tx_code": true }), 201),
    ];
    for (more, status) in wishes {
        assert_eq!(make(&world, &world.wish(CARD, &more)).await.status, status, "{more}");
    }
    let unasked = make(&world, &world.wish(CARD, &json!({}))).await;
    assert_eq!(unasked.json()["expires_at"], "2026-11-23T12:10:00Z", "ten minutes unless asked");
}

async fn with_key(world: &World, key: &str, wish: &Value) -> Answer {
    let bearer = format!("Bearer {}", world.issuer.keys().admin.expose());
    let begun = Request::post(OFFERS).header(AUTHORIZATION, bearer);
    world.admin.ask(begun.header("idempotency-key", key), wish.to_string()).await
}

/// P13: a lost answer comes again, secrets and all; a key means one thing.
#[tokio::test]
async fn an_idempotency_key_makes_one_offer() {
    let world = World::new().await;
    let wish = world.wish(CARD, &json!({ "tx_code": true }));
    let first = with_key(&world, "order-1", &wish).await;
    assert_eq!(first.status, 201);
    world.clock.advance(60);
    let again = with_key(&world, "order-1", &wish).await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    let other = world.wish(CARD, &json!({}));
    let (status, detail) = problem(&with_key(&world, "order-1", &other).await);
    assert!(status == 422 && detail.contains("Idempotency-Key"), "{detail}");
    assert_ne!(with_key(&world, "order-2", &wish).await.json()["id"], first.json()["id"]);
    for bad in [String::new(), "x".repeat(256)] {
        assert_eq!(problem(&with_key(&world, &bad, &wish).await).0, 400);
    }
    assert_eq!(
        world.operator("GET", OFFERS, None).await.json()["offers"].as_array().unwrap().len(),
        2
    );
}

/// P13 with all of them at once.
#[tokio::test(flavor = "multi_thread")]
async fn racing_repetitions_make_one_offer() {
    let world = Arc::new(World::new().await);
    let mut racers = JoinSet::new();
    for _ in 0..50 {
        let world = Arc::clone(&world);
        let wish = world.wish(CARD, &json!({ "tx_code": true }));
        racers.spawn(async move { with_key(&world, "order-1", &wish).await.json() });
    }
    let answers = racers.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn state(world: &World, id: &str) -> Value {
    world.operator("GET", &format!("{OFFERS}/{id}"), None).await.json()
}

/// Each state of an offer, with its time, and never a code or a claim (C13).
#[tokio::test]
async fn an_offer_tells_how_far_it_got() {
    let world = World::new().await;
    let made = make(&world, &world.wish(CARD, &json!({}))).await.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(state(&world, id).await["state"], "created");
    let offered = world.offer(CARD, &json!({})).await;
    assert_eq!(state(&world, &offered.id).await["state"], "fetched");
    world.clock.advance(5);
    let token = world.redeem(&offered.code, &[]).await.success();
    let redeemed = state(&world, &offered.id).await;
    assert_eq!(redeemed["state"], "redeemed");
    assert_eq!(redeemed["redeemed_at"], "2026-11-23T12:00:05Z");
    let proof = world.proof(&holder_key()).await;
    let token = token["access_token"].as_str().unwrap();
    world.credential(token, CARD, &[proof]).await.success();
    let issued = state(&world, &offered.id).await;
    assert_eq!((&issued["state"], &issued["credentials_issued"]), (&json!("issued"), &json!(1)));
    let text = issued.to_string();
    assert!(!text.contains(&offered.code) && !text.contains("Mustermann"), "{text}");
    world.clock.advance(600);
    assert_eq!(state(&world, id).await["state"], "expired");
    assert_eq!(state(&world, &offered.id).await["state"], "issued", "for good");
    let unknown = "00000000-0000-7000-8000-000000000000";
    for id in [unknown, "x", "%00", "%ff", "%2e%2e"] {
        let applications = format!("/admin/v1/applications/{id}");
        let rows = [
            ("GET", format!("{OFFERS}/{id}")),
            ("DELETE", format!("{OFFERS}/{id}")),
            ("GET", format!("{OFFERS}/{id}/events")),
            ("GET", applications.clone()),
            ("POST", format!("{applications}/approve")),
            ("POST", format!("{applications}/reject")),
        ];
        for (method, path) in rows {
            assert_eq!(problem(&world.operator(method, &path, None).await).0, 404, "{path}");
        }
    }
}

/// The next event of a stream, which is an offer.
async fn event(stream: &mut BodyDataStream) -> Value {
    let chunk = stream.next().await.unwrap().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    assert!(text.contains("event: offer"), "{text}");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn a_program_is_told_what_becomes_of_an_offer() {
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({})).await;
    let path = format!("{OFFERS}/{}/events", offered.id);
    let key = format!("Bearer {}", world.issuer.keys().admin.expose());
    let request = Request::get(&path).header(AUTHORIZATION, key).body(Body::empty()).unwrap();
    let answer = world.admin.open(request).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.into_body().into_data_stream();
    assert_eq!(event(&mut stream).await, state(&world, &offered.id).await);
    let token = world.redeem(&offered.code, &[]).await.success();
    assert_eq!(event(&mut stream).await["state"], "redeemed");
    let proof = world.proof(&holder_key()).await;
    let token = token["access_token"].as_str().unwrap();
    world.credential(token, CARD, &[proof]).await.success();
    assert_eq!(event(&mut stream).await["state"], "issued");
    let path = format!("{OFFERS}/{}/status", offered.id);
    world.operator("POST", &path, Some(&json!({ "status": "invalid" }))).await;
    let told = event(&mut stream).await;
    assert_eq!(told["credentials"][0]["status"], "invalid", "{told}");
    world.issuer.ending.send_replace(true);
    assert!(stream.next().await.is_none(), "who stops keeps nobody waiting");
}

/// 204 as often as one likes, 409 once a credential is out.
#[tokio::test]
async fn an_offer_can_be_taken_back_until_it_is_issued() {
    let world = World::new().await;
    let take_back =
        async |id: &str| world.operator("DELETE", &format!("{OFFERS}/{id}"), None).await;
    let open = world.offer(CARD, &json!({})).await;
    for _ in 0..2 {
        let answer = take_back(&open.id).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
    }
    assert_eq!(state(&world, &open.id).await["state"], "withdrawn");
    assert!(world.redeem(&open.code, &[]).await.is(400, "invalid_grant"));
    let issued = world.offer(CARD, &json!({})).await;
    let token = world.redeem(&issued.code, &[]).await.success();
    let token = token["access_token"].as_str().unwrap().to_owned();
    let key = holder_key();
    world.credential(&token, CARD, &[world.proof(&key).await]).await.success();
    assert_eq!(problem(&take_back(&issued.id).await).0, 409);
    world.credential(&token, CARD, &[world.proof(&key).await]).await.success();
    assert_eq!(problem(&take_back("x").await).0, 404);
}

/// The list, page by page, newest first, and by state.
#[tokio::test]
async fn offers_are_listed_by_page_and_by_state() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let made = make(&world, &world.wish(CARD, &json!({}))).await.json();
        ids.insert(0, made["id"].as_str().unwrap().to_owned());
        world.clock.advance(1);
    }
    let list = async |query: &str| {
        let answer = world.operator("GET", &format!("{OFFERS}{query}"), None).await.json();
        let offers = answer["offers"].as_array().unwrap().clone();
        offers.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ids);
    assert_eq!(list("?limit=2").await, ids[..2]);
    assert_eq!(list(&format!("?limit=2&after={}", ids[1])).await, ids[2..4]);
    assert_eq!(list(&format!("?after={}", ids[4])).await, [""; 0]);
    world.operator("DELETE", &format!("{OFFERS}/{}", ids[3]), None).await;
    assert_eq!(list("?state=withdrawn").await, ids[3..4]);
    assert_eq!(list("?state=created").await.len(), 4);
    assert_eq!(list("?state=issued").await, [""; 0]);
    let bad = [
        "?limit=0",
        "?limit=501",
        "?limit=x",
        "?state=lost",
        "?after=x",
        "?page=2",
        "?limit=1&limit=2",
    ];
    for query in bad {
        let answer = world.operator("GET", &format!("{OFFERS}{query}"), None).await;
        assert_eq!(problem(&answer).0, 400, "G14: {query}");
    }
}

/// Health is open to load balancers; everything else that is not there says so as a problem.
#[tokio::test]
async fn health_needs_no_key_and_nothing_else_is_there() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.admin.get(path).await.status, 200);
    }
    for path in ["/", "/admin", "/admin/v1", "/token", "/metrics"] {
        assert_eq!(problem(&world.admin.get(path).await).0, 404, "P18: {path}");
    }
    let answer = world.operator("PUT", OFFERS, None).await;
    assert_eq!(problem(&answer).0, 405);
    let large = world.wish(CARD, &json!({ "x": "x".repeat(1_000_000) }));
    assert_eq!(problem(&make(&world, &large).await).0, 400, "G05");
}

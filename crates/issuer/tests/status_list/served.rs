//! The endpoint: forms, caching, time (TSL §8.1, TSL §8.2, TSL §8.4).

use std::io::Read as _;

use axum::http::Request;
use flate2::read::GzDecoder;
use formats::status_list::token::TokenFormat;
use formats::status_list::{Status, StatusReference};
use keys::outside::Clock as _;
use testkit::world::World;

use crate::{CARD, fetch, issued, list, status};

const JWT: &str = "application/statuslist+jwt";
const CWT: &str = "application/statuslist+cwt";

#[tokio::test]
async fn a_list_comes_in_the_form_that_is_asked_for() {
    let world = World::new().await;
    let (_, reference) = issued(&world, CARD).await;
    let uri = reference.uri.as_str();
    for (headers, format) in [
        (&[][..], TokenFormat::Jwt),
        (&[("accept", JWT)], TokenFormat::Jwt),
        (&[("accept", CWT)], TokenFormat::Cwt),
        (&[("accept", CWT), ("accept-encoding", "gzip")], TokenFormat::Cwt),
        (&[("accept", "text/html")], TokenFormat::Jwt),
    ] {
        let answer = fetch(&world.public, uri, headers).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        assert_eq!(answer.header("content-type"), format.media_type(), "{headers:?}");
        assert_eq!(answer.header("content-encoding"), "", "{headers:?}");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert_eq!(answer.header("vary"), "accept, accept-encoding");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let list = list(&world, uri, format, &answer.body);
        assert_eq!(list.status(&reference), Some(Status::Valid));
        assert_eq!(list.issued_at(), world.clock.now());
        assert_eq!(list.fresh_until(world.clock.now()), world.clock.now().plus(300));
        let behind = StatusReference { idx: 1 << 20, ..reference.clone() };
        assert_eq!(list.status(&behind), None);
    }
}

/// TSL §8.2: the JWT is compressed for whoever takes that.
#[tokio::test]
async fn a_jwt_is_compressed_on_its_way() {
    let world = World::new().await;
    let (_, reference) = issued(&world, CARD).await;
    let uri = reference.uri.as_str();
    let plain = fetch(&world.public, uri, &[("accept-encoding", "gzip;q=0, br")]).await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = fetch(&world.public, uri, &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("content-type"), JWT);
    let mut body = Vec::new();
    GzDecoder::new(&packed.body[..]).read_to_end(&mut body).unwrap();
    assert_eq!(body, plain.body);
    assert!(packed.body.len() < plain.body.len());
    assert_ne!(packed.header("etag"), plain.header("etag"), "other bytes have another name");
}

/// RFC 9110 §13.1.2: whoever has it gets no body, until something changes.
#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let world = World::new().await;
    let (offer, reference) = issued(&world, CARD).await;
    let uri = reference.uri.as_str();
    for accept in [JWT, CWT] {
        let first = fetch(&world.public, uri, &[("accept", accept)]).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20, "{etag}");
        let again = [("accept", accept), ("if-none-match", etag.as_str())];
        let second = fetch(&world.public, uri, &again).await;
        assert_eq!((second.status, second.body.len()), (304, 0));
        assert_eq!(second.header("etag"), etag);
        assert_eq!(second.header("cache-control"), "public, max-age=300");
        assert_eq!(second.header("vary"), "accept, accept-encoding");
    }
    let etag = fetch(&world.public, uri, &[]).await.header("etag").to_owned();
    let path = format!("/admin/v1/offers/{offer}/status");
    let body = serde_json::json!({ "status": "suspended" });
    assert_eq!(world.operator("POST", &path, Some(&body)).await.status, 200);
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
    let changed = fetch(&world.public, uri, &[("if-none-match", &etag)]).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let world = World::new().await;
    let (_, reference) = issued(&world, CARD).await;
    let get = fetch(&world.public, &reference.uri, &[]).await;
    let head = world.public.ask(Request::head(&reference.uri), "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-type", "cache-control", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let post = world.public.ask(Request::post(&reference.uri), "").await;
    assert!(post.is(405, "invalid_request"));
}

#[tokio::test]
async fn where_there_is_no_list_there_is_nothing() {
    let world = World::new().await;
    for number in ["1", "0", "99", "18446744073709551616", "x", "-1", "01", "%ff"] {
        let answer = fetch(&world.public, &format!("/status-lists/{number}"), &[]).await;
        assert!(answer.is(404, "not_found"), "{number}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{number}");
    }
    issued(&world, CARD).await;
    for number in ["01", "2", "17", "99"] {
        let answer = fetch(&world.public, &format!("/status-lists/{number}"), &[]).await;
        assert!(answer.is(404, "not_found"), "{number}");
    }
}

/// TSL §8.4: not to answer with today's list when another day is asked for.
#[tokio::test]
async fn the_past_is_not_told() {
    let world = World::new().await;
    let (_, reference) = issued(&world, CARD).await;
    let answer = fetch(&world.public, &format!("{}?time=1686925000", reference.uri), &[]).await;
    assert!(answer.is(501, "invalid_request"));
    let answer = fetch(&world.public, &format!("{}?timer=1", reference.uri), &[]).await;
    assert_eq!(answer.status, 200);
}

/// I9: nothing expired, whatever the hour, with help from the background or without; and the time
/// of signing never goes back.
#[tokio::test]
async fn a_list_is_never_served_expired() {
    let world = World::new().await;
    let (_, reference) = issued(&world, CARD).await;
    let mut before = world.clock.now();
    for hour in 0..40 {
        let answer = fetch(&world.public, &reference.uri, &[]).await;
        let list = list(&world, &reference.uri, TokenFormat::Jwt, &answer.body);
        let end = list.fresh_until(world.clock.now());
        assert!(end > world.clock.now(), "{hour}");
        assert!(list.issued_at() >= before, "{hour}");
        before = list.issued_at();
        world.clock.advance(3600);
    }
}

/// What is asked for in time costs nobody a wait: the background signs again at half time.
#[tokio::test]
async fn a_list_is_signed_again_when_half_its_time_is_over() {
    let world = World::new().await;
    let (_, reference) = issued(&world, CARD).await;
    let signed_at = async || {
        world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
        let answer = fetch(&world.public, &reference.uri, &[]).await;
        list(&world, &reference.uri, TokenFormat::Jwt, &answer.body).issued_at()
    };
    let first = signed_at().await;
    world.clock.advance(6 * 3600 - 1);
    assert_eq!(signed_at().await, first, "and not before");
    world.clock.advance(1);
    assert_eq!(signed_at().await, world.clock.now());
}

/// Another node may have opened the list a moment ago.
#[tokio::test]
async fn any_node_serves_any_list() {
    let world = World::new().await;
    let other = world.another_node(7).await;
    let unknown = fetch(&other, "https://issuer.example/status-lists/1", &[]).await;
    assert_eq!(unknown.status, 404);
    let (_, reference) = issued(&world, CARD).await;
    assert_eq!(status(&world, &other, &reference).await, Some(Status::Valid));
}

#[tokio::test]
async fn an_issuer_below_a_path_serves_its_lists_there() {
    let world = World::at("https://issuer.example/a", |_| {}).await;
    let (_, reference) = issued(&world, CARD).await;
    assert_eq!(reference.uri, "https://issuer.example/a/status-lists/1");
    assert_eq!(status(&world, &world.public, &reference).await, Some(Status::Valid));
}

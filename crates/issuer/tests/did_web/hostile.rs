//! Websites that say something else than the document of their DID, or nothing (F01, F05).

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use keys::outside::Clock as _;
use keys::signer::Signer as _;
use oid4vci::credential::ISSUANCES_MAX;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::website::{Says, Website};
use testkit::wire::Answer;

use super::{CARD, ask, proof_as, world};

fn described(answer: &Answer) -> String {
    answer.json()["error_description"].as_str().unwrap().to_owned()
}

/// What it says instead of `good`.
fn wrong_answers(good: &Says, did: &str) -> Vec<(&'static str, Says)> {
    let head = |head: &str| Says { head: head.to_owned(), ..good.clone() };
    let typed = |media_type: &str| head(&format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}"));
    let body = |body: String| Says { body, ..good.clone() };
    let document: Value = serde_json::from_str(&good.body).unwrap();
    let with = |name: &str, value: Value| {
        let mut document = document.clone();
        document[name] = value;
        body(document.to_string())
    };
    vec![
        ("elsewhere", head(&format!("HTTP/1.1 302 Found\r\nlocation: /{did}"))),
        ("for ever elsewhere", head("HTTP/1.1 308 Moved\r\nlocation: /did.json")),
        ("not there", head("HTTP/1.1 404 Not Found\r\ncontent-type: application/json")),
        ("a page", typed("text/html")),
        ("a file of somebody's", typed("application/octet-stream")),
        ("no kind at all", head("HTTP/1.1 200 OK")),
        ("too long", with("service", Value::from("a".repeat(64 * 1024)))),
        ("of another", with("id", json!(format!("{did}:a")))),
        ("of nobody", with("id", Value::Null)),
        ("no JSON", body("<html>".to_owned())),
        ("a list", body(format!("[{}]", good.body))),
        ("a name twice", body(good.body.replacen('{', "{\"id\":\"did:web:other.example\",", 1))),
        ("no HTTP", head("220 mail.example ESMTP")),
    ]
}

/// PROOF-27: nothing is spent; when the website is mended, the same nonce and token are good.
#[tokio::test]
async fn a_website_that_is_not_as_it_should_be_spends_nothing() {
    let website = Website::start().await;
    let (world, key, did) = (world(&website).await, holder_key(), website.did(""));
    let kid = format!("{did}#0");
    let (token, nonce) = (world.token(CARD).await, world.nonce().await);
    let good = Says::document(&website.document(&[key.public_key()]));
    let proof = proof_as(&world, &key, &kid, &nonce).await;
    for (row, says) in wrong_answers(&good, &did) {
        website.says(says);
        let answer = world.credential(&token, CARD, std::slice::from_ref(&proof)).await;
        assert!(answer.is(400, "invalid_proof"), "{row}: {answer:?}");
        assert!(described(&answer).contains("could not be read"), "{row}: {answer:?}");
        world.clock.advance(11);
    }
    website.publishes(&[holder_key().public_key()]);
    let answer = world.credential(&token, CARD, std::slice::from_ref(&proof)).await;
    assert!(answer.is(400, "invalid_proof"), "E21: {answer:?}");
    website.says(Says::document(&website.document(&[])));
    world.clock.advance(301);
    let (nonce, unlisted) = (world.nonce().await, "under authentication");
    let token = world.token(CARD).await;
    let proof = proof_as(&world, &key, &kid, &nonce).await;
    let answer = world.credential(&token, CARD, std::slice::from_ref(&proof)).await;
    assert!(answer.is(400, "invalid_proof") && described(&answer).contains(unlisted), "{answer:?}");
    world.clock.advance(11);
    website.says(good);
    world.credential(&token, CARD, &[proof]).await.success();
}

/// A website that hangs keeps its own wallet waiting, for a while, and nobody else.
#[tokio::test]
async fn a_slow_website_holds_up_nobody_else() {
    let (slow, quick) = (Website::start().await, Website::start().await);
    let (world, key) = (world(&slow).await, holder_key());
    // The authority of the second is not trusted: that is an answer, too, and a quick one.
    slow.publishes(&[key.public_key()]);
    let hung = Says { after: Duration::from_mins(1), ..Says::document(&json!({})) };
    slow.says(hung);
    let [one, other] = [world.token(CARD).await, world.token(CARD).await];
    let [slow, quick] = [slow, quick].map(|website| format!("{}#0", website.did("")));
    let begun = Instant::now();
    let waiting = ask(&world, &one, &key, &slow);
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Instant::now();
        let refused = ask(&world, &other, &key, &quick).await;
        (begun.elapsed(), refused)
    };
    let (waited, (quick, refused)) = tokio::join!(waiting, other);
    assert!(refused.is(400, "invalid_proof") && quick < Duration::from_secs(2), "{quick:?}");
    assert!(waited.is(400, "invalid_proof"), "{waited:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

/// One offer has one website asked at a time, and few in a minute; others do not feel it.
#[tokio::test]
async fn one_offer_asks_few_websites() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    let (token, other) = (world.token(CARD).await, world.token(CARD).await);
    let kid = |at: usize| format!("{}#0", website.did(&format!(":{at}")));
    for at in 0..6 {
        let answer = ask(&world, &token, &key, &kid(at)).await;
        assert!(answer.is(400, "invalid_proof"), "{answer:?}");
    }
    let many = ask(&world, &token, &key, &kid(6)).await;
    assert_eq!((many.status, many.header("retry-after")), (503, "2"), "{many:?}");
    let known = ask(&world, &token, &key, &kid(5)).await;
    assert!(known.is(400, "invalid_proof"), "what is known costs nothing: {known:?}");
    assert_eq!(website.asked().len(), 6);
    assert!(ask(&world, &other, &key, &kid(7)).await.is(400, "invalid_proof"));
    world.clock.advance(61);
    assert!(ask(&world, &token, &key, &kid(6)).await.is(400, "invalid_proof"));
    assert_eq!(website.asked().len(), 8);
}

/// What is silent to the end keeps a place from others: two of them are all that one offer may ask.
#[tokio::test]
async fn one_offer_asks_few_websites_that_hang() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    let (token, other) = (world.token(CARD).await, world.token(CARD).await);
    website.says(Says { after: Duration::from_mins(1), ..Says::document(&json!({})) });
    let kid = |at: usize| format!("{}#0", website.did(&format!(":{at}")));
    for at in 0..2 {
        let answer = ask(&world, &token, &key, &kid(at)).await;
        assert!(answer.is(400, "invalid_proof"), "{answer:?}");
    }
    let many = ask(&world, &token, &key, &kid(2)).await;
    assert_eq!((many.status, many.header("retry-after")), (503, "2"), "{many:?}");
    let document = Says::document(&website.document(&[key.public_key()]));
    website.says(document);
    let good = format!("{}#0", website.did(""));
    assert_eq!(ask(&world, &token, &key, &good).await.status, 503);
    ask(&world, &other, &key, &good).await.success();
    world.clock.advance(61);
    ask(&world, &token, &key, &good).await.success();
}

/// Many requests of one offer keep nobody else waiting: few wait, the rest are told to come again (F05).
#[tokio::test]
async fn one_offer_has_few_requests_wait() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    let (token, other) = (world.token(CARD).await, world.token(CARD).await);
    let document = Says::document(&website.document(&[key.public_key()]));
    website.says(Says { after: Duration::from_millis(2500), ..document.clone() });
    let kids: Vec<_> = (0..20).map(|at| format!("{}#0", website.did(&format!(":{at}")))).collect();
    let mut answers: FuturesUnordered<_> =
        kids.iter().map(|kid| ask(&world, &token, &key, kid)).collect();
    for _ in 9..20 {
        let refused = answers.next().await.unwrap();
        assert_eq!((refused.status, refused.header("retry-after")), (503, "2"), "{refused:?}");
    }
    assert!(website.asked().len() < 2);
    website.says(document);
    ask(&world, &other, &key, &format!("{}#0", website.did(""))).await.success();
}

/// NONCE-10: what is used is judged by when it is used, not by when the request came.
#[tokio::test]
async fn a_nonce_does_not_outlive_a_slow_website() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    let token = world.token(CARD).await;
    let document = Says::document(&website.document(&[key.public_key()]));
    website.says(Says { after: Duration::from_millis(800), ..document });
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.header("jwk", None);
    draft.header("kid", json!(format!("{}#0", website.did(""))));
    draft.claim("iat", json!(world.clock.now().0 + 200)); // in its window all the time
    let proof = draft.sign(&key).await;
    let later = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        world.clock.advance(310);
    };
    let proofs = [proof];
    let (answer, ()) = tokio::join!(world.credential(&token, CARD, &proofs), later);
    assert_eq!(website.asked().len(), 1);
    assert!(answer.is(400, "invalid_nonce"), "{answer:?}");
}

/// CRED-61: an offer that is used up has nobody asked.
#[tokio::test]
async fn nobody_is_asked_for_an_offer_that_is_used_up() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    website.publishes(&[key.public_key()]);
    let token = world.token(CARD).await;
    for _ in 0..ISSUANCES_MAX {
        ask(&world, &token, &key, &format!("{}#0", website.did(""))).await.success();
    }
    let refused = ask(&world, &token, &key, &format!("{}#0", website.did(":a"))).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(website.asked().len(), 1);
}

/// F05: who asks for a key that is not there takes nothing from whoever has one that is.
#[tokio::test]
async fn a_website_that_fails_leaves_what_it_said() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    website.publishes(&[key.public_key()]);
    let (token, other) = (world.token(CARD).await, world.token(CARD).await);
    let kid = |at: &str| format!("{}#{at}", website.did(""));
    ask(&world, &token, &key, &kid("0")).await.success();
    world.clock.advance(6);
    website.says(Says { head: "HTTP/1.1 500 Broken".to_owned(), ..Says::document(&json!({})) });
    assert!(ask(&world, &other, &key, &kid("nothing")).await.is(400, "invalid_proof"));
    assert_eq!(website.asked().len(), 2);
    ask(&world, &token, &key, &kid("0")).await.success();
    world.clock.advance(295);
    let token = world.token(CARD).await;
    assert!(ask(&world, &token, &key, &kid("0")).await.is(400, "invalid_proof"));
}

/// How long a document counts: a key that was added counts at once, one that was removed soon does not.
#[tokio::test]
async fn a_document_is_read_again_in_time() {
    let website = Website::start().await;
    let (world, old, new) = (world(&website).await, holder_key(), holder_key());
    let names = [0, 1].map(|at| format!("{}#{at}", website.did("")));
    website.publishes(&[old.public_key()]);
    let token = world.token(CARD).await;
    ask(&world, &token, &old, &names[0]).await.success();
    website.publishes(&[old.public_key(), new.public_key()]);
    let early = ask(&world, &token, &new, &names[1]).await;
    assert!(early.is(400, "invalid_proof"), "a website is not asked all the time");
    world.clock.advance(6);
    ask(&world, &token, &new, &names[1]).await.success();
    assert_eq!(website.asked().len(), 2);
    website.publishes(&[]);
    world.clock.advance(200);
    ask(&world, &token, &old, &names[0]).await.success();
    assert_eq!(website.asked().len(), 2);
    world.clock.advance(101);
    let token = world.token(CARD).await;
    assert!(ask(&world, &token, &old, &names[0]).await.is(400, "invalid_proof"));
    assert_eq!(website.asked().len(), 3);
}

/// Many who need one document cause one request.
#[tokio::test]
async fn many_wait_for_one_answer() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    let document = Says::document(&website.document(&[key.public_key()]));
    website.says(Says { after: Duration::from_millis(500), ..document });
    let kid = format!("{}#0", website.did(""));
    let tokens = [world.token(CARD).await, world.token(CARD).await, world.token(CARD).await];
    let [a, b, c] = tokens.each_ref().map(|token| ask(&world, token, &key, &kid));
    let answers = tokio::join!(a, b, c);
    for answer in [answers.0, answers.1, answers.2] {
        answer.success();
    }
    assert_eq!(website.asked().len(), 1);
}

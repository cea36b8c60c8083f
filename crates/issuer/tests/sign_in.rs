//! What guards a sign-in: the browser it belongs to, passwords, and a database that comes back.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "the test of all pages needs more of it")]
mod html;

use html::Html;
use testkit::sign_in::{Browser, CLIENT, PASSWORD, REDIRECT, VERIFIER, parameter, with_client};
use testkit::world::World;

/// P01, and a link that was sent to somebody else: whoever knew it before is out.
#[tokio::test]
async fn a_sign_in_belongs_to_one_browser() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let address = world.authorize(&world.authorization_request("student_card", &[]));
    let (mut attacker, mut victim) = (Browser::of(&world.public), Browser::of(&world.public));
    let (path, page) = attacker.open(&address).await;
    let (_, seen) = victim.sign_in(&path, "ada").await;
    assert_eq!(seen.status, 200);
    assert_eq!(attacker.open(&path).await.1.status, 400, "the old handle shows nothing");
    let allowed = attacker.send(&path, &page, &[("answer", "allow")]).await;
    assert_eq!((allowed.status, allowed.header("location")), (400, ""), "and allows nothing");

    let (path, page) = victim.open(&address).await;
    let forged = Browser::of(&world.public).send(&path, &page, &[("answer", "deny")]).await;
    assert_eq!(forged.status, 403, "P01");
    let skipped = victim.send(&path, &page, &[("answer", "allow")]).await;
    assert_eq!(skipped.status, 400, "nobody has signed in");
    let denied = victim.send(&path, &page, &[("answer", "deny")]).await;
    let back = denied.header("location");
    assert_eq!(parameter(back, "error").as_deref(), Some("access_denied"), "AUTHZ-23");
    world.clock.advance(600);
}

/// RFC 6749 §10.10: names and passwords are not to be guessed.
#[tokio::test]
async fn wrong_passwords_are_counted() {
    let world = World::with(|issuer| {
        with_client(issuer);
        issuer.config.authorization.failed_sign_ins_per_hour = 3;
    })
    .await;
    world.account("ada", &["student_card"]).await;
    let address = world.authorize(&world.authorization_request("student_card", &[]));
    let mut browser = Browser::of(&world.public);
    let (path, page) = browser.open(&address).await;
    let wrong = [("account", "ada"), ("password", "wrong"), ("answer", "sign-in")];
    let nobody = [("account", "eve"), ("password", PASSWORD), ("answer", "sign-in")];
    Html::parse(&page.text()).assert_ids_are_unique_and_found();
    let [one, other] =
        [browser.send(&path, &page, &wrong).await, browser.send(&path, &page, &nobody).await];
    assert_eq!((one.status, other.status), (403, 403));
    Html::parse(&one.text()).assert_ids_are_unique_and_found();
    assert_eq!(one.text().replace("ada", "eve"), other.text(), "nobody learns which is wrong");
    assert_eq!(browser.send(&path, &page, &wrong).await.status, 403);
    let right = [("account", "ada"), ("password", PASSWORD), ("answer", "sign-in")];
    assert_eq!(browser.send(&path, &page, &right).await.status, 429);
}

/// RFC 6749 §10.10: who guesses locks nobody out of a browser in which they have signed in before.
#[tokio::test]
async fn strangers_do_not_lock_anybody_out() {
    let world = World::with(|issuer| {
        with_client(issuer);
        issuer.config.authorization.failed_sign_ins_per_hour = 2;
    })
    .await;
    world.account("ada", &["student_card"]).await;
    let address = world.authorize(&world.authorization_request("student_card", &[]));
    let tries = |password| [("account", "ada"), ("password", password), ("answer", "sign-in")];
    let mut owner = Browser::of(&world.public).at([192, 0, 2, 1]);
    let (path, page) = owner.open(&address).await;
    assert_eq!(owner.send(&path, &page, &tries(PASSWORD)).await.status, 303);
    let mut stranger = Browser::of(&world.public).at([192, 0, 2, 2]);
    let (path, page) = stranger.open(&address).await;
    for status in [403, 403, 429] {
        assert_eq!(stranger.send(&path, &page, &tries("guess")).await.status, status);
    }
    let mut new_browser = Browser::of(&world.public).at([192, 0, 2, 3]);
    let (path, page) = new_browser.open(&address).await;
    assert_eq!(new_browser.send(&path, &page, &tries(PASSWORD)).await.status, 429);
    let (path, page) = owner.open(&address).await;
    for (password, status) in [("slip", 403), (PASSWORD, 303)] {
        assert_eq!(owner.send(&path, &page, &tries(password)).await.status, status);
    }
    let (path, page) = owner.open(&address).await;
    assert_eq!(owner.send(&path, &page, &tries("guess")).await.status, 403);
    assert_eq!(owner.send(&path, &page, &tries(PASSWORD)).await.status, 429, "it is no key");
}

/// A backup is older than what was renewed since: of its tokens nobody knows which are dead (J02).
#[tokio::test]
async fn what_a_backup_holds_of_sign_ins_opens_nothing() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let code = world.authorization_code("ada", "student_card").await;
    let tokens = world.redeem_code(&code, &[]).await.success();
    let unspent = world.authorization_code("ada", "student_card").await;
    let restored = world.restored(with_client).await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", CLIENT),
    ];
    let endpoint = world.issuer.endpoint("token");
    assert!(restored.post_form(&endpoint, &refresh).await.is(400, "invalid_grant"));
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", unspent.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT),
    ];
    assert!(restored.post_form(&endpoint, &redeem).await.is(400, "invalid_grant"));
    world.redeem_code(&unspent, &[]).await.success();
}

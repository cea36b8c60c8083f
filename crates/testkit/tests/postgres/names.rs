//! Names that no database can hold: whoever sends one is told that it is nobody's, and nothing breaks.

use serde_json::json;
use testkit::postgres::Server;
use testkit::sign_in::{Browser, CLIENT, PASSWORD, REDIRECT, VERIFIER, with_client};
use testkit::world::World;

const NUL: &str = "ada\0";

/// An issuer on this server.
async fn world(server: &Server) -> World {
    let store = server.migrated().await.open("one").await;
    World::with(|issuer| {
        with_client(issuer);
        issuer.config.authorization.clients_by_api = true;
        issuer.store = Box::new(store);
    })
    .await
}

/// RFC 6749 §A.1
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_can_have_is_nobodys() {
    let server = Server::shared();
    let world = world(&server).await;
    let request = world.authorization_request("student_card", &[("client_id", NUL)]);
    let mut browser = Browser::of(&world.public);
    assert_eq!(browser.open(&world.authorize(&request)).await.1.status, 400);
    let form: Vec<_> = request.iter().map(|(name, value)| (&**name, &**value)).collect();
    let pushed = world.public.post_form("/par", &form).await;
    assert!(pushed.is(400, "invalid_request"), "{pushed:?}");
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "c"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", NUL),
    ];
    let redeemed = world.token_request(&code).await;
    assert!(redeemed.is(400, "invalid_request"), "{redeemed:?}");
    let offered = world.offer("student_card", &json!({ "without_tx_code": true })).await;
    let redeemed = world.redeem(&offered.code, &[("client_id", NUL)]).await;
    assert!(redeemed.is(400, "invalid_request"), "{redeemed:?}");
    for path in ["clients/ada%00", "accounts/ada%00", "accounts/ada%0A"] {
        let path = format!("/admin/v1/{path}");
        assert_eq!(world.operator("DELETE", &path, None).await.status, 404, "{path}");
    }
    for path in ["clients/after/ada%00", "accounts/after/ada%00"] {
        let path = format!("/admin/v1/{path}");
        assert_eq!(world.operator("GET", &path, None).await.status, 404, "{path}");
    }
    let more = json!({ "grants": "authorization_code", "account": "https://login.example#\0" });
    let wish = world.wish("student_card", &more);
    assert_eq!(world.operator("POST", "/admin/v1/offers", Some(&wish)).await.status, 422);
}

/// A person who types it is told that name or password is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_type_anything() {
    let server = Server::shared();
    let world = world(&server).await;
    let mut browser = Browser::of(&world.public);
    let request = world.authorization_request("student_card", &[("client_id", CLIENT)]);
    let (path, page) = browser.open(&world.authorize(&request)).await;
    for account in [NUL, "ada\nlovelace", "Zo\u{eb}\u{202e}"] {
        let fields = [("account", account), ("password", PASSWORD), ("answer", "sign-in")];
        assert_eq!(browser.send(&path, &page, &fields).await.status, 403, "{account:?}");
    }
}

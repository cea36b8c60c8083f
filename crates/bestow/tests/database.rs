//! `bestow issuer` with a PostgreSQL server: from the first line in `bestow.toml` to two nodes.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use oid4vci::token::PRE_AUTHORIZED_CODE;
use process::{Caller, Engine, Process, text};
use serde_json::{Value, json};
use testkit::postgres::Server;
use testkit::proof::holder_key;

mod process;

/// The code of an offer, as a wallet gets it.
async fn code(caller: &Caller, offer: &Value) -> String {
    let link = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap();
    let (_, reference) = link.query_pairs().next().unwrap();
    let (status, document) = caller.get(&reference).await.unwrap();
    assert_eq!(status, 200, "{document}");
    let grant = &document["grants"][PRE_AUTHORIZED_CODE];
    grant["pre-authorized_code"].as_str().unwrap().to_owned()
}

/// A schema that is not there is refused, and the command is named; then everything works.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_moves_to_a_server_with_one_line_and_one_command() {
    let (mut issuer, server) = (Process::init(), Server::shared());
    let address = server.database().await.address;
    issuer.configure("database", &format!("\"{address}\""));
    let refused = text(&issuer.command(&["serve"]).stderr);
    assert!(refused.contains("bestow issuer migrate"), "{refused}");
    let checked = issuer.command(&["check-config"]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let told = text(&checked.stderr);
    assert!(told.contains("no synchronous standby"), "{told}");
    assert!(told.contains("bestow issuer migrate"), "{told}");
    let migrated = issuer.command(&["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));

    issuer.start().await;
    assert!(issuer.log().contains("no synchronous standby"), "{}", issuer.log());
    let caller = issuer.caller();
    let (status, offer) = caller.offer(&json!({})).await.unwrap();
    assert_eq!(status, 201, "{offer}");
    let code = code(&caller, &offer).await;
    let (status, token) = caller.token(&code).await.unwrap();
    assert_eq!(status, 200, "{token}");
    assert_eq!(caller.token(&code).await.unwrap().0, 400, "the code is spent");
    let nonce = caller.nonce().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let (status, answer) = caller.credential(token, &holder_key(), &nonce).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let (_, standing) = caller.standing(offer["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(standing["state"], "issued");

    let backup = issuer.file("copy.db");
    let refused = issuer.command(&["backup", backup.to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("pg_dump"), "{}", text(&refused.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_server_is_said_before_anything_runs() {
    let issuer = Process::init();
    let table = [
        ("postgres://bestow:hunter2@db.example/bestow", "there is a password in this address"),
        ("postgres://bestow@127.0.0.1:1/bestow", "cannot be used as the database"),
    ];
    for (address, problem) in table {
        issuer.configure("database", &format!("\"{address}\""));
        for command in ["check-config", "migrate", "serve"] {
            let refused = issuer.command(&[command]);
            let told = text(&refused.stderr);
            assert!(!refused.status.success() && told.contains(problem), "{command}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}

/// X17, I11: while the server is away every answer is a quick 503, and nothing is spent.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_and_comes_back_by_itself() {
    let mut issuer = Process::init();
    let server = Arc::new(Server::start());
    issuer.move_to(Arc::clone(&server)).await;
    issuer.start().await;
    let caller = issuer.caller();
    let (_, offer) = caller.offer(&json!({})).await.unwrap();
    let code = code(&caller, &offer).await;
    server.stop("immediate");
    let begun = Instant::now();
    for _ in 0..5 {
        let (status, answer) = caller.token(&code).await.unwrap();
        assert_eq!((status, &answer["error"]), (503, &json!("temporarily_unavailable")));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    server.resume();
    let begun = Instant::now();
    let token = loop {
        let (status, answer) = caller.token(&code).await.unwrap();
        match status {
            200 => break answer,
            503 => assert!(begun.elapsed() < Duration::from_secs(10), "it does not come back"),
            _ => panic!("{status}: {answer}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(token["access_token"].is_string());
}

/// X22: a second node with the same keys does any step, and the first has seen it.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_serve_one_flow() {
    let first = Process::running_on(Engine::Postgres).await;
    let mut second = Process::init();
    second.be_node_of(&first);
    second.start().await;
    let (one, mut other) = (first.caller(), second.caller());
    other.credential_issuer.clone_from(&one.credential_issuer);
    let (_, offer) = one.offer(&json!({})).await.unwrap();
    let code = code(&one, &offer).await;
    let (status, token) = other.token(&code).await.unwrap();
    assert_eq!(status, 200, "{token}");
    assert_eq!(one.token(&code).await.unwrap().0, 400, "spent at the other node");
    let (nonce, key) = (one.nonce().await.unwrap(), holder_key());
    let token = token["access_token"].as_str().unwrap();
    let (status, answer) = other.credential(token, &key, &nonce).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let (status, refused) = one.credential(token, &key, &nonce).await.unwrap();
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_nonce")), "replayed elsewhere");
}

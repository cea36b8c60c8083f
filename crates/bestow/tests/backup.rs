//! `bestow issuer backup` and `restore`: while serving, and what must not come to life again.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use process::{Process, text};
use serde_json::{Value, json};

mod process;

/// The code of an offer, fetched as a wallet does.
async fn code(issuer: &Process, offer: &Value) -> String {
    let link = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap();
    let reference = link.query_pairs().next().unwrap().1.into_owned();
    let (_, fetched) = issuer.caller().get(&reference).await.unwrap();
    let grant = &fetched["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
    grant["pre-authorized_code"].as_str().unwrap().to_owned()
}

async fn offer(issuer: &Process) -> Value {
    let (status, offer) = issuer.caller().offer(&json!({})).await.unwrap();
    assert_eq!(status, 201);
    offer
}

async fn state(issuer: &Process, offer: &Value) -> Option<String> {
    let (_, standing) = issuer.caller().standing(offer["id"].as_str().unwrap()).await.unwrap();
    standing["state"].as_str().map(str::to_owned)
}

/// X31: a backup is made while serving; what was open in it is closed by the way back.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_opens_nothing_twice() {
    let mut issuer = Process::running().await;
    let (spent_later, open) = (offer(&issuer).await, offer(&issuer).await);
    let copy = issuer.file("copy.db");
    let saved = issuer.command(&["backup", copy.to_str().unwrap()]);
    assert!(saved.status.success(), "{}", text(&saved.stderr));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);

    let spent_code = code(&issuer, &spent_later).await;
    assert_eq!(issuer.caller().token(&spent_code).await.unwrap().0, 200);
    let after = offer(&issuer).await;

    let refused = issuer.command(&["restore", copy.to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("stop the issuer"), "{}", text(&refused.stderr));
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(state(&issuer, &after).await.as_deref(), Some("created"), "nothing happened");

    issuer.signal("TERM");
    issuer.ended().await;
    let restored = issuer.command(&["restore", copy.to_str().unwrap()]);
    let told = text(&restored.stderr);
    assert!(restored.status.success() && told.contains("closed: 2"), "{told}");
    let kept = told.lines().find_map(|line| line.strip_prefix("what was in use before is "));
    assert!(fs::metadata(kept.unwrap()).unwrap().len() > 0, "nothing is thrown away");

    issuer.start().await;
    // Both numbers are 2 in a file with a write-ahead log, as SQLite's file format has it.
    assert_eq!(fs::read(issuer.file("bestow.db")).unwrap()[18..20], [2, 2], "as durable as before");
    let (status, refusal) = issuer.caller().token(&spent_code).await.unwrap();
    assert_eq!(
        (status, refusal["error"].as_str()),
        (400, Some("invalid_grant")),
        "one token a code"
    );
    assert_eq!(state(&issuer, &open).await.as_deref(), Some("withdrawn"));
    assert_eq!(state(&issuer, &after).await, None, "it is from after the backup");
    let fresh = offer(&issuer).await;
    assert_eq!(issuer.caller().token(&code(&issuer, &fresh).await).await.unwrap().0, 200);
}

/// A backup overwrites nothing, and a restore takes nothing that is not one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_stays() {
    let issuer = Process::init();
    let config = issuer.file("bestow.toml");
    let before = fs::read(&config).unwrap();
    for command in ["backup", "restore"] {
        let refused = issuer.command(&[command, config.to_str().unwrap()]);
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains("bestow.toml"), "{told}");
    }
    assert_eq!(fs::read(&config).unwrap(), before);
    let nowhere = issuer.command(&["backup", "no/such/folder/copy.db"]);
    let told = text(&nowhere.stderr);
    assert!(told.contains("no/such/folder/copy.db"), "{told}");
    assert_eq!(nowhere.status.code(), Some(2), "{told}");
    let copy = issuer.file("copy.db");
    assert!(issuer.command(&["backup", copy.to_str().unwrap()]).status.success());
    let replaced: HashSet<String> = (0..3)
        .map(|_| {
            let restored = issuer.command(&["restore", copy.to_str().unwrap()]);
            let told = text(&restored.stderr);
            told.lines().find(|line| line.starts_with("what was in use")).unwrap().to_owned()
        })
        .collect();
    assert_eq!(replaced.len(), 3, "each restore keeps what it replaces: {replaced:?}");
    let missing = issuer.command(&["restore", "no/such/file"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
    let database = fs::read(issuer.file("bestow.db")).unwrap();
    assert!(!database.is_empty() && !issuer.file("bestow.db.restoring").exists());
}

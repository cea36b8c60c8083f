//! `bestow issuer migrate-store`: a flow that goes on in another database, and SIGKILL on the way.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use oid4vci::token::PRE_AUTHORIZED_CODE;
use process::{Caller, Process, bestow, text};
use serde_json::{Value, json};
use testkit::postgres::Server;
use testkit::proof::holder_key;

mod process;

/// The code of a new offer, and its id.
async fn offered(caller: &Caller) -> (String, String) {
    let (status, offer) = caller.offer(&json!({})).await.unwrap();
    assert_eq!(status, 201, "{offer}");
    let link = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap();
    let reference = link.query_pairs().next().unwrap().1.into_owned();
    let (_, document) = caller.get(&reference).await.unwrap();
    let code = &document["grants"][PRE_AUTHORIZED_CODE]["pre-authorized_code"];
    (code.as_str().unwrap().to_owned(), offer["id"].as_str().unwrap().to_owned())
}

async fn token(caller: &Caller, code: &str) -> String {
    let (status, answer) = caller.token(code).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn credential(caller: &Caller, token: &str) -> Value {
    let nonce = caller.nonce().await.unwrap();
    let (status, answer) = caller.credential(token, &holder_key(), &nonce).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Moves from one database to another one and lets the issuer use that; what was printed.
fn moved(issuer: &Process, from: &str, to: &str) -> String {
    let output = issuer.command(&["migrate-store", from, to]);
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("write it into bestow.toml"), "{told}");
    issuer.configure("database", &format!("\"{to}\""));
    text(&output.stdout)
}

/// The lines of a table that was printed, each of them with its verdict.
fn equal_lines(printed: &str) -> Vec<&str> {
    let lines: Vec<_> = printed.lines().skip(1).collect();
    assert!(lines.len() > 7 && lines.iter().all(|line| line.ends_with("  equal")), "{printed}");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_ends_in_the_database_that_it_did_not_begin_in() {
    let mut issuer = Process::running().await;
    let caller = issuer.caller();
    let (first_code, first) = offered(&caller).await;
    let first_token = token(&caller, &first_code).await;
    let (second_code, _) = offered(&caller).await;
    let (third_code, third) = offered(&caller).await;
    credential(&caller, &token(&caller, &third_code).await).await;
    assert!(issuer.command(&["revoke", &third]).status.success());

    let (file, server) = (issuer.file("bestow.db"), Server::shared());
    let file = file.to_str().unwrap();
    let address = server.database().await.address.to_string();
    let refused = issuer.command(&["migrate-store", file, &address]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("stop every node"), "{}", text(&refused.stderr));
    issuer.signal("TERM");
    issuer.ended().await;
    let there = moved(&issuer, file, &address);
    issuer.start().await;
    credential(&caller, &first_token).await;
    assert_eq!(caller.token(&first_code).await.unwrap().0, 400, "the code stays spent");
    let (_, standing) = caller.standing(&first).await.unwrap();
    assert_eq!(standing["state"], "issued");
    let second_token = token(&caller, &second_code).await;
    issuer.signal("TERM");
    issuer.ended().await;

    let back = issuer.file("back.db");
    let returned = moved(&issuer, &address, back.to_str().unwrap());
    assert_ne!(equal_lines(&there), equal_lines(&returned));
    issuer.start().await;
    credential(&caller, &second_token).await;
    for code in [first_code, second_code, third_code] {
        assert_eq!(caller.token(&code).await.unwrap().0, 400, "the code stays spent");
    }
    let refused = issuer.command(&["reinstate", &third]);
    assert!(text(&refused.stderr).contains("for good"), "{}", text(&refused.stderr));
    let journal = fs::read_to_string(issuer.file("back.revocations")).unwrap();
    assert_eq!(journal.lines().count(), 1, "{journal}");
}

/// Lines of the command after which it is killed.
const KILLS: [&str; 7] = [
    "reading what is there",
    "moving offers",
    "moving spent_nonces",
    "moving spent_nonces",
    "moving statuses",
    "moving statuses",
    "reading both",
];

/// Runs the command until it tells this, then leaves it not a moment more.
fn killed_at(issuer: &Process, (from, to): (&str, &str), line: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bestow"))
        .args(["issuer", "migrate-store", from, to, "--config"])
        .arg(issuer.file("bestow.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = Vec::new();
    for one in told {
        let is_it = one.starts_with(line);
        seen.push(one);
        if is_it {
            child.kill().unwrap();
            assert!(!child.wait().unwrap().success(), "it was faster: {seen:?}");
            return;
        }
    }
    let _ = child.wait();
    assert!(line.starts_with("moving"), "{seen:?}"); // that table was moved before
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_the_way_it_goes_on_and_no_node_serves_a_half() {
    let (mut issuer, server) = (Process::running().await, Server::shared());
    let caller = issuer.caller();
    let (code, _) = offered(&caller).await;
    let token = token(&caller, &code).await;
    issuer.signal("TERM");
    issuer.ended().await;
    let (full, last) = (server.database().await, server.database().await);
    let (full_address, last_address) = (full.address.to_string(), last.address.to_string());
    let (start, back) = (issuer.file("bestow.db"), issuer.file("back.db"));
    moved(&issuer, start.to_str().unwrap(), &full_address);
    let sql = "INSERT INTO spent_nonces SELECT 'default', decode(md5(n::TEXT), 'hex') \
               FROM generate_series(1, 20000) n; \
               INSERT INTO statuses SELECT 'default', 1, n, 1, n \
               FROM generate_series(1, 10000) n ON CONFLICT DO NOTHING";
    full.client().await.batch_execute(sql).await.unwrap();

    let mut printed = Vec::new();
    for (from, to) in
        [(full_address.as_str(), back.to_str().unwrap()), (back.to_str().unwrap(), &last_address)]
    {
        issuer.configure("database", &format!("\"{to}\""));
        for line in KILLS {
            killed_at(&issuer, (from, to), line);
            let refused = issuer.command(&["serve"]);
            assert_eq!(refused.status.code(), Some(2), "{line}");
            let told = text(&refused.stderr);
            assert!(told.contains("bestow issuer migrate"), "{line}: {told}");
            assert!(line.starts_with("reading what") || told.contains("migrate-store"), "{told}");
        }
        printed.push(moved(&issuer, from, to));
    }
    assert_eq!(equal_lines(&printed[0]), equal_lines(&printed[1]));
    issuer.start().await;
    credential(&caller, &token).await;
}

/// Catalogue R03: a password is in a file, and in no text of ours.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_come_from_files() {
    let (issuer, server) = (Process::init(), Server::start());
    let database = server.database().await;
    let name = &database.name;
    let sql = format!(
        "CREATE ROLE guarded LOGIN PASSWORD 'hunter2'; ALTER DATABASE {name} OWNER TO guarded"
    );
    database.client().await.batch_execute(&sql).await.unwrap();
    server.allow("host all guarded 127.0.0.1/32 scram-sha-256");
    let (file, back) = (issuer.file("bestow.db"), issuer.file("back.db"));
    let (file, back) = (file.to_str().unwrap(), back.to_str().unwrap());
    let port = server.port();
    let spoken = format!("postgres://guarded:hunter2@127.0.0.1:{port}/{name}");
    let refused = issuer.command(&["migrate-store", file, &spoken]);
    assert_eq!(refused.status.code(), Some(2));
    let told = text(&refused.stderr);
    assert!(told.contains("there is a password") && !told.contains("hunter2"), "{told}");

    let address = format!("postgres://guarded@127.0.0.1:{port}/{name}");
    assert_eq!(issuer.command(&["migrate-store", file, &address]).status.code(), Some(1));
    let password = issuer.file("password");
    fs::write(&password, "hunter2\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let password = password.to_str().unwrap();
    let there = ["migrate-store", file, &address, "--to-password-file", password];
    let there = issuer.command(&there);
    assert!(there.status.success(), "{}", text(&there.stderr));
    issuer.configure("database_password_file", &format!("\"{password}\""));
    issuer.configure("database", &format!("\"{address}\""));
    moved(&issuer, &address, back);
}

#[test]
fn what_is_missing_is_told() {
    let issuer = Process::init();
    let (file, new) = (issuer.file("bestow.db"), issuer.file("no/such/folder/new.db"));
    let file = file.to_str().unwrap();
    let refused = issuer.command(&["migrate-store", file, file]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("the same database"), "{}", text(&refused.stderr));
    let refused = issuer.command(&["migrate-store", file, new.to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("no/such/folder"), "{}", text(&refused.stderr));
    let refused = issuer.command(&["migrate-store", new.to_str().unwrap(), file]);
    assert!(text(&refused.stderr).contains("is no database"), "{}", text(&refused.stderr));
    let refused = issuer.command(&["migrate-store", "mysql://db.example/bestow", file]);
    assert!(text(&refused.stderr).contains("of kind `mysql`"), "{}", text(&refused.stderr));
    let refused = bestow(&["issuer", "migrate-store", file]);
    assert!(text(&refused.stderr).contains("<TO>"), "{}", text(&refused.stderr));
}

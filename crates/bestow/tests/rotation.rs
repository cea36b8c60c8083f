//! `bestow issuer keys` as an operator uses it, while two nodes serve wallets all the time.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keys::outside::{Clock as _, SystemClock};
use keys::public_key::PublicKey;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use process::{Caller, Engine, Process, text};
use serde_json::{Value, json};
use testkit::proof::holder_key;
use tokio::task::JoinSet;

mod process;

/// Holders that go on all the time.
const HOLDERS: usize = 6;
/// How long a rotation with `--now` may take until both nodes sign with the new key.
const PATIENCE: Duration = Duration::from_mins(1);

/// What holders got, and what went wrong.
#[derive(Default)]
struct Seen {
    credentials: Mutex<Vec<String>>,
    requests: AtomicUsize,
    failures: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Seen {
    /// Notes an answer; only a success is none to complain about.
    fn note(&self, step: &str, answer: process::Answer) -> Option<Value> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let problem = match answer {
            Ok((200 | 201, body)) => return Some(body),
            Ok((status, body)) => format!("{step}: {status} {body}"),
            Err(error) => format!("{step}: {error:?}"),
        };
        self.failures.lock().unwrap().push(problem);
        None
    }
}

/// A whole flow, each request at the other node than the one before.
async fn flow(nodes: &[Caller; 2], seen: &Seen, turn: usize) -> Option<()> {
    let node = |step: usize| &nodes[(turn + step) % 2];
    let offer = seen.note("offer", node(0).offer(&json!({})).await)?;
    let link = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap();
    let (_, reference) = link.query_pairs().next().unwrap();
    let reference = reference.replacen(&nodes[0].credential_issuer, &node(1).url, 1);
    let document = seen.note("fetch", node(1).get(&reference).await)?;
    let code = &document["grants"][PRE_AUTHORIZED_CODE]["pre-authorized_code"];
    let token = seen.note("token", node(0).token(code.as_str().unwrap()).await)?;
    let token = token["access_token"].as_str().unwrap();
    let nonce = node(1).nonce().await.unwrap();
    let answer = node(0).credential(token, &holder_key(), &nonce).await;
    let issued = seen.note("credential", answer)?;
    let metadata = format!("{}/.well-known/openid-credential-issuer", node(1).url);
    seen.note("metadata", node(1).get(&metadata).await)?;
    let credential = issued["credentials"][0]["credential"].as_str().unwrap().to_owned();
    seen.credentials.lock().unwrap().push(credential);
    Some(())
}

fn listed(issuer: &Process) -> Vec<Value> {
    let output = issuer.command(&["keys", "list", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    listed["keys"].as_array().unwrap().clone()
}

fn states(issuer: &Process, purpose: &str) -> Vec<String> {
    let keys = listed(issuer).into_iter().filter(|key| key["purpose"] == purpose);
    keys.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

fn succeeds(issuer: &Process, arguments: &[&str]) -> String {
    let output = issuer.command(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The first key that a node publishes: the one that it signs with.
async fn signs_with(node: &Caller) -> Value {
    let (_, set) = node.get(&format!("{}/jwks", node.url)).await.unwrap();
    set["keys"][0]["kid"].clone()
}

/// I10, X34: every key is replaced, twice for those that sign, under load and on two nodes, one of
/// which is told and one of which looks by itself. No request fails, and everything verifies.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_while_every_key_is_replaced() {
    let first = Process::running_on(Engine::Postgres).await;
    let mut second = Process::init();
    second.be_node_of(&first);
    let folder = first.file("keys");
    second.configure("keys", &format!("\"{}\"", folder.display()));
    second.start().await;
    let (one, mut other) = (first.caller(), second.caller());
    other.credential_issuer.clone_from(&one.credential_issuer);
    let nodes = Arc::new([one, other]);
    let seen = Arc::new(Seen::default());
    let mut holders = JoinSet::new();
    for holder in 0..HOLDERS {
        let (nodes, seen) = (Arc::clone(&nodes), Arc::clone(&seen));
        holders.spawn(async move {
            for turn in holder.. {
                if seen.is_over.load(Ordering::SeqCst) {
                    break;
                }
                flow(&nodes, &seen, turn).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = signs_with(&nodes[0]).await;
    let printed = succeeds(&first, &["keys", "rotate", "--all", "--now"]);
    assert_eq!(printed.lines().count(), 6, "{printed}");
    let begun = Instant::now();
    while signs_with(&nodes[0]).await == before || signs_with(&nodes[1]).await == before {
        assert!(begun.elapsed() < PATIENCE, "{}\n{}", first.log(), second.log());
        first.signal("HUP");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(states(&first, "signing"), ["retired", "active"]);
    succeeds(&first, &["keys", "rotate", "signing"]);
    assert_eq!(states(&first, "signing"), ["retired", "active", "next"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    seen.is_over.store(true, Ordering::SeqCst);
    holders.join_all().await;

    let failures = seen.failures.lock().unwrap().clone();
    let requests = seen.requests.load(Ordering::SeqCst);
    assert!(failures.is_empty(), "{} of {requests}: {:#?}", failures.len(), &failures[..1]);
    assert!(requests > 500, "{requests} are no load");
    let (_, set) = nodes[1].get(&format!("{}/jwks", nodes[1].url)).await.unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 3);
    let used = verify_all(&seen, &set);
    assert_eq!(used.len(), 2, "with the key of before and that of after");
    assert!(second.log().contains("keys read again"), "{}", second.log());
}

/// The names of the published keys with which credentials are signed.
fn verify_all(seen: &Seen, set: &Value) -> BTreeSet<String> {
    let now = SystemClock.now();
    let credentials = seen.credentials.lock().unwrap();
    let used = credentials.iter().map(|credential| {
        let mut keys = set["keys"].as_array().unwrap().iter();
        let its_key = keys.find(|jwk| {
            let key = PublicKey::from_jwk(jwk).unwrap();
            let unverified = formats::parse("dc+sd-jwt", &json!(credential)).unwrap();
            unverified.verify(&key, now).is_ok()
        });
        its_key.unwrap()["kid"].as_str().unwrap().to_owned()
    });
    used.collect()
}

/// What is wrong is said in one line, with what to do next, and changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_what_cannot_be() {
    let issuer = Process::init();
    succeeds(&issuer, &["keys", "rotate", "nonce"]);
    let manifest = fs::read(issuer.file("keys/generations.toml")).unwrap();
    let table: [(&[&str], &str); 8] = [
        (&["rotate", "nonce"], "add --now"),
        (&["rotate"], "required"),
        (&["rotate", "tls"], "signing, encryption, offer, tx-code, nonce, form"),
        (&["rotate", "nonce", "--csr", "x"], "only the signing key has a certificate"),
        (&["retire", "nonce", "--generation", "1", "--force"], "is in use"),
        (&["retire", "nonce", "--generation", "9"], "no such generation"),
        (&["retire", "nonce", "--generation", "2"], "add --force"),
        (&["retire", "nonce", "--force"], "--generation"),
    ];
    for (arguments, told) in table {
        let refused = issuer.command(&[&["keys"], arguments].concat());
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read(issuer.file("keys/generations.toml")).unwrap(), manifest);
    let all = issuer.command(&["keys", "rotate", "--all", "--json"]);
    assert!(all.status.success(), "{}", text(&all.stderr));
    let rotated: Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(rotated["rotated"].as_array().unwrap().len(), 5, "the sixth is under way");
    let taken_back = ["keys", "retire", "nonce", "--generation", "2", "--force"];
    assert!(succeeds(&issuer, &taken_back).contains("is destroyed"));
    assert_eq!(states(&issuer, "nonce"), ["active", "destroyed"]);
    assert!(issuer.command(&["check-config"]).status.success());
    let table = succeeds(&issuer, &["keys", "list"]);
    assert_eq!(table.lines().count(), 1 + 12, "{table}");
}

/// A key of a certification authority's: requested, certified elsewhere, and taken.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_brings_a_certificate() {
    let issuer = Process::init();
    fs::remove_file(issuer.file("keys/development-ca-key.pem")).unwrap();
    let refused = text(&issuer.command(&["keys", "rotate", "signing"]).stderr);
    assert!(refused.contains("--csr"), "{refused}");
    let request = issuer.file("signing.csr");
    let request = request.to_str().unwrap();
    succeeds(&issuer, &["keys", "rotate", "signing", "--csr", request]);
    let pem = fs::read_to_string(request).unwrap();
    assert!(pem.contains("BEGIN CERTIFICATE REQUEST") && !pem.contains("PRIVATE"), "{pem}");
    assert_eq!(states(&issuer, "signing"), ["active"]);
    let old = issuer.file("keys/signing-certificate.pem");
    let other = ["keys", "rotate", "signing", "--certificate", old.to_str().unwrap()];
    let refused = issuer.command(&other);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("not that of the key that was requested"));
}

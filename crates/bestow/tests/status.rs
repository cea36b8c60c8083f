//! `bestow issuer revoke`, `suspend` and `reinstate`: what verifiers see, on every node, and when.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use formats::status_list::token::{TokenFormat, parse};
use formats::status_list::{CredentialStatus, Status, StatusReference};
use keys::outside::{Clock as _, SystemClock};
use keys::x509::{Certificate, x5c_from_pem};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use process::{Caller, Process, client, free_ports, text};
use reqwest::Client;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use tokio::task::JoinSet;

mod process;

/// After so long a change is served by every node.
const VISIBLE_WITHIN: Duration = Duration::from_secs(1);

/// A second server on the same folder.
struct SecondNode(Child);

impl SecondNode {
    async fn start(issuer: &Process, port: u16) -> Self {
        let mut written = fs::read_to_string(issuer.file("bestow.toml")).unwrap();
        for (section, port) in [("[server]\n", port), ("[admin]\n", port + 1)] {
            let listen = format!("{section}listen = \"127.0.0.1:{port}\"\n");
            written = written.replacen(section, &listen, 1);
        }
        let config = issuer.file("second.toml");
        fs::write(&config, written).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bestow"));
        let command = command.args(["issuer", "serve", "--config"]).arg(config);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (node, ready) = (Self(child), format!("http://127.0.0.1:{}/readyz", port + 1));
        while !Client::new().get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        node
    }
}

impl Drop for SecondNode {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A verifier that asks one node.
#[derive(Clone)]
struct Verifier {
    client: Client,
    base: String,
    key: keys::public_key::PublicKey,
}

impl Verifier {
    fn new(issuer: &Process, port: u16) -> Self {
        let pem = fs::read_to_string(issuer.file("keys/signing-certificate.pem")).unwrap();
        let key = Certificate::from_der(&x5c_from_pem(&pem).unwrap()[0]).unwrap().public_key;
        let base = format!("https://localhost:{port}");
        Self { client: client(&issuer.authority()), base, key }
    }

    async fn status(&self, reference: &StatusReference) -> Option<Status> {
        let path = url::Url::parse(&reference.uri).unwrap().path().to_owned();
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let token = answer.bytes().await.unwrap();
        let list = parse(TokenFormat::Jwt, &token).unwrap();
        list.verify(&self.key, &reference.uri, SystemClock.now()).unwrap().status(reference)
    }

    /// How long it takes until the node says this.
    async fn waits_for(&self, reference: &StatusReference, status: Status) -> Duration {
        let begun = Instant::now();
        while self.status(reference).await != Some(status) {
            assert!(begun.elapsed() < 5 * VISIBLE_WITHIN, "{} never says {status}", self.base);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }
}

/// A card from a new offer: the id of the offer, and where its status is.
async fn issued(caller: &Caller, verifier: &Verifier) -> (String, StatusReference) {
    let (_, offer) = caller.offer(&json!({})).await.unwrap();
    let link = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap();
    let reference = link.query_pairs().next().unwrap().1.into_owned();
    let (_, document) = caller.get(&reference).await.unwrap();
    let code = document["grants"][PRE_AUTHORIZED_CODE]["pre-authorized_code"].as_str().unwrap();
    let (_, token) = caller.token(code).await.unwrap();
    let nonce = caller.nonce().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let (status, answer) = caller.credential(token, &holder_key(), &nonce).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let card = formats::parse("dc+sd-jwt", &answer["credentials"][0]["credential"]).unwrap();
    let card = card.verify(&verifier.key, SystemClock.now()).unwrap();
    let Some(CredentialStatus::StatusList(reference)) = card.status else { unreachable!() };
    (offer["id"].as_str().unwrap().to_owned(), reference)
}

fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The way of a card, by commands, as it is seen at two nodes.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_served_by_every_node_within_a_second() {
    let issuer = Process::running().await;
    let port = issuer.admin().split_once(':').unwrap().1.parse::<u16>().unwrap();
    let second_port = free_ports();
    let _second = SecondNode::start(&issuer, second_port).await;
    let nodes = [Verifier::new(&issuer, port - 1), Verifier::new(&issuer, second_port)];
    let (offer, reference) = issued(&issuer.caller(), &nodes[0]).await;
    for node in &nodes {
        assert_eq!(node.status(&reference).await, Some(Status::Valid));
    }
    for (command, status, told) in [
        ("suspend", Status::Suspended, "suspended"),
        ("reinstate", Status::Valid, "valid"),
        ("revoke", Status::Invalid, "invalid"),
        ("revoke", Status::Invalid, "invalid"),
    ] {
        let answer = json_of(&issuer.command(&[command, &offer, "--json"]));
        assert_eq!(answer["credentials"][0]["status"], told);
        let mut waiting = JoinSet::new();
        for node in nodes.clone() {
            let reference = reference.clone();
            waiting.spawn(async move { node.waits_for(&reference, status).await });
        }
        let slowest = waiting.join_all().await.into_iter().max().unwrap();
        assert!(slowest < VISIBLE_WITHIN, "{command} took {slowest:?}");
    }
    let refused = issuer.command(&["reinstate", &offer]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("for good"), "{}", text(&refused.stderr));
}

/// Catalogue J04: many at once, while lists are signed all the time; none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_revocation_is_lost_among_many() {
    let mut issuer = Process::running().await;
    let port = issuer.admin().split_once(':').unwrap().1.parse::<u16>().unwrap() - 1;
    let (caller, node) = (issuer.caller(), Verifier::new(&issuer, port));
    let mut cards = Vec::new();
    for _ in 0..30 {
        cards.push(issued(&caller, &node).await);
    }
    let admin = format!("http://{}/admin/v1/offers", issuer.admin());
    let mut revoking = JoinSet::new();
    for (offer, _) in &cards[..25] {
        let request = Client::new().post(format!("{admin}/{offer}/status"));
        let request = request.bearer_auth(&caller.key).body(r#"{"status":"invalid"}"#);
        revoking.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    assert!(revoking.join_all().await.into_iter().all(|status| status == 200));
    tokio::time::sleep(VISIBLE_WITHIN).await;
    let expected = |at| Some(if at < 25 { Status::Invalid } else { Status::Valid });
    for (at, (_, reference)) in cards.iter().enumerate() {
        assert_eq!(node.status(reference).await, expected(at), "{at}");
    }
    issuer.crash().await; // I8: what was answered holds
    for (at, (_, reference)) in cards.iter().enumerate() {
        assert_eq!(node.status(reference).await, expected(at), "{at} after a crash");
    }
}

/// The command works on the database itself while nobody serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_revoked_while_nobody_serves() {
    let mut issuer = Process::running().await;
    let port = issuer.admin().split_once(':').unwrap().1.parse::<u16>().unwrap() - 1;
    let (caller, node) = (issuer.caller(), Verifier::new(&issuer, port));
    let (offer, reference) = issued(&caller, &node).await;
    issuer.signal("TERM");
    issuer.ended().await;
    let told = issuer.command(&["revoke", &offer, "--credential", "1"]);
    assert_eq!(text(&told.stdout).trim(), "1  student_card  invalid");
    let unknown = issuer.command(&["revoke", &offer, "--credential", "2"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("no credential 2"), "{}", text(&unknown.stderr));
    issuer.start().await;
    assert_eq!(node.status(&reference).await, Some(Status::Invalid));
}

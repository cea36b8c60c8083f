//! `tx_code_channel = "command"`: a program of the operator's hands on the Transaction Code
//! (OFFER-24), and what happens when it does not.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};

use issuer::application::ApplicationSecret;
use issuer::credential_type::{Approval, TxCodeChannel};
use issuer::flow::application::{Stage, apply, renew, view};
use issuer::tx_code_command::deliver;
use oid4vci::offer::OfferLink;
use oid4vci::secret::TxCode;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use testkit::wire::Answer;
use testkit::world::World;

const CARD: &str = "student_card";

/// A world with a program that keeps what it was told, one message a line, and fails while there is
/// a file called `broken`.
struct Post {
    world: World,
    folder: TempDir,
}

impl Post {
    async fn new(approval: Approval) -> Self {
        let folder = TempDir::new().unwrap();
        let script = "cd \"$1\"; test -e broken && exit 3; cat >> letters";
        let command = ["/bin/sh", "-c", script, "post", folder.path().to_str().unwrap()];
        let command = command.map(str::to_owned).to_vec();
        let world = World::with(|issuer| {
            let card = issuer.types.get_mut(CARD).unwrap();
            card.approval = approval;
            card.tx_code = true;
            card.tx_code_channel = TxCodeChannel::Command(command);
        });
        Self { world: world.await, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn breaks(&self) {
        fs::write(self.file("broken"), "").unwrap();
    }

    fn is_mended(&self) {
        fs::remove_file(self.file("broken")).unwrap();
    }

    /// Everything that the program was told.
    fn letters(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file("letters")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn apply(&self) -> ApplicationSecret {
        let card = &self.world.issuer.types[CARD];
        apply(&self.world.issuer, card, card.sample()).await.unwrap()
    }

    /// The one application, as the officer sees it.
    async fn application(&self) -> Value {
        let mut states = Vec::new();
        for state in ["waiting", "approved"] {
            let path = format!("/admin/v1/applications?state={state}");
            let answer = self.world.operator("GET", &path, None).await.json();
            states.extend(answer["applications"].as_array().unwrap().clone());
        }
        assert_eq!(states.len(), 1);
        states.remove(0)
    }

    async fn approve(&self) -> Answer {
        let id = self.application().await["id"].as_str().unwrap().to_owned();
        let path = format!("/admin/v1/applications/{id}/approve");
        self.world.operator("POST", &path, None).await
    }

    /// The code of the offer on the applicant's page.
    async fn code(&self, secret: &ApplicationSecret) -> String {
        let view = view(&self.world.issuer, secret.expose()).await.unwrap().unwrap();
        let Stage::Offer(offer) = view.stage else { panic!("no offer") };
        assert!(offer.tx_code.is_none(), "A25: not on the page");
        let OfferLink::ByReference(url) = OfferLink::parse(&offer.uri).unwrap() else { panic!() };
        let offer = self.world.public.get(url.as_str()).await.success();
        let code = &offer["grants"][PRE_AUTHORIZED_CODE]["pre-authorized_code"];
        code.as_str().unwrap().to_owned()
    }
}

fn tx_code(letter: &Value) -> String {
    letter["tx_code"].as_str().unwrap().to_owned()
}

/// Status and detail of a problem.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_code_goes_to_the_program_and_to_nobody_else() {
    let post = Post::new(Approval::Officer).await;
    let secret = post.apply().await;
    assert!(post.letters().is_empty(), "nothing is said before the officer has said yes");
    let answer = post.approve().await;
    assert_eq!((answer.status, &answer.json()["tx_code"]), (200, &Value::Null));
    let letters = post.letters();
    let application = post.application().await;
    assert_eq!(letters[0]["id"], application["id"]);
    assert_eq!(letters[0]["claims"], application["claims"]);
    assert_eq!(letters[0]["credential_configuration_ids"], json!([CARD]));

    let code = post.code(&secret).await;
    assert!(post.world.redeem(&code, &[]).await.is(400, "invalid_request"));
    let told = [("tx_code", tx_code(&letters[0]))];
    let told = [(told[0].0, told[0].1.as_str())];
    post.world.redeem(&code, &told).await.success();
}

/// A program that fails costs nothing: the officer says it once more, and the code is on its way.
#[tokio::test]
async fn a_program_that_fails_leaves_the_decision_open() {
    let post = Post::new(Approval::Officer).await;
    let secret = post.apply().await;
    post.breaks();
    for _ in 0..2 {
        let (status, detail) = problem(&post.approve().await);
        assert_eq!(status, 502);
        assert!(detail.contains("/bin/sh") && detail.contains("exit status: 3"), "{detail}");
        assert!(detail.contains("approve again"), "{detail}");
        assert_eq!(post.application().await["state"], "waiting");
    }
    post.is_mended();
    assert_eq!(post.approve().await.status, 200);
    assert_eq!(post.application().await["state"], "approved");
    let code = post.code(&secret).await;
    let tx_code = tx_code(&post.letters()[0]);
    post.world.redeem(&code, &[("tx_code", &tx_code)]).await.success();
}

#[tokio::test]
async fn a_lost_letter_is_sent_again_until_its_code_was_used() {
    let post = Post::new(Approval::Officer).await;
    let secret = post.apply().await;
    assert_eq!(post.approve().await.status, 200);
    assert_eq!(post.approve().await.status, 200, "before there is an offer");
    let code = post.code(&secret).await;
    assert_eq!(post.approve().await.status, 200, "while the offer is shown");
    post.breaks();
    assert_eq!(problem(&post.approve().await).0, 502);
    post.is_mended();
    let letters = post.letters();
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| tx_code(letter) == tx_code(&letters[0])));
    let tx_code = tx_code(&letters[0]);
    post.world.redeem(&code, &[("tx_code", &tx_code)]).await.success();
    assert_eq!(problem(&post.approve().await).0, 409);
    assert_eq!(post.letters().len(), 3);
}

#[tokio::test]
async fn where_nobody_approves_a_failure_waits_for_an_officer() {
    let post = Post::new(Approval::AtOnce).await;
    post.breaks();
    let secret = post.apply().await;
    let seen = view(&post.world.issuer, secret.expose()).await.unwrap().unwrap();
    assert!(matches!(seen.stage, Stage::Waiting), "the applicant has a page");
    post.is_mended();
    assert_eq!(post.approve().await.status, 200);
    assert_eq!(post.letters().len(), 1);
    post.code(&secret).await;
}

/// C04: after a lock there is a new code, and it has to get to the applicant like the first.
#[tokio::test]
async fn a_new_code_is_delivered_too() {
    let post = Post::new(Approval::AtOnce).await;
    let secret = post.apply().await;
    let code = post.code(&secret).await;
    for _ in 0..5 {
        assert!(post.world.redeem(&code, &[("tx_code", "x")]).await.is(400, "invalid_grant"));
    }
    assert!(renew(&post.world.issuer, secret.expose()).await.unwrap());
    let letters = post.letters();
    assert_eq!(letters.len(), 2);
    assert_ne!(tx_code(&letters[0]), tx_code(&letters[1]));
    let (code, tx_code) = (post.code(&secret).await, tx_code(&letters[1]));
    post.world.redeem(&code, &[("tx_code", &tx_code)]).await.success();
}

/// An offer whose code nobody has is of no use, so it is taken back; P13: one that can be asked for
/// again is kept.
#[tokio::test]
async fn an_offer_whose_code_is_lost_is_taken_back() {
    let post = Post::new(Approval::Officer).await;
    let wish = post.world.wish(CARD, &json!({ "tx_code": true }));
    post.breaks();
    let answer = post.world.operator("POST", "/admin/v1/offers", Some(&wish)).await;
    let (status, detail) = problem(&answer);
    assert!(status == 502 && detail.contains("/bin/sh"), "{detail}");
    let offers = post.world.operator("GET", "/admin/v1/offers", None).await.json();
    assert_eq!(offers["offers"][0]["state"], "withdrawn");
    post.is_mended();
    let answer = post.world.operator("POST", "/admin/v1/offers", Some(&wish)).await;
    assert_eq!((answer.status, &answer.json()["tx_code"]), (201, &Value::Null));
    assert_eq!(post.letters()[0]["id"], answer.json()["id"]);
}

async fn run(script: &str, claims: &Map<String, Value>) -> Result<(), String> {
    let command = ["/bin/sh", "-c", script].map(str::to_owned);
    let tx_code = TxCode::new("123456");
    let delivered = deliver(&command, &tx_code, "x", (&[CARD], claims)).await;
    delivered.map_err(|error| error.to_string())
}

/// What counts is how it ends; a message longer than a pipe holds is no reason to fail.
#[tokio::test]
async fn a_program_need_not_read() {
    let long = Map::from_iter([("photo".to_owned(), "x".repeat(1_000_000).into())]);
    for claims in [&Map::new(), &long] {
        assert_eq!(run("exec <&-; exit 0", claims).await, Ok(()));
        let error = run("exec <&-; exit 1", claims).await.unwrap_err();
        assert!(error.contains("`/bin/sh`") && error.contains("exit status: 1"), "{error}");
        let error = run("kill -9 $$", claims).await.unwrap_err();
        assert!(error.contains("signal: 9"), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let missing = Path::new("/no/such/program").display().to_string();
    let tx_code = TxCode::new("123456");
    let delivered = deliver(&[missing], &tx_code, "x", (&[CARD], &Map::new())).await;
    let error = delivered.unwrap_err().to_string();
    assert!(error.contains("`/no/such/program`") && error.contains("did not run"), "{error}");
    assert!(!error.contains("123456"), "R01");
}

//! R01, C13: at the loudest log level no secret and no claim is written, whether the flow goes well
//! or not. A file of its own, as there is one log for a whole process.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::io;
use std::sync::{Arc, Mutex};

use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use issuer::application::ApplicationSecret;
use issuer::flow::application::{apply, approve, view};
use oid4vci::secret::TxCode;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::by_hand::Offered;
use testkit::proof::holder_key;
use testkit::world::World;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use wallet::flow::key::KeyWish;

const CARD: &str = "student_card";
const CLAIM: &str = "canary-claim-4b1d";
const IDEMPOTENCY_KEY: &str = "canary-key-77aa";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// What must not be found, and what it is.
#[derive(Default)]
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    fn note(&mut self, what: &'static str, value: impl Into<String>) {
        self.0.push((what, value.into()));
    }

    fn note_offer(&mut self, offered: &Offered) {
        self.note("code", &offered.code);
        let reference = offered.uri.rsplit("%2F").next().unwrap();
        self.note("reference", reference);
        self.0.extend(offered.tx_code.iter().map(|tx_code| ("tx_code", tx_code.clone())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_claim_reaches_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone());
    subscriber.with_ansi(false).with_max_level(LevelFilter::TRACE).init();
    // Twelve digits stand in no time and in no id by chance.
    let world = World::with(|issuer| issuer.config.offer.tx_code_length = 12).await;
    let mut canaries = Canaries::default();
    canaries.note("claim", CLAIM);
    canaries.note("Idempotency-Key", IDEMPOTENCY_KEY);
    canaries.note("admin key", world.issuer.keys().admin.expose());
    story(&world, &mut canaries).await;
    by_hand(&world, &mut canaries).await;
    gone_wrong(&world, &mut canaries).await;
    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for event in ["offer made", "code redeemed", "issued", "refused", "answered", "wrong tx_code"] {
        assert!(written.contains(event), "the log is not what it was: no `{event}`");
    }
    for (what, value) in &canaries.0 {
        let line = written.lines().find(|line| line.contains(value));
        assert_eq!(line, None, "a {what} was logged");
    }
}

fn claims(world: &World) -> Value {
    let mut claims = world.issuer.types[CARD].sample();
    claims.insert("family_name".into(), CLAIM.into());
    claims.into()
}

/// The twenty steps.
async fn story(world: &World, canaries: &mut Canaries) {
    let written = claims(world).as_object().unwrap().clone();
    let secret = apply(&world.issuer, &world.issuer.types[CARD], written).await.unwrap();
    canaries.note("applicant's link", secret.expose());
    let (id, _) = ApplicationSecret::parse(secret.expose()).unwrap();
    let tx_code = approve(&world.issuer, id).await.unwrap().tx_code.unwrap();
    canaries.note("tx_code", tx_code.expose());
    view(&world.issuer, secret.expose()).await.unwrap();
    world.public.get(&format!("/applications/{}", secret.expose())).await;
    let offered = world.offer(CARD, &json!({ "claims": claims(world), "tx_code": true })).await;
    canaries.note_offer(&offered);
    let wallet = &world.wallet;
    let resolved = agreed::resolve(wallet, &offered.uri).await.unwrap();
    let tx_code = offered.tx_code.map(TxCode::new);
    let authorized = wallet.request_token(resolved, tx_code).await.unwrap();
    let received = wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
    let kept = wallet.keep(&received).await.unwrap();
    canaries.note("credential", &kept[0].raw);
}

/// The same by hand, where token and proof can be seen.
async fn by_hand(world: &World, canaries: &mut Canaries) {
    let wish = world.wish(CARD, &json!({ "claims": claims(world) }));
    let bearer = format!("Bearer {}", world.issuer.keys().admin.expose());
    let begun = Request::post("/admin/v1/offers").header(AUTHORIZATION, bearer);
    let begun = begun.header("idempotency-key", IDEMPOTENCY_KEY);
    assert_eq!(world.admin.ask(begun, wish.to_string()).await.status, 201);
    let offered = world.offer(CARD, &json!({})).await;
    canaries.note_offer(&offered);
    let token = world.redeem(&offered.code, &[]).await.success();
    let token = token["access_token"].as_str().unwrap();
    canaries.note("token", token);
    let proof = world.proof(&holder_key()).await;
    canaries.note("proof", proof.rsplit('.').next().unwrap());
    world.credential(token, CARD, &[proof]).await.success();
}

/// Requests that are refused carry secrets too: often the right ones in the wrong place.
async fn gone_wrong(world: &World, canaries: &mut Canaries) {
    let offered = world.offer(CARD, &json!({ "tx_code": true })).await;
    canaries.note_offer(&offered);
    let tx_code = offered.tx_code.as_deref().unwrap();
    let wrong = "987654321987";
    canaries.note("wrong tx_code", wrong);
    world.redeem(&offered.code, &[("tx_code", wrong)]).await;
    world.redeem(&offered.code, &[("tx_code", tx_code), ("tx_code", tx_code)]).await;
    world.redeem(&offered.code, &[("authorization_details", CLAIM)]).await;
    world.redeem(&format!("{}x", offered.code), &[]).await;
    let in_query = format!("/token?pre-authorized_code={}&tx_code={tx_code}", offered.code);
    world.public.get(&in_query).await;
    let token = "canary-token-3e90";
    canaries.note("unknown token", token);
    world.credential_request(token, &json!({ CLAIM: CLAIM })).await;
    world.public.get(&format!("/credential?access_token={token}")).await;
    world.public.get(&format!("/offers/{}/x", offered.code)).await;
    let unknown = json!({ "claims": { "family_name": CLAIM, "birth_date": CLAIM, CLAIM: 1 } });
    world.operator("POST", "/admin/v1/offers", Some(&world.wish(CARD, &unknown))).await;
    world.operator("POST", "/admin/v1/offers", Some(&json!(CLAIM))).await;
    let private = "canary-private-key-91c2";
    canaries.note("private key", private);
    let (good, key) = (world.token(CARD).await, holder_key());
    canaries.note("token", &good);
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.header["jwk"]["d"] = private.into();
    assert!(
        world.credential(&good, CARD, &[draft.sign(&key).await]).await.is(400, "invalid_proof")
    );
}

//! SIGKILL at any moment: what was answered holds, no code yields two tokens, and the flow goes on
//! where it stood.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keys::outside::{Random as _, SystemClock, SystemRandom};
use keys::signer::SoftwareKey;
use keys::x509::Anchors;
use oid4vci::secret::TxCode;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use process::{Answer, Caller, Engine, Process};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::proof::holder_key;
use tokio::task::JoinSet;
use wallet::client::{ClientOptions, GuardedClient};
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::store::{FileStore, Unlock};
use wallet::{Settings, Wallet};

mod process;

/// Holds each engine to the same.
macro_rules! on_both_engines {
    ($($test:ident)+) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(super::Engine::Sqlite).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(super::Engine::Postgres).await;
            })+
        }
    };
}

on_both_engines! {
    after_a_crash_at_each_step_the_flow_goes_on_where_it_stood
    a_nonce_lives_through_a_crash_and_so_does_its_use
    killed_at_random_moments_it_keeps_every_promise
    a_request_that_is_cut_off_can_be_asked_again
}

/// Crashes in the test of random moments.
const CRASHES: usize = 20;
/// Holders that go on all the time.
const HOLDERS: usize = 4;
/// Milliseconds after which a request is cut off, in the test that cuts off requests.
const DELAYS: [u64; 6] = [0, 1, 2, 4, 8, 16];

async fn wallet(issuer: &Process, folder: &Path) -> Wallet {
    let options = ClientOptions {
        extra_authorities: vec![issuer.authority()],
        allow_private_addresses: true,
        ..ClientOptions::default()
    };
    let folder = folder.join("wallet");
    let unlock = Unlock::KeyFile(FileStore::key_file(&folder));
    let store = FileStore::open(folder, unlock, Arc::new(SystemRandom)).await.unwrap();
    let anchors = Some(Arc::new(Anchors::from_pem(&issuer.authority()).unwrap()));
    Wallet {
        http: Arc::new(GuardedClient::new(&options).unwrap()),
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        settings: Settings { anchors, ..Settings::default() },
    }
}

/// The state of an offer that was answered.
async fn state(caller: &Caller, offer: &Value) -> Value {
    let (status, standing) = caller.standing(offer["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(status, 200, "an offer that was answered is there");
    standing
}

/// X01 to X12
async fn after_a_crash_at_each_step_the_flow_goes_on_where_it_stood(engine: Engine) {
    let (mut issuer, folder) = (Process::running_on(engine).await, TempDir::new().unwrap());
    let (caller, wallet) = (issuer.caller(), wallet(&issuer, folder.path()).await);
    let (_, offer) = caller.offer(&json!({ "tx_code": true })).await.unwrap();
    issuer.crash().await; // after the offer
    assert_eq!(state(&caller, &offer).await["state"], "created");
    let scanned = ScannedOffer::scan(offer["uri"].as_str().unwrap()).unwrap();
    let consent = Consent::to(scanned.host());
    let fetched = wallet.fetch_offer(scanned, &consent).await.unwrap();
    issuer.crash().await; // after it was fetched
    assert_eq!(state(&caller, &offer).await["state"], "fetched");
    let described = wallet.describe_offer(fetched, &consent).await.unwrap();
    let resolved = wallet.resolve_offer(described.clone(), &consent).await.unwrap();
    let right = TxCode::new(offer["tx_code"].as_str().unwrap());
    let wrong = TxCode::new(if right.expose() == "000000" { "000001" } else { "000000" });
    let failure = wallet.request_token(resolved, Some(wrong)).await.unwrap_err();
    issuer.crash().await; // after a wrong transaction code
    assert_eq!(state(&caller, &offer).await["wrong_tx_codes"], 1);
    let resolved = failure.offer;
    let lost = wallet.request_token(resolved.clone(), Some(right.clone())).await.unwrap();
    issuer.crash().await; // after the token
    assert_eq!(state(&caller, &offer).await["state"], "redeemed");
    let stranger = wallet.resolve_offer(described, &consent).await.unwrap();
    let again = wallet.request_token(stranger, Some(right.clone())).await.unwrap_err();
    assert_eq!(again.error.code(), "invalid_grant", "another key gets no second token");
    let authorized = wallet.request_token(resolved, Some(right)).await.unwrap();
    let wish = KeyWish::default();
    assert!(wallet.request_credentials(&lost, &wish).await.is_err(), "one token is alive");
    let received = wallet.request_credentials(&authorized, &wish).await.unwrap();
    issuer.crash().await; // after the credential
    assert_eq!(state(&caller, &offer).await["credentials_issued"], 1, "it is on record");
    wallet.keep(&received).await.unwrap();
    wallet.request_credentials(&authorized, &wish).await.unwrap(); // the token lives
}

async fn code(caller: &Caller, offer: &Value) -> reqwest::Result<String> {
    let link = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap();
    let (_, reference) = link.query_pairs().next().unwrap();
    let (status, document) = caller.get(&reference).await?;
    assert_eq!(status, 200, "an offer that was answered can be fetched");
    let grant = &document["grants"][PRE_AUTHORIZED_CODE];
    Ok(grant["pre-authorized_code"].as_str().unwrap().to_owned())
}

/// A nonce is not stored, so it lives through a crash; its use is, so it cannot be used again.
async fn a_nonce_lives_through_a_crash_and_so_does_its_use(engine: Engine) {
    let mut issuer = Process::running_on(engine).await;
    let (caller, key) = (issuer.caller(), holder_key());
    let (_, offer) = caller.offer(&json!({})).await.unwrap();
    let (_, token) = caller.token(&code(&caller, &offer).await.unwrap()).await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let nonce = caller.nonce().await.unwrap();
    issuer.crash().await;
    assert_eq!(caller.credential(token, &key, &nonce).await.unwrap().0, 200);
    issuer.crash().await;
    let (status, refused) = caller.credential(token, &key, &nonce).await.unwrap();
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_nonce")));
    let nonce = caller.nonce().await.unwrap();
    assert_eq!(caller.credential(token, &key, &nonce).await.unwrap().0, 200);
}

/// What an issuer has answered to one holder.
struct Promise {
    offer: Value,
    key: SoftwareKey,
    tokens: Vec<String>,
    credentials: usize,
}

/// Repeats a request that got no answer; the issuer is coming back.
async fn insist<F: Future<Output = Answer>>(request: impl Fn() -> F) -> (u16, Value) {
    let begun = Instant::now();
    loop {
        match request().await {
            Ok((status, body)) => {
                assert!(status < 500, "{status}: {body}");
                return (status, body);
            }
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One holder: redeems until the code is refused, then asks until there is a credential.
///
/// `None` when the offer itself was never answered.
async fn flow(caller: &Caller) -> Option<Promise> {
    let (_, offer) = caller.offer(&json!({})).await.ok()?;
    let code = insist(|| async { Ok((200, code(caller, &offer).await?.into())) }).await.1;
    let mut tokens = Vec::new();
    loop {
        let (status, answer) = insist(|| caller.token(code.as_str().unwrap())).await;
        if status == 400 {
            assert_eq!(answer["error"], "invalid_grant");
            break;
        }
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    let key = holder_key();
    let mut credentials = 0;
    if let Some(token) = tokens.first() {
        let ask = || async { caller.credential(token, &key, &caller.nonce().await?).await };
        let (status, answer) = insist(ask).await;
        assert_eq!(status, 200, "{answer}");
        credentials += 1;
    }
    Some(Promise { offer, key, tokens, credentials })
}

/// Holds the issuer to what it has answered.
async fn check(caller: &Caller, promise: &Promise) {
    let Promise { offer, key, tokens, credentials } = promise;
    assert!(tokens.len() <= 1, "two tokens for one code");
    let standing = state(caller, offer).await;
    let Some(token) = tokens.first() else {
        assert_eq!(standing["state"], "redeemed", "only an answer on its way can be lost");
        return;
    };
    assert_eq!(standing["state"], "issued");
    assert!(standing["credentials_issued"].as_u64().unwrap() >= *credentials as u64);
    let nonce = caller.nonce().await.unwrap();
    assert_eq!(caller.credential(token, key, &nonce).await.unwrap().0, 200, "the token lives");
}

/// X13: many holders, and a crash every moment.
async fn killed_at_random_moments_it_keeps_every_promise(engine: Engine) {
    let mut issuer = Process::running_on(engine).await;
    let (caller, is_over) = (issuer.caller(), Arc::new(AtomicBool::new(false)));
    let mut holders = JoinSet::new();
    for _ in 0..HOLDERS {
        let (caller, is_over) = (caller.clone(), Arc::clone(&is_over));
        holders.spawn(async move {
            let mut promises = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                promises.extend(flow(&caller).await);
            }
            promises
        });
    }
    for _ in 0..CRASHES {
        let mut byte = [0];
        SystemRandom.fill(&mut byte);
        tokio::time::sleep(Duration::from_millis(50 + u64::from(byte[0]))).await;
        issuer.crash().await;
    }
    is_over.store(true, Ordering::SeqCst);
    let promises: Vec<Promise> = holders.join_all().await.into_iter().flatten().collect();
    issuer.crash().await;
    for promise in &promises {
        check(&caller, promise).await;
    }
    let done = promises.iter().filter(|promise| promise.credentials > 0).count();
    assert!(done >= CRASHES, "too few flows to say anything: {done}");
}

/// X02 to X10: cut off while the code is redeemed, and while the credential is made.
async fn a_request_that_is_cut_off_can_be_asked_again(engine: Engine) {
    let mut issuer = Process::running_on(engine).await;
    let caller = issuer.caller();
    for delay in DELAYS.map(Duration::from_millis) {
        let promise = cut_off(&mut issuer, &caller, delay).await;
        check(&caller, &promise).await;
    }
}

async fn cut_off(issuer: &mut Process, caller: &Caller, delay: Duration) -> Promise {
    let (_, offer) = caller.offer(&json!({})).await.unwrap();
    let code = code(caller, &offer).await.unwrap();
    let racing = tokio::spawn({
        let (caller, code) = (caller.clone(), code.clone());
        async move { caller.token(&code).await }
    });
    tokio::time::sleep(delay).await;
    issuer.crash().await;
    let answers = [racing.await.unwrap().ok(), caller.token(&code).await.ok()];
    let tokens = answers.into_iter().flatten().filter(|(status, _)| *status == 200);
    let tokens: Vec<String> =
        tokens.map(|(_, body)| body["access_token"].as_str().unwrap().to_owned()).collect();
    let key = holder_key();
    let Some(token) = tokens.first() else {
        return Promise { offer, key, tokens, credentials: 0 };
    };
    let nonce = caller.nonce().await.unwrap();
    let cut = async {
        tokio::time::sleep(delay).await;
        issuer.crash().await;
    };
    let (first, ()) = tokio::join!(caller.credential(token, &key, &nonce), cut);
    let nonce = caller.nonce().await.unwrap();
    let (status, answer) = caller.credential(token, &key, &nonce).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let credentials = 1 + usize::from(first.is_ok_and(|(status, _)| status == 200));
    Promise { offer, key, tokens, credentials }
}

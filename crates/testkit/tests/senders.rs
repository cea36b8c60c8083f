//! Our wallet at our issuer, where it proves more than it says: bound tokens (RFC 9449), a maker
//! who vouches for it (VCI §E), and an answer that is lost on its way.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use issuer::Issuer;
use issuer::config::Algorithms;
use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use oid4vci::dpop::DpopRefusal;
use oid4vci::error::Refusal as _;
use serde_json::json;
use testkit::agreed;
use testkit::sender::{CLIENT, Instance};
use testkit::wire::Wire;
use testkit::world::World;
use wallet::Wallet;
use wallet::attestation::WalletAttestation;
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::token::Authorized;
use wallet::http::{Http, HttpError, Request, Response};

const CARD: &str = "student_card";

/// The way to the issuer, which loses answers and notes what was sent.
#[derive(Debug)]
struct Line {
    wire: Wire,
    /// Answers to requests whose path ends so are lost, so many.
    lost: Mutex<(&'static str, usize)>,
    sent: Mutex<Vec<Request>>,
    /// Answers are changed by this.
    change: fn(&mut Response),
}

#[async_trait]
impl Http for Line {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.sent.lock().unwrap().push(request.clone());
        let path = request.url.path().to_owned();
        let mut answer = Http::send(&self.wire, request).await?;
        let mut lost = self.lost.lock().unwrap();
        if lost.1 > 0 && path.ends_with(lost.0) {
            lost.1 -= 1;
            return Err(HttpError::TimedOut);
        }
        (self.change)(&mut answer);
        Ok(answer)
    }
}

impl Line {
    /// Those requests to an endpoint that were sent.
    fn sent_to(&self, end: &str) -> Vec<Request> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|request| request.url.path().ends_with(end)).cloned().collect()
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

/// The wallet of a world on a line of its own.
fn on_line(world: &World, change: fn(&mut Response)) -> (Wallet, Arc<Line>) {
    let wire = world.public.clone();
    let line = Arc::new(Line { wire, lost: Mutex::new(("", 0)), sent: Mutex::default(), change });
    let wallet = Wallet { http: line.clone(), ..world.wallet.clone() };
    (wallet, line)
}

async fn resolve(world: &World, wallet: &Wallet, id: &str) -> Result<ResolvedOffer, WalletError> {
    let uri = world.offer(id, &json!({})).await.uri;
    agreed::resolve(wallet, &uri).await
}

async fn authorize(world: &World, wallet: &Wallet) -> Result<Authorized, WalletError> {
    let offer = resolve(world, wallet, CARD).await?;
    wallet.request_token(offer, None).await.map_err(|failure| failure.error)
}

async fn receive(wallet: &Wallet, authorized: &Authorized) {
    let wish = KeyWish::default();
    let received = wallet.request_credentials(authorized, &wish).await.unwrap();
    assert_eq!(wallet.keep(&received).await.unwrap().len(), 1);
}

/// SEC-03, RFC 9449 §5.1, DEP-05: announced, so used; each flow has a key of its own.
#[tokio::test]
async fn a_wallet_binds_its_token_where_that_is_announced() {
    let world = World::new().await;
    let (wallet, line) = on_line(&world, |_| {});
    for _ in 0..2 {
        receive(&wallet, &authorize(&world, &wallet).await.unwrap()).await;
    }
    let tokens = line.sent_to("/token");
    let key = |request: &Request| {
        let proof = header(request, "DPoP").unwrap();
        let jws = keys::jws::Jws::parse(&proof, 8192).unwrap();
        jws.header()["jwk"].clone()
    };
    assert_eq!(tokens.len(), 2, "no nonce is wanted, so nothing is sent twice");
    assert_ne!(key(&tokens[0]), key(&tokens[1]), "PRIV-09: nobody can link two flows by the key");
    let credentials = line.sent_to("/credential");
    assert_eq!(key(&credentials[0]), key(&tokens[0]));
    for request in credentials {
        assert!(header(&request, "authorization").unwrap().starts_with("DPoP "));
        let proof = header(&request, "DPoP").unwrap();
        let claims = keys::jws::Jws::parse(&proof, 8192).unwrap().claims().unwrap();
        assert!(claims.contains_key("ath"), "DEP-05");
    }
}

/// RFC 9449 §8, RFC 9449 §9: once more with the nonce, and no further.
#[tokio::test]
async fn a_wallet_sends_the_nonce_that_is_wanted() {
    let world = World::with(|issuer| issuer.config.dpop.nonce_required = true).await;
    let (wallet, line) = on_line(&world, |_| {});
    receive(&wallet, &authorize(&world, &wallet).await.unwrap()).await;
    assert_eq!(line.sent_to("/token").len(), 2);
    assert_eq!(line.sent_to("/credential").len(), 1, "RFC 9449 §8.2: it has the next nonce");

    let always = |answer: &mut Response| {
        let is_token = answer.body.starts_with(b"{\"access_token\"");
        if is_token || answer.status == 400 {
            let (code, _) = DpopRefusal::NoNonce.answer();
            answer.status = 400;
            answer.body = json!({ "error": code.name() }).to_string().into_bytes();
        }
    };
    let (wallet, line) = on_line(&world, always);
    let error = authorize(&world, &wallet).await.unwrap_err();
    assert_eq!(error.code(), "use_dpop_nonce");
    assert_eq!(line.sent_to("/token").len(), 2, "exactly once");
}

/// A server that binds tokens and does not say so in its metadata is understood by its refusal.
#[tokio::test]
async fn a_wallet_binds_its_token_where_that_is_demanded() {
    let world = World::with(|issuer| issuer.config.dpop.required = true).await;
    let hidden = |answer: &mut Response| {
        let text = String::from_utf8_lossy(&answer.body);
        answer.body = text.replace("dpop_signing_alg_values_supported", "x").into_bytes();
    };
    let (wallet, line) = on_line(&world, hidden);
    receive(&wallet, &authorize(&world, &wallet).await.unwrap()).await;
    let sent = line.sent_to("/token");
    assert_eq!((header(&sent[0], "DPoP"), sent.len()), (None, 2));
}

/// A server without DPoP gets none.
#[tokio::test]
async fn a_wallet_proves_nothing_that_nobody_wants() {
    let off = |issuer: &mut Issuer| {
        issuer.config.dpop.signing_alg_values_supported = Algorithms::from(&[][..]);
    };
    let world = World::with(off).await;
    let (wallet, line) = on_line(&world, |_| {});
    receive(&wallet, &authorize(&world, &wallet).await.unwrap()).await;
    for request in line.sent.lock().unwrap().iter() {
        assert_eq!(header(request, "DPoP"), None);
        assert_eq!(header(request, "OAuth-Client-Attestation"), None);
    }
    let only = |issuer: &mut Issuer| {
        let algorithms = Algorithms::from(&[Algorithm::EdDsa][..]);
        issuer.config.dpop.signing_alg_values_supported = algorithms;
    };
    let world = World::with(only).await;
    receive(&world.wallet, &authorize(&world, &world.wallet).await.unwrap()).await;
}

/// D17: who proved a key takes no token that anybody could use.
#[tokio::test]
async fn a_wallet_takes_no_unbound_token_for_a_key() {
    let world = World::new().await;
    let down = |answer: &mut Response| {
        let text = String::from_utf8_lossy(&answer.body);
        answer.body = text.replace("\"DPoP\"", "\"Bearer\"").into_bytes();
    };
    let (wallet, _) = on_line(&world, down);
    assert_eq!(authorize(&world, &wallet).await.unwrap_err(), WalletError::UnboundToken);
}

/// The issuer has redeemed the code, and the answer is gone: the same key asks again, once.
#[tokio::test]
async fn a_lost_token_answer_is_asked_for_again() {
    let world = World::new().await;
    let (wallet, line) = on_line(&world, |_| {});
    *line.lost.lock().unwrap() = ("/token", 1);
    receive(&wallet, &authorize(&world, &wallet).await.unwrap()).await;
    let sent = line.sent_to("/token");
    assert_eq!(sent.len(), 2);
    assert_ne!(header(&sent[0], "DPoP"), header(&sent[1], "DPoP"), "a proof is good once");

    let offer = resolve(&world, &wallet, CARD).await.unwrap();
    *line.lost.lock().unwrap() = ("/token", 2);
    let failure = wallet.request_token(offer, None).await.unwrap_err();
    assert_eq!(failure.error.code(), "timed_out", "twice is enough");
    // The person tries again: it is still the same flow, and the same key.
    let authorized = wallet.request_token(failure.offer, None).await.unwrap();
    receive(&wallet, &authorized).await;
}

/// An issuer that takes only wallets that it knows somebody to vouch for.
async fn attested_world(instance: &Instance) -> World {
    World::with(|issuer| {
        issuer.client_attesters = Some(instance.attesters());
        issuer.config.authorization.client_attestation_required = true;
    })
    .await
}

/// SEC-02, PRIV-11, VCI §E, WALATT-02, WALATT-10: with a challenge, as who it is.
#[tokio::test]
async fn a_wallet_shows_who_vouches_for_it() {
    let instance = Instance::default();
    let world = attested_world(&instance).await;
    let (mut wallet, line) = on_line(&world, |_| {});
    let error = authorize(&world, &wallet).await.unwrap_err();
    assert_eq!(error, WalletError::AttestationNeeded);
    assert!(line.sent_to("/token").is_empty(), "it is known before the code is sent");
    let jwt = instance.attestation(world.clock.now().0).sign(&instance.provider).await;
    let key = Arc::new(instance.key);
    let attestation = WalletAttestation::new(jwt, key).unwrap();
    wallet.settings.attestation_source = Some(Arc::new(attestation));
    *line.lost.lock().unwrap() = ("/token", 1);
    receive(&wallet, &authorize(&world, &wallet).await.unwrap()).await;
    assert_eq!(line.sent_to("/challenge").len(), 1);
    let sent = line.sent_to("/token");
    assert_eq!(sent.len(), 2);
    let form = String::from_utf8(sent[1].body.clone()).unwrap();
    assert!(form.contains("client_id=https%3A%2F%2Fwallet.example"), "HAIP-29: {CLIENT}");
    let credential = &line.sent_to("/credential")[0];
    assert_eq!(header(credential, "OAuth-Client-Attestation"), None, "for the server alone");
    assert_eq!(
        WalletAttestation::new("x", Arc::new(testkit::proof::holder_key())).err(),
        Some(wallet::attestation::AttestationError::Unreadable)
    );
}

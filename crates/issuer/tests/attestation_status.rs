//! Attestations that somebody may withdraw: their entries of status lists, from a real server (TSL §8.3).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::status_list::{Bits, Status, StatusList};
use issuer::Issuer;
use issuer::attestation_lists::AttestationLists;
use issuer::credential_type::KeyAttestations;
use keys::outside::{Clock as _, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::AttesterKey;
use serde_json::{Value, json};
use testkit::proof::{Draft, holder_key};
use testkit::sender::Instance;
use testkit::wire::Answer;
use testkit::world::World;
use tokio::net::TcpListener;
use tokio::time::timeout;

const CARD: &str = "student_card";
const IDX: u64 = 70;

/// What is served, and how often it was.
type Served = Arc<Mutex<(Option<Vec<u8>>, usize)>>;

/// A server with one list; `None` is answered with 500.
struct Lists {
    uri: String,
    served: Served,
}

impl Lists {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/list", listener.local_addr().unwrap());
        let served = Served::default();
        let router = Router::new().route("/list", get(serve)).with_state(Arc::clone(&served));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { uri, served }
    }

    /// Signs the list anew.
    async fn set(&self, status: Status, by: &SoftwareKey, now: Timestamp) {
        let mut list = StatusList::new(Bits::Two, 100);
        list.set(IDX, status);
        let packed = BASE64_URL_SAFE_NO_PAD.encode(&list.compress().unwrap().lst);
        let header = json!({ "typ": "statuslist+jwt", "alg": "ES256", "kid": "provider" });
        let claims = json!({
            "sub": self.uri, "iat": now, "exp": now.plus(3600), "ttl": 60,
            "status_list": { "bits": 2, "lst": packed },
        });
        let token = Draft::of(header, claims).sign(by).await.into_bytes();
        self.served.lock().unwrap().0 = Some(token);
    }

    fn reads(&self) -> usize {
        self.served.lock().unwrap().1
    }

    fn claim(&self) -> Value {
        json!({ "status_list": { "idx": IDX, "uri": self.uri } })
    }
}

async fn serve(State(served): State<Served>) -> Result<Vec<u8>, StatusCode> {
    let mut served = served.lock().unwrap();
    served.1 += 1;
    served.0.clone().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn world(instance: &Instance) -> World {
    let attesters = instance.attesters();
    World::with(|issuer: &mut Issuer| {
        issuer.client_attesters = Some(attesters.clone());
        issuer.config.authorization.client_attestation_challenge_required = false;
        issuer.attestation_lists = Some(AttestationLists::open(None, true).unwrap());
        let card = issuer.types.get_mut(CARD).unwrap().key_binding.as_mut().unwrap();
        card.key_attestations =
            Some(KeyAttestations { attesters, required: None, is_proof_type: true });
    })
    .await
}

/// Redeems a code as an attested wallet whose attestation has this status.
async fn redeem(world: &World, instance: &Instance, code: &str, lists: &Lists) -> Answer {
    let now = world.clock.now().0;
    let mut attestation = instance.attestation(now);
    attestation.claim("status", lists.claim());
    let pop = instance.pop(world.issuer.credential_issuer(), now, None);
    let (attestation, pop) =
        (attestation.sign(&instance.provider).await, pop.sign(&instance.key).await);
    let headers =
        [("OAuth-Client-Attestation", &*attestation), ("OAuth-Client-Attestation-PoP", &*pop)];
    world.redeem_as(code, &headers, &[]).await
}

/// WALATT-04: what nobody can be asked about costs nobody anything; what was withdrawn is refused.
#[tokio::test]
async fn a_wallet_that_was_withdrawn_gets_no_token() {
    let (instance, lists) = (Instance::default(), Lists::start().await);
    let world = world(&instance).await;
    let code = world.offer(CARD, &json!({})).await.code;
    let nobody = redeem(&world, &instance, &code, &lists).await;
    assert_eq!(nobody.status, 503, "{nobody:?}");
    assert_eq!(nobody.header("retry-after"), "2");
    assert_eq!(redeem(&world, &instance, &code, &lists).await.status, 503);
    assert_eq!(lists.reads(), 1, "a server in trouble is left alone for a moment");

    world.clock.advance(3);
    lists.set(Status::Valid, &holder_key(), world.clock.now()).await;
    let foreign = redeem(&world, &instance, &code, &lists).await;
    assert_eq!(foreign.status, 503, "anybody could have signed that list");

    world.clock.advance(3);
    lists.set(Status::Invalid, &instance.provider, world.clock.now()).await;
    for _ in 0..2 {
        let withdrawn = redeem(&world, &instance, &code, &lists).await;
        assert!(withdrawn.is(400, "invalid_client"), "{withdrawn:?}");
    }
    assert_eq!(lists.reads(), 3, "what is fresh is not asked for again");

    lists.set(Status::Valid, &instance.provider, world.clock.now()).await;
    world.clock.advance(61);
    redeem(&world, &instance, &code, &lists).await.success();

    lists.served.lock().unwrap().0 = None;
    world.clock.advance(61);
    let code = world.offer(CARD, &json!({})).await.code;
    redeem(&world, &instance, &code, &lists).await.success();
    assert_eq!(lists.reads(), 5, "a newer one was asked for, and the one in hand is still good");
    world.clock.advance(3600);
    let code = world.offer(CARD, &json!({})).await.code;
    assert_eq!(redeem(&world, &instance, &code, &lists).await.status, 503, "its end has come");
}

/// Whoever hangs up does not undo what was learnt, and a server that hangs keeps nobody for long.
#[tokio::test]
async fn a_server_that_hangs_holds_up_nobody_else() {
    let instance = Instance::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/list", listener.local_addr().unwrap());
    let lists = Lists { uri, served: Served::default() };
    let world = world(&instance).await;
    let code = world.offer(CARD, &json!({})).await.code;
    let patient = Duration::from_millis(300);
    let gone = timeout(patient, redeem(&world, &instance, &code, &lists)).await;
    assert!(gone.is_err(), "nobody answers");
    let begun = Instant::now();
    let ask = || redeem(&world, &instance, &code, &lists);
    let answers = tokio::join!(ask(), ask(), ask(), ask());
    let answers = [answers.0, answers.1, answers.2, answers.3].map(|answer| answer.status);
    assert_eq!(answers, [503; 4]);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

/// KEYATT-09
#[tokio::test]
async fn keys_whose_attestation_was_withdrawn_get_no_credential() {
    let (instance, lists) = (Instance::default(), Lists::start().await);
    let world = world(&instance).await;
    let token = world.token(CARD).await;
    let key = holder_key();
    let ask = async || {
        let (now, nonce) = (world.clock.now().0, world.nonce().await);
        let header = json!({ "typ": "key-attestation+jwt", "alg": "ES256" });
        let claims = json!({
            "iat": now, "exp": now + 60, "nonce": nonce, "status": lists.claim(),
            "attested_keys": [key.public_key().to_jwk()],
        });
        let jwt = Draft::of(header, claims).sign(&instance.provider).await;
        let body =
            json!({ "credential_configuration_id": CARD, "proofs": { "attestation": [jwt] } });
        world.credential_request(&token, &body).await
    };
    lists.set(Status::Suspended, &instance.provider, world.clock.now()).await;
    assert!(ask().await.is(400, "invalid_proof"));
    lists.set(Status::Valid, &instance.provider, world.clock.now()).await;
    world.clock.advance(61);
    ask().await.success();
    assert_eq!(lists.reads(), 2);
}

/// A list that one attester signed says nothing to those who trust another.
#[tokio::test]
async fn a_list_counts_for_those_who_trust_its_signer() {
    let (instance, lists) = (Instance::default(), Lists::start().await);
    let [key, maker] = [holder_key(), holder_key()];
    let mut attesters = instance.attesters();
    attesters.keys = vec![AttesterKey { kid: None, public_key: maker.public_key().clone() }];
    attesters.anchors = None;
    let world = World::with(|issuer: &mut Issuer| {
        issuer.client_attesters = Some(instance.attesters());
        issuer.config.authorization.client_attestation_challenge_required = false;
        issuer.attestation_lists = Some(AttestationLists::open(None, true).unwrap());
        let card = issuer.types.get_mut(CARD).unwrap().key_binding.as_mut().unwrap();
        card.key_attestations =
            Some(KeyAttestations { attesters, required: None, is_proof_type: true });
    })
    .await;
    lists.set(Status::Valid, &instance.provider, world.clock.now()).await;
    let code = world.offer(CARD, &json!({})).await.code;
    redeem(&world, &instance, &code, &lists).await.success(); // the list is known now
    let token = world.token(CARD).await;
    let header = json!({ "typ": "key-attestation+jwt", "alg": "ES256" });
    let now = world.clock.now().0;
    let claims = json!({
        "iat": now, "exp": now + 60, "nonce": world.nonce().await, "status": lists.claim(),
        "attested_keys": [key.public_key().to_jwk()],
    });
    let jwt = Draft::of(header, claims).sign(&maker).await;
    let body = json!({ "credential_configuration_id": CARD, "proofs": { "attestation": [jwt] } });
    let answer = world.credential_request(&token, &body).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(lists.reads(), 2, "it was asked for, and signed by nobody who counts");
}

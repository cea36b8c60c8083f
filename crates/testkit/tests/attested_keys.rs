//! Our wallet at our issuer, where that wants the keys of the holder attested (VCI §D), and where it
//! signs what it publishes (VCI §12.2.3).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use issuer::Issuer;
use issuer::credential_type::KeyAttestations;
use keys::outside::Clock as _;
use keys::signer::SoftwareKey;
use oid4vci::attestation::key::{KeyAttestationsRequired, NewKeyAttestation, WantedKeyAttestation};
use oid4vci::encryption::Encryption::Off;
use oid4vci::grant::OfferState;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::outside::TestClock;
use testkit::proof::holder_key;
use testkit::sender::Instance;
use testkit::wire::Wire;
use testkit::world::World;
use wallet::Wallet;
use wallet::attestation::{AttestationError, KeyAttestationError, KeyAttestationSource};
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::flow::receipt::Received;
use wallet::http::{Http, HttpError, Request, Response};

const CARD: &str = "student_card";
const HIGH: &str = "iso_18045_high";

/// Attests whatever it is asked to.
#[derive(Debug)]
struct Maker {
    key: Arc<SoftwareKey>,
    clock: TestClock,
}

#[async_trait]
impl KeyAttestationSource for Maker {
    async fn key_attestation(
        &self,
        wanted: WantedKeyAttestation<'_>,
    ) -> Result<String, AttestationError> {
        let now = self.clock.now();
        let attestation = NewKeyAttestation {
            keys: wanted.keys,
            key_storage: &[HIGH],
            user_authentication: &[],
            nonce: wanted.nonce,
            now,
            expires_at: now.plus(60),
        };
        attestation.sign(&*self.key, None).await.map_err(|_| AttestationError::Unavailable)
    }
}

/// Cards are for keys that this maker attests, in the header of a proof, or alone.
async fn world(maker: &Instance) -> World {
    let attesters = maker.attesters();
    World::with(|issuer: &mut Issuer| {
        let card = issuer.types.get_mut(CARD).unwrap();
        card.tx_code = false;
        let required =
            KeyAttestationsRequired { key_storage: vec![HIGH.into()], ..Default::default() };
        let attestations =
            KeyAttestations { attesters, required: Some(required), is_proof_type: true };
        card.key_binding.as_mut().unwrap().key_attestations = Some(attestations);
        // What is sent is looked at on its way.
        (issuer.config.encryption.request, issuer.config.encryption.response) = (Off, Off);
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await
}

fn with_maker(world: &World, key: Arc<SoftwareKey>) -> Wallet {
    let mut wallet = world.wallet.clone();
    let maker = Maker { key, clock: world.clock.clone() };
    wallet.settings.key_attestation_source = Some(Arc::new(maker));
    wallet
}

async fn receive(wallet: &Wallet, uri: &str, copies: usize) -> Result<Received, WalletError> {
    let offer = agreed::resolve(wallet, uri).await?;
    let authorized = wallet.request_token(offer, None).await.map_err(|failure| failure.error)?;
    wallet.request_credentials(&authorized, &KeyWish { copies, ..KeyWish::default() }).await
}

/// The way to the issuer; what it publishes is changed, and who is asked for what is noted.
#[derive(Debug)]
struct Line {
    wire: Wire,
    change: fn(&mut Response),
    types: Mutex<Vec<(String, Option<String>)>>,
    requests: Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl Http for Line {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let path = request.url.path().to_owned();
        if path.ends_with("/credential") {
            self.requests.lock().unwrap().push(request.body.clone());
        }
        let mut answer = Http::send(&self.wire, request).await?;
        if path.contains("openid-credential-issuer") {
            self.types.lock().unwrap().push((path, answer.content_type.clone()));
            (self.change)(&mut answer);
        }
        Ok(answer)
    }
}

fn on_line(world: &World, wallet: Wallet, change: fn(&mut Response)) -> (Wallet, Arc<Line>) {
    let (types, requests) = (Mutex::default(), Mutex::default());
    let line = Arc::new(Line { wire: world.public.clone(), change, types, requests });
    (Wallet { http: line.clone(), ..wallet }, line)
}

/// META-37, PROOF-10, PROOF-18, HAIP-34: a batch with one proof; each copy has an attested key.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_bound_to_attested_keys() {
    let maker = Instance::default();
    let world = world(&maker).await;
    let wallet = with_maker(&world, Arc::clone(&maker.provider));
    let (wallet, line) = on_line(&world, wallet, |_| {});
    let offered = world.offer(CARD, &json!({})).await;
    let received = receive(&wallet, &offered.uri, 3).await.unwrap();
    let kept = wallet.keep(&received).await.unwrap();
    assert_eq!((kept.len(), kept[0].copies.len()), (1, 2));
    let request: Value = serde_json::from_slice(&line.requests.lock().unwrap()[0]).unwrap();
    assert_eq!(request["proofs"]["jwt"].as_array().unwrap().len(), 1);
}

/// PROOF-03, VCI §F.3: an issuer that takes nothing but attestations.
#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_is_proof_enough_where_nothing_else_is_taken() {
    let maker = Instance::default();
    let world = world(&maker).await;
    let mut wallet = with_maker(&world, Arc::clone(&maker.provider));
    wallet.settings.anchors = None; // what is signed cannot be changed on its way
    let only_attestations = |answer: &mut Response| {
        let mut metadata: Value = serde_json::from_slice(&answer.body).unwrap();
        let card = &mut metadata["credential_configurations_supported"][CARD];
        card["proof_types_supported"].as_object_mut().unwrap().remove("jwt");
        answer.body = metadata.to_string().into_bytes();
    };
    let (wallet, line) = on_line(&world, wallet, only_attestations);
    let offered = world.offer(CARD, &json!({})).await;
    let received = receive(&wallet, &offered.uri, 2).await.unwrap();
    let kept = wallet.keep(&received.accept_unverified_issuer()).await.unwrap();
    assert_eq!((kept.len(), kept[0].copies.len()), (1, 1));
    let request: Value = serde_json::from_slice(&line.requests.lock().unwrap()[0]).unwrap();
    assert_eq!(request["proofs"]["attestation"].as_array().unwrap().len(), 1);
}

/// META-37, KEYATT-14, D13: without a maker nothing is spent; one whom the issuer does not trust
/// helps nobody.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_trusted_attests_get_nothing() {
    let world = world(&Instance::default()).await;
    let offered = world.offer(CARD, &json!({})).await;
    let error = agreed::resolve(&world.wallet, &offered.uri).await.unwrap_err();
    assert_eq!(error, KeyAttestationError::Needed.into());
    let state = world.standing(&offered).await["state"].clone();
    assert_eq!(state, json!(OfferState::Fetched), "its code is good still");
    let wallet = with_maker(&world, Arc::new(holder_key()));
    let error = receive(&wallet, &offered.uri, 1).await.unwrap_err();
    assert_eq!(error.code(), "invalid_proof");
}

/// META-05, META-08, SMETA-06: our issuer signs, our wallet believes its authority; without one it
/// reads what is not signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_knows_the_authority_gets_signed_metadata() {
    let world = World::new().await;
    let offered = world.offer("course_ticket", &json!({})).await;
    let (mut wallet, line) = on_line(&world, world.wallet.clone(), |_| {});
    let content_types = || {
        let types = line.types.lock().unwrap();
        types.iter().filter_map(|(_, kind)| kind.clone()).collect::<Vec<_>>()
    };
    agreed::resolve(&wallet, &offered.uri).await.unwrap();
    assert_eq!(content_types(), ["application/jwt"]);
    wallet.settings.anchors = None;
    agreed::resolve(&wallet, &offered.uri).await.unwrap();
    assert_eq!(content_types(), ["application/jwt", "application/json"]);

    let changed = |answer: &mut Response| {
        if let Some(byte) = answer.body.last_mut() {
            *byte = if *byte == b'A' { b'Q' } else { b'A' };
        }
    };
    let (wallet, _) = on_line(&world, world.wallet.clone(), changed);
    let error = agreed::resolve(&wallet, &offered.uri).await.unwrap_err();
    assert_eq!(error.code(), "bad_signed_metadata", "SMETA-07");
    world.clock.advance(60);
    let (wallet, _) = on_line(&world, world.wallet.clone(), |_| {});
    agreed::resolve(&wallet, &offered.uri).await.unwrap();
}

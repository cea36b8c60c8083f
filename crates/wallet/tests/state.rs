//! A flow that begins in one wallet ends in another: all that passes between them is a text.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod world;

use std::sync::Arc;

use keys::algorithm::Algorithm;
use keys::signer::SoftwareKey;
use oid4vci::proof::BindingMethod;
use oid4vci::secret::TxCode;
use serde_json::{Value, json};
use wallet::attestation::WalletAttestation;
use wallet::error::{Class, WalletError};
use wallet::flow::deferred::Resumed;
use wallet::flow::dialect::Strictness;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::sign_in::SignIn;
use wallet::flow::state::{FlowState, Point, StateError};
use wallet::flow::token::Authorized;
use wallet::store::{PendingCredential, Store as _, StoredCredential, StoredKey};
use wallet::{Settings, Wallet};
use world::draft::Diploma;
use world::{
    CODE, ISSUER, ISSUER_METADATA, NOW, Proof, SERVER_METADATA, TOKEN, World, endpoint,
    issuer_metadata, link, offer, offer_with_tx_code, server_metadata, token,
};

/// Another wallet of the same owner: it has nothing but its settings in common with the first.
struct Other {
    world: World,
    wallet: Wallet,
}

fn other(world: &World) -> Other {
    let empty = World::new();
    let store = Arc::clone(&empty.store);
    let wallet = Wallet { store, ..world.wallet.clone() };
    Other { world: empty, wallet }
}

impl Other {
    /// What passes between them.
    async fn import(&self, state: &FlowState) -> Result<Point, WalletError> {
        let text = state.expose().to_owned();
        self.wallet.import(&FlowState::new(text)).await
    }

    async fn authorized(&self, state: &FlowState) -> Authorized {
        let Point::Authorized(authorized) = self.import(state).await.unwrap() else { panic!() };
        *authorized
    }

    async fn receives(&self, authorized: &Authorized) -> StoredCredential {
        let wish = KeyWish::default();
        let received = self.wallet.request_credentials(authorized, &wish).await.unwrap();
        self.wallet.keep(&received).await.unwrap().remove(0)
    }
}

#[tokio::test]
async fn an_offer_that_was_read_is_taken_by_another_wallet() {
    let world = World::new();
    let begun = world.resolve(&offer_with_tx_code(json!({ "length": 6 }))).await.unwrap();
    let asked = world.network.sent().len();
    let other = other(&world);
    let Point::Offer(offer) = other.import(&begun.export().unwrap()).await.unwrap() else {
        panic!()
    };
    assert_eq!(world.network.sent().len(), asked, "nothing is asked for again");
    assert_eq!(offer.tx_code().unwrap().length, Some(6));
    let face = |offer: &wallet::flow::metadata::ResolvedOffer| {
        offer.offered()[0].display().face("en").unwrap().name.clone()
    };
    assert_eq!(face(&offer), face(&begun));

    let tx_code = Some(TxCode::new("123456"));
    let authorized = other.wallet.request_token(*offer, tx_code).await.unwrap();
    let card = other.receives(&authorized).await;
    assert_eq!(card.claims["given_name"], "Ada");
    assert_eq!((world.stored().len(), other.world.stored().len()), (0, 1));
    assert_eq!(world.network.sent_to(&endpoint("token"))[0].form()["pre-authorized_code"], CODE);
}

#[tokio::test]
async fn a_token_is_used_by_another_wallet() {
    let world = World::new();
    let mut answer = token();
    answer["authorization_details"] = json!([{
        "type": "openid_credential", "credential_configuration_id": "student_card",
        "credential_identifiers": ["one"],
    }]);
    world.network.says(&endpoint("token"), 200, answer);
    let begun = world.authorize(&["student_card"]).await;
    let other = other(&world);
    let authorized = other.authorized(&begun.export().unwrap()).await;
    assert_eq!(authorized.expires_at(), begun.expires_at());
    assert_eq!(other.receives(&authorized).await.claims["given_name"], "Ada");
    assert_eq!(world.network.sent_to(&endpoint("token")).len(), 1);
    let sent = &world.network.sent_to(&endpoint("credential"))[0];
    assert_eq!(sent.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(sent.json()["credential_identifier"], "one");
}

/// RFC 9449 §7.1: the key of the token comes with it, and so does what renews it.
#[tokio::test]
async fn a_bound_token_keeps_its_key_and_is_renewed() {
    let world = World::new();
    let mut server = server_metadata();
    server["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    world.network.says(SERVER_METADATA, 200, server);
    let mut answer = token();
    answer["token_type"] = "DPoP".into();
    answer["refresh_token"] = "refresh-canary".into();
    world.network.says(&endpoint("token"), 200, answer);
    let begun = world.authorize(&["student_card"]).await;
    let other = other(&world);
    let authorized = other.authorized(&begun.export().unwrap()).await;
    other.receives(&authorized).await;
    let renewed = other.wallet.renew(&authorized).await.unwrap();
    assert!(renewed.is_some());

    let key = |sent: &world::Sent| {
        let proof = keys::jws::Jws::parse(&sent.headers[oid4vci::dpop::HEADER], 16 * 1024).unwrap();
        proof.header()["jwk"].clone()
    };
    let token_requests = world.network.sent_to(&endpoint("token"));
    let request = &world.network.sent_to(&endpoint("credential"))[0];
    assert!(request.headers["authorization"].starts_with("DPoP "));
    assert_eq!(key(request), key(&token_requests[0]));
    assert_eq!(key(&token_requests[1]), key(&token_requests[0]));
    assert_eq!(token_requests[1].form()["refresh_token"], "refresh-canary");
}

/// A person is on the way to the server.
async fn signing_in(world: &World) -> SignIn {
    let mut server = server_metadata();
    server["authorization_endpoint"] = endpoint("authorize").into();
    world.network.says(SERVER_METADATA, 200, server);
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["student_card"],
        "grants": { "authorization_code": {} },
    });
    let offer = world.resolve(&offer).await.unwrap();
    world.wallet.begin_sign_in(offer, "http://127.0.0.1:49152/cb").await.unwrap()
}

#[tokio::test]
async fn a_browser_comes_back_to_another_wallet() {
    let world = World::new();
    let begun = signing_in(&world).await;
    let address: std::collections::BTreeMap<String, String> =
        begun.address().query_pairs().into_owned().collect();
    let other = other(&world);
    let Point::SignIn(sign_in) = other.import(&begun.export().unwrap()).await.unwrap() else {
        panic!()
    };
    assert_eq!(sign_in.address(), begun.address());
    let wrong = other.wallet.finish_sign_in((*sign_in).clone(), "code=c&state=another").await;
    assert_eq!(wrong.unwrap_err().class(), Class::NotVerified);
    let back = format!("code=c&state={}", address["state"]);
    let authorized = other.wallet.finish_sign_in(*sign_in, &back).await.unwrap();
    other.receives(&authorized).await;
    let form = world.network.sent_to(&endpoint("token"))[0].form();
    let verifier = oid4vci::secret::CodeVerifier::new(form["code_verifier"].clone());
    assert_eq!(verifier.challenge().to_text(), address["code_challenge"]);
}

/// The browser goes where the server said, whatever a text says that was changed on its way.
#[tokio::test]
async fn a_browser_is_led_nowhere_else() {
    let world = World::new();
    let state = signing_in(&world).await.export().unwrap();
    let member = format!(r#""address":"{}?"#, endpoint("authorize"));
    assert!(state.expose().contains(&member));
    for place in ["https://attacker.example/a/authorize", &endpoint("redirect")] {
        let led_away = state.expose().replace(&member, &format!(r#""address":"{place}?"#));
        let refused = other(&world).import(&FlowState::new(led_away)).await.unwrap_err();
        assert_eq!(refused, WalletError::State(StateError::Unreadable), "{place}");
    }
}

/// Something is still to come.
async fn put_off(world: &World) -> PendingCredential {
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = endpoint("deferred").into();
    world.network.says(ISSUER_METADATA, 200, metadata);
    world.answers_credential(202, json!({ "transaction_id": "t-canary", "interval": 60 }));
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let [pending] = received.pending() else { panic!("{received:?}") };
    pending.clone()
}

/// What has the name of another could take its place.
#[tokio::test]
async fn what_is_still_to_come_takes_no_place_of_others() {
    let world = World::new();
    let pending = put_off(&world).await;
    let state = world.wallet.export_pending(&pending.id).await.unwrap();
    let whole: Value = serde_json::from_str(state.expose()).unwrap();
    let of_another = world.wallet.make_key(Algorithm::Es256, BindingMethod::Jwk).await.unwrap();
    for (place, name) in [("/keys/0/id", of_another.id.to_string()), ("/token/id", "else".into())] {
        let mut changed = whole.clone();
        *changed["point"]["pending"].pointer_mut(place).unwrap() = name.into();
        let other = other(&world);
        let refused = other.import(&FlowState::new(changed.to_string())).await.unwrap_err();
        assert_eq!(refused, WalletError::State(StateError::Unreadable), "{place}");
        assert_eq!(other.world.stored_keys(), 0, "{place}");
    }

    let other = other(&world);
    let id = &pending.holder_keys[0].kid;
    let key = world.store.key(id).await.unwrap().unwrap();
    let known = StoredKey { created_at: NOW.plus(7), ..key };
    other.world.store.save_key(known.clone()).await.unwrap();
    other.import(&state).await.unwrap();
    let kept = other.world.store.key(id).await.unwrap().unwrap();
    assert_eq!(kept.created_at, known.created_at, "what is there stays as it is");
}

#[tokio::test]
async fn what_is_still_to_come_comes_to_another_wallet() {
    let world = World::new();
    let pending = put_off(&world).await;
    let asked = world.network.sent_to(&endpoint("credential")).remove(0);

    let state = world.wallet.export_pending(&pending.id).await.unwrap();
    let other = other(&world);
    let Point::Pending(imported) = other.import(&state).await.unwrap() else { panic!() };
    assert_eq!(imported.id, pending.id);
    assert!(world.wallet.forget_pending(&pending.id).await.unwrap());
    assert_eq!(world.stored_keys(), 0, "the key went with it");
    other.import(&state).await.unwrap();
    assert_eq!(other.world.store.pending().await.unwrap().records.len(), 1, "once");

    world.clock.to(60);
    let card = world.issuer.student_card(&Proof::of(&asked).cnf(), |_, _| {});
    world.network.says(
        &endpoint("deferred"),
        200,
        json!({ "credentials": [{ "credential": card }] }),
    );
    let resumed = other.wallet.resume(&pending.id).await.unwrap();
    let Resumed::Received(received) = resumed else { panic!("{resumed:?}") };
    let card = other.wallet.keep(&received).await.unwrap().remove(0);
    let key = other.world.store.key(&card.holder_key.unwrap().kid).await.unwrap();
    assert!(key.is_some(), "a card without its key is worthless");
    let gone = world.wallet.export_pending(&pending.id).await.unwrap_err();
    assert_eq!(gone, WalletError::NoLongerPending);
}

/// In a draft the nonce came with the token, and what was excused is told to the end.
#[tokio::test]
async fn a_flow_in_a_draft_goes_on_in_it() {
    for (draft, kind) in world::draft::SPOKEN {
        let world = world::draft::world(draft, kind);
        world.network.says(SERVER_METADATA, 404, Value::Null);
        let text = world::draft::link(draft, false);
        let scanned = ScannedOffer::scan(&text).unwrap();
        let consent = Consent::to(scanned.host());
        let offer = world.resolve_with(scanned, &consent).await.unwrap();
        let begun = world.wallet.request_token(offer, None).await.unwrap();
        let other = other(&world);
        let authorized = other.authorized(&begun.export().unwrap()).await;
        let (went_on, before) = (authorized.offer(), begun.offer());
        assert_eq!(went_on.dialect().unwrap().name(), draft);
        assert_eq!(went_on.findings(), before.findings(), "draft {draft}");
        other.receives(&authorized).await;
        let mut request = world.network.sent_to(&endpoint("credential"))[0].json();
        for proof in ["proof", "proofs"] {
            request.as_object_mut().unwrap().remove(proof);
        }
        assert_eq!(request, world::draft::expected_request(draft, kind), "draft {draft}");
    }
}

/// Of several catalogues in one document the offer chooses, also when it is read again.
#[tokio::test]
async fn the_draft_of_the_offer_stays_that_of_the_flow() {
    let world = world::draft::world("11", Diploma);
    let mut both = world::draft::metadata("11", Diploma);
    let later = world::draft::metadata("13", Diploma);
    let name = "credential_configurations_supported";
    both.as_object_mut().unwrap().insert(name.to_owned(), later.get(name).unwrap().clone());
    world.network.says(world::draft::APPENDED, 200, both);
    let scanned = ScannedOffer::scan(&world::draft::link("11", false)).unwrap();
    let consent = Consent::to(scanned.host());
    let begun = world.resolve_with(scanned, &consent).await.unwrap();
    let state = begun.export().unwrap();
    let Point::Offer(offer) = other(&world).import(&state).await.unwrap() else { panic!() };
    for offer in [&begun, &*offer] {
        assert_eq!(offer.dialect().unwrap().name(), "11");
    }
}

/// Catalogue M09: the holder agreed to what was published then.
#[tokio::test]
async fn what_the_holder_agreed_to_is_what_is_used() {
    let world = World::new();
    let begun = world.resolve(&offer(&["student_card"])).await.unwrap();
    let state = begun.export().unwrap();
    let mut metadata = issuer_metadata();
    metadata["credential_endpoint"] = endpoint("elsewhere").into();
    world.network.says(ISSUER_METADATA, 200, metadata);
    let other = other(&world);
    let Point::Offer(offer) = other.import(&state).await.unwrap() else { panic!() };
    let authorized = other.wallet.request_token(*offer, None).await.unwrap();
    other.receives(&authorized).await;
    assert!(world.network.sent_to(&endpoint("elsewhere")).is_empty());
}

/// The wallet that goes on has rules of its own, and a text can be changed on its way.
#[tokio::test]
async fn a_state_is_held_against_the_rules_of_the_wallet_that_goes_on() {
    let world = World::new();
    let state = world.resolve(&offer(&["student_card"])).await.unwrap().export().unwrap();
    let other = other(&world);
    let endpoint = format!("{ISSUER}/credential");
    assert!(state.expose().contains(&endpoint));
    let led_away = state.expose().replace(&endpoint, "https://attacker.example/credential");
    let refused = other.import(&FlowState::new(led_away)).await.unwrap_err();
    assert_eq!(refused, WalletError::ForeignEndpoint { host: "attacker.example".to_owned() });

    let world = world::draft::world("13", Diploma);
    let scanned = ScannedOffer::scan(&world::draft::link("13", false)).unwrap();
    let consent = Consent::to(scanned.host());
    let state = world.resolve_with(scanned, &consent).await.unwrap().export().unwrap();
    let settings = Settings { strictness: Strictness::Final, ..world.wallet.settings.clone() };
    let strict = Wallet { settings, ..world.wallet.clone() };
    assert!(matches!(strict.import(&state).await, Err(WalletError::NotFinal { .. })));
}

/// WALATT-12: a code that one instance asked for is for no other.
#[tokio::test]
async fn an_attested_wallet_goes_on_as_the_same_instance() {
    let attested = |world: &World| {
        let instance = SoftwareKey::generate(Algorithm::Es256).unwrap();
        let header = json!({ "typ": "oauth-client-attestation+jwt" });
        let jwt = world.issuer.sign(&header, &json!({ "sub": "wallet" }));
        let source = WalletAttestation::new(jwt, Arc::new(instance)).unwrap();
        Settings { attestation_source: Some(Arc::new(source)), ..world.wallet.settings.clone() }
    };
    let mut world = World::new();
    let mut server = server_metadata();
    server["token_endpoint_auth_methods_supported"] = json!(["attest_jwt_client_auth"]);
    world.network.says(SERVER_METADATA, 200, server);
    world.wallet.settings = attested(&world);
    let state = world.resolve(&offer(&["student_card"])).await.unwrap().export().unwrap();
    assert!(other(&world).import(&state).await.is_ok());
    let mut another = other(&world);
    another.wallet.settings = attested(&world);
    let refused = another.import(&state).await.unwrap_err();
    assert_eq!(refused.code(), "no_attestation");
    another.wallet.settings.attestation_source = None;
    let refused = another.import(&state).await.unwrap_err();
    assert_eq!(refused, WalletError::AttestationNeeded);

    let mut unattested: Value = serde_json::from_str(state.expose()).unwrap();
    unattested["point"]["offer"]["sender"]["instance_key"].take();
    let unattested = FlowState::new(unattested.to_string());
    let refused = other(&world).import(&unattested).await.unwrap_err();
    assert_eq!(refused, WalletError::AttestationNeeded, "the server takes no other");
}

#[tokio::test]
async fn what_is_no_state_is_told() {
    let world = World::new();
    let state = world.resolve(&offer(&["student_card"])).await.unwrap().export().unwrap();
    let whole = state.expose();
    let half = &whole[..whole.len() / 2];
    for (text, error) in [
        ("", StateError::Unreadable),
        ("{}", StateError::Unreadable),
        (r#"{"version":1}"#, StateError::Unreadable),
        (half, StateError::Unreadable),
        (&*link(&offer(&["student_card"])), StateError::Unreadable),
        (r#"{"version":2,"point":{"another":{}}}"#, StateError::OtherVersion),
        (&*" ".repeat(wallet::flow::state::STATE_BYTES_MAX + 1), StateError::Unreadable),
    ] {
        let refused = world.wallet.import(&FlowState::new(text)).await.unwrap_err();
        assert_eq!(refused, WalletError::State(error));
        assert_eq!(refused.class(), Class::Usage);
        assert!(!refused.hint().is_empty() && !refused.to_string().is_empty());
    }
    assert_ne!(StateError::Unreadable.code(), StateError::OtherVersion.code());
}

#[tokio::test]
async fn a_state_is_not_printed() {
    let world = World::new();
    let begun = world.authorize(&["student_card"]).await;
    let state = begun.export().unwrap();
    assert!(state.expose().contains(TOKEN));
    assert_eq!(format!("{state:?}"), "FlowState(..)");
    let point = world.wallet.import(&state).await.unwrap();
    let printed = format!("{point:?}");
    assert!(!printed.contains(TOKEN) && !printed.contains(CODE), "{printed}");
}

//! Issuers that speak a draft of OpenID4VCI, each as its draft writes it: the wallet receives from
//! all of them, sends what the draft has and nothing else, and says what it excused.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oid4vci::secret::TxCode;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;
use wallet::error::WalletError;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use world::{
    Answer, CODE, ISSUER, ISSUER_METADATA, NOW, Proof, SERVER_METADATA, Sent, SigningKey, TOKEN,
    World, endpoint,
};

const APPENDED: &str = "https://issuer.example/a/.well-known/openid-credential-issuer";
const OPENID_CONFIGURATION: &str = "https://issuer.example/a/.well-known/openid-configuration";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const VCT: &str = "https://issuer.example/vct/student";
const PIN: &str = "493536";
const TYPES: [&str; 2] = ["VerifiableCredential", "Diploma"];

/// How a draft has a diploma or a student card.
#[derive(Clone, Copy)]
enum Kind {
    Diploma,
    Card,
}

use Kind::{Card, Diploma};

/// Every draft with the formats that it has.
const SPOKEN: [(&str, Kind); 11] = [
    ("8", Diploma),
    ("9", Diploma),
    ("11", Diploma),
    ("11", Card),
    ("12", Diploma),
    ("13", Diploma),
    ("13", Card),
    ("14", Diploma),
    ("14", Card),
    ("15", Diploma),
    ("15", Card),
];

fn number(draft: &str) -> u8 {
    draft.parse().unwrap()
}

/// What the issuer publishes about the credential.
fn entry(draft: &str, kind: Kind) -> Value {
    let suites = if number(draft) <= 12 {
        "cryptographic_suites_supported"
    } else {
        "credential_signing_alg_values_supported"
    };
    let mut entry = json!({
        "cryptographic_binding_methods_supported": ["did:jwk", "jwk"], suites: ["ES256"],
        "display": [{ "name": "Shown", "logo": { "url": "https://issuer.example/logo.png" } }],
    });
    let format = match (draft, kind) {
        ("8", _) => "jwt_vc",
        (_, Diploma) => "jwt_vc_json",
        ("15", Card) => "dc+sd-jwt",
        (_, Card) => "vc+sd-jwt",
    };
    entry["format"] = format.into();
    match (number(draft), kind) {
        (..=11, Diploma) => entry["types"] = json!(TYPES),
        (_, Diploma) => entry["credential_definition"] = json!({ "type": TYPES }),
        (_, Card) => entry["vct"] = VCT.into(),
    }
    match number(draft) {
        ..=11 => {}
        12 => entry["proof_types_supported"] = json!(["jwt"]),
        _ => {
            let jwt = json!({ "proof_signing_alg_values_supported": ["ES256"] });
            entry["proof_types_supported"] = json!({ "jwt": jwt });
        }
    }
    entry
}

fn metadata(draft: &str, kind: Kind) -> Value {
    let mut metadata = json!({
        "credential_issuer": ISSUER, "credential_endpoint": endpoint("credential"),
    });
    let mut entry = entry(draft, kind);
    match draft {
        "8" => {
            let display = entry["display"].take();
            let entry = json!({ "display": display, "formats": { "jwt_vc": entry } });
            metadata["credentials_supported"] = json!({ "id": entry });
        }
        "9" | "11" => {
            entry["id"] = "id".into();
            metadata["credentials_supported"] = json!([entry]);
        }
        "12" => metadata["credentials_supported"] = json!({ "id": entry }),
        _ => metadata["credential_configurations_supported"] = json!({ "id": entry }),
    }
    match draft {
        "8" | "9" => {
            metadata["issuer"] = ISSUER.into();
            metadata["token_endpoint"] = endpoint("token").into();
            metadata["credential_issuer"] = json!({ "display": [{ "name": "Riverside" }] });
        }
        "14" => metadata["batch_credential_issuance"] = json!({ "batch_size": 4 }),
        "15" => metadata["nonce_endpoint"] = endpoint("nonce").into(),
        _ => {}
    }
    metadata
}

fn link(draft: &str, pin: bool) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    if draft == "8" {
        return format!(
            "openid-initiate-issuance://?issuer={}&credential_type=id&pre-authorized_code={CODE}\
             &user_pin_required={pin}",
            encoded(ISSUER)
        );
    }
    let mut grant = json!({ "pre-authorized_code": CODE });
    if number(draft) <= 12 {
        grant["user_pin_required"] = pin.into();
    } else if pin {
        grant["tx_code"] = json!({ "length": PIN.len() });
    }
    let offered = if number(draft) <= 12 { "credentials" } else { "credential_configuration_ids" };
    let offer = if draft == "9" {
        grant["issuer"] = ISSUER.into();
        grant["credentials"] = json!(["id"]);
        grant
    } else {
        json!({ "credential_issuer": ISSUER, offered: ["id"], "grants": { GRANT: grant } })
    };
    let scheme = if draft == "9" { "openid-initiate-issuance" } else { "openid-credential-offer" };
    format!("{scheme}://?credential_offer={}", encoded(&offer.to_string()))
}

/// What a Credential Request says beside its proof.
fn expected_request(draft: &str, kind: Kind) -> Value {
    match (number(draft), kind) {
        (8, _) => json!({ "type": "id", "format": "jwt_vc" }),
        (9..=11, Diploma) => json!({ "format": "jwt_vc_json", "types": TYPES }),
        (12..=14, Diploma) => {
            json!({ "format": "jwt_vc_json", "credential_definition": { "type": TYPES } })
        }
        (..=14, Card) => json!({ "format": "vc+sd-jwt", "vct": VCT }),
        _ => json!({ "credential_configuration_id": "id" }),
    }
}

fn answer(draft: &str, credential: &Value) -> Value {
    match number(draft) {
        ..=12 => json!({ "format": "x", "credential": credential, "c_nonce": "nonce-2" }),
        13 => json!({ "credential": credential, "notification_id": "n-1", "c_nonce": "nonce-2" }),
        14 => json!({ "credentials": [credential], "c_nonce": "nonce-2" }),
        _ => json!({ "credentials": [{ "credential": credential }] }),
    }
}

fn credential(issuer: &SigningKey, kind: Kind, proof: &Proof) -> Value {
    match kind {
        Diploma => issuer.diploma(&proof.did(), |_, _| {}),
        Card => issuer.student_card(&proof.cnf(), |header, _| header["typ"] = "vc+sd-jwt".into()),
    }
}

/// An issuer that speaks a draft, with all of it where that draft has it.
fn world(draft: &'static str, kind: Kind) -> World {
    let world = World::new();
    let network = &world.network;
    network.says(ISSUER_METADATA, 404, json!({}));
    if number(draft) <= 9 {
        network.says(SERVER_METADATA, 404, json!({}));
        network.says(OPENID_CONFIGURATION, 200, metadata(draft, kind));
    } else {
        network.says(APPENDED, 200, metadata(draft, kind));
    }
    let mut token = world::token();
    if number(draft) <= 14 {
        token["c_nonce"] = "nonce-1".into();
        network.says(&endpoint("nonce"), 500, json!({}));
    }
    network.on(&endpoint("token"), move |_| Answer::Json(200, token.clone()));
    let issuer = Arc::clone(&world.issuer);
    network.on(&endpoint("credential"), move |sent| {
        let proof = Proof::of(sent);
        assert_eq!(proof.claims["nonce"], "nonce-1", "draft {draft}");
        Answer::Json(200, answer(draft, &credential(&issuer, kind, &proof)))
    });
    world
}

async fn resolve(world: &World, link: &str) -> Result<ResolvedOffer, WalletError> {
    let scanned = ScannedOffer::scan(link)?;
    let consent = Consent::to(scanned.host());
    world.resolve_with(scanned, &consent).await
}

async fn receive(world: &World, link: &str, pin: bool) -> Result<Received, WalletError> {
    let offer = resolve(world, link).await?;
    assert_eq!(offer.tx_code().is_some(), pin);
    let tx_code = pin.then(|| TxCode::new(PIN));
    let authorized = world.wallet.request_token(offer, tx_code).await.unwrap();
    world.wallet.request_credentials(&authorized, &KeyWish::default()).await
}

fn sent_once(world: &World, name: &str) -> Sent {
    let [sent] = <[Sent; 1]>::try_from(world.network.sent_to(&endpoint(name))).unwrap();
    sent
}

#[tokio::test]
async fn the_wallet_receives_in_every_draft() {
    for (draft, kind) in SPOKEN {
        for pin in [false, true] {
            let world = world(draft, kind);
            let offer = resolve(&world, &link(draft, pin)).await.unwrap();
            assert_eq!(offer.dialect().unwrap().name(), draft);
            assert_eq!(offer.findings(), [""; 0], "draft {draft}");
            let logo = offer.offered()[0].display().face("en").unwrap().logo.as_ref();
            assert!(logo.unwrap().uri.ends_with("logo.png"), "draft {draft}");

            let received = receive(&world, &link(draft, pin), pin).await.unwrap();
            assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1, "draft {draft}");

            let form = sent_once(&world, "token").form();
            let name = if number(draft) <= 12 { "user_pin" } else { "tx_code" };
            let other = if number(draft) <= 12 { "tx_code" } else { "user_pin" };
            assert_eq!(form.get(name).map(String::as_str), pin.then_some(PIN), "draft {draft}");
            assert!(!form.contains_key(other), "draft {draft}");

            let mut body = sent_once(&world, "credential").json();
            let proof = body.as_object_mut().unwrap().remove("proof");
            let proofs = body.as_object_mut().unwrap().remove("proofs");
            assert_eq!((proof.is_some(), proofs.is_some()), (draft != "15", draft == "15"));
            assert_eq!(body, expected_request(draft, kind), "draft {draft}");
        }
    }
}

/// Up to draft 9 a proof names the client; later an anonymous wallet does not.
#[tokio::test]
async fn proofs_name_the_client_where_the_draft_asks_for_it() {
    for (draft, is_named) in [("8", true), ("9", true), ("12", false)] {
        let world = world(draft, Diploma);
        world.network.says(SERVER_METADATA, 200, world::server_metadata());
        receive(&world, &link(draft, false), false).await.unwrap();
        let claims = Proof::of(&sent_once(&world, "credential")).claims;
        assert_eq!(claims.get("iss"), is_named.then(|| json!("bestow")).as_ref(), "draft {draft}");
    }
}

/// Draft 13, section 7.3.2: a refused proof brings the nonce for the next one; the code is not
/// redeemed again, and a refusal without a nonce is the last word.
#[tokio::test]
async fn a_nonce_that_died_is_replaced_once() {
    for (draft, code) in [("9", "invalid_or_missing_proof"), ("13", "invalid_proof")] {
        let world = world(draft, Diploma);
        let issuer = Arc::clone(&world.issuer);
        world.network.on(&endpoint("credential"), move |sent| {
            let proof = Proof::of(sent);
            if proof.claims["nonce"] == "nonce-1" {
                return Answer::Json(400, json!({ "error": code, "c_nonce": "nonce-3" }));
            }
            assert_eq!(proof.claims["nonce"], "nonce-3");
            Answer::Json(200, answer(draft, &credential(&issuer, Diploma, &proof)))
        });
        receive(&world, &link(draft, false), false).await.unwrap();
        assert_eq!(world.network.sent_to(&endpoint("token")).len(), 1);

        world.answers_credential(400, json!({ "error": code }));
        receive(&world, &link(draft, false), false).await.unwrap_err();
        assert_eq!(world.network.sent_to(&endpoint("credential")).len(), 3);
    }
}

/// The nonce of an answer is the one for the next request.
#[tokio::test]
async fn the_nonce_of_an_answer_goes_into_the_next_proof() {
    let world = world("13", Diploma);
    let mut metadata = metadata("13", Diploma);
    let entry = metadata["credential_configurations_supported"]["id"].clone();
    metadata["credential_configurations_supported"]["other"] = entry;
    world.network.says(APPENDED, 200, metadata);
    let (issuer, asked) = (Arc::clone(&world.issuer), AtomicUsize::new(0));
    world.network.on(&endpoint("credential"), move |sent| {
        let proof = Proof::of(sent);
        let nonce = ["nonce-1", "nonce-2"][asked.fetch_add(1, Ordering::Relaxed)];
        assert_eq!(proof.claims["nonce"], nonce);
        Answer::Json(200, answer("13", &credential(&issuer, Diploma, &proof)))
    });
    let offer = link("13", false).replace("%22id%22", "%22id%22%2C%22other%22");
    assert_eq!(receive(&world, &offer, false).await.unwrap().previews().len(), 2);
}

/// Drafts 8 to 11 give a token for later, those after it a name; each says in its way that it is
/// not ready yet.
#[tokio::test]
async fn what_comes_later_is_fetched_as_the_draft_has_it() {
    for (draft, kind) in SPOKEN {
        let has_token = number(draft) <= 11;
        let world = world(draft, kind);
        let deferred = "https://issuer.example/a/later";
        let mut metadata = metadata(draft, kind);
        metadata["deferred_credential_endpoint"] = deferred.into();
        let place = if number(draft) <= 9 { OPENID_CONFIGURATION } else { APPENDED };
        world.network.says(place, 200, metadata);
        let name = if has_token { "acceptance_token" } else { "transaction_id" };
        world.answers_credential(if has_token { 200 } else { 202 }, json!({ name: "later-1" }));

        let received = receive(&world, &link(draft, false), false).await.unwrap();
        let pending = received.pending()[0].clone();
        let proof = Proof::of(&sent_once(&world, "credential"));
        world.clock.to(60);
        world.network.says(deferred, 400, json!({ "error": "issuance_pending", "interval": 7 }));
        let Resumed::Waits(waits) = world.wallet.resume(&pending.id).await.unwrap() else {
            panic!("nothing is ready")
        };
        assert_eq!(waits.ask_at, NOW.plus(67), "draft {draft}");

        let ready = answer(draft, &credential(&world.issuer, kind, &proof));
        world.network.says(deferred, 200, ready);
        world.clock.to(70);
        let Resumed::Received(received) = world.wallet.resume(&pending.id).await.unwrap() else {
            panic!("it is ready")
        };
        assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1, "draft {draft}");
        for sent in world.network.sent_to(deferred) {
            let (header, body) = if has_token {
                ("BEARER later-1".to_owned(), String::new())
            } else {
                (format!("Bearer {TOKEN}"), json!({ "transaction_id": "later-1" }).to_string())
            };
            assert_eq!(sent.headers["authorization"], header, "draft {draft}");
            assert_eq!(String::from_utf8(sent.body).unwrap(), body, "draft {draft}");
        }
    }
}

/// An issuer that publishes nothing of its server: the Token Endpoint stands in its own metadata, or
/// beside its Credential Endpoint.
#[tokio::test]
async fn a_server_without_metadata_is_excused_and_named() {
    for in_metadata in [true, false] {
        let world = world("11", Diploma);
        world.network.says(SERVER_METADATA, 404, json!({}));
        if in_metadata {
            let mut metadata = metadata("11", Diploma);
            metadata["token_endpoint"] = endpoint("token").into();
            world.network.says(APPENDED, 200, metadata);
        }
        let offer = resolve(&world, &link("11", false)).await.unwrap();
        assert!(offer.findings()[0].contains("authorization server"), "{:?}", offer.findings());
        receive(&world, &link("11", false), false).await.unwrap();
    }
}

/// What a draft tolerates ends where codes would go to somebody else.
#[tokio::test]
async fn codes_go_nowhere_else_in_a_draft_either() {
    let world = world("11", Diploma);
    world.network.says(SERVER_METADATA, 404, json!({}));
    let mut metadata = metadata("11", Diploma);
    metadata["token_endpoint"] = "https://elsewhere.example/token".into();
    world.network.says(APPENDED, 200, metadata);
    let error = resolve(&world, &link("11", false)).await.unwrap_err();
    assert!(matches!(error, WalletError::ForeignEndpoint { .. }), "{error:?}");
}

/// An issuer that gives nonces wants proofs, even where its metadata bind nothing.
#[tokio::test]
async fn a_nonce_asks_for_a_proof() {
    let world = world("11", Diploma);
    let mut metadata = metadata("11", Diploma);
    let entry = metadata["credentials_supported"][0].as_object_mut().unwrap();
    entry.remove("cryptographic_binding_methods_supported");
    world.network.says(APPENDED, 200, metadata);
    let received = receive(&world, &link("11", false), false).await.unwrap();
    assert!(received.previews()[0].credential().holder_key.is_some());
}

/// A strict wallet sends nothing to whoever made an offer of a draft, and no code to whoever
/// publishes one.
#[tokio::test]
async fn a_strict_wallet_refuses_drafts() {
    for (draft, kind) in SPOKEN {
        let mut world = world(draft, kind);
        world.wallet.settings.is_strict = true;
        let error = resolve(&world, &link(draft, false)).await.unwrap_err();
        assert_eq!(error.code(), "not_final", "draft {draft}");
        // The offers of 11 and 12 are one; what 13 and later offer looks like 1.0.
        let seen = if draft == "12" { "11" } else { draft };
        assert!(error.to_string().contains(&format!("draft {seen}")), "{error}");
        let asked = world.network.sent().len();
        assert_eq!(asked > 0, number(draft) >= 13, "draft {draft}");
        assert!(world.network.sent_to(&endpoint("token")).is_empty());
    }
    let mut world = World::new();
    world.wallet.settings.is_strict = true;
    world.resolve(&world::offer(&["student_card"])).await.unwrap();
}

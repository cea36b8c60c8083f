//! Issuers that speak a draft of OpenID4VCI, each as its draft writes it: the wallet receives from
//! all of them, sends what the draft has and nothing else, and says what it excused.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keys::json;
use keys::jwe::{self, ContentEncryption, EncryptionKey};
use oid4vci::secret::TxCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;
use wallet::error::WalletError;
use wallet::flow::deferred::Resumed;
use wallet::flow::dialect::Strictness;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use world::draft::*;
use world::{Answer, CODE, NOW, Proof, SERVER_METADATA, Sent, TOKEN, World, endpoint};

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

/// The one document of the first drafts, under another name or none: it is the issuer's by its place, and
/// codes still go nowhere else.
#[tokio::test]
async fn a_server_of_another_name_is_excused_in_the_first_drafts() {
    for draft in ["8", "9"] {
        for name in [json!("https://issuer.example"), Value::Null] {
            let world = world(draft, Diploma);
            let mut metadata = metadata(draft, Diploma);
            metadata["issuer"] = name;
            world.network.says(OPENID_CONFIGURATION, 200, metadata.clone());
            let offer = resolve(&world, &link(draft, false)).await.unwrap();
            assert!(
                offer.findings()[0].contains("not the one in the offer"),
                "{:?}",
                offer.findings()
            );
            receive(&world, &link(draft, false), false).await.unwrap();
            metadata["token_endpoint"] = "https://elsewhere.example/token".into();
            world.network.says(OPENID_CONFIGURATION, 200, metadata);
            let error = resolve(&world, &link(draft, false)).await.unwrap_err();
            assert!(matches!(error, WalletError::ForeignEndpoint { .. }), "{error:?}");
        }
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
        world.wallet.settings.strictness = Strictness::Final;
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
    world.wallet.settings.strictness = Strictness::Final;
    world.resolve(&world::offer(&["student_card"])).await.unwrap();
}

/// Drafts 12 to 15 encrypt answers alone, where an issuer asks for it; the request names the key in
/// the draft's own members.
#[tokio::test]
async fn answers_are_encrypted_where_a_draft_demands_it() {
    for draft in ["12", "13", "14", "15"] {
        let world = world(draft, Diploma);
        let mut metadata = metadata(draft, Diploma);
        let (alg, enc) = (json!(["ECDH-ES"]), json!(["A128GCM"]));
        if draft == "12" {
            metadata["credential_response_encryption_alg_values_supported"] = alg;
            metadata["credential_response_encryption_enc_values_supported"] = enc;
            metadata["require_credential_response_encryption"] = true.into();
        } else {
            metadata["credential_response_encryption"] = json!({
                "alg_values_supported": alg, "enc_values_supported": enc,
                "encryption_required": true,
            });
        }
        world.network.says(APPENDED, 200, metadata);
        let issuer = Arc::clone(&world.issuer);
        world.network.on(&endpoint("credential"), move |sent| {
            let body = sent.json();
            let asked = &body["credential_response_encryption"];
            let (jwk, alg, enc) = if draft == "12" {
                (
                    &body["credential_encryption_jwk"],
                    &body["credential_response_encryption_alg"],
                    &body["credential_response_encryption_enc"],
                )
            } else {
                (&asked["jwk"], &asked["alg"], &asked["enc"])
            };
            assert_eq!((alg, enc), (&json!("ECDH-ES"), &json!("A128GCM")), "draft {draft}");
            let key = EncryptionKey::from_jwk(jwk).unwrap();
            let answer = answer(draft, &credential(&issuer, Diploma, &Proof::of(sent))).to_string();
            let method = ContentEncryption::A128Gcm;
            let sealed = jwe::encrypt(Map::new(), answer.as_bytes(), &key, method, None).unwrap();
            Answer::Typed("application/jwt", sealed.into_bytes())
        });
        let received = receive(&world, &link(draft, false), false).await.unwrap();
        assert_eq!(received.previews().len(), 1, "draft {draft}");
        // In the clear it is not what was asked for.
        world.answers_credential(200, answer(draft, &json!("a")));
        let error = receive(&world, &link(draft, false), false).await.unwrap_err();
        assert_eq!(error.code(), "bad_encryption", "draft {draft}");
    }
}

/// The holder signs in: a draft's details name a credential as its requests do, and the state of
/// the offer goes back under the draft's own name.
#[tokio::test]
async fn a_sign_in_asks_as_the_draft_does() {
    let details = |more: Value| {
        let mut detail = json!({ "type": "openid_credential" });
        detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([detail])
    };
    let by_id = json!({ "credential_configuration_id": "id" });
    let of_draft_8 = json!({ "credential_type": "id", "format": "jwt_vc" });
    for (draft, state, expected) in [
        ("8", "op_state", of_draft_8),
        ("9", "op_state", expected_request("9", Diploma)),
        ("11", "issuer_state", expected_request("11", Diploma)),
        ("12", "issuer_state", expected_request("12", Diploma)),
        ("13", "issuer_state", by_id.clone()),
        ("15", "issuer_state", by_id),
    ] {
        let world = world(draft, Diploma);
        let mut server = world::server_metadata();
        server["authorization_endpoint"] = endpoint("authorize").into();
        server["grant_types_supported"] = json!(["authorization_code"]);
        world.network.says(SERVER_METADATA, 200, server);
        let link = match draft {
            "8" => link(draft, false).replace(&format!("pre-authorized_code={CODE}"), "op_state=s"),
            "9" => link(draft, false)
                .replace("%22pre-authorized_code%22", "%22op_state%22")
                .replace(CODE, "s"),
            _ => link(draft, false)
                .replace(
                    &byte_serialize(GRANT.as_bytes()).collect::<String>(),
                    "authorization_code",
                )
                .replace("pre-authorized_code", "issuer_state")
                .replace(CODE, "s"),
        };
        let offer = resolve(&world, &link).await.unwrap();
        assert!(offer.needs_sign_in(), "draft {draft}");
        let begun = world.wallet.begin_sign_in(offer, "http://127.0.0.1:49152/cb").await.unwrap();
        let query: BTreeMap<String, String> = begun.address().query_pairs().into_owned().collect();
        assert_eq!(query[state], "s", "draft {draft}");
        let asked: Value = json::parse(query["authorization_details"].as_bytes()).unwrap();
        assert_eq!(asked, details(expected), "draft {draft}");
    }
}

/// Findings are for the other side: what was wrong with the answers is told as well. Details without
/// identifiers are wrong since draft 14 alone (draft 13, section 6.2).
#[tokio::test]
async fn what_was_excused_in_answers_is_told_too() {
    for (draft, are_wrong) in [("13", false), ("14", true)] {
        let world = world(draft, Diploma);
        let token = json!({
            "access_token": TOKEN, "c_nonce": "nonce-1",
            "authorization_details": [{ "type": "openid_credential", "format": "jwt_vc_json" }],
        });
        world.network.says(&endpoint("token"), 200, token);
        let issuer = Arc::clone(&world.issuer);
        world.network.on(&endpoint("credential"), move |sent| {
            let credential = credential(&issuer, Diploma, &Proof::of(sent));
            let both = json!({ "credential": credential, "credentials": [credential] });
            Answer::Json(200, both)
        });
        let offer = resolve(&world, &link(draft, false)).await.unwrap();
        let authorized = world.wallet.request_token(offer, None).await.unwrap();
        world.wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
        let findings = authorized.offer().findings();
        let is_said = |said: &str| findings.iter().any(|finding| finding.contains(said));
        assert!(
            is_said("token_type") && is_said("both credential and credentials"),
            "{findings:?}"
        );
        assert_eq!(is_said("authorization_details"), are_wrong, "{findings:?}");
    }
}

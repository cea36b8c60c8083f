//! A wallet that servers know by a key of its own: it proves who it is in each request (RFC 7523), and
//! signs what it asks for where that is wanted (RFC 9101).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keys::algorithm::Algorithm;
use keys::jws::Jws;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};
use wallet::attestation::WalletAttestation;
use wallet::client_key::{ClientKey, ClientKeyError};
use wallet::error::{Class, WalletError};
use wallet::flow::sign_in::SignIn;
use wallet::flow::state::{FlowState, Point};
use wallet::http::HttpError;
use world::{Answer, ISSUER, SERVER_METADATA, World, endpoint, server_metadata, token};

const BACK: &str = "http://127.0.0.1:49152/cb";

/// A wallet with a key, and a server whose metadata say this, too.
fn world(more: &Value) -> (World, Arc<SoftwareKey>) {
    let mut world = World::new();
    let key = Arc::new(SoftwareKey::generate(Algorithm::Es256).unwrap());
    let client_key = ClientKey::new(Arc::clone(&key) as _, Some("own".into()));
    world.wallet.settings.client_key = Some(client_key);
    let mut server = server_metadata();
    server["authorization_endpoint"] = endpoint("authorize").into();
    server["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
    server.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.network.says(SERVER_METADATA, 200, server);
    (world, key)
}

async fn begin(world: &World) -> Result<SignIn, WalletError> {
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["student_card"],
        "grants": { "authorization_code": { "issuer_state": "from the offer" } },
    });
    let offer = world.resolve(&offer).await?;
    world.wallet.begin_sign_in(offer, BACK).await
}

/// The claims of what the wallet's key has signed.
fn claims(jwt: &str, key: &SoftwareKey) -> Map<String, Value> {
    let jws = Jws::parse(jwt, 16 * 1024).unwrap();
    jws.verify(key.public_key()).unwrap();
    assert_eq!(jws.header()["kid"], "own");
    jws.claims().unwrap()
}

/// RFC 7523 §3: each request has an assertion of its own, the one that is sent again too.
#[tokio::test]
async fn each_request_proves_anew_who_sends_it() {
    let (world, key) = world(&json!({}));
    let count = AtomicUsize::new(0);
    world.network.on(&endpoint("token"), move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            return Answer::Json(400, json!({ "error": "invalid_dpop_proof" }));
        }
        let mut bound = token();
        bound["token_type"] = "DPoP".into();
        Answer::Json(200, bound)
    });
    world.authorize(&["student_card"]).await;
    let sent = world.network.sent_to(&endpoint("token"));
    assert_eq!(sent.len(), 2);
    let mut seen = BTreeSet::new();
    for one in &sent {
        let form = one.form();
        assert_eq!(form["client_id"], "bestow");
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        let claims = claims(&form["client_assertion"], &key);
        assert_eq!((&claims["iss"], &claims["sub"]), (&"bestow".into(), &"bestow".into()));
        assert_eq!(claims["aud"], ISSUER);
        assert!(seen.insert(claims["jti"].to_string()), "each is good once");
    }
}

/// RFC 8414 §2: nothing is proved to who does not ask for it, or could not verify it.
#[tokio::test]
async fn a_server_that_takes_no_assertion_gets_none() {
    for more in [
        json!({ "token_endpoint_auth_methods_supported": ["none"] }),
        json!({ "token_endpoint_auth_methods_supported": null }),
        json!({ "token_endpoint_auth_signing_alg_values_supported": ["RS256", "EdDSA"] }),
    ] {
        let (world, _) = world(&more);
        world.authorize(&["student_card"]).await;
        let form = world.network.sent_to(&endpoint("token"))[0].form();
        assert!(!form.contains_key("client_assertion"), "{more}");
    }
}

/// RFC 9101 §5, RFC 9101 §10.5: the browser carries what nobody can change.
#[tokio::test]
async fn a_request_is_signed_where_that_is_wanted() {
    let demanded = json!({ "require_signed_request_object": true });
    for (more, by_choice) in [(&demanded, false), (&json!({}), true)] {
        let (mut world, key) = world(more);
        if by_choice {
            let own = world.wallet.settings.client_key.take().unwrap();
            world.wallet.settings.client_key = Some(own.signing_requests());
        }
        let begun = begin(&world).await.unwrap();
        let query: Vec<(String, String)> = begun.address().query_pairs().into_owned().collect();
        let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["client_id", "request"], "{more}");
        let claims = claims(&query[1].1, &key);
        for (name, value) in [
            ("client_id", "bestow"),
            ("iss", "bestow"),
            ("aud", ISSUER),
            ("redirect_uri", BACK),
            ("issuer_state", "from the offer"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(claims[name], value, "{more}");
        }
        assert!(claims["authorization_details"].is_array(), "RFC 9396 §2");
    }
    let (world, _) = world(&json!({}));
    let plain = begin(&world).await.unwrap();
    assert!(!plain.address().as_str().contains("request="), "it is not asked for");
}

/// RFC 9101 §10.5: who wants a request signed gets no unsigned one sent, whatever the server says.
#[tokio::test]
async fn a_request_that_is_to_be_signed_is_never_sent_unsigned() {
    let none = json!(["none"]);
    let demanded = json!({
        "token_endpoint_auth_methods_supported": none, "require_signed_request_object": true,
    });
    for (more, by_choice, is_signed) in [
        (demanded, false, true),
        (json!({ "token_endpoint_auth_methods_supported": none }), true, false),
        (json!({ "token_endpoint_auth_signing_alg_values_supported": ["RS256"] }), true, false),
        (json!({ "request_parameter_supported": false }), true, false),
        (json!({ "request_object_signing_alg_values_supported": ["RS256"] }), true, false),
        (
            json!({ "token_endpoint_auth_methods_supported": none,
                    "request_object_signing_alg_values_supported": ["RS256", "ES256"] }),
            true,
            true,
        ),
        (
            json!({ "require_signed_request_object": true,
                    "request_object_signing_alg_values_supported": ["RS256"] }),
            false,
            false,
        ),
    ] {
        let (mut world, key) = world(&more);
        if by_choice {
            let own = world.wallet.settings.client_key.take().unwrap();
            world.wallet.settings.client_key = Some(own.signing_requests());
        }
        let begun = begin(&world).await;
        if is_signed {
            let begun = begun.unwrap();
            let jwt = begun.address().query_pairs().find(|(name, _)| name == "request").unwrap().1;
            assert_eq!(claims(&jwt, &key)["client_id"], "bestow", "{more}");
        } else {
            let error = begun.unwrap_err();
            assert_eq!(error, ClientKeyError::NotTaken.into(), "{more}");
            let told = (error.class(), error.code());
            assert_eq!(told, (Class::Usage, "signed_requests_not_taken"));
        }
    }
}

/// HAIP-29, RFC 9101 §5: whom somebody vouches for signs with its key, by the name that it has there,
/// and proves itself in one way alone.
#[tokio::test]
async fn an_attested_wallet_signs_with_its_key_and_proves_nothing_by_it() {
    for (demanded, by_choice) in [(true, false), (false, true)] {
        let (mut world, key) = world(&json!({
            "token_endpoint_auth_methods_supported": ["attest_jwt_client_auth", "private_key_jwt"],
            "pushed_authorization_request_endpoint": endpoint("par"),
            "require_signed_request_object": demanded,
        }));
        let par = endpoint("par");
        world.network.says(&par, 201, json!({ "request_uri": "urn:x", "expires_in": 60 }));
        let header = json!({ "typ": "oauth-client-attestation+jwt" });
        let jwt = world.issuer.sign(&header, &json!({ "sub": "attested" }));
        let instance = Arc::new(SoftwareKey::generate(Algorithm::Es256).unwrap());
        let source = WalletAttestation::new(jwt, instance).unwrap();
        world.wallet.settings.attestation_source = Some(Arc::new(source));
        if by_choice {
            let own = world.wallet.settings.client_key.take().unwrap();
            world.wallet.settings.client_key = Some(own.signing_requests());
        }
        let begun = begin(&world).await.unwrap();
        let sent = &world.network.sent_to(&par)[0];
        assert!(sent.headers.contains_key(oid4vci::attestation::client::HEADER));
        let form = sent.form();
        assert!(!form.contains_key("client_assertion"), "HAIP-30");
        assert_eq!(form["client_id"], "attested");
        let claims = claims(&form["request"], &key);
        assert_eq!(
            (&claims["iss"], &claims["client_id"]),
            (&"attested".into(), &form["client_id"].as_str().into())
        );

        let again = world.wallet.import(&begun.offer().export().unwrap()).await.unwrap();
        let Point::Offer(offer) = again else { panic!("{again:?}") };
        world.wallet.begin_sign_in(*offer, BACK).await.unwrap();
        let form = world.network.sent_to(&par)[1].form();
        assert!(form.contains_key("request") && !form.contains_key("client_assertion"));
    }
}

/// RFC 6749 §4.1.3: a code is for the client that asked for it, also where another process goes on.
#[tokio::test]
async fn a_flow_goes_on_by_the_name_by_which_it_began() {
    for has_key in [true, false] {
        let (mut world, key) = world(&json!({}));
        world.wallet.settings.client_id = "first".into();
        if !has_key {
            world.wallet.settings.client_key = None;
        }
        let state = begin(&world).await.unwrap().export().unwrap().expose().to_owned();
        world.wallet.settings.client_id = "second".into();
        let finish = async |text: &str| {
            let point = world.wallet.import(&FlowState::new(text.to_owned())).await.unwrap();
            let Point::SignIn(begun) = point else { panic!("{point:?}") };
            let state = begun.address().query_pairs().find(|(name, _)| name == "state").unwrap().1;
            let query = format!("code=c&state={state}&iss={ISSUER}");
            world.wallet.finish_sign_in((*begun).clone(), &query).await.unwrap();
            world.network.sent_to(&endpoint("token")).pop().unwrap().form()
        };
        let form = finish(&state).await;
        assert_eq!(form["client_id"], "first");
        if has_key {
            assert_eq!(claims(&form["client_assertion"], &key)["sub"], "first");
        }
        let mut older: Value = serde_json::from_str(&state).unwrap();
        let sender = older.pointer_mut("/point/sign_in/offer/sender").unwrap();
        assert!(sender.as_object_mut().unwrap().remove("client_id").is_some());
        let form = finish(&older.to_string()).await;
        assert_eq!(form["client_id"], "second", "it was saved before the name was");
    }
}

/// RFC 6749 §6: no other way is as good, and the person hears which key is missing.
#[tokio::test]
async fn a_flow_that_began_with_a_key_asks_for_that_key() {
    let (mut world, _) = world(&json!({}));
    let state = begin(&world).await.unwrap().export().unwrap();
    world.wallet.settings.client_key = None;
    let error = world.wallet.import(&state).await.unwrap_err();
    assert_eq!(error, ClientKeyError::Missing.into());
    assert_eq!((error.class(), error.code()), (Class::Usage, "client_key_missing"));
    assert!(!error.to_string().contains("signed requests"), "nobody asks for them: {error}");
}

/// RFC 9126 §3: pushed, the JWT goes with what proves the client.
#[tokio::test]
async fn a_signed_request_is_pushed_by_who_signed_it() {
    let (world, key) = world(&json!({
        "pushed_authorization_request_endpoint": endpoint("par"),
        "require_signed_request_object": true,
    }));
    world.network.says(&endpoint("par"), 201, json!({ "request_uri": "urn:x", "expires_in": 60 }));
    begin(&world).await.unwrap();
    let form = world.network.sent_to(&endpoint("par"))[0].form();
    let names: BTreeSet<&str> = form.keys().map(String::as_str).collect();
    let expected = ["client_assertion", "client_assertion_type", "client_id", "request"];
    assert_eq!(names, expected.into());
    assert!(claims(&form["client_assertion"], &key).contains_key("sub"));
    assert!(!claims(&form["request"], &key).contains_key("sub"), "RFC 9101 §10.8");
}

/// Without a key nothing is sent that would be refused.
#[tokio::test]
async fn a_wallet_without_a_key_says_that_it_needs_one() {
    let (mut world, _) = world(&json!({ "require_signed_request_object": true }));
    world.wallet.settings.client_key = None;
    let error = begin(&world).await.unwrap_err();
    assert_eq!(error, ClientKeyError::Needed.into());
    assert_eq!((error.class(), error.code()), (Class::Usage, "client_key_needed"));
}

/// The key is in no text that could be logged.
#[test]
fn a_client_key_is_not_shown() {
    let key = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    let pem = key.to_pem().to_string();
    let shown = format!("{:?}", ClientKey::new(Arc::new(key), None));
    assert!(shown.starts_with("ClientKey") && !shown.contains(pem.lines().nth(1).unwrap()));
}

/// RFC 6749 §6: who authenticates is answered twice with a token of its own; a wallet without a key is
/// anybody who has seen that.
#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_asked_for_again() {
    for (has_key, method) in [(true, "private_key_jwt"), (false, "none")] {
        let (mut world, _) = world(&json!({ "token_endpoint_auth_methods_supported": [method] }));
        if !has_key {
            world.wallet.settings.client_key = None;
        }
        let mut renewable = token();
        renewable["refresh_token"] = "again".into();
        world.network.says(&endpoint("token"), 200, renewable.clone());
        let authorized = world.authorize(&["student_card"]).await;
        let count = AtomicUsize::new(0);
        world.network.on(&endpoint("token"), move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::Fails(HttpError::TimedOut),
            _ => Answer::Json(200, renewable.clone()),
        });
        let renewed = world.wallet.renew(&authorized).await;
        let sent = world.network.sent_to(&endpoint("token"));
        let assertions: BTreeSet<_> =
            sent.iter().map(|one| one.form().get("client_assertion").cloned()).collect();
        if has_key {
            assert!(renewed.unwrap().is_some());
            assert_eq!((sent.len(), assertions.len()), (3, 3), "each proves anew who sends it");
        } else {
            assert_eq!((renewed.unwrap_err().class(), sent.len()), (Class::Network, 2));
        }
    }
}

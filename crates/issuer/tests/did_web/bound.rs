//! Credentials that are bound to a key of a did:web, whatever their format and however they come.

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::binding::Binding;
use keys::outside::Clock as _;
use keys::signer::Signer as _;
use serde_json::{Value, json};
use testkit::proof::{Draft, holder_key};
use testkit::website::Website;
use testkit::wire::JSON;
use testkit::world::{ISSUER, World};

use super::{CARD, DIPLOMA, allow, ask, edit, name_did_web, proof_as, world};

fn payload(jwt: &Value) -> Value {
    let payload = jwt.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// META-34, CRED-21: it is announced, asked for once, and the credential names the key as the proof.
#[tokio::test]
async fn a_credential_is_bound_to_a_key_of_a_website() {
    let website = Website::start().await;
    let (world, key) = (world(&website).await, holder_key());
    website.publishes(&[key.public_key()]);
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let announced = &metadata["credential_configurations_supported"][CARD];
    let methods = announced["cryptographic_binding_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("did:web")), "{methods:?}");
    let (token, did) = (world.token(CARD).await, website.did(""));
    let kid = format!("{did}#0");
    let answer = ask(&world, &token, &key, &kid).await.success();
    let card = payload(&answer["credentials"][0]["credential"]);
    assert_eq!(card["cnf"], json!({ "kid": kid }));

    let token = world.token(DIPLOMA).await;
    let proof = proof_as(&world, &key, &kid, &world.nonce().await).await;
    let answer = world.credential(&token, DIPLOMA, &[proof]).await.success();
    let diploma = payload(&answer["credentials"][0]["credential"]);
    assert_eq!(
        (&diploma["sub"], &diploma["vc"]["credentialSubject"]["id"]),
        (&json!(did), &json!(did))
    );
    assert_eq!(website.asked(), ["/.well-known/did.json"], "once in a while is enough");
}

/// VCI §9: what was proved is kept, whatever the website says later.
#[tokio::test]
async fn a_credential_that_waited_is_bound_to_the_key_of_then() {
    let website = Website::start().await;
    let world = World::configured(|folder| {
        name_did_web(folder);
        allow(folder, &website, true);
        let file = folder.join(format!("credentials/{CARD}.toml"));
        edit(&file, "approval = \"officer\"", "approval = \"deferred\"");
        edit(&file, "\ntx_code = true", "\ntx_code = false");
        edit(&file, "\nletter = true", "\nletter = false");
    });
    let (world, key) = (world.await, holder_key());
    website.publishes(&[key.public_key()]);
    let (token, kid) = (world.token(CARD).await, format!("{}#0", website.did("")));
    let waits = ask(&world, &token, &key, &kid).await;
    assert_eq!(waits.status, 202, "{waits:?}");
    website.publishes(&[]);
    world.clock.advance(3600);
    let listed = world.operator("GET", "/admin/v1/deferrals?state=waiting", None).await.json();
    let id = listed["deferrals"][0]["id"].as_str().unwrap();
    let approve = format!("/admin/v1/deferrals/{id}/approve");
    assert_eq!(world.operator("POST", &approve, None).await.status, 200);
    let begun = Request::post("/deferred-credential").header(CONTENT_TYPE, JSON);
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    let body = json!({ "transaction_id": waits.json()["transaction_id"] });
    let answer = world.public.ask(begun, body.to_string()).await.success();
    let card = formats::parse("dc+sd-jwt", &answer["credentials"][0]["credential"]).unwrap();
    let keys = world.issuer.keys();
    let verified = card.verify(keys.signing.signer.public_key(), world.clock.now()).unwrap();
    let Some(Binding::Kid(bound)) = verified.binding else { panic!() };
    assert_eq!((bound, website.asked().len()), (kid, 1));
}

/// A draft has the same words for it.
#[tokio::test]
async fn a_draft_binds_to_a_key_of_a_website_too() {
    let website = Website::start().await;
    let world = World::configured(|folder| {
        name_did_web(folder);
        allow(folder, &website, true);
        edit(&folder.join("bestow.toml"), "#drafts = []", "drafts = [\"13\"]");
    });
    let (world, key) = (world.await, holder_key());
    website.publishes(&[key.public_key()]);
    let place = "/draft-13/.well-known/openid-credential-issuer";
    let metadata = world.public.get(place).await.json();
    let announced = &metadata["credential_configurations_supported"][CARD];
    let methods = announced["cryptographic_binding_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("did:web")), "{methods:?}");
    let wish = world.wish(CARD, &json!({ "draft": "13" }));
    let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let uri = url::Url::parse(made["uri"].as_str().unwrap()).unwrap();
    let (_, place) = uri.query_pairs().next().unwrap();
    let offer = world.public.get(&place).await.success();
    let grant_type = oid4vci::token::PRE_AUTHORIZED_CODE;
    let code = offer["grants"][grant_type]["pre-authorized_code"].as_str().unwrap();
    let pin = made["tx_code"].as_str().map(|pin| ("tx_code", pin));
    let form = [&[("grant_type", grant_type), ("pre-authorized_code", code)], pin.as_slice()];
    let token = world.public.post_form("/draft-13/token", &form.concat()).await.success();
    let (kid, nonce) = (format!("{}#0", website.did("")), token["c_nonce"].as_str().unwrap());
    let mut draft = Draft::new(&key, &format!("{ISSUER}/draft-13"), world.clock.now().0, nonce);
    draft.header("jwk", None);
    draft.header("kid", Value::from(&*kid));
    let body = json!({
        "format": "vc+sd-jwt", "vct": format!("{ISSUER}/credentials/{CARD}"),
        "proof": { "proof_type": "jwt", "jwt": draft.sign(&key).await },
    });
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let begun = Request::post("/draft-13/credential").header(CONTENT_TYPE, JSON);
    let begun = begun.header(AUTHORIZATION, bearer);
    let answer = world.public.ask(begun, body.to_string()).await.success();
    assert_eq!(payload(&answer["credential"])["cnf"], json!({ "kid": kid }));
}

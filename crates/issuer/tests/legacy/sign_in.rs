//! People who sign in, for Wallets that speak a draft: the same pages, and the draft's own words.

use oid4vci::legacy::Dialect;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::sign_in::{Browser, CLIENT, REDIRECT, VERIFIER, parameter, with_client};
use testkit::wire::Answer;
use testkit::world::World;
use url::form_urlencoded::Serializer;

use crate::speaker::{DIPLOMA, DRAFTS, Speaker};

/// An issuer that speaks every draft, with a client and an account.
async fn world() -> World {
    let world = World::with(|issuer| {
        with_client(issuer);
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        let diploma = issuer.types.get_mut(DIPLOMA).unwrap();
        diploma.scope = Some("degree".into());
    })
    .await;
    world.account("ada", &[DIPLOMA]).await;
    world
}

/// The detail that names the diploma as a request of the draft does.
fn detail(speaker: Speaker<'_>) -> Value {
    let mut named = if speaker.draft == 15 {
        Speaker { draft: 14, ..speaker }.naming(DIPLOMA) // draft 15, section 5.1.1, has that, too
    } else {
        speaker.naming(DIPLOMA)
    };
    if let Some(name) = named.as_object_mut().unwrap().remove("type") {
        named["credential_type"] = name;
    }
    named["type"] = json!("openid_credential");
    named
}

fn by_id() -> Value {
    json!({ "type": "openid_credential", "credential_configuration_id": DIPLOMA })
}

/// Where a browser begins.
fn address(speaker: Speaker<'_>, change: &[(&str, &str)]) -> String {
    let request = speaker.world.authorization_request(DIPLOMA, change);
    let query = Serializer::new(String::new()).extend_pairs(request).finish();
    format!("{}/authorize?{query}", speaker.identifier())
}

async fn allowed(speaker: Speaker<'_>, change: &[(&str, &str)]) -> String {
    let back = Browser::of(&speaker.world.public).allow(&address(speaker, change), "ada").await;
    assert_eq!(parameter(&back, "iss"), Some(speaker.identifier()), "{back}");
    parameter(&back, "code").unwrap()
}

async fn redeem(speaker: Speaker<'_>, place: &str, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT),
    ];
    speaker.world.public.post_form(place, &form).await
}

/// From a token to a credential.
async fn receive(speaker: Speaker<'_>, token: &Value) {
    let nonce = if let Some(nonce) = token["c_nonce"].as_str() {
        nonce.to_owned()
    } else {
        let answer = speaker.post("nonce", "", "").await.success();
        answer["c_nonce"].as_str().unwrap().to_owned()
    };
    let key = holder_key();
    let mut proof = speaker.proof(&key, &nonce);
    proof.claim("iss", json!(CLIENT));
    let mut request = speaker.request(DIPLOMA, &proof.sign(&key).await);
    let identifier = &token["authorization_details"][0]["credential_identifiers"][0];
    if identifier.is_string() {
        request = json!({ "credential_identifier": identifier, "proof": request["proof"] });
    }
    let bearer = token["access_token"].as_str().unwrap();
    let answer = speaker.credential(bearer, &request).await.success();
    assert!(speaker.credential_of(&answer).starts_with("ey"), "{answer}");
}

/// Drafts 8 to 15, section 5: by format, by id where the draft has that, and by scope; the code and its
/// tokens are good in the draft alone.
#[tokio::test]
async fn who_signs_in_gets_a_credential_in_each_draft() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let own = format!("/draft-{draft}/token");
        let mut asked = vec![json!([detail(speaker)])];
        asked.extend((draft >= 13).then(|| json!([by_id()])));
        for details in asked {
            let details = details.to_string();
            let code = allowed(speaker, &[("authorization_details", &details)]).await;
            for place in ["/token", if draft == 13 { "/draft-12/token" } else { "/draft-13/token" }]
            {
                assert!(redeem(speaker, place, &code).await.is(400, "invalid_grant"), "{place}");
            }
            let token = redeem(speaker, &own, &code).await.success();
            let granted = &token["authorization_details"][0];
            assert_eq!(granted.is_object(), draft >= 12, "{token}");
            let has_identifiers = granted.get("credential_identifiers").is_some();
            assert_eq!(has_identifiers, draft >= 14, "{token}");
            assert_eq!(granted.get("format").is_some(), draft == 12, "{token}");
            receive(speaker, &token).await;

            let refresh = token["refresh_token"].as_str().unwrap();
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh),
                ("client_id", CLIENT),
            ];
            let elsewhere = world.public.post_form("/token", &form).await;
            assert!(elsewhere.is(400, "invalid_grant"), "{elsewhere:?}");
            let renewed = world.public.post_form(&own, &form).await.success();
            assert_eq!(renewed.get("c_nonce").is_some(), draft <= 14, "{renewed}");
        }
        let scope = [("authorization_details", ""), ("scope", "degree")];
        let code = allowed(speaker, &scope).await;
        let token = redeem(speaker, &own, &code).await.success();
        assert_eq!(token.get("authorization_details"), None);
        receive(speaker, &token).await;
    }
}

/// The state of an offer has the place and the name of the draft, and leads to what was offered.
#[tokio::test]
async fn an_offer_can_be_taken_by_signing_in() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let offered = speaker.offer(DIPLOMA, json!({ "grants": "both" })).await;
        let document = &offered.document;
        let (name, state) = if draft <= 9 {
            ("op_state", &document["op_state"])
        } else {
            ("issuer_state", &document["grants"]["authorization_code"]["issuer_state"])
        };
        let state = state.as_str().unwrap();
        let change = [("authorization_details", ""), (name, state)];
        let code = allowed(speaker, &change).await;
        let token = redeem(speaker, &format!("/draft-{draft}/token"), &code).await.success();
        receive(speaker, &token).await;
        assert!(speaker.redeem(&offered.code, &[]).await.is(400, "invalid_grant"), "it is taken");
        // Nobody takes an offer of one draft in another.
        let offered = speaker.offer(DIPLOMA, json!({ "grants": "authorization_code" })).await;
        let state = if draft <= 9 {
            &offered.document["op_state"]
        } else {
            &offered.document["grants"]["authorization_code"]["issuer_state"]
        };
        let other = Speaker { world: &world, draft: if draft == 13 { 12 } else { 13 } };
        let change = [("authorization_details", ""), ("issuer_state", state.as_str().unwrap())];
        let (_, answer) = Browser::of(&world.public).open(&address(other, &change)).await;
        let back = answer.header("location");
        assert!(parameter(back, "error").is_some(), "{back}");
    }
}

/// A detail in the shape of another draft names nothing, and the client hears so in the name of the
/// server that it asked.
#[tokio::test]
async fn a_detail_of_another_draft_is_refused() {
    let world = world().await;
    let speaker = |draft| Speaker { world: &world, draft };
    let mut both = detail(speaker(13));
    both["credential_configuration_id"] = json!(DIPLOMA);
    for (draft, details) in [
        (12, by_id()),
        (8, detail(speaker(12))),
        (11, detail(speaker(8))),
        (13, both),
        (13, json!({ "type": "openid_credential" })),
        (13, json!({ "type": "openid_credential", "format": "jwt_vc_json", "types": ["A"] })),
    ] {
        let details = json!([details]).to_string();
        let address = address(speaker(draft), &[("authorization_details", &details)]);
        let (_, answer) = Browser::of(&world.public).open(&address).await;
        let back = answer.header("location");
        assert_eq!(answer.status, 303, "{draft} {details}: {answer:?}");
        assert!(parameter(back, "error").is_some(), "{back}");
        assert_eq!(parameter(back, "iss"), Some(speaker(draft).identifier()), "{back}");
    }
}

/// RFC 9126: pushed below the identifier of the draft, and opened there alone.
#[tokio::test]
async fn a_pushed_request_stays_in_its_draft() {
    let world = world().await;
    let speaker = Speaker { world: &world, draft: 11 };
    let metadata =
        world.public.get("/.well-known/oauth-authorization-server/draft-11").await.json();
    let place = metadata["pushed_authorization_request_endpoint"].as_str().unwrap();
    assert_eq!(place, format!("{}/par", speaker.identifier()));
    let details = json!([detail(speaker)]).to_string();
    let request = world.authorization_request(DIPLOMA, &[("authorization_details", &details)]);
    let form: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let pushed = world.public.post_form(place, &form).await;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let handle = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let query = Serializer::new(String::new())
        .extend_pairs([("client_id", CLIENT), ("request_uri", &handle)])
        .finish();
    for elsewhere in ["/authorize", "/draft-12/authorize"] {
        let (_, page) = Browser::of(&world.public).open(&format!("{elsewhere}?{query}")).await;
        assert_eq!(page.status, 400, "{elsewhere}");
    }
    let address = metadata["authorization_endpoint"].as_str().unwrap();
    let back = Browser::of(&world.public).allow(&format!("{address}?{query}"), "ada").await;
    let code = parameter(&back, "code").unwrap();
    let token = redeem(speaker, "/draft-11/token", &code).await.success();
    receive(speaker, &token).await;
}

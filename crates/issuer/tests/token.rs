//! Steps 8-11 over the router: every refusal of the Token Endpoint, and what it costs (VCI §6.3).

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::json;
use testkit::by_hand::Offered;
use testkit::wire::{Answer, FORM, JSON};
use testkit::world::World;
use tokio::task::JoinSet;

/// Requests that arrive at once where a test races.
const RACERS: usize = 200;
const ATTEMPTS_MAX: u32 = 5;

type Form<'f> = Vec<(&'f str, &'f str)>;

/// Each row is refused, and none of them costs the honest Wallet anything (B07, B09, B10, B14).
#[tokio::test]
async fn a_refused_request_spends_nothing() {
    let world = World::new().await;
    let offered = world.offer("student_card", &json!({})).await;
    let code = offered.code.as_str();
    let grant = ("grant_type", PRE_AUTHORIZED_CODE);
    let ours = ("pre-authorized_code", code);
    let [spaced, upper, nul, twice] =
        [format!(" {code}"), code.to_uppercase(), format!("{code}\0"), code.repeat(2)];
    let (long, huge) = ("x".repeat(9_000), "x".repeat(1_000_000));
    let diploma = r#"[{"type":"openid_credential","credential_configuration_id":"diploma"}]"#;
    let foreign = r#"[{"type":"payment","credential_configuration_id":"student_card"}]"#;
    let details = |text| vec![grant, ours, ("authorization_details", text)];
    let rows: Vec<(&str, Form<'_>, &str)> = vec![
        ("no parameter at all", vec![], "invalid_request"),
        ("no grant_type", vec![ours], "invalid_request"),
        ("empty grant_type", vec![("grant_type", ""), ours], "invalid_request"),
        ("grant_type twice, TOKEN-28", vec![grant, grant, ours], "invalid_request"),
        ("unknown grant_type", vec![("grant_type", "x"), ours], "unsupported_grant_type"),
        (
            "B09",
            vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", "https://wallet.example/"),
                ("code_verifier", "x"),
                ("client_id", "wallet"),
            ],
            "unsupported_grant_type",
        ),
        ("no code, TOKEN-02", vec![grant], "invalid_request"),
        ("empty code", vec![grant, ("pre-authorized_code", "")], "invalid_request"),
        ("the code twice, TOKEN-28", vec![grant, ours, ours], "invalid_request"),
        ("a long code", vec![grant, ("pre-authorized_code", &long)], "invalid_request"),
        ("a huge code", vec![grant, ("pre-authorized_code", &huge)], "invalid_request"),
        ("B06: spaced, TOKEN-26", vec![grant, ("pre-authorized_code", &spaced)], "invalid_grant"),
        ("B06: upper case", vec![grant, ("pre-authorized_code", &upper)], "invalid_grant"),
        ("B06: with NUL", vec![grant, ("pre-authorized_code", &nul)], "invalid_grant"),
        ("B06: doubled", vec![grant, ("pre-authorized_code", &twice)], "invalid_grant"),
        ("tx_code unasked, TOKEN-23", vec![grant, ours, ("tx_code", "123456")], "invalid_request"),
        ("details that are no JSON", details("["), "invalid_authorization_details"),
        ("details that name nothing", details("[]"), "invalid_authorization_details"),
        ("details of another kind", details(foreign), "invalid_authorization_details"),
        ("details beyond the offer, TOKEN-11", details(diploma), "invalid_authorization_details"),
    ];
    for (row, form, error) in rows {
        let answer = world.token_request(&form).await;
        assert!(answer.is(400, error), "{row}: {answer:?}");
    }
    world.redeem(code, &[]).await.success();
}

/// B08, G06: only a form in the body is a Token Request (TOKEN-01).
#[tokio::test]
async fn parameters_stand_in_a_form_in_the_body() {
    let world = World::new().await;
    let code = world.offer("student_card", &json!({})).await.code;
    let form = format!("grant_type={PRE_AUTHORIZED_CODE}&pre-authorized_code={code}");
    let object = json!({ "grant_type": PRE_AUTHORIZED_CODE, "pre-authorized_code": code });
    let part = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = part("grant_type", PRE_AUTHORIZED_CODE) + &part("pre-authorized_code", &code);
    let rows: [(&str, String, &str, Vec<u8>); 5] = [
        ("in the query", format!("?{form}"), FORM, Vec::new()),
        ("JSON", String::new(), JSON, object.to_string().into()),
        ("multipart", String::new(), "multipart/form-data; boundary=edge", parts.into()),
        ("no media type", String::new(), "", form.clone().into()),
        ("text", String::new(), "text/plain", form.clone().into()),
    ];
    for (row, query, content_type, body) in rows {
        let mut begun = Request::post(format!("/token{query}"));
        if !content_type.is_empty() {
            begun = begun.header(CONTENT_TYPE, content_type);
        }
        let answer = world.public.ask(begun, body).await;
        assert!(answer.is(400, "invalid_request"), "{row}: {answer:?}");
    }
    let begun = Request::post("/token").header(CONTENT_TYPE, format!("{FORM}; charset=UTF-8"));
    world.public.ask(begun, form).await.success();
}

/// TOKEN-30, TOKEN-16, B18, B20
#[tokio::test]
async fn a_token_is_short_lived_and_says_nothing() {
    let world = World::new().await;
    let offered = world.offer("student_card", &json!({})).await;
    let answer = world.redeem(&offered.code, &[]).await;
    let body = answer.success();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(300)),
        "SEC-30"
    );
    assert_eq!(body.as_object().unwrap().len(), 3, "TOKEN-30: {body}");
    let token = body["access_token"].as_str().unwrap();
    assert!(!token.contains(&offered.code) && !token.contains('.'), "no JWT, no code");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

/// TOKEN-13: some Wallets send more than the spec asks for.
#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let world = World::new().await;
    let offered = world.offer("student_card", &json!({ "tx_code": true })).await;
    let tx_code = offered.tx_code.as_deref().unwrap();
    let issuer = world.issuer.credential_issuer();
    let more = [("resource", issuer), ("user_pin", tx_code), ("tx_code", tx_code), ("x", "y")];
    world.redeem(&offered.code, &more).await.success();
}

/// TOKEN-14, TOKEN-15, TOKEN-17, TOKEN-18
#[tokio::test]
async fn details_choose_among_what_was_offered() {
    let world = World::new().await;
    let ids = json!(["student_card", "course_ticket"]);
    let mut claims = world.issuer.types["student_card"].sample();
    claims.extend(world.issuer.types["course_ticket"].sample());
    let more = json!({ "credential_configuration_ids": ids, "claims": claims });
    let offered = world.offer("student_card", &more).await;
    let details =
        r#"[{"type":"openid_credential","credential_configuration_id":"course_ticket","x":1}]"#;
    let answer = world.redeem(&offered.code, &[("authorization_details", details)]).await.success();
    let detail = &answer["authorization_details"][0];
    assert_eq!(answer["authorization_details"].as_array().unwrap().len(), 1);
    assert_eq!(detail["credential_configuration_id"], "course_ticket");
    let token = answer["access_token"].as_str().unwrap();
    let ask = async |body| world.credential_request(token, &body).await;
    let by_id = ask(json!({ "credential_configuration_id": "course_ticket" })).await;
    assert!(by_id.is(400, "invalid_credential_request"), "CRED-04: {by_id:?}");
    let identifier = &detail["credential_identifiers"][0];
    ask(json!({ "credential_identifier": identifier })).await.success();
}

/// B01, SEC-07, OFFER-16
#[tokio::test]
async fn a_code_is_redeemed_once() {
    let world = World::new().await;
    let offered = world.offer("course_ticket", &json!({})).await;
    let first = world.redeem(&offered.code, &[]).await.success();
    let again = world.redeem(&offered.code, &[]).await;
    let never = world.redeem("never", &[]).await;
    assert!(again.is(400, "invalid_grant"));
    assert_eq!(again.body, never.body, "nobody learns which code was once good");
    let token = first["access_token"].as_str().unwrap();
    let body = json!({ "credential_configuration_id": "course_ticket" });
    world.credential_request(token, &body).await.success();
}

/// Sends the same request many times at once and counts the answers with status 200.
async fn race(world: &Arc<World>, offered: &Offered, tx_codes: Vec<String>) -> usize {
    let mut racers = JoinSet::new();
    for tx_code in tx_codes {
        let (world, code) = (Arc::clone(world), offered.code.clone());
        racers.spawn(async move {
            let more = [("tx_code", tx_code.as_str())];
            world.redeem(&code, if tx_code.is_empty() { &[] } else { &more }).await
        });
    }
    let answers = racers.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.is(400, "invalid_grant")));
    answers.iter().filter(|answer| answer.status == 200).count()
}

/// B02, VCI §13.6.1
#[tokio::test(flavor = "multi_thread")]
async fn a_code_yields_one_token_to_racing_requests() {
    let world = Arc::new(World::new().await);
    let offered = world.offer("student_card", &json!({})).await;
    assert_eq!(race(&world, &offered, vec![String::new(); RACERS]).await, 1);
}

/// B03: the same where requests reach two servers on one database.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_yields_one_token_on_all_nodes_together() {
    let world = World::new().await;
    let code = world.offer("student_card", &json!({})).await.code;
    let nodes = [world.another_node(2).await, world.another_node(3).await];
    let mut racers = JoinSet::new();
    for node in nodes.iter().cycle().take(RACERS) {
        let (node, code) = (node.clone(), code.clone());
        racers.spawn(async move {
            let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", &code)];
            node.post_form("/token", &form).await
        });
    }
    let answers = racers.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.is(400, "invalid_grant")));
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

fn wrong(offered: &Offered, count: usize) -> Vec<String> {
    let codes = (0..).map(|number| format!("{number:06}"));
    codes.filter(|code| Some(code) != offered.tx_code.as_ref()).take(count).collect()
}

/// C03, TOKEN-31
#[tokio::test(flavor = "multi_thread")]
async fn racing_guesses_are_counted_up_to_the_limit() {
    let world = Arc::new(World::new().await);
    let offered = world.offer("student_card", &json!({ "tx_code": true })).await;
    let guesses = wrong(&offered, RACERS);
    assert_eq!(race(&world, &offered, guesses).await, 0);
    let standing = world.standing(&offered).await;
    assert_eq!(standing["wrong_tx_codes"], ATTEMPTS_MAX);
    assert_eq!(standing["state"], "locked");
    let right = offered.tx_code.as_deref().unwrap();
    assert!(
        world.redeem(&offered.code, &[("tx_code", right)]).await.is(400, "invalid_grant"),
        "C02"
    );
}

/// B05: the last second is good, the next one is not (TOKEN-26).
#[tokio::test]
async fn a_code_expires_to_the_second() {
    for (seconds, status) in [(599, 200), (600, 400), (601, 400)] {
        let world = World::new().await;
        let offered = world.offer("student_card", &json!({ "expires_in": 600 })).await;
        world.clock.advance(seconds);
        let answer = world.redeem(&offered.code, &[]).await;
        assert_eq!(answer.status, status, "after {seconds} s");
        assert!(status == 200 || answer.is(400, "invalid_grant"));
    }
}

/// B06
#[tokio::test]
async fn a_code_of_another_issuer_is_unknown() {
    let (ours, theirs) = (World::new().await, World::at("https://other.example", |_| {}).await);
    let code = theirs.offer("student_card", &json!({})).await.code;
    assert!(ours.redeem(&code, &[]).await.is(400, "invalid_grant"));
    theirs.redeem(&code, &[]).await.success();
}

async fn guess(world: &World, offered: &Offered, tx_code: &str) -> Answer {
    world.redeem(&offered.code, &[("tx_code", tx_code)]).await
}

/// C01, C04, C05, TOKEN-24, TOKEN-25, TOKEN-33
#[tokio::test]
async fn only_a_wrong_tx_code_counts() {
    let world = World::new().await;
    let offered = world.offer("student_card", &json!({ "tx_code": true })).await;
    let right = offered.tx_code.clone().unwrap();
    let guesses = wrong(&offered, ATTEMPTS_MAX as usize - 1);
    for guessed in &guesses {
        for _ in 0..3 {
            let missing = world.redeem(&offered.code, &[]).await;
            assert!(missing.is(400, "invalid_request"), "{missing:?}");
            assert!(
                guess(&world, &offered, "").await.is(400, "invalid_request"),
                "empty is absent"
            );
            let more = [("tx_code", guessed.as_str()), ("authorization_details", "?")];
            let unreadable = world.redeem(&offered.code, &more).await;
            assert!(unreadable.is(400, "invalid_authorization_details"), "{unreadable:?}");
        }
        let wrong = guess(&world, &offered, guessed).await;
        assert!(wrong.is(400, "invalid_grant"));
        assert!(wrong.text().contains("tx_code"), "a person may type again: {}", wrong.text());
    }
    assert_eq!(world.standing(&offered).await["wrong_tx_codes"], guesses.len());
    guess(&world, &offered, &right).await.success();
    assert!(guess(&world, &offered, &right).await.is(400, "invalid_grant"), "TOKEN-32");
}

/// C02: also for whoever knows the right one.
#[tokio::test]
async fn after_too_many_wrong_tx_codes_the_offer_is_locked() {
    let world = World::new().await;
    let offered = world.offer("student_card", &json!({ "tx_code": true })).await;
    for guessed in wrong(&offered, ATTEMPTS_MAX as usize) {
        assert!(guess(&world, &offered, &guessed).await.is(400, "invalid_grant"));
    }
    let right = offered.tx_code.clone().unwrap();
    assert!(guess(&world, &offered, &right).await.is(400, "invalid_grant"));
    assert_eq!(world.standing(&offered).await["state"], "locked");
}

/// C06, C09: a near miss is a miss, whatever it is made of; an unknown code tells nothing of it.
#[tokio::test]
async fn a_tx_code_is_compared_as_text() {
    let world = World::with(|issuer| issuer.config.offer.tx_code_attempts_max = 10).await;
    let offered = world.offer("student_card", &json!({ "tx_code": true })).await;
    let right = offered.tx_code.clone().unwrap();
    let fullwidth: String =
        right.chars().map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap()).collect();
    let near = [
        format!("{right} "),
        format!("0{right}"),
        right[1..].to_owned(),
        fullwidth,
        "9".repeat(1_000),
        "\0".to_owned(),
    ];
    for near in near {
        let answer = guess(&world, &offered, &near).await;
        assert!(answer.is(400, "invalid_grant"), "{near}: {answer:?}");
    }
    let [with, without] = [Some(("tx_code", right.as_str())), None];
    let with = world.redeem("unknown", &Vec::from_iter(with)).await;
    let without = world.redeem("unknown", &Vec::from_iter(without)).await;
    assert!(with.is(400, "invalid_grant") && with.body == without.body);
    guess(&world, &offered, &right).await.success();
}

/// B12, TOKEN-07, TOKEN-27, ASMETA-02
#[tokio::test]
async fn who_says_no_name_is_refused_where_names_are_wanted_and_keeps_the_code() {
    let world = World::with(|issuer| issuer.config.authorization.anonymous_access = false).await;
    let document = world.public.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(document["pre-authorized_grant_anonymous_access_supported"], false);
    let offered = world.offer("student_card", &json!({})).await;
    for more in [&[][..], &[("client_id", "")]] {
        let answer = world.redeem(&offered.code, more).await;
        assert_eq!(answer.refusal().1, "invalid_client");
        assert!([400, 401].contains(&answer.status), "TOKEN-22");
    }
    let twice = [("client_id", "a"), ("client_id", "b")];
    assert!(world.redeem(&offered.code, &twice).await.is(400, "invalid_request"));
    world.redeem(&offered.code, &[("client_id", "a-wallet")]).await.success();
}

/// B13
#[tokio::test]
async fn a_name_that_nobody_asked_for_is_taken() {
    let world = World::new().await;
    let offered = world.offer("student_card", &json!({})).await;
    world.redeem(&offered.code, &[("client_id", "a-wallet")]).await.success();
}

/// The end of a connection is no end of the body: half a request redeems nothing.
#[tokio::test]
async fn half_a_body_redeems_nothing() {
    let world = World::new().await;
    let code = world.offer("student_card", &json!({})).await.code;
    let form = format!("grant_type={PRE_AUTHORIZED_CODE}&pre-authorized_code={code}");
    let pieces = [Ok(form), Err(std::io::Error::other("the line is dead"))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = world.public.ask(Request::post("/token").header(CONTENT_TYPE, FORM), body).await;
    assert!(answer.is(400, "invalid_request"), "{answer:?}");
    world.redeem(&code, &[]).await.success();
}

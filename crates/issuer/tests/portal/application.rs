//! An application on its way to a card, and who may see it.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use issuer::flow::application::{approve, reject};
use issuer::flow::offer::withdraw;
use issuer::init::Purpose;
use serde_json::Value;

use crate::browser::{Answer, FORM, STUDENT, World};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const TICKET: &str = "course=Cryptography&starts_on=2026-10-12";

#[tokio::test]
async fn an_application_leads_to_an_offer() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let index = browser.get("/").await;
    assert!(index.text().contains("href=\"/apply/student_card\""), "{}", index.text());
    let path = browser.apply("student_card", STUDENT).await;
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("<svg") && page.text().contains("data-state=\"waiting\""));
    assert!(page.link().starts_with("openid-credential-offer://?credential_offer_uri="));
    // A reload shows the same offer and applies for nothing.
    assert_eq!(browser.get(&path).await.link(), page.link());
    assert_eq!(world.applications().await.len(), 1);
}

/// HAIP-21: with one device or with two.
#[tokio::test]
async fn the_picture_holds_the_link_of_the_page() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("student_card", STUDENT).await;
    let picture = browser.get(&format!("{path}/qr.png")).await;
    assert_eq!(picture.header("content-type"), "image/png");
    assert_eq!(qr::read(&picture.body).unwrap(), [browser.get(&path).await.link()]);
}

/// P05
#[tokio::test]
async fn a_link_that_is_not_exactly_right_opens_nothing() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("student_card", STUDENT).await;
    let other = browser.apply("student_card", STUDENT).await;
    // The id of one application with the secret of another.
    let mixed = format!("{}{}", &path[..40], &other[40..]);
    let short = &path[..path.len() - 1];
    let unreadable = "/applications/%ff%fe";
    for wrong in [&mixed, short, unreadable, "/applications/x", "/apply/unknown"] {
        let page = browser.get(wrong).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
        assert!(page.text().contains("Page not found"), "{wrong}");
    }
    for part in ["qr.png", "letter.pdf", "events"] {
        let answer = browser.get(&format!("{mixed}/{part}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{part}");
    }
    let csrf = browser.csrf("student_card").await;
    let renewed = browser.post(&format!("{mixed}/renew"), &format!("csrf={csrf}")).await;
    assert_eq!(renewed.status, StatusCode::NOT_FOUND);
}

/// P01
#[tokio::test]
async fn a_form_that_is_not_from_our_page_is_refused() {
    let world = World::demonstration();
    let csrf = world.browser().csrf("student_card").await;
    let cases = [
        ("another browser's", world.browser(), true, csrf.clone()),
        ("none", world.browser(), true, String::new()),
        ("no cookie", world.browser(), false, csrf),
        ("another site", world.browser().with("sec-fetch-site", "cross-site"), true, "own".into()),
        ("a sibling", world.browser().with("sec-fetch-site", "same-site"), true, "own".into()),
        ("an origin", world.browser().with("origin", "https://evil.example"), true, "own".into()),
    ];
    for (case, mut browser, with_cookie, csrf) in cases {
        let own = browser.csrf("student_card").await;
        let csrf = if csrf == "own" { own } else { csrf };
        browser.cookie = browser.cookie.filter(|_| with_cookie);
        let body = format!("{STUDENT}&csrf={csrf}");
        let answer = browser.post("/apply/student_card", &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{case}");
        assert!(answer.text().contains("Nothing was sent"), "{case}");
    }
    assert!(world.applications().await.is_empty());
}

/// A browser sends `Origin: null` with our own forms, as our pages name no referrer.
#[tokio::test]
async fn a_form_from_our_page_is_taken() {
    let world = World::demonstration();
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "https://issuer.example"),
        ("origin", "null"),
        ("accept", "text/html"),
    ] {
        world.browser().with(name, value).apply("student_card", STUDENT).await;
    }
}

#[tokio::test]
async fn tabs_of_one_browser_share_their_guard() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let first_tab = browser.csrf("student_card").await;
    let cookie = browser.cookie.clone();
    assert_eq!(browser.csrf("diploma").await, first_tab);
    assert_eq!(browser.cookie, cookie);
}

/// P04
#[tokio::test]
async fn the_cookie_stays_where_it_belongs() {
    let world = World::demonstration();
    let page = world.browser().get("/apply/student_card").await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-bestow-form="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    let world = World::new("https://a.example/cards", Purpose::Demonstration, |_| {});
    let page = world.browser().get("/cards/apply/student_card").await;
    let cookie = page.header("set-cookie");
    assert!(cookie.ends_with("; Path=/cards; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
}

#[tokio::test]
async fn the_portal_lies_below_the_path_of_the_issuer() {
    let world = World::new("https://a.example/cards", Purpose::Demonstration, |_| {});
    let mut browser = world.browser();
    for path in ["/cards", "/cards/", "/cards/assets/portal.css", "/cards/assets/types.css"] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert!(browser.get("/cards/").await.text().contains("href=\"/cards/apply/student_card\""));
    for path in ["/", "/apply/student_card", "/assets/portal.css"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let csrf = browser.get("/cards/apply/diploma").await.csrf();
    let answers = "given_name=E&family_name=M&degree=B&field_of_study=C&awarded_on=2026-07-15";
    let body = format!("{answers}&csrf={csrf}");
    let answer = browser.post("/cards/apply/diploma", &body).await;
    assert!(answer.header("location").starts_with("/cards/applications/"));
    assert_eq!(browser.get(answer.header("location")).await.status, StatusCode::OK);
}

/// P08
#[tokio::test]
async fn too_many_pages_are_too_many_until_a_little_later() {
    let world = World::new("https://issuer.example", Purpose::Demonstration, |config| {
        config.portal.pages_per_minute = 60;
    });
    let mut browser = world.browser();
    for _ in 0..60 {
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
    }
    let refused = browser.get("/").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(browser.get("/assets/portal.css").await.status, StatusCode::OK);
    let mut neighbour = world.browser();
    neighbour.address = "2001:db8::1".parse().unwrap();
    assert_eq!(neighbour.get("/").await.status, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_what_was_accepted_counts_as_an_application() {
    let world = World::new("https://issuer.example", Purpose::Demonstration, |config| {
        config.portal.applications_per_hour = 1;
    });
    let mut browser = world.browser();
    let csrf = browser.csrf("student_card").await;
    for _ in 0..3 {
        let body = format!("given_name=Erika&csrf={csrf}");
        let wrong = browser.post("/apply/student_card", &body).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    browser.apply("student_card", STUDENT).await;
    let answer = browser.post("/apply/student_card", &format!("{STUDENT}&csrf={csrf}")).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    assert_eq!(world.applications().await.len(), 1);
}

#[tokio::test]
async fn an_officer_decides() {
    let world = World::service();
    let mut browser = world.browser();
    let yes = browser.apply("student_card", STUDENT).await;
    world.clock.pass(1); // ids grow with the second
    let no = browser.apply("student_card", STUDENT).await;
    for path in [&yes, &no] {
        let page = browser.get(path).await;
        assert!(page.text().contains("data-state=\"received\""));
        assert!(!page.text().contains("openid-credential-offer"));
    }
    let applications = world.applications().await;
    let approved = approve(&world.issuer, applications[0].id).await.unwrap();
    reject(&world.issuer, applications[1].id).await.unwrap();
    let page = browser.get(&yes).await;
    assert!(page.text().contains("data-state=\"waiting\""));
    // The officer passes the code on; it is not on the page (A25).
    assert!(!page.text().contains(approved.tx_code.unwrap().expose()));
    let page = browser.get(&no).await;
    assert!(page.text().contains("Your application was not approved"));
    assert_eq!(browser.get(&format!("{no}/qr.png")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn after_expiry_a_fresh_code_takes_the_place_of_the_dead_one() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("student_card", STUDENT).await;
    let old = browser.get(&path).await.link();
    assert_eq!(browser.get(&reference(&old)).await.status, StatusCode::OK);
    world.clock.pass(601);
    let page = browser.get(&path).await;
    assert!(page.text().contains("data-state=\"expired\""));
    let renewed = browser.post(&format!("{path}/renew"), &format!("csrf={}", page.csrf())).await;
    assert_eq!(renewed.status, StatusCode::SEE_OTHER);
    assert_eq!(renewed.header("location"), path);
    let new = browser.get(&path).await.link();
    assert_ne!(new, old);
    assert_eq!(browser.get(&reference(&new)).await.status, StatusCode::OK);
    assert_eq!(browser.get(&reference(&old)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_issuer_took_back_is_not_given_out_again() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("student_card", STUDENT).await;
    let csrf = browser.get(&path).await.csrf();
    let offer = world.applications().await[0].offer_id.unwrap();
    withdraw(&world.issuer, offer).await.unwrap();
    assert!(browser.get(&path).await.text().contains("data-state=\"withdrawn\""));
    browser.post(&format!("{path}/renew"), &format!("csrf={csrf}")).await;
    assert!(browser.get(&path).await.text().contains("data-state=\"withdrawn\""));
}

/// VCI §13.6.3
#[tokio::test]
async fn too_many_wrong_transaction_codes_show_on_the_page() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("student_card", STUDENT).await;
    let old = browser.get(&path).await;
    let offer = browser.get(&reference(&old.link())).await;
    let offer: Value = serde_json::from_slice(&offer.body).unwrap();
    let code = offer["grants"][GRANT]["pre-authorized_code"].as_str().unwrap();
    let guess = format!("grant_type={GRANT}&pre-authorized_code={code}&tx_code=wrong0");
    for _ in 0..5 {
        browser.post("/token", &guess).await;
    }
    let locked = browser.get(&path).await;
    assert!(locked.text().contains("data-state=\"locked\""));
    browser.post(&format!("{path}/renew"), &format!("csrf={}", locked.csrf())).await;
    let new = browser.get(&path).await;
    assert!(new.text().contains("data-state=\"waiting\""));
    assert_ne!(new.link(), old.link());
    let digits = |page: &Answer| page.between("<p class=\"digits\">", "<");
    assert_ne!(digits(&new), digits(&old), "guessing must not go on");
}

/// The place of a Credential Offer on this server.
fn reference(link: &str) -> String {
    let url = url::Url::parse(link).unwrap();
    let uri = url.query_pairs().find(|(name, _)| name == "credential_offer_uri").unwrap().1;
    url::Url::parse(&uri).unwrap().path().to_owned()
}

#[tokio::test]
async fn the_page_follows_the_wallet_to_the_receipt() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("course_ticket", TICKET).await;
    let events = format!("{path}/events");
    let stream = browser.open(Method::GET, &events, (FORM, Vec::new())).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut stream = stream.into_body().into_data_stream();
    assert_eq!(event(&mut stream).await, "waiting");

    let link = browser.get(&path).await.link();
    let offer = browser.get(&reference(&link)).await;
    let offer: Value = serde_json::from_slice(&offer.body).unwrap();
    assert_eq!(event(&mut stream).await, "opened");
    assert!(browser.get(&path).await.text().contains("data-state=\"opened\""));

    let code = offer["grants"][GRANT]["pre-authorized_code"].as_str().unwrap();
    let body = format!("grant_type={GRANT}&pre-authorized_code={code}");
    let token = browser.post("/token", &body).await;
    let token: Value = serde_json::from_slice(&token.body).unwrap();
    let token = token["access_token"].as_str().unwrap();
    let mut wallet = world.browser().with("authorization", &format!("Bearer {token}"));
    let body = br#"{"credential_configuration_id":"course_ticket"}"#.to_vec();
    let answer = wallet.open(Method::POST, "/credential", ("application/json", body)).await;
    assert_eq!(answer.status(), StatusCode::OK);

    assert_eq!(event(&mut stream).await, "issued");
    assert!(stream.next().await.is_none(), "nothing follows a final state");
    let page = browser.get(&path).await;
    assert!(page.text().contains("data-state=\"issued\""));
    assert!(page.text().contains("datetime=\"2026-11-24T00:00:00Z\""), "{}", page.text());
}

/// P06: one link does not take all streams; who comes too late is told the state and comes again.
#[tokio::test]
async fn an_application_has_a_few_streams() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("course_ticket", TICKET).await;
    let other = browser.apply("course_ticket", TICKET).await;
    let mut held = Vec::new();
    let events = format!("{path}/events");
    for _ in 0..4 {
        let stream = browser.open(Method::GET, &events, (FORM, Vec::new())).await;
        held.push(stream.into_body().into_data_stream());
    }
    let late = browser.open(Method::GET, &events, (FORM, Vec::new())).await;
    let mut late = late.into_body().into_data_stream();
    assert_eq!(event(&mut late).await, "waiting");
    let ended = tokio::time::timeout(Duration::from_secs(2), late.next()).await;
    assert!(ended.unwrap().is_none(), "the fifth tells the state and ends");
    let stream = browser.open(Method::GET, &format!("{other}/events"), (FORM, Vec::new())).await;
    let mut stream = stream.into_body().into_data_stream();
    assert_eq!(event(&mut stream).await, "waiting");
    let goes_on = tokio::time::timeout(Duration::from_secs(2), stream.next()).await;
    assert!(goes_on.is_err(), "another application has streams of its own");
}

/// The state that the next event names.
async fn event(stream: &mut BodyDataStream) -> String {
    let next = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
    let event = String::from_utf8(next.unwrap().unwrap().unwrap().to_vec()).unwrap();
    event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned()
}

#[tokio::test]
async fn a_letter_is_for_types_that_a_transaction_code_guards() {
    let world = World::service();
    let mut browser = world.browser();
    let card = browser.apply("student_card", STUDENT).await;
    let ticket = browser.apply("course_ticket", TICKET).await;
    let letter = format!("{card}/letter.pdf");
    assert_eq!(browser.get(&letter).await.status, StatusCode::NOT_FOUND, "not yet approved");
    for application in world.applications().await {
        approve(&world.issuer, application.id).await.unwrap();
    }
    let pdf = browser.get(&letter).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.body.starts_with(b"%PDF-"));
    let page = browser.get(&ticket).await;
    assert!(!page.text().contains("letter.pdf"));
    let letter = browser.get(&format!("{ticket}/letter.pdf")).await;
    assert_eq!(letter.status, StatusCode::NOT_FOUND);
}

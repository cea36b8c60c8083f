//! The portal's form: what people and programs send, and what stands around every page.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use issuer::credential_type::{IMAGE_BYTES_MAX, Locale};
use issuer::init::Purpose;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::browser::{STUDENT, World};

/// One white pixel.
const PNG: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x0a\
    IDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\xb18\xf6\x14\x00\x00\x00\x00IEND\xaeB`\x82";

/// P03
#[tokio::test]
async fn what_a_stranger_writes_stays_text() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let csrf = browser.csrf("student_card").await;
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let body = format!("given_name={hostile}&birth_date={hostile}&csrf={csrf}");
    let page = browser.post("/apply/student_card", &body).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!page.text().contains("<script>alert"));
    assert!(page.text().contains("&#60;script&#62;alert(1)"), "{}", page.text());
}

#[tokio::test]
async fn mistakes_come_back_with_everything_that_was_entered() {
    let world = World::demonstration();
    let mut browser = world.browser().with("accept-language", "de");
    let csrf = browser.csrf("student_card").await;
    let body = format!("given_name=J%C3%B6rg&birth_date=2003-02-30&address.city=K&csrf={csrf}");
    let page = browser.post("/apply/student_card", &body).await;
    let text = page.text();
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"Jörg\"", "value=\"2003-02-30\"", "value=\"K\""] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert!(text.contains("einen Tag, den es gibt"));
    assert!(text.contains("href=\"#field-family-name\""));
    let body = format!("{STUDENT}&csrf={}", page.csrf());
    assert_eq!(browser.post("/apply/student_card", &body).await.status, StatusCode::SEE_OTHER);
}

/// The parts of a form with files.
fn parts<'p>(csrf: &'p str, photo: &'p [u8]) -> Vec<(&'p str, &'p [u8])> {
    vec![
        ("csrf", csrf.as_bytes()),
        ("given_name", b"Erika"),
        ("family_name", "Müller".as_bytes()),
        ("birth_date", b"2003-08-12"),
        ("student_id", b"20260815"),
        ("photo", photo),
    ]
}

/// P09
#[tokio::test]
async fn a_picture_is_taken_when_it_is_one() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let csrf = browser.csrf("student_card").await;
    let photograph = vec![0xff; 3_000_000];
    let large = [PNG, &vec![0; IMAGE_BYTES_MAX]].concat();
    let cases: [(&[u8], &str); 4] = [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PNG or JPEG"),
        (&PNG[..40], "damaged"),
        (&large, "at most 200 KB"),
        (&photograph, "at most 200 KB"),
    ];
    for (photo, error) in cases {
        let page = browser.upload("/apply/student_card", &parts(&csrf, photo)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{error}");
        assert!(page.text().contains(error) && page.text().contains("Müller"), "{error}");
    }
    let hiding = [PNG, b"<script>"].concat();
    for photo in [&hiding[..], b""] {
        let answer = browser.upload("/apply/student_card", &parts(&csrf, photo)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        world.clock.pass(1); // ids grow with the second
    }
    let applications = world.applications().await;
    let photo = applications[0].claims["photo"].as_str().unwrap();
    let file = photo.strip_prefix("data:image/png;base64,").unwrap();
    let file = BASE64_STANDARD.decode(file).unwrap();
    assert!(!file.ends_with(b"<script>"), "the pixels are all that is kept");
    assert!(!applications[1].claims.contains_key("photo"));
}

#[tokio::test]
async fn a_picture_is_asked_for_again_after_another_mistake() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let csrf = browser.csrf("student_card").await;
    let mut parts = parts(&csrf, PNG);
    parts.remove(1);
    let page = browser.upload("/apply/student_card", &parts).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("Please choose the picture again."));
}

#[tokio::test]
async fn a_body_that_is_no_form_applies_for_nothing() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let csrf = browser.csrf("student_card").await;
    let guarded = format!("csrf={csrf}&{STUDENT}");
    let endless = format!("{guarded}&x={}", "x".repeat(600_000));
    let countless = format!("{guarded}{}", "&x=1".repeat(2_000));
    for body in ["", "\u{0}", "{}"] {
        let answer = browser.post("/apply/student_card", body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body}");
    }
    for body in [&endless, &countless] {
        let answer = browser.post("/apply/student_card", body).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(answer.text().contains("larger than we take"), "{}", answer.text());
    }
    let name = vec![b'x'; 600_000];
    let long = [("csrf", csrf.as_bytes()), ("given_name", &name)];
    let answer = browser.upload("/apply/student_card", &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let broken = "multipart/form-data; boundary=edge";
    let body = format!("--edge\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}");
    let answer = browser.open(Method::POST, "/apply/diploma", (broken, body));
    assert_eq!(answer.await.status(), StatusCode::FORBIDDEN);
    assert!(world.applications().await.is_empty());
}

#[tokio::test]
async fn an_applicant_sets_no_claim_that_the_form_does_not_show() {
    let world = World::demonstration();
    let answers = format!("{STUDENT}&university=Elsewhere");
    world.browser().apply("student_card", &answers).await;
    assert_eq!(world.applications().await[0].claims["university"], "Riverside University");
}

/// P02, P03
#[tokio::test]
async fn every_answer_protects_its_reader() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let application = browser.apply("student_card", STUDENT).await;
    let qr_png = format!("{application}/qr.png");
    for path in ["/", "/apply/diploma", "/apply/unknown", &application, &qr_png] {
        let answer = browser.get(path).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    let style = browser.get("/assets/types.css").await;
    assert!(style.text().contains(".type-student_5fcard{--card:#12406b"), "{}", style.text());
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(browser.get("/assets/..%2flib.rs").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_look_ahead_gets_the_same_head() {
    let world = World::demonstration();
    let mut browser = world.browser();
    let application = browser.apply("student_card", STUDENT).await;
    for path in ["/", &application, "/assets/portal.js", "/apply/unknown"] {
        let (head, full) = (browser.head(path).await, browser.get(path).await);
        assert_eq!(head.status, full.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn readers_get_their_language_or_the_operators() {
    let world = World::new("https://issuer.example", Purpose::Demonstration, |config| {
        config.locale = Locale::try_from("de-AT".to_owned()).unwrap();
    });
    for (wanted, language) in [("en", "en"), ("fr", "de"), ("", "de"), ("fr,en;q=0.1", "en")] {
        let page = world.browser().with("accept-language", wanted).get("/apply/diploma").await;
        assert!(page.text().contains(&format!("<html lang=\"{language}\">")), "{wanted}");
    }
}

/// Q02: a connection that does not get on.
#[tokio::test]
async fn a_form_that_never_ends_gets_a_page() {
    let world = World::new("https://issuer.example", Purpose::Demonstration, |config| {
        config.server.request_seconds = 1;
    });
    let mut browser = world.browser();
    let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let body = (crate::browser::FORM, Body::from_stream(endless));
    let answer = browser.open(Method::POST, "/apply/diploma", body).await;
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    let page = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(String::from_utf8_lossy(&page).contains("This took too long"));
}

/// Whatever goes wrong, people read a page.
#[tokio::test]
async fn another_method_gets_a_page_too() {
    let world = World::demonstration();
    let mut browser = world.browser();
    for path in ["/", "/applications/x", "/assets/portal.css"] {
        let page = browser.post(path, "").await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(page.header("allow"), "GET,HEAD", "{path}");
        assert!(page.text().contains("<html") && page.text().contains("Page not found"), "{path}");
        assert_eq!(page.header("access-control-allow-origin"), "", "P20: {path}");
    }
    assert_eq!(browser.get("/nothing").await.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_portal_that_is_off_has_no_pages() {
    let world = World::new("https://issuer.example", Purpose::Demonstration, |config| {
        config.portal.enabled = false;
    });
    let mut browser = world.browser();
    for path in ["/", "/apply/diploma", "/assets/portal.css"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Writes down every field of every span and event.
#[derive(Clone, Default)]
struct Notebook(Arc<Mutex<String>>);

impl Visit for Notebook {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0.lock().unwrap(), "{field}={value:?} ");
    }
}

impl Subscriber for Notebook {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// R01
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let notebook = Notebook::default();
    // A lone subscriber is not asked about what another test's thread meets first.
    let _other = tracing::Dispatch::new(Notebook::default());
    let guard = tracing::subscriber::set_default(notebook.clone());
    let world = World::demonstration();
    let mut browser = world.browser();
    let path = browser.apply("student_card", STUDENT).await;
    let page = browser.get(&path).await;
    browser.get(&format!("{path}/qr.png")).await;
    let csrf = page.csrf();
    browser.post(&format!("{path}/renew"), &format!("csrf={csrf}")).await;
    drop(guard);
    let log = notebook.0.lock().unwrap().clone();
    assert!(log.contains("application received") && log.contains("path=\"/applications/\""));
    let cookie = browser.cookie.unwrap();
    let reference = page.link().rsplit("%2F").next().unwrap().to_owned();
    let secret = path.rsplit('/').next().unwrap();
    for hidden in [secret, &csrf, &reference, cookie.split_once('=').unwrap().1, "Mustermann"] {
        assert!(hidden.len() > 8 && !log.contains(hidden), "{hidden} in {log}");
    }
}

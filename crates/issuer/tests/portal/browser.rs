//! An issuer with a database of its own, and browsers that open its pages without a socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use futures_util::FutureExt as _;
use issuer::Issuer;
use issuer::application::Application;
use issuer::config::{Config, IssuerUrl};
use issuer::http::public;
use issuer::init::{NewIssuer, Purpose, init};
use issuer::store::ApplicationPage;
use keys::digest::sha256;
use keys::outside::{Clock, Random, Timestamp};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// 2026-11-24
const NOW: u64 = 1_795_478_400;
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// What a student fills in, without the guard of the form.
pub(crate) const STUDENT: &str = "given_name=Erika&family_name=Mustermann&birth_date=2003-08-12\
                                  &student_id=20260815";

/// Stands still until a test moves it.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl TestClock {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Never the same twice, and the same in every run.
#[derive(Debug, Default)]
struct Numbered(AtomicU64);

impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            let drawn = sha256(&number.to_be_bytes());
            chunk.copy_from_slice(drawn.get(..chunk.len()).unwrap());
        }
    }
}

pub(crate) struct World {
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) clock: TestClock,
    pub(crate) router: Router,
    _folder: TempDir,
}

impl World {
    /// An issuer for a demonstration: everybody is approved at once.
    pub(crate) fn demonstration() -> Self {
        Self::new("https://issuer.example", Purpose::Demonstration, |_| {})
    }

    /// An issuer whose officer approves.
    pub(crate) fn service() -> Self {
        Self::new("https://issuer.example", Purpose::Service, |_| {})
    }

    pub(crate) fn new(url: &str, purpose: Purpose, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, random) = (TestClock(Arc::new(NOW.into())), Numbered::default());
        let url = IssuerUrl::try_from(url.to_owned()).unwrap();
        let new = NewIssuer { url: &url, name: "Riverside University", purpose };
        let report = init(folder.path(), &new, &clock, &random).unwrap();
        let mut config = Config::load(&report.config).unwrap();
        change(&mut config);
        let issuer = Issuer::open(config, Box::new(clock.clone()), Box::new(random));
        let issuer = issuer.now_or_never().unwrap().unwrap(); // a file is opened without waiting
        let issuer = Arc::new(issuer);
        Self { router: public(Arc::clone(&issuer)), issuer, clock, _folder: folder }
    }

    pub(crate) fn browser(&self) -> Browser {
        let address = Ipv4Addr::new(192, 0, 2, 1).into();
        Browser { router: self.router.clone(), cookie: None, address, headers: HeaderMap::new() }
    }

    pub(crate) async fn applications(&self) -> Vec<Application> {
        let page = ApplicationPage { state: None, after: None, limit: 100 };
        self.issuer.store.applications(page).await.unwrap()
    }
}

/// Keeps its cookie and sends the same headers with each request.
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookie: Option<String>,
    pub(crate) address: IpAddr,
    pub(crate) headers: HeaderMap,
}

impl Browser {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// The answer while its body is still coming.
    pub(crate) async fn open(
        &mut self,
        method: Method,
        path: &str,
        (content_type, body): (&str, impl Into<Body>),
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(CONTENT_TYPE, content_type);
        request = request.extension(ConnectInfo(SocketAddr::new(self.address, 50_000)));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let mut request = request.body(body.into()).unwrap();
        request.headers_mut().extend(self.headers.clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next();
            self.cookie = pair.map(str::to_owned);
        }
        response
    }

    async fn ask(&mut self, method: Method, path: &str, body: (&str, Vec<u8>)) -> Answer {
        let (parts, body) = self.open(method, path, body).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, (FORM, Vec::new())).await
    }

    pub(crate) async fn head(&mut self, path: &str) -> Answer {
        self.ask(Method::HEAD, path, (FORM, Vec::new())).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.ask(Method::POST, path, (FORM, body.into())).await
    }

    /// Sends a form with files.
    pub(crate) async fn upload(&mut self, path: &str, parts: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in parts {
            let file = if *name == "photo" { "; filename=\"me.png\"" } else { "" };
            let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}");
            body.extend([head.as_bytes(), b"\r\n\r\n", value, b"\r\n"].concat());
        }
        body.extend(b"--edge--\r\n");
        self.ask(Method::POST, path, ("multipart/form-data; boundary=edge", body)).await
    }

    /// Opens the form of a type, for the guard that it carries.
    pub(crate) async fn csrf(&mut self, id: &str) -> String {
        self.get(&format!("/apply/{id}")).await.csrf()
    }

    /// Fills in a form; the path of the applicant's own page comes back.
    pub(crate) async fn apply(&mut self, id: &str, answers: &str) -> String {
        let csrf = self.csrf(id).await;
        let answer = self.post(&format!("/apply/{id}"), &format!("{answers}&csrf={csrf}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        answer.header(LOCATION.as_str()).to_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn csrf(&self) -> String {
        self.between("name=\"csrf\" value=\"", "\"")
    }

    /// The offer on the page.
    pub(crate) fn link(&self) -> String {
        self.between("href=\"openid-credential-offer", "\"")
            .replace("://", "openid-credential-offer://")
    }

    pub(crate) fn between(&self, before: &str, after: &str) -> String {
        let text = self.text();
        let (_, rest) = text.split_once(before).unwrap();
        rest.split_once(after).unwrap().0.to_owned()
    }
}

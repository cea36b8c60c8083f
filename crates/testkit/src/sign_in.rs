//! The Authorization Code Flow by hand: a registered client, an account, and a browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::request::Builder;
use issuer::Issuer;
use oid4vci::client::{Client, ClientAuthentication, RedirectUri};
use oid4vci::secret::CodeVerifier;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use crate::wire::{Answer, FORM, Wire};
use crate::world::World;

/// The client that [`with_client`] registers.
pub const CLIENT: &str = "test-wallet";
/// Where it is answered.
pub const REDIRECT: &str = "https://wallet.example/cb";
/// The password of every account.
pub const PASSWORD: &str = "correct horse battery";
/// 43 characters, as RFC 7636 §4.1 asks.
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636";

/// Registers a public client, for `World::with`.
pub fn with_client(issuer: &mut Issuer) {
    register(issuer, CLIENT, ClientAuthentication::None);
}

/// Registers a client.
pub fn register(issuer: &mut Issuer, client_id: &str, authentication: ClientAuthentication) {
    let uris = [REDIRECT, "http://127.0.0.1/cb"];
    let client = Client {
        client_id: client_id.to_owned(),
        name: "Test Wallet".into(),
        authentication,
        redirect_uris: uris.map(|uri| RedirectUri::parse(uri).unwrap()).into(),
        is_first_party: false,
        signs_requests: false,
    };
    issuer.clients.insert(client_id.to_owned(), client);
}

impl World {
    /// Makes an account that can have these types, with example claims.
    pub async fn account(&self, name: &str, ids: &[&str]) {
        let sample = |id: &&str| ((*id).to_owned(), Value::Object(self.issuer.types[*id].sample()));
        let claims: Map<String, Value> = ids.iter().map(sample).collect();
        let body = json!({ "name": name, "password": PASSWORD, "claims": claims });
        let answer = self.operator("POST", "/admin/v1/accounts", Some(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// A good Authorization Request for one type; those in `change` take the place of the others,
    /// and an empty one is left out.
    pub fn authorization_request(
        &self,
        id: &str,
        change: &[(&str, &str)],
    ) -> Vec<(String, String)> {
        let challenge = CodeVerifier::new(VERIFIER).challenge().to_text();
        let details = json!([{ "type": "openid_credential", "credential_configuration_id": id }]);
        let details = details.to_string();
        let base = [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("state", "the state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("authorization_details", details.as_str()),
        ];
        let kept = base.iter().filter(|(name, _)| change.iter().all(|(other, _)| other != name));
        let all = kept.chain(change).filter(|(_, value)| !value.is_empty());
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The address that a wallet opens in a browser.
    pub fn authorize(&self, request: &[(String, String)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(request).finish();
        format!("{}?{query}", self.issuer.endpoint("authorize"))
    }

    /// A code that `account` allowed, through all pages.
    pub async fn authorization_code(&self, account: &str, id: &str) -> String {
        let address = self.authorize(&self.authorization_request(id, &[]));
        let back = Browser::of(&self.public).allow(&address, account).await;
        parameter(&back, "code").unwrap()
    }

    /// Sends the Token Request of the Authorization Code Flow.
    pub async fn redeem_code(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let base = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", CLIENT),
        ];
        let kept = base.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        self.token_request(&kept.chain(more).copied().collect::<Vec<_>>()).await
    }

    /// Sends a refresh token.
    pub async fn refresh(&self, token: &str) -> Answer {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", CLIENT)];
        self.token_request(&form).await
    }
}

/// A parameter of the address that a browser was sent back to.
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).unwrap();
    url.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

/// A browser: it keeps cookies, and fills in the forms of our pages.
#[derive(Debug)]
pub struct Browser {
    wire: Wire,
    address: [u8; 4],
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Without a cookie.
    pub fn of(wire: &Wire) -> Self {
        Self { wire: wire.clone(), address: [127, 0, 0, 1], cookies: BTreeMap::new() }
    }

    /// At another address of the network.
    #[must_use]
    pub fn at(self, address: [u8; 4]) -> Self {
        Self { address, ..self }
    }

    fn begin(&self, begun: Builder) -> Builder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let peer = ConnectInfo(SocketAddr::from((self.address, 4711)));
        begun.header(COOKIE, cookies.join("; ")).extension(peer)
    }

    /// Opens an address and follows where it leads, on this server.
    pub async fn open(&mut self, address: &str) -> (String, Answer) {
        let mut address = address.to_owned();
        for _ in 0..5 {
            let begun = self.begin(Request::get(&address));
            let answer = self.wire.ask(begun, "").await;
            self.keep_cookie(&answer);
            let location = answer.header("location").to_owned();
            if !location.starts_with('/') {
                return (address, answer);
            }
            address = location;
        }
        panic!("no end of redirects");
    }

    /// Sends the form of a page.
    pub async fn send(&mut self, path: &str, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let text = page.text();
        let csrf = text.split_once(r#"name="csrf" value=""#).unwrap().1;
        let csrf = csrf.split_once('"').unwrap().0;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", csrf)
            .extend_pairs(fields)
            .finish();
        let begun = self.begin(Request::post(path).header(CONTENT_TYPE, FORM));
        let answer = self.wire.ask(begun, body).await;
        self.keep_cookie(&answer);
        answer
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        let cookie = answer.header(SET_COOKIE.as_str());
        let pair = cookie.split_once(';').and_then(|(pair, _)| pair.split_once('='));
        self.cookies.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// Forgets everything, as a browser does at its end.
    pub fn forget(&mut self) {
        self.cookies.clear();
    }

    /// Signs in on a page and gives back the next one, with its path.
    pub async fn sign_in(&mut self, address: &str, account: &str) -> (String, Answer) {
        let (path, page) = self.open(address).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let fields = [("account", account), ("password", PASSWORD), ("answer", "sign-in")];
        let answer = self.send(&path, &page, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        self.open(answer.header("location")).await
    }

    /// Signs in and allows; the address of the client results.
    pub async fn allow(&mut self, address: &str, account: &str) -> String {
        let (path, page) = self.sign_in(address, account).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let answer = self.send(&path, &page, &[("answer", "allow")]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").to_owned()
    }
}

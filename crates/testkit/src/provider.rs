//! An OpenID Provider, or authorization server, on this machine that says whatever a test wants: a
//! real server on a real socket, and nobody's friend.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use issuer::Issuer;
use issuer::config::SignIn;
use issuer::credential_type::CredentialType;
use issuer::provider::Provider;
use keys::algorithm::Algorithm;
use keys::jws;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Our name at the provider.
pub const CLIENT_ID: &str = "bestow at the provider";

/// What the provider answers, and what it was asked.
#[derive(Debug)]
pub struct Answers {
    /// Its metadata.
    pub metadata: Value,
    /// Its JWK Set.
    pub jwks: Value,
    /// What its token endpoint answers.
    pub tokens: (u16, Value),
    /// What its UserInfo Endpoint answers.
    pub userinfo: Value,
    /// What its introspection endpoint answers.
    pub introspection: Value,
    /// The forms that came to its endpoints.
    pub forms: Vec<Vec<(String, String)>>,
    /// The headers `Authorization` that came beside them.
    pub authorizations: Vec<String>,
    /// How often its keys were read.
    pub jwks_reads: usize,
    /// How long it takes to say what they are, and what a token is worth.
    pub takes: Duration,
}

/// The provider.
#[derive(Debug)]
pub struct TestProvider {
    /// Its identifier.
    pub issuer: String,
    /// What it signs with.
    pub key: SoftwareKey,
    answers: Arc<Mutex<Answers>>,
}

type Shared = Arc<Mutex<Answers>>;

impl TestProvider {
    /// Begins to listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
        let answers = Arc::new(Mutex::new(Answers {
            metadata: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
                "introspection_endpoint": format!("{issuer}/introspect"),
                "authorization_response_iss_parameter_supported": true,
            }),
            jwks: json!({ "keys": [named(&key, "1")] }),
            tokens: (400, json!({ "error": "invalid_grant" })),
            userinfo: json!({}),
            introspection: json!({ "active": false }),
            forms: Vec::new(),
            authorizations: Vec::new(),
            jwks_reads: 0,
            takes: Duration::ZERO,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .route("/introspect", post(introspect))
            .with_state(Arc::clone(&answers));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, key, answers }
    }

    /// What it answers from now on, and what it was asked.
    pub fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap()
    }

    /// Tells an issuer of it, for `World::with`: the student card's names come from it.
    pub fn trusted_by(&self, issuer: &mut Issuer, change: impl FnOnce(&mut SignIn)) {
        let mut sign_in = SignIn {
            provider: self.issuer.clone(),
            provider_name: "Riverside Login".into(),
            client_id: CLIENT_ID.into(),
            ..SignIn::default()
        };
        change(&mut sign_in);
        issuer.provider = Provider::open(&sign_in).unwrap();
        issuer.config.sign_in = sign_in;
        let file = issuer.config.credentials.join("student_card.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let claims = r#"{ given_name = "given_name", family_name = "family_name",
            birth_date = "birthdate", student_id = "student.number",
            "address.city" = "address.locality" }"#
            .replace('\n', " ");
        let text = format!("sign_in_claims = {claims}\n{text}");
        let url = issuer.config.url.as_str().to_owned();
        let student_card = CredentialType::parse(&file, &text, &url).unwrap();
        issuer.types.insert("student_card".into(), student_card);
    }

    /// Claims of a person whom the provider signed in, for this sign-in.
    pub fn person(&self, nonce: &str, now: Timestamp) -> Map<String, Value> {
        let claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "248289", "nonce": nonce,
            "iat": now.0, "exp": now.0 + 300, "name": "Ada Lovelace",
            "given_name": "Ada", "family_name": "Lovelace", "birthdate": "1815-12-10",
            "student": { "number": "S-1" }, "address": { "locality": "London" },
        });
        claims.as_object().unwrap().clone()
    }

    /// Signs claims.
    pub async fn sign(&self, header: &Value, claims: &Map<String, Value>) -> String {
        let text = Value::from(claims.clone()).to_string();
        let header = header.as_object().unwrap().clone();
        jws::sign(header, text.as_bytes(), &self.key).await.unwrap()
    }

    /// The next code is good for this ID token.
    pub fn answer(&self, id_token: &str) {
        let tokens = json!({
            "access_token": "of the provider", "token_type": "Bearer", "id_token": id_token,
        });
        self.answers().tokens = (200, tokens);
    }
}

/// A public key with a name.
pub fn named(key: &SoftwareKey, kid: &str) -> Value {
    let mut jwk = key.public_key().to_jwk();
    jwk.insert("kid".into(), kid.into());
    jwk.into()
}

async fn metadata(State(answers): State<Shared>) -> Json<Value> {
    Json(answers.lock().unwrap().metadata.clone())
}

async fn jwks(State(answers): State<Shared>) -> Json<Value> {
    let takes = answers.lock().unwrap().takes;
    tokio::time::sleep(takes).await;
    let mut answers = answers.lock().unwrap();
    answers.jwks_reads += 1;
    Json(answers.jwks.clone())
}

async fn token(
    State(answers): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> impl IntoResponse {
    let mut answers = answers.lock().unwrap();
    note(&mut answers, &headers, form);
    let (status, body) = answers.tokens.clone();
    (StatusCode::from_u16(status).unwrap(), Json(body))
}

async fn userinfo(State(answers): State<Shared>, headers: HeaderMap) -> Json<Value> {
    let mut answers = answers.lock().unwrap();
    note(&mut answers, &headers, Vec::new());
    Json(answers.userinfo.clone())
}

async fn introspect(
    State(answers): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Json<Value> {
    let takes = answers.lock().unwrap().takes;
    tokio::time::sleep(takes).await;
    let mut answers = answers.lock().unwrap();
    note(&mut answers, &headers, form);
    Json(answers.introspection.clone())
}

fn note(answers: &mut Answers, headers: &HeaderMap, form: Vec<(String, String)>) {
    let header = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    answers.authorizations.push(header.to_owned());
    answers.forms.push(form);
}

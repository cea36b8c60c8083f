//! An issuer that says whatever a test wants, and a wallet that talks to it without a network.
#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod memory;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::jws::{self, Jws};
use keys::outside::{Clock, SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer, SoftwareKey};
use keys::x509::{Anchors, x5c_from_pem, x5c_to_json};
use keys::{did, json as strict};
use memory::Memory;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::flow::token::Authorized;
use wallet::http::{Http, HttpError, Method, Request, Response, WWW_AUTHENTICATE};
use wallet::store::{Store, StoredCredential};
use wallet::{Settings, Wallet, error::WalletError};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000);
pub(crate) const ISSUER: &str = "https://issuer.example/a";
pub(crate) const CODE: &str = "code-canary-51c9";
pub(crate) const TOKEN: &str = "token-canary-77ab";

/// What the issuer answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(u16, Value),
    Typed(&'static str, Vec<u8>),
    /// 401 with this `WWW-Authenticate`, and nothing else.
    Challenged(&'static str),
    Fails(HttpError),
}

type Route = Arc<dyn Fn(&Sent) -> Answer + Send + Sync>;

/// What the wallet sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn json(&self) -> Value {
        strict::parse(&self.body).unwrap()
    }

    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// The network: routes by URL; everything else is 404.
#[derive(Default)]
pub(crate) struct Network {
    routes: Mutex<BTreeMap<String, Route>>,
    sent: Mutex<Vec<Sent>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

#[async_trait]
impl Http for Network {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let headers = request.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        let sent = Sent {
            method: request.method,
            url: request.url.to_string(),
            headers: headers.collect(),
            body: request.body,
        };
        self.sent.lock().unwrap().push(sent.clone());
        let route = self.routes.lock().unwrap().get(&sent.url).cloned();
        let mut headers = Vec::new();
        let (status, content_type, body) = match route.map(|route| route(&sent)) {
            None => (404, "application/json", b"{}".to_vec()),
            Some(Answer::Json(status, value)) => {
                (status, "application/json", value.to_string().into_bytes())
            }
            Some(Answer::Typed(content_type, body)) => (200, content_type, body),
            Some(Answer::Challenged(challenge)) => {
                headers.push((WWW_AUTHENTICATE, challenge.to_owned()));
                (401, "text/plain", Vec::new())
            }
            Some(Answer::Fails(error)) => return Err(error),
        };
        let content_type = Some(content_type.to_owned());
        Ok(Response { status, content_type, headers, body })
    }
}

impl Network {
    pub(crate) fn on(&self, url: &str, answer: impl Fn(&Sent) -> Answer + Send + Sync + 'static) {
        self.routes.lock().unwrap().insert(url.to_owned(), Arc::new(answer));
    }

    pub(crate) fn says(&self, url: &str, status: u16, value: Value) {
        self.on(url, move |_| Answer::Json(status, value.clone()));
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn sent_to(&self, url: &str) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.url == url).collect()
    }
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Wallet, issuer and the network between them.
pub(crate) struct World {
    pub(crate) network: Arc<Network>,
    pub(crate) store: Arc<Memory>,
    pub(crate) wallet: Wallet,
    pub(crate) issuer: Arc<SigningKey>,
}

/// The issuer's key with its certificate.
pub(crate) struct SigningKey {
    pub(crate) key: SoftwareKey,
    pub(crate) ca: DevelopmentCa,
    pub x5c: Value,
}

impl SigningKey {
    pub(crate) fn new(made: Timestamp, issuer: &str) -> Self {
        let ca = DevelopmentCa::generate("Test", made).unwrap();
        let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
        let certificate = ca.signing_certificate(key.public_key(), "Riverside", issuer, made);
        let x5c = x5c_to_json(&x5c_from_pem(&certificate.unwrap()).unwrap());
        Self { key, ca, x5c }
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let header = header.as_object().unwrap().clone();
        let payload = claims.to_string();
        now(jws::sign(header, payload.as_bytes(), &self.key)).unwrap()
    }

    /// A student card as the issuer makes it; the test may spoil it before it is signed.
    pub(crate) fn student_card(
        &self,
        holder: &Value,
        spoil: impl Fn(&mut Value, &mut Value),
    ) -> Value {
        let mut header = json!({ "typ": "dc+sd-jwt", "x5c": self.x5c });
        let mut claims = json!({
            "iss": ISSUER, "vct": "https://issuer.example/vct/student", "cnf": holder,
            "iat": NOW.0, "exp": NOW.0 + 3600, "given_name": "Ada",
        });
        spoil(&mut header, &mut claims);
        format!("{}~", self.sign(&header, &claims)).into()
    }

    pub(crate) fn diploma(&self, subject: &str, spoil: impl Fn(&mut Value, &mut Value)) -> Value {
        let mut header = json!({ "typ": "JWT", "kid": "key-1" });
        let mut claims = json!({
            "iss": ISSUER, "sub": subject, "nbf": NOW.0,
            "vc": {
                "@context": ["https://www.w3.org/2018/credentials/v1"],
                "type": ["VerifiableCredential", "Diploma"], "issuer": ISSUER,
                "issuanceDate": NOW.to_rfc3339(),
                "credentialSubject": { "id": subject, "degree": "MSc" },
            },
        });
        spoil(&mut header, &mut claims);
        self.sign(&header, &claims).into()
    }
}

/// Signing with a key in memory is ready at once.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("signing had to wait"),
    }
}

/// The holder's key, as the proof in a Credential Request names it.
pub(crate) struct Proof {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) key: PublicKey,
}

impl Proof {
    pub(crate) fn of(sent: &Sent) -> Self {
        let body = sent.json();
        let jwt = Jws::parse(body["proofs"]["jwt"][0].as_str().unwrap(), 16 * 1024).unwrap();
        let key = match jwt.header().get("kid") {
            Some(kid) => did::resolve(kid.as_str().unwrap()).unwrap(),
            None => PublicKey::from_jwk(&jwt.header()["jwk"]).unwrap(),
        };
        jwt.verify(&key).unwrap();
        Self { header: jwt.header().clone(), claims: jwt.claims().unwrap(), key }
    }

    /// `cnf` as the proof asks for it.
    pub(crate) fn cnf(&self) -> Value {
        match self.header.get("kid") {
            Some(kid) => json!({ "kid": kid }),
            None => json!({ "jwk": self.header["jwk"] }),
        }
    }

    pub(crate) fn did(&self) -> String {
        match self.header.get("kid") {
            Some(kid) => did::did_of(kid.as_str().unwrap()).to_owned(),
            None => did::to_did_jwk(&self.key),
        }
    }
}

pub(crate) fn issuer_metadata() -> Value {
    let bound = json!({
        "cryptographic_binding_methods_supported": ["jwk", "did:jwk", "did:key"],
        "proof_types_supported":
            { "jwt": { "proof_signing_alg_values_supported": ["ES256", "EdDSA"] } },
    });
    let with = |mut configuration: Value| {
        let members = bound.as_object().unwrap().clone();
        configuration.as_object_mut().unwrap().extend(members);
        configuration
    };
    json!({
        "credential_issuer": ISSUER,
        "credential_endpoint": format!("{ISSUER}/credential"),
        "nonce_endpoint": format!("{ISSUER}/nonce"),
        "display": [{ "name": "Riverside University", "locale": "en" }],
        "credential_configurations_supported": {
            "student_card": with(json!({
                "format": "dc+sd-jwt", "vct": "https://issuer.example/vct/student",
                "credential_metadata": {
                    "display": [{ "name": "Student card", "background_color": "#123456" }],
                    "claims": [{ "path": ["given_name"], "display": [{ "name": "Given name" }] }],
                },
            })),
            "diploma": with(json!({
                "format": "jwt_vc_json",
                "credential_definition": { "type": ["VerifiableCredential", "Diploma"] },
            })),
            "ticket": { "format": "dc+sd-jwt", "vct": "https://issuer.example/vct/student" },
            "licence": { "format": "ac_vp", "credential_definition": { "type": ["Licence"] } },
            "degree": with(json!({
                "format": "ldp_vc",
                "credential_definition": {
                    "@context": ["https://www.w3.org/ns/credentials/v2"],
                    "type": ["VerifiableCredential", "Degree"],
                },
            })),
        },
    })
}

pub(crate) fn server_metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "token_endpoint": format!("{ISSUER}/token"),
        "pre-authorized_grant_anonymous_access_supported": true,
    })
}

/// jwt-vc-issuer metadata with one key.
pub(crate) fn published(key: &PublicKey) -> Value {
    let mut jwk = key.to_jwk();
    jwk.insert("kid".into(), "key-1".into());
    json!({ "issuer": ISSUER, "jwks": { "keys": [jwk] } })
}

pub(crate) const ISSUER_METADATA: &str =
    "https://issuer.example/.well-known/openid-credential-issuer/a";
pub(crate) const SERVER_METADATA: &str =
    "https://issuer.example/.well-known/oauth-authorization-server/a";
pub(crate) const ISSUER_KEYS: &str = "https://issuer.example/.well-known/jwt-vc-issuer/a";

pub(crate) fn endpoint(name: &str) -> String {
    format!("{ISSUER}/{name}")
}

pub(crate) fn offer(ids: &[&str]) -> Value {
    json!({
        "credential_issuer": ISSUER,
        "credential_configuration_ids": ids,
        "grants": {
            "urn:ietf:params:oauth:grant-type:pre-authorized_code": { "pre-authorized_code": CODE },
        },
    })
}

pub(crate) fn offer_with_tx_code(input: Value) -> Value {
    let mut offer = offer(&["student_card"]);
    let grant = &mut offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
    grant["tx_code"] = input;
    offer
}

pub(crate) fn link(offer: &Value) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("credential_offer", &offer.to_string());
    format!("openid-credential-offer://?{}", query.finish())
}

impl World {
    /// An honest issuer, whose CA the wallet trusts.
    pub(crate) fn new() -> Self {
        let issuer = Arc::new(SigningKey::new(NOW, ISSUER));
        let network = Arc::new(Network::default());
        let store = Arc::new(Memory::default());
        let anchors = Anchors::from_pem(issuer.ca.certificate_pem()).unwrap();
        let wallet = Wallet {
            http: Arc::clone(&network) as Arc<dyn Http>,
            store: Arc::clone(&store) as Arc<dyn Store>,
            clock: Arc::new(Stopped),
            random: Arc::new(SystemRandom),
            settings: Settings { anchors: Some(Arc::new(anchors)), ..Settings::default() },
        };
        let world = Self { network, store, wallet, issuer };
        world.open();
        world
    }

    fn open(&self) {
        let network = &self.network;
        network.says(ISSUER_METADATA, 200, issuer_metadata());
        network.says(SERVER_METADATA, 200, server_metadata());
        network.says(ISSUER_KEYS, 200, published(self.issuer.key.public_key()));
        network.says(&endpoint("token"), 200, token());
        network.says(&endpoint("nonce"), 200, json!({ "c_nonce": "nonce-1" }));
        self.issues(|issuer, proof| issuer.student_card(&proof.cnf(), |_, _| {}));
    }

    /// What the Credential Endpoint makes of a proof.
    pub(crate) fn issues(
        &self,
        make: impl Fn(&SigningKey, &Proof) -> Value + Send + Sync + 'static,
    ) {
        let issuer = Arc::clone(&self.issuer);
        self.network
            .on(&endpoint("credential"), move |sent| issued(&make(&issuer, &Proof::of(sent))));
    }

    /// What the Credential Endpoint answers to any request.
    pub(crate) fn answers_credential(&self, status: u16, value: Value) {
        self.network.says(&endpoint("credential"), status, value);
    }

    pub(crate) async fn resolve(&self, offer: &Value) -> Result<ResolvedOffer, WalletError> {
        let scanned = ScannedOffer::scan(&link(offer))?;
        let consent = Consent::to(scanned.host());
        self.resolve_with(scanned, &consent).await
    }

    pub(crate) async fn resolve_with(
        &self,
        scanned: ScannedOffer,
        consent: &Consent,
    ) -> Result<ResolvedOffer, WalletError> {
        let fetched = self.wallet.fetch_offer(scanned, consent).await?;
        let described = self.wallet.describe_offer(fetched, consent).await?;
        self.wallet.resolve_offer(described, consent).await
    }

    pub(crate) async fn authorize(&self, ids: &[&str]) -> Authorized {
        let offer = self.resolve(&offer(ids)).await.unwrap();
        self.wallet.request_token(offer, None).await.unwrap()
    }

    pub(crate) async fn receive(&self, id: &str, wish: &KeyWish) -> Result<Received, WalletError> {
        let authorized = self.authorize(&[id]).await;
        self.wallet.request_credentials(&authorized, wish).await
    }

    pub(crate) fn stored(&self) -> Vec<StoredCredential> {
        self.store.credentials.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn stored_keys(&self) -> usize {
        self.store.keys.lock().unwrap().len()
    }
}

pub(crate) fn token() -> Value {
    json!({ "access_token": TOKEN, "token_type": "bearer", "expires_in": 300 })
}

pub(crate) fn issued(credential: &Value) -> Answer {
    Answer::Json(200, json!({ "credentials": [{ "credential": credential }] }))
}

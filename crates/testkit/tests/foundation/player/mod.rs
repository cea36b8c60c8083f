//! The suite's emulated issuer with its authorization server: it answers from a script of its own and
//! looks at every request. Nothing of our issuer is in it; it signs with the library of formats.

mod documents;
mod looks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use formats::binding::Binding;
use formats::sd_jwt_vc::{self, IssuerKeyHeader, SdJwtVcClaims};
use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::jwe::{Compression, ContentEncryption, Curve, DecryptionKey, KeyManagement};
use keys::jws::Jws;
use keys::outside::{Clock as _, SystemRandom};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{Anchors, x5c_from_pem};
use oid4vci::encryption::Encryption::Required;
use oid4vci::encryption::{EncryptionPolicy, ReceivedBody, seal};
use oid4vci::pkce::CodeChallenge;
use oid4vci::secret::CodeVerifier;
use serde_json::{Map, Value, json};
use testkit::outside::TestClock;
use url::{Url, form_urlencoded};
use wallet::http::{Http, HttpError, Method, Request, Response};

use looks::{check_dpop, form, header};

/// Who is played.
pub(crate) const PLAYED: &str = "https://suite.example/test/a";
/// The Transaction Code that the suite tells its users.
pub(crate) const TX_CODE: &str = "123456";
const TOKEN: &str = "the-access-token";
const CODE: &str = "the-code";
const JSON: &str = "application/json";
const VCT: &str = "https://suite.example/vct";

/// The suite's variants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Script {
    pub(crate) signs_in: bool,
    pub(crate) attested: bool,
    pub(crate) encrypted: bool,
    pub(crate) deferred: bool,
    /// Whether the Token Response has `authorization_details`.
    pub(crate) details: bool,
    pub(crate) notified: bool,
    /// `batch_size`, and the credentials in the reverse order of the proofs.
    pub(crate) batch: Option<u64>,
}

/// What the person scans.
pub(crate) fn offer() -> String {
    let place = format!("{PLAYED}/offer");
    let query = form_urlencoded::byte_serialize(place.as_bytes()).collect::<String>();
    format!("openid-credential-offer://?credential_offer_uri={query}")
}

/// One run.
pub(crate) struct Player {
    script: Script,
    clock: TestClock,
    ca: DevelopmentCa,
    key: SoftwareKey,
    x5c: Vec<Vec<u8>>,
    decryption: DecryptionKey,
    run: Mutex<Run>,
}

/// What has happened.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Requests by the last part of their path.
    pub(crate) counts: BTreeMap<String, usize>,
    /// The request that was pushed.
    pushed: BTreeMap<String, String>,
    challenges: Vec<String>,
    pub(crate) proved_challenge: bool,
    nonces: Vec<String>,
    /// The thumbprint of the key that the token is bound to.
    sender: String,
    waits: bool,
    /// Keys whose credential waits.
    keys: Vec<PublicKey>,
    /// What the wallet told.
    pub(crate) events: Vec<Value>,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Player")
    }
}

type Answer = (u16, &'static str, Vec<u8>);

fn says(status: u16, value: &Value) -> Answer {
    (status, JSON, value.to_string().into_bytes())
}

#[async_trait]
impl Http for Player {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        assert_eq!(request.url.query(), None, "everything is in the body");
        let path = request.url.path().to_owned();
        let end = path.rsplit('/').next().unwrap().to_owned();
        *self.run.lock().unwrap().counts.entry(end).or_default() += 1;
        let (status, content_type, body) = self.answer(&path, &request).await;
        let content_type = Some(content_type.to_owned());
        Ok(Response { status, content_type, headers: Vec::new(), body })
    }
}

impl Player {
    pub(crate) fn new(script: Script) -> Arc<Self> {
        let clock = TestClock::new();
        let ca = DevelopmentCa::generate("Suite", clock.now()).unwrap();
        let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
        let certificate = ca.signing_certificate(key.public_key(), "Suite", PLAYED, clock.now());
        let x5c = x5c_from_pem(&certificate.unwrap()).unwrap();
        let decryption = DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap();
        let run = Mutex::default();
        Arc::new(Self { script, clock, ca, key, x5c, decryption, run })
    }

    pub(crate) fn clock(&self) -> &TestClock {
        &self.clock
    }

    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::from_pem(self.ca.certificate_pem()).unwrap()
    }

    pub(crate) fn run(&self) -> std::sync::MutexGuard<'_, Run> {
        self.run.lock().unwrap()
    }

    async fn answer(&self, path: &str, request: &Request) -> Answer {
        let is_get = request.method == Method::Get; // META-04, META-15
        if is_get && path.starts_with("/.well-known/") {
            assert!(header(request, "accept").is_some(), "META-05");
            assert!(header(request, "accept-language").is_some(), "META-09");
        }
        let known = |name: &str| path == format!("/.well-known/{name}/test/a");
        match path.strip_prefix("/test/a/") {
            None if is_get && known("openid-credential-issuer") => says(200, &self.issuer()),
            None if is_get && known("oauth-authorization-server") => says(200, &self.server()),
            None if is_get && path == "/vct" => says(404, &json!({})), // nothing describes the type
            Some("offer") if is_get => says(200, &self.offer_document()),
            Some(_) if is_get => panic!("a GET of {path}"),
            Some("nonce") => self.nonce(request),
            Some("challenge") => self.challenge(request),
            Some("par") => self.push(request),
            Some("token") => self.token(request),
            Some("credential") => self.credential(request).await,
            Some("deferred") => self.deferred(request).await,
            Some("notification") => self.notification(request),
            other => panic!("the wallet went to {other:?} ({path})"),
        }
    }

    fn policy(&self) -> EncryptionPolicy {
        let encryptions = vec![ContentEncryption::A256Gcm];
        let zip = vec![Compression::Deflate];
        let algorithms = vec![KeyManagement::EcdhEs];
        if !self.script.encrypted {
            return EncryptionPolicy::default();
        }
        EncryptionPolicy::new(Required, Required, algorithms, encryptions, zip).unwrap()
    }

    fn nonce(&self, request: &Request) -> Answer {
        assert!(request.body.is_empty(), "VCI §7.1: nothing is asked for");
        let mut run = self.run();
        let nonce = format!("nonce-{}", run.nonces.len());
        run.nonces.push(nonce.clone());
        says(200, &json!({ "c_nonce": nonce, "random-member": "xyz" }))
    }

    fn challenge(&self, request: &Request) -> Answer {
        assert!(request.body.is_empty(), "WALATT-10");
        let mut run = self.run();
        let challenge = format!("challenge-{}", run.challenges.len());
        run.challenges.push(challenge.clone());
        says(200, &json!({ "attestation_challenge": challenge }))
    }

    /// PAR: who asks is known, the request is complete (AUTHZ-02, AUTHZ-05, AUTHZ-09, OFFER-12).
    fn push(&self, request: &Request) -> Answer {
        let form = form(request);
        self.check_client(request, &form);
        assert!(!form.contains_key("request_uri"), "RFC 9126 §2.1");
        assert_eq!(form["response_type"], "code");
        assert_eq!(form["code_challenge_method"], "S256");
        assert!(form["state"].len() >= 22, "AUTHZ-24: it says nothing and cannot be guessed");
        assert_eq!(form["issuer_state"], "the-issuer-state", "OFFER-12, REG-02");
        if form.get("scope").is_some_and(|scope| scope == "suite.card") {
            assert!(!form.contains_key("authorization_details"), "META-31: it is said once");
            self.run().pushed = form;
            return says(201, &json!({ "request_uri": "urn:suite:1", "expires_in": 60 }));
        }
        let details: Value = serde_json::from_str(&form["authorization_details"]).unwrap();
        let expected = json!([{
            "type": "openid_credential", "credential_configuration_id": "suite.card",
            "locations": [PLAYED],
        }]);
        assert_eq!(details, expected, "AUTHZ-05, AUTHZ-09");
        self.run().pushed = form;
        says(201, &json!({ "request_uri": "urn:suite:1", "expires_in": 60 }))
    }

    /// The browser at the Authorization Endpoint; it comes back with this query.
    pub(crate) fn browse(&self, address: &Url) -> String {
        assert_eq!(address.path(), "/test/a/authorize");
        let names: Vec<String> = address.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["client_id", "request_uri"], "RFC 9126 §4: nothing else");
        let state = &self.run().pushed["state"];
        let pairs = [("code", CODE), ("state", state), ("iss", PLAYED)];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn token(&self, request: &Request) -> Answer {
        let form = form(request);
        self.check_client(request, &form);
        let sender = check_dpop(request, "token", None);
        if self.script.signs_in {
            let run = self.run();
            assert_eq!(form["grant_type"], "authorization_code");
            assert_eq!((form["code"].as_str(), form.contains_key("tx_code")), (CODE, false));
            assert_eq!(form["redirect_uri"], run.pushed["redirect_uri"]);
            let challenge = CodeChallenge::parse(&run.pushed["code_challenge"]).unwrap();
            assert!(challenge.is_of(&CodeVerifier::new(&*form["code_verifier"])), "DEP-01");
        } else {
            let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
            assert_eq!((form["grant_type"].as_str(), form["tx_code"].as_str()), (grant, TX_CODE));
            assert_eq!(form["pre-authorized_code"], CODE);
        }
        self.run().sender = sender;
        let mut answer = json!({
            "access_token": TOKEN, "token_type": "DPoP", "expires_in": 60, "random-member": "xyz",
        });
        if self.script.details {
            answer["authorization_details"] = json!([{
                "type": "openid_credential", "credential_configuration_id": "suite.card",
                "credential_identifiers": ["card-of-ada"],
            }]);
        }
        says(200, &answer)
    }

    /// WALATT-02: at both endpoints of the authorization server, with a challenge of ours, once.
    fn check_client(&self, request: &Request, form: &BTreeMap<String, String>) {
        let attestation = header(request, "OAuth-Client-Attestation");
        let pop = header(request, "OAuth-Client-Attestation-PoP");
        if !self.script.attested {
            assert_eq!((attestation, pop), (None, None));
            return;
        }
        let attestation = Jws::parse(attestation.unwrap(), 16 * 1024).unwrap();
        let claims = attestation.claims().unwrap();
        let key = PublicKey::from_jwk(&claims["cnf"]["jwk"]).unwrap();
        let pop = Jws::parse(pop.unwrap(), 16 * 1024).unwrap();
        pop.verify(&key).unwrap();
        let proved = pop.claims().unwrap();
        assert_eq!((&proved["aud"], &proved["iss"]), (&json!(PLAYED), &claims["sub"]));
        assert_eq!(form["client_id"], claims["sub"].as_str().unwrap(), "HAIP-29");
        let mut run = self.run();
        let challenge = proved["challenge"].as_str().unwrap();
        run.proved_challenge = run.challenges.iter().any(|known| known == challenge);
        assert!(run.proved_challenge, "WALATT-10: {challenge}");
    }

    /// The token and the key that it is bound to; the request, opened.
    fn received(&self, request: &Request, endpoint: &str) -> (Map<String, Value>, Sealing) {
        assert_eq!(header(request, "authorization"), Some(format!("DPoP {TOKEN}").as_str()));
        assert_eq!(check_dpop(request, endpoint, Some(TOKEN)), self.run().sender);
        let media_type = header(request, "content-type").unwrap();
        let expected = if self.script.encrypted { "application/jwt" } else { JSON };
        assert_eq!(media_type, expected, "CRED-18, CRED-19, DEFER-08");
        let body = ReceivedBody::new(media_type, &request.body).unwrap();
        let opened = self.policy().open(body, |_| Some(&self.decryption)).unwrap();
        (opened.parameters().clone(), opened.response_encryption().cloned())
    }

    async fn credential(&self, request: &Request) -> Answer {
        let (body, sealing) = self.received(request, "credential");
        let named = if self.script.details {
            ("credential_identifier", "card-of-ada")
        } else {
            ("credential_configuration_id", "suite.card")
        };
        assert_eq!(body[named.0], named.1, "CRED-03, CRED-04");
        let known = [named.0, "proofs", "credential_response_encryption"];
        assert!(body.keys().all(|name| known.contains(&name.as_str())), "{body:?}");
        let proofs = body["proofs"].as_object().unwrap();
        assert_eq!(proofs.len(), 1, "CRED-08");
        let mut keys = Vec::new();
        for proof in proofs["jwt"].as_array().unwrap() {
            keys.push(self.check_proof(proof.as_str().unwrap()));
        }
        assert!(keys.len() as u64 <= self.script.batch.unwrap_or(1), "CRED-11");
        self.run().keys = keys;
        if self.script.deferred {
            return self.waits(&sealing);
        }
        self.issued(sealing).await
    }

    /// PROOF-06 to PROOF-15: for us, fresh, signed by the key that it names.
    fn check_proof(&self, proof: &str) -> PublicKey {
        let proof = Jws::parse(proof, 16 * 1024).unwrap();
        assert_eq!(proof.header()["typ"], "openid4vci-proof+jwt", "REG-05");
        let key = PublicKey::from_jwk(&proof.header()["jwk"]).unwrap();
        proof.verify(&key).unwrap();
        let claims = proof.claims().unwrap();
        assert_eq!(claims["aud"], PLAYED, "CRED-10");
        let nonce = self.run().nonces.last().cloned().unwrap();
        assert_eq!(claims["nonce"], nonce.as_str(), "CRED-10");
        assert_eq!(claims["iat"].as_u64(), Some(self.clock.now().0));
        key
    }

    fn waits(&self, sealing: &Sealing) -> Answer {
        self.run().waits = true;
        self.sealed(202, &json!({ "transaction_id": "transaction-1", "interval": 5 }), sealing)
    }

    async fn deferred(&self, request: &Request) -> Answer {
        let (body, sealing) = self.received(request, "deferred");
        assert_eq!(body["transaction_id"], "transaction-1");
        self.issued(sealing).await
    }

    async fn issued(&self, sealing: Sealing) -> Answer {
        let mut keys = self.run().keys.clone();
        keys.reverse();
        let mut credentials = Vec::new();
        for key in keys {
            credentials.push(json!({ "credential": self.card(key).await }));
        }
        let mut answer = json!({ "credentials": credentials, "random-member": "xyz" });
        if self.script.notified {
            answer["notification_id"] = json!("notification-1");
        }
        self.sealed(200, &answer, &sealing)
    }

    fn sealed(&self, status: u16, answer: &Value, sealing: &Sealing) -> Answer {
        assert_eq!(sealing.is_some(), self.script.encrypted, "CRED-15");
        let body = seal(answer.to_string().into_bytes(), sealing.as_ref()).unwrap();
        (status, body.media_type, body.bytes)
    }

    async fn card(&self, key: PublicKey) -> String {
        let Value::Object(claims) = json!({ "given_name": "Ada" }) else { unreachable!() };
        let now = self.clock.now();
        let claims = SdJwtVcClaims {
            vct: VCT,
            vct_integrity: None,
            issuer: PLAYED,
            claims,
            selective: vec![vec!["given_name".into()]].into(),
            decoys: 0,
            binding: Some(Binding::Jwk(key)),
            issued_at: now,
            not_before: None,
            expires_at: now.plus(3600),
            status: None,
        };
        let header = IssuerKeyHeader::X5c(&self.x5c);
        sd_jwt_vc::issue(claims, header, &self.key, &SystemRandom).await.unwrap()
    }

    fn notification(&self, request: &Request) -> Answer {
        assert_eq!(header(request, "authorization"), Some(format!("DPoP {TOKEN}").as_str()));
        assert_eq!(check_dpop(request, "notification", Some(TOKEN)), self.run().sender);
        assert_eq!(header(request, "content-type"), Some(JSON));
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["notification_id"], "notification-1", "NOTIF-17");
        self.run().events.push(body["event"].clone());
        (204, JSON, Vec::new())
    }
}

type Sealing = Option<oid4vci::encryption::MessageEncryption>;

//! An issuer's key, and what it says with it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::did;
use keys::jws::{self, Jws};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{Signer, SoftwareKey};
use keys::x509::{x5c_from_pem, x5c_to_json};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{Answer, CODE, ISSUER, NOW, Sent, TOKEN};

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
        Self::of_request(&sent.json())
    }

    /// Of one request, also of those in a batch.
    pub(crate) fn of_request(body: &Value) -> Self {
        let single = body["proof"]["jwt"].as_str(); // of the drafts
        let jwt = single.or_else(|| body["proofs"]["jwt"][0].as_str()).unwrap();
        let jwt = Jws::parse(jwt, 16 * 1024).unwrap();
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
            "pass": {
                "format": "ldp_vc", "credential_signing_alg_values_supported": ["bbs-2023"],
                "credential_definition": { "type": ["VerifiableCredential", "Pass"] },
            },
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

pub(crate) fn token() -> Value {
    json!({ "access_token": TOKEN, "token_type": "bearer", "expires_in": 300 })
}

pub(crate) fn issued(credential: &Value) -> Answer {
    Answer::Json(200, json!({ "credentials": [{ "credential": credential }] }))
}

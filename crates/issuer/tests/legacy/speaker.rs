//! A Wallet of one draft, by hand.

use std::fs;
use std::path::Path;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use keys::outside::Clock as _;
use keys::signer::SoftwareKey;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::proof::Draft;
use testkit::wire::{Answer, JSON};
use testkit::world::{ISSUER, World};
use url::Url;

pub(crate) const CARD: &str = "student_card";
pub(crate) const DIPLOMA: &str = "diploma";
pub(crate) const DRAFTS: [u32; 7] = [8, 9, 11, 12, 13, 14, 15];

/// An issuer that speaks every draft.
pub(crate) async fn world() -> World {
    World::configured(|folder| enable(folder, &DRAFTS)).await
}

pub(crate) fn enable(folder: &Path, drafts: &[u32]) {
    let file = folder.join("bestow.toml");
    let text = fs::read_to_string(&file).unwrap();
    let names: Vec<String> = drafts.iter().map(ToString::to_string).collect();
    let changed = text.replace("#drafts = []", &format!("drafts = {names:?}"));
    assert_ne!(text, changed);
    fs::write(file, changed).unwrap();
}

/// What is in an offer.
pub(crate) struct Offered {
    pub(crate) id: String,
    pub(crate) uri: String,
    pub(crate) document: Value,
    pub(crate) code: String,
    pub(crate) pin: Option<String>,
}

/// A Wallet that speaks one draft.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'w> {
    pub(crate) world: &'w World,
    pub(crate) draft: u32,
}

impl Speaker<'_> {
    pub(crate) fn identifier(self) -> String {
        format!("{ISSUER}/draft-{}", self.draft)
    }

    pub(crate) async fn wish(self, id: &str, more: Value) -> Answer {
        let mut more = more;
        more["draft"] = self.draft.to_string().into();
        self.world.operator("POST", "/admin/v1/offers", Some(&self.world.wish(id, &more))).await
    }

    pub(crate) async fn offer(self, id: &str, more: Value) -> Offered {
        let made = self.wish(id, more).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let uri = made["uri"].as_str().unwrap().to_owned();
        let document = self.document(&uri).await;
        let grant = &document["grants"][PRE_AUTHORIZED_CODE];
        let holder = if self.draft <= 9 { &document } else { grant };
        let code = holder["pre-authorized_code"].as_str().unwrap_or_default().to_owned();
        let pin = made["tx_code"].as_str().map(str::to_owned);
        Offered { id: made["id"].as_str().unwrap().to_owned(), uri, document, code, pin }
    }

    /// The offer as JSON; the flat one of draft 8 with a member for each parameter.
    async fn document(self, uri: &str) -> Value {
        let url = Url::parse(uri).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        match pairs.first().unwrap() {
            (name, value) if name == "credential_offer" => serde_json::from_str(value).unwrap(),
            (name, value) if name == "credential_offer_uri" => {
                self.world.public.get(value).await.success()
            }
            _ => pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
        }
    }

    pub(crate) async fn redeem(self, code: &str, more: &[(&str, &str)]) -> Answer {
        let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code)];
        let place = format!("/draft-{}/token", self.draft);
        self.world.public.post_form(&place, &[&form, more].concat()).await
    }

    /// The name under which the draft sends a PIN.
    pub(crate) fn pin_name(self) -> &'static str {
        if self.draft <= 12 { "user_pin" } else { "tx_code" }
    }

    /// A token, and the nonce that came with it or is to be asked for.
    pub(crate) async fn token(self, offered: &Offered) -> (String, String) {
        let pin = offered.pin.as_deref().map(|pin| (self.pin_name(), pin));
        let answer = self.redeem(&offered.code, pin.as_slice()).await.success();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        let nonce = if self.draft == 15 {
            assert!(answer.get("c_nonce").is_none(), "{answer}");
            self.post("nonce", "", "").await.success()
        } else {
            assert_eq!(answer["c_nonce_expires_in"], 300, "{answer}");
            answer
        };
        (token, nonce["c_nonce"].as_str().unwrap().to_owned())
    }

    /// A new token for a new offer.
    pub(crate) async fn fresh(self, id: &str) -> (String, String) {
        self.token(&self.offer(id, json!({})).await).await
    }

    /// A good proof, not yet signed. The first drafts give it no `typ` of its own.
    pub(crate) fn proof(self, key: &SoftwareKey, nonce: &str) -> Draft {
        let now = self.world.clock.now().0;
        let mut proof = Draft::new(key, &self.identifier(), now, nonce);
        if self.draft <= 9 {
            proof.header("typ", json!("JWT"));
        }
        proof
    }

    /// The members by which the draft names a type.
    pub(crate) fn naming(self, id: &str) -> Value {
        let vct = format!("{ISSUER}/credentials/{CARD}");
        let types = ["VerifiableCredential", "UniversityDegreeCredential"];
        match (self.draft, id) {
            (8, DIPLOMA) => json!({ "format": "jwt_vc", "type": DIPLOMA }),
            (9..=11, DIPLOMA) => json!({ "format": "jwt_vc_json", "types": types }),
            (12..=14, DIPLOMA) => {
                json!({ "format": "jwt_vc_json", "credential_definition": { "type": types } })
            }
            (15, _) => json!({ "credential_configuration_id": id }),
            _ => json!({ "format": "vc+sd-jwt", "vct": vct }),
        }
    }

    /// A request with one proof.
    pub(crate) fn request(self, id: &str, proof: &str) -> Value {
        let mut request = self.naming(id);
        request["proof"] = json!({ "proof_type": "jwt", "jwt": proof });
        request
    }

    pub(crate) async fn post(self, place: &str, token: &str, body: impl Into<String>) -> Answer {
        let begun = Request::post(format!("/draft-{}/{place}", self.draft));
        let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
        self.world.public.ask(begun.header(CONTENT_TYPE, JSON), body.into()).await
    }

    pub(crate) async fn credential(self, token: &str, request: &Value) -> Answer {
        self.post("credential", token, request.to_string()).await
    }

    /// The credential of a successful answer, wherever the draft has it.
    pub(crate) fn credential_of(self, answer: &Value) -> String {
        let found = if self.draft == 15 {
            &answer["credentials"][0]["credential"]
        } else {
            &answer["credential"]
        };
        found.as_str().unwrap().to_owned()
    }
}

//! The flow by hand: each message as a test writes it, so that it can be wrong, late or doubled.

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use keys::outside::Clock as _;
use keys::signer::SoftwareKey;
use oid4vci::offer::OfferLink;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::proof::Draft;
use crate::sender::dpop;
use crate::wire::{Answer, FORM, JSON, Wire};
use crate::world::World;

/// A Credential Offer as the admin API answered it, and what a Wallet reads in it.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Names it for the admin API.
    pub id: String,
    /// `openid-credential-offer://?…`
    pub uri: String,
    /// What the holder is told apart from the offer.
    pub tx_code: Option<String>,
    /// What a Wallet redeems.
    pub code: String,
}

impl World {
    /// Asks the admin API, as its operator.
    pub async fn operator(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let key = format!("Bearer {}", self.issuer.keys().admin.expose());
        let begun = Request::builder().method(method).uri(path).header(AUTHORIZATION, key);
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.admin.ask(begun.header(CONTENT_TYPE, JSON), body).await
    }

    /// The body of a request for an offer with example claims; `more` adds members.
    pub fn wish(&self, id: &str, more: &Value) -> Value {
        let claims = self.issuer.types[id].sample();
        let mut wish = json!({ "credential_configuration_ids": [id], "claims": claims });
        for (name, value) in more.as_object().unwrap() {
            wish[name] = value.clone();
        }
        wish
    }

    /// Makes an offer and reads its code, as the holder's Wallet would.
    pub async fn offer(&self, id: &str, more: &Value) -> Offered {
        let answer = self.operator("POST", "/admin/v1/offers", Some(&self.wish(id, more))).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let made = answer.json();
        let text = |name: &str| made[name].as_str().map(str::to_owned);
        let uri = text("uri").unwrap();
        let code = code(&self.public, &uri).await;
        Offered { id: text("id").unwrap(), tx_code: text("tx_code"), uri, code }
    }

    /// Where an offer stands, for operators.
    pub async fn standing(&self, offered: &Offered) -> Value {
        self.operator("GET", &format!("/admin/v1/offers/{}", offered.id), None).await.json()
    }

    /// Sends a Token Request with exactly these parameters.
    pub async fn token_request(&self, form: &[(&str, &str)]) -> Answer {
        self.public.post_form(&self.issuer.endpoint("token"), form).await
    }

    /// Sends the Token Request of the flow with a code and more parameters.
    pub async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code)];
        self.token_request(&[&form, more].concat()).await
    }

    /// Sends the Token Request of the flow with these headers beside it.
    pub async fn redeem_as(
        &self,
        code: &str,
        headers: &[(&str, &str)],
        more: &[(&str, &str)],
    ) -> Answer {
        let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code)];
        let body = form_body(&[&form, more].concat());
        let mut begun = Request::post(self.issuer.endpoint("token")).header(CONTENT_TYPE, FORM);
        for (name, value) in headers {
            begun = begun.header(*name, *value);
        }
        self.public.ask(begun, body).await
    }

    /// A good DPoP proof of this key for a request to one of our endpoints, not yet signed.
    pub fn dpop(&self, key: &SoftwareKey, endpoint: &str, token: Option<&str>) -> Draft {
        dpop(key, &self.issuer.endpoint(endpoint), self.clock.now().0, token)
    }

    /// Redeems a code for this key.
    pub async fn redeem_bound(&self, code: &str, key: &SoftwareKey) -> Answer {
        let proof = self.dpop(key, "token", None).sign(key).await;
        self.redeem_as(code, &[("DPoP", &proof)], &[]).await
    }

    /// An Access Token from a new offer that is bound to this key.
    pub async fn bound_token(&self, id: &str, key: &SoftwareKey) -> String {
        let code = self.offer(id, &json!({})).await.code;
        let answer = self.redeem_bound(&code, key).await.success();
        assert_eq!(answer["token_type"], "DPoP");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a Credential Request with these headers beside it.
    pub async fn credential_as(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut begun = Request::post(self.issuer.endpoint("credential"));
        for (name, value) in headers {
            begun = begun.header(*name, *value);
        }
        self.public.ask(begun.header(CONTENT_TYPE, JSON), body.to_string()).await
    }

    /// An Access Token from a new offer.
    pub async fn token(&self, id: &str) -> String {
        let offered = self.offer(id, &json!({})).await;
        let answer = self.redeem(&offered.code, &[]).await.success();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A new nonce.
    pub async fn nonce(&self) -> String {
        let endpoint = self.issuer.endpoint("nonce");
        let answer = self.public.ask(Request::post(endpoint), "").await.success();
        answer["c_nonce"].as_str().unwrap().to_owned()
    }

    /// A good proof with this nonce, not yet signed.
    pub fn draft(&self, key: &SoftwareKey, nonce: &str) -> Draft {
        Draft::new(key, self.issuer.credential_issuer(), self.clock.now().0, nonce)
    }

    /// A good proof with a new nonce.
    pub async fn proof(&self, key: &SoftwareKey) -> String {
        self.draft(key, &self.nonce().await).sign(key).await
    }

    /// Sends a Credential Request.
    pub async fn credential_request(&self, token: &str, body: &Value) -> Answer {
        let begun = Request::post(self.issuer.endpoint("credential"));
        let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
        self.public.ask(begun.header(CONTENT_TYPE, JSON), body.to_string()).await
    }

    /// Asks for a credential of one configuration, with these proofs.
    pub async fn credential(&self, token: &str, id: &str, proofs: &[String]) -> Answer {
        self.credential_request(token, &request(id, proofs)).await
    }
}

fn form_body(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// The body of a Credential Request.
pub fn request(id: &str, proofs: &[String]) -> Value {
    json!({ "credential_configuration_id": id, "proofs": { "jwt": proofs } })
}

/// Reads the Pre-Authorized Code of an offer, by value or by reference.
async fn code(public: &Wire, uri: &str) -> String {
    let code = match OfferLink::parse(uri).unwrap() {
        OfferLink::ByValue(offer) => offer.pre_authorized_code.unwrap().pre_authorized_code,
        OfferLink::ByReference(url) => {
            let document = public.get(url.as_str()).await.success();
            let code = document["grants"][PRE_AUTHORIZED_CODE]["pre-authorized_code"].as_str();
            return code.unwrap().to_owned();
        }
    };
    code.expose().to_owned()
}

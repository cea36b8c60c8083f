//! Credential Requests and Responses of the drafts, and what comes later.

use keys::json;
use serde_json::{Map, Value, json};

use super::Findings;
use crate::credential::{CredentialRequest, ReceivedCredentialResponse, Selector};
use crate::legacy::Dialect;
use crate::legacy::dialect::Draft;
use crate::nonce::RECEIVED_BYTES_MAX;
use crate::proof::Proofs;

const BOTH: &str = "the Credential Response has both credential and credentials (draft 14, section \
                    7.3, allows one of them)";
const ACCEPTANCE_TOKEN: &str = "a Credential Response that comes later has an acceptance_token, \
                                which draft 12, section 7.3, replaced by transaction_id";
const NONCE: &str = "an answer has a c_nonce: since draft 15, section 7, nonces come from an endpoint of \
                     their own";
const SEVERAL: &str = "the Credential Response has credentials, which came with draft 14, section 7.3; until \
                       then it was credential";
const OBJECTS: &str = "credentials holds the objects of draft 15, section 8.3, where draft 14, section 7.3, \
                       has the bare credentials";
const ONE: &str =
    "the Credential Response has credential, where draft 15, section 8.3, has credentials";
const TRANSACTION_ID: &str = "a Credential Response that comes later has a transaction_id, which came \
                              with draft 12, section 7.3; until then it was acceptance_token";
const RAW: &str = "credentials holds the bare credentials of draft 14, section 7.3, where draft 15, \
                   section 8.3, has objects";

impl Dialect {
    /// The body of a Credential Request as this draft has it. `named` is how the draft names what is
    /// asked for, where it has no identifiers of configurations (draft 14, section 7.2).
    #[must_use]
    pub fn write_credential_request(
        self,
        request: &CredentialRequest,
        named: &Map<String, Value>,
    ) -> Value {
        if self.0 == Draft::D15 {
            return request.to_json();
        }
        let mut body = match &request.selector {
            Selector::Configuration(_) => named.clone(),
            Selector::Identifier(identifier) => {
                Map::from_iter([("credential_identifier".to_owned(), identifier.clone().into())])
            }
        };
        match request.proofs.as_ref() {
            // No draft before 15 has such proofs; the issuer says what it misses.
            None | Some(Proofs::Attestation(_) | Proofs::DiVp(_)) => {}
            Some(Proofs::Jwt(jwts)) if self.0 == Draft::D14 && jwts.len() > 1 => {
                body.insert("proofs".into(), json!({ "jwt": jwts }));
            }
            Some(Proofs::Jwt(jwts)) => {
                let jwt = jwts.first();
                body.insert("proof".into(), json!({ "proof_type": "jwt", "jwt": jwt }));
            }
        }
        body.into()
    }

    /// Reads a Credential Response of this draft and the nonce that came with it.
    #[must_use]
    pub fn read_credential_response(
        self,
        body: &[u8],
    ) -> Option<(ReceivedCredentialResponse, Option<String>, Findings)> {
        let mut value = json::parse(body).ok()?;
        let nonce = nonce(&value);
        let mut findings = Vec::new();
        findings.extend(nonce.as_ref().and_then(|_| self.finding_of_nonce()));
        lift(self, value.as_object_mut()?, &mut findings);
        let response = ReceivedCredentialResponse::parse(value.to_string().as_bytes())?;
        Some((response, nonce, findings))
    }

    /// How a deferred credential is asked for: what was answered to the request says of which draft that
    /// is. An `acceptance_token` is one of draft 11 and a `transaction_id` one of draft 12, whoever sends
    /// it: the first stands where the token stands, the second opens nothing without that.
    #[must_use]
    pub fn read_deferral(self, body: &[u8]) -> Self {
        let Ok(value) = json::parse(body) else { return self };
        let batch = value.get("credential_responses").and_then(Value::as_array);
        let has = |name: &str| {
            let has_one = |value: &Value| {
                value.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
            };
            has_one(&value) || batch.is_some_and(|batch| batch.iter().any(has_one))
        };
        if has("acceptance_token") {
            self.min(Self(Draft::D11))
        } else if has("transaction_id") {
            self.max(Self(Draft::D12))
        } else {
            self
        }
    }

    /// The nonce for the next proof, in an answer that refuses the one before (draft 13, section 7.3.2).
    #[must_use]
    pub fn error_nonce(body: &[u8]) -> Option<String> {
        nonce(&json::parse(body).ok()?)
    }

    /// What is to be said of a nonce that comes with another answer.
    pub(super) fn finding_of_nonce(self) -> Option<&'static str> {
        self.has_nonce_endpoint().then_some(NONCE)
    }

    /// The seconds to wait that come with `issuance_pending` (draft 12, section 9.3), and in the first
    /// drafts with `authorization_pending` (draft 11, section 6.2).
    #[must_use]
    pub fn error_interval(body: &[u8]) -> Option<u64> {
        json::parse(body).ok()?.get("interval").and_then(Value::as_u64)
    }
}

fn lift(dialect: Dialect, response: &mut Map<String, Value>, findings: &mut Findings) {
    let given = |value: &Value| !value.is_null() && *value != "";
    let one = response.remove("credential").filter(given);
    let several = response.remove("credentials").filter(Value::is_array);
    let credentials = match (one, several) {
        (one, Some(Value::Array(several))) => {
            let has_object = |one: &Value| one.get("credential").is_some();
            findings.extend(one.map(|_| BOTH));
            findings.extend(match dialect.0 {
                Draft::D15 if !several.iter().all(has_object) => Some(RAW),
                Draft::D14 if several.iter().any(has_object) => Some(OBJECTS),
                Draft::D14 | Draft::D15 => None,
                Draft::D8 | Draft::D9 | Draft::D11 | Draft::D12 | Draft::D13 => Some(SEVERAL),
            });
            Some(several.into_iter().map(element).collect())
        }
        (Some(one), _) => {
            findings.extend((dialect.0 >= Draft::D15).then_some(ONE));
            Some(vec![json!({ "credential": one })])
        }
        (None, _) => None,
    };
    response.extend(
        credentials.map(|credentials: Vec<_>| ("credentials".to_owned(), credentials.into())),
    );
    if let Some(token) = response.remove("acceptance_token").filter(given) {
        if dialect.0 >= Draft::D12 {
            findings.push(ACCEPTANCE_TOKEN);
        }
        response.insert("transaction_id".into(), token);
    } else if dialect.0 <= Draft::D11 && response.get("transaction_id").is_some_and(given) {
        findings.push(TRANSACTION_ID);
    }
    if response.contains_key("credentials") {
        response.remove("transaction_id"); // an issuer that has both has nothing left to give
    }
}

/// Draft 14 has the credential itself, later ones an object around it.
fn element(one: Value) -> Value {
    if one.get("credential").is_some() { one } else { json!({ "credential": one }) }
}

pub(super) fn nonce(value: &Value) -> Option<String> {
    let nonce = value.get("c_nonce")?.as_str()?;
    (!nonce.is_empty() && nonce.len() <= RECEIVED_BYTES_MAX).then(|| nonce.to_owned())
}

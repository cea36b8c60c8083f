//! One identifier for 1.0 and for drafts 13 to 15: what each of these needs beside the words of 1.0,
//! and the others leave unread. Draft 15 asks as 1.0 does.

use keys::json;
use serde_json::{Map, Value, json};

use super::credential::{Configurations, Read};
use super::dialect::Draft;
use super::{Dialect, object, with_nonce};
use crate::nonce::NonceResponse;
use crate::token::TokenResponse;

impl Dialect {
    /// In which of these drafts a Credential Request is that came to the endpoint of 1.0; `None` for
    /// what is for 1.0 to judge.
    ///
    /// A `format` stands in requests of 13 and 14 alone, as does a single `proof` beside a
    /// `credential_identifier`, which draft 15 has, too: the answer has the words of all.
    #[must_use]
    pub fn of_shared_request(body: &[u8]) -> Option<Self> {
        let parameters = json::parse_object(body).ok()?;
        let has = |name: &str| parameters.contains_key(name);
        if has("credential_configuration_id") {
            None
        } else if has("format") {
            Some(Self(if has("proofs") { Draft::D14 } else { Draft::D13 }))
        } else {
            (has("credential_identifier") && has("proof")).then_some(Self(Draft::D13))
        }
    }

    /// Reads such a request. A format may have the name of 1.0: the metadata tell no other.
    pub fn shared_credential_request(
        self,
        body: (&str, &[u8]),
        known: &Configurations,
    ) -> Result<Read, (&'static str, &'static str)> {
        let read = || {
            let mut parameters = self.parameters(body)?;
            let format = parameters.get("format").and_then(Value::as_str);
            if let Some(own) = format.and_then(|format| self.format(format)) {
                parameters.insert("format".into(), own.into());
            }
            self.read(&parameters, known)
        };
        read().map_err(|misfit| self.misfit(misfit))
    }

    /// The answer to it: one credential stands in it as draft 13 has it, and as draft 15 has it.
    #[must_use]
    pub fn shared_credential_response(
        self,
        (credentials, notification_id): (&[Value], Option<&str>),
        is_single: bool,
        nonce: &NonceResponse,
    ) -> Value {
        let answer = (credentials, notification_id);
        let mut said = object(self.credential_response(answer, ("", is_single), nonce));
        if is_single {
            let each = credentials.iter().map(|one| json!({ "credential": one }));
            said.insert("credentials".into(), each.collect());
        }
        said.into()
    }

    /// A Token Response with the nonce for the first proof, which drafts 13 and 14 look for there.
    #[must_use]
    pub fn shared_token_response(response: &TokenResponse, nonce: &NonceResponse) -> Value {
        with_nonce(object(json!(response)), nonce)
    }

    /// Adds to the metadata of 1.0 what a configuration is called in drafts 13 to 15. Its claims are
    /// not said twice: they are an object in one of these drafts and a list in the next.
    pub fn share_metadata(metadata: &mut Map<String, Value>) {
        let all = metadata.get_mut("credential_configurations_supported");
        for one in all.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            let display = one.pointer("/credential_metadata/display").cloned();
            if let (Some(display), Some(one)) = (display, one.as_object_mut()) {
                one.insert("display".into(), display);
            }
        }
    }
}

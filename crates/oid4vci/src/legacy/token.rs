//! Steps 8-11: the Token Request of a draft becomes one of 1.0, and the answer the reverse.

use serde_json::{Map, Value, json};

use super::dialect::Draft;
use super::{Dialect, object, with_nonce};
use crate::metadata::CredentialConfiguration;
use crate::nonce::NonceResponse;
use crate::token::{TokenRefusal, TokenRequest, TokenResponse};

impl Dialect {
    /// Reads a Token Request.
    ///
    /// Until draft 12 the Transaction Code is `user_pin`; some Wallets send it under both names, and
    /// the other one is unknown to the draft. `authorization_details` mean nothing beside a code until
    /// draft 14.
    pub fn token_request(self, form: Vec<(String, String)>) -> Result<TokenRequest, TokenRefusal> {
        let has_user_pin = self.0 <= Draft::D12;
        let has_details = self.0 >= Draft::D14;
        let known = form.into_iter().filter_map(|(name, value)| match name.as_str() {
            "user_pin" => has_user_pin.then(|| ("tx_code".to_owned(), value)),
            "tx_code" => (!has_user_pin).then_some((name, value)),
            "authorization_details" => has_details.then_some((name, value)),
            _ => Some((name, value)),
        });
        TokenRequest::parse(&known.collect::<Vec<_>>())
    }

    /// The Token Response, with the nonce for the first proof until draft 14. `described` knows what a
    /// configuration is called in a draft.
    #[must_use]
    pub fn token_response(
        self,
        response: &TokenResponse,
        described: impl Fn(&str) -> Option<CredentialConfiguration>,
        nonce: &NonceResponse,
    ) -> Value {
        let mut answer = object(json!(response));
        if let Some(details) = answer.remove("authorization_details")
            && self.0 >= Draft::D12
        {
            let details = details.as_array().into_iter().flatten();
            let details = details.map(|detail| self.granted(object(detail.clone()), &described));
            answer.insert("authorization_details".into(), details.collect());
        }
        if self.has_nonce_endpoint() {
            return answer.into();
        }
        if answer.get("token_type").is_some_and(|given| given == "Bearer") {
            answer.insert("token_type".into(), "bearer".into()); // as their examples spell it
        }
        with_nonce(answer, nonce)
    }

    /// A detail as it was granted: up to draft 13 without identifiers, up to draft 12 by its format.
    fn granted(
        self,
        mut detail: Map<String, Value>,
        described: impl Fn(&str) -> Option<CredentialConfiguration>,
    ) -> Value {
        if self.has_credential_identifiers() {
            return detail.into();
        }
        detail.remove("credential_identifiers");
        if self.0 <= Draft::D12
            && let Some(id) = detail.remove("credential_configuration_id")
            && let Some(configuration) = id.as_str().and_then(described)
        {
            detail.insert("format".into(), self.format(&configuration.format).into());
            detail.extend(self.type_members(&configuration));
        }
        detail.into()
    }
}

//! Steps 8-11: the Token Request of a draft becomes one of 1.0, and the answer the reverse.

use serde_json::{Value, json};

use super::dialect::Draft;
use super::{Dialect, object, with_nonce};
use crate::nonce::NonceResponse;
use crate::token::{PRE_AUTHORIZED_CODE, TokenRefusal, TokenRequest, TokenResponse};

impl Dialect {
    /// Reads a Token Request; a draft's offers have the one grant.
    ///
    /// Until draft 12 the Transaction Code is `user_pin`; some Wallets send it under both names, and
    /// the other one is unknown to the draft. `authorization_details` mean nothing beside a
    /// Pre-Authorized Code until draft 14.
    pub fn token_request(self, form: Vec<(String, String)>) -> Result<TokenRequest, TokenRefusal> {
        let has_user_pin = self.0 <= Draft::D12;
        let has_details = self.0 >= Draft::D14;
        let known = form.into_iter().filter_map(|(name, value)| match name.as_str() {
            "user_pin" => has_user_pin.then(|| ("tx_code".to_owned(), value)),
            "tx_code" => (!has_user_pin).then_some((name, value)),
            "authorization_details" => has_details.then_some((name, value)),
            _ => Some((name, value)),
        });
        let known: Vec<(String, String)> = known.collect();
        let is_foreign = |(name, value): &(String, String)| {
            name == "grant_type" && !value.is_empty() && value != PRE_AUTHORIZED_CODE
        };
        if known.iter().any(is_foreign) {
            return Err(TokenRefusal::UnsupportedGrantType);
        }
        TokenRequest::parse(&known)
    }

    /// The Token Response, with the nonce for the first proof until draft 14.
    #[must_use]
    pub fn token_response(self, response: &TokenResponse, nonce: &NonceResponse) -> Value {
        let mut answer = object(json!(response));
        if self.has_nonce_endpoint() {
            return answer.into();
        }
        if answer.get("token_type").is_some_and(|given| given == "Bearer") {
            answer.insert("token_type".into(), "bearer".into()); // as their examples spell it
        }
        with_nonce(answer, nonce)
    }
}

//! Step 2: an offer of 1.0 in the words of a draft.

use serde_json::{Map, Value, json};

use super::dialect::Draft;
use super::{Dialect, object};
use crate::offer::{
    AUTHORIZATION_CODE, CredentialOffer, PRE_AUTHORIZED_CODE, SCHEME, escaped, link, query_value,
};
use crate::secret::{IssuerState, PreAuthorizedCode};

/// The scheme before draft 10 (draft 8, section 4.1).
pub(super) const OLD_SCHEME: &str = "openid-initiate-issuance";

impl Dialect {
    /// The document of an offer by reference, or in a link.
    #[must_use]
    pub fn offer(self, offer: &CredentialOffer<'_>) -> Value {
        let code = offer.pre_authorized_code.map(PreAuthorizedCode::expose);
        let ids = offer.credential_configuration_ids;
        let state = offer.issuer_state.map(IssuerState::expose);
        match self.0 {
            Draft::D8 | Draft::D9 => {
                let mut document = object(json!({
                    "issuer": offer.credential_issuer,
                    "credentials": ids,
                }));
                if let Some(code) = code {
                    document.insert("pre-authorized_code".into(), code.into());
                    document.insert("user_pin_required".into(), offer.tx_code.is_some().into());
                }
                document.extend(state.map(|state| ("op_state".to_owned(), state.into())));
                document.into()
            }
            Draft::D11 | Draft::D12 => {
                let grant = code.map(|code| {
                    let is_guarded = offer.tx_code.is_some();
                    let grant =
                        json!({ "pre-authorized_code": code, "user_pin_required": is_guarded });
                    (PRE_AUTHORIZED_CODE.to_owned(), grant)
                });
                let sign_in = state
                    .map(|state| (AUTHORIZATION_CODE.to_owned(), json!({ "issuer_state": state })));
                json!({
                    "credential_issuer": offer.credential_issuer,
                    "credentials": ids,
                    "grants": grant.into_iter().chain(sign_in).collect::<Map<_, _>>(),
                })
            }
            Draft::D13 | Draft::D14 | Draft::D15 => offer.to_json(),
        }
    }

    /// The link that carries the offer itself.
    #[must_use]
    pub fn offer_link(self, offer: &CredentialOffer<'_>) -> String {
        if self.0 == Draft::D8 {
            return flat_link(offer);
        }
        let scheme = if self.0 == Draft::D9 { OLD_SCHEME } else { SCHEME };
        link(scheme, "credential_offer", &escaped(&self.offer(offer)))
    }
}

/// Draft 8, section 4.1.2: every member is a parameter, `credential_type` one for each type.
fn flat_link(offer: &CredentialOffer<'_>) -> String {
    let mut text = format!("{OLD_SCHEME}://?issuer={}", query_value(offer.credential_issuer));
    let mut push = |name: &str, value: &str| {
        text.push('&');
        text.push_str(name);
        text.push('=');
        text.push_str(&query_value(value));
    };
    for id in offer.credential_configuration_ids {
        push("credential_type", id);
    }
    if let Some(code) = offer.pre_authorized_code {
        push("pre-authorized_code", code.expose());
        push("user_pin_required", if offer.tx_code.is_some() { "true" } else { "false" });
    }
    if let Some(state) = offer.issuer_state {
        push("op_state", state.expose());
    }
    text
}

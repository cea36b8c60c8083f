//! The Wallet's side of an Authorization Request (AUTHZ-03).

use serde_json::{Value, json};

use super::CODE;
use super::OPENID_CREDENTIAL;
use crate::pkce::{self, CodeChallenge};

/// What a Wallet asks for.
#[derive(Debug)]
pub struct NewAuthorizationRequest<'n> {
    /// Who it is.
    pub client_id: &'n str,
    /// Where it wants the answer.
    pub redirect_uri: &'n str,
    /// Drawn for this request: nothing can be read from it (AUTHZ-24).
    pub state: &'n str,
    /// Of the verifier that stays in the Wallet.
    pub code_challenge: &'n CodeChallenge,
    /// What it wants.
    pub selection: Selection<'n>,
    /// The Credential Issuer, where that names authorization servers (AUTHZ-09, AUTHZ-16).
    pub location: Option<&'n str>,
    /// From the offer, unchanged (AUTHZ-18).
    pub issuer_state: Option<&'n str>,
}

/// How a Wallet says which credentials it wants.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'n> {
    /// By `authorization_details`: every issuer has ids, not every one has scopes (AUTHZ-06,
    /// META-31).
    Details(&'n [String]),
    /// By `scope`, as high assurance demands (HAIP-19, HAIP-23).
    Scopes(&'n [String]),
}

impl NewAuthorizationRequest<'_> {
    /// The parameters, for a query or a pushed request.
    #[must_use]
    pub fn to_form(&self) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("response_type", CODE.to_owned()),
            ("client_id", self.client_id.to_owned()),
            ("redirect_uri", self.redirect_uri.to_owned()),
            ("state", self.state.to_owned()),
            ("code_challenge", self.code_challenge.to_text()),
            ("code_challenge_method", pkce::METHOD.to_owned()),
        ];
        match self.selection {
            Selection::Details(ids) => {
                let details = ids.iter().map(|id| self.detail(id)).collect::<Vec<_>>();
                form.push(("authorization_details", Value::from(details).to_string()));
            }
            Selection::Scopes(scopes) => {
                form.push(("scope", scopes.join(" ")));
                form.extend(self.location.map(|location| ("resource", location.to_owned())));
            }
        }
        form.extend(self.issuer_state.map(|state| ("issuer_state", state.to_owned())));
        form
    }

    fn detail(&self, id: &str) -> Value {
        let mut detail = json!({ "type": OPENID_CREDENTIAL, "credential_configuration_id": id });
        if let (Some(location), Some(detail)) = (self.location, detail.as_object_mut()) {
            detail.insert("locations".into(), json!([location]));
        }
        detail
    }
}

//! Steps 5-8 of the Authorization Code Flow: the request of a draft becomes one of 1.0.

use std::collections::BTreeMap;

use keys::json;
use serde_json::{Map, Value};

use super::Dialect;
use super::dialect::Draft;
use crate::authorization::OPENID_CREDENTIAL;
use crate::metadata::CredentialConfiguration;

type Form = Vec<(String, String)>;
/// What can be asked for, by the ids of 1.0.
type Configurations = BTreeMap<String, CredentialConfiguration>;

/// Stands in place of a configuration that nobody has: a reader of 1.0 says so.
const NONE: &str = "";

impl Dialect {
    /// Whether a token that was asked for with details comes with identifiers, which requests must use
    /// then (draft 14, section 6.2). Before that an issuer was free to give none.
    #[must_use]
    pub fn has_credential_identifiers(self) -> bool {
        self.0 >= Draft::D14
    }

    /// The parameters of an Authorization Request, by query or pushed. Details that name a credential
    /// by its format name a configuration then (draft 13, section 5.1.1), up to draft 9 the state of an
    /// offer has another name (draft 9, section 6.1). What is unreadable stays as it is, and is
    /// refused as in 1.0.
    #[must_use]
    pub fn authorization_request(self, form: Form, known: &Configurations) -> Form {
        let has_op_state = self.0 <= Draft::D9;
        let known = |(name, value): (String, String)| match name.as_str() {
            "issuer_state" if has_op_state => None,
            "op_state" => has_op_state.then(|| ("issuer_state".to_owned(), value)),
            "authorization_details" => {
                let details = self.details(&value, known).unwrap_or(value);
                Some((name, details))
            }
            _ => Some((name, value)),
        };
        form.into_iter().filter_map(known).collect()
    }

    fn details(self, text: &str, known: &Configurations) -> Option<String> {
        let mut details = json::parse(text.as_bytes()).ok()?;
        for detail in details.as_array_mut()?.iter_mut().filter_map(Value::as_object_mut) {
            if detail.get("type").is_some_and(|given| given == OPENID_CREDENTIAL) {
                self.name_configuration(detail, known);
            }
        }
        Some(details.to_string())
    }

    /// One that has both names, or one of another draft, names nothing. The claims that a Wallet wants
    /// were a tree until draft 14: who asks so gets all that it is consented to.
    fn name_configuration(self, detail: &mut Map<String, Value>, known: &Configurations) {
        if self.0 <= Draft::D14 {
            detail.remove("claims");
        }
        let (has_format, id) = (detail.contains_key("format"), "credential_configuration_id");
        let named = match (self.0, has_format, detail.contains_key(id)) {
            (Draft::D13 | Draft::D14 | Draft::D15, false, true) => return,
            (_, true, false) => self.meant(detail, known).unwrap_or(NONE),
            _ => NONE,
        };
        detail.insert(id.into(), named.into());
    }

    /// The configuration that a detail means; its `type` is that of the detail, so that the first draft
    /// has another name for what it asks for.
    fn meant<'k>(self, detail: &Map<String, Value>, known: &'k Configurations) -> Option<&'k str> {
        let mut request = detail.clone();
        let of_draft_8 = request.remove("credential_type");
        request.remove("type");
        request.extend(of_draft_8.map(|name| ("type".to_owned(), name)));
        let format = request.get("format")?.as_str()?.to_owned();
        let is_meant = |(id, one): &(&String, &CredentialConfiguration)| {
            self.is_format(&format, &one.format) && self.is_meant(&request, (id, one))
        };
        known.iter().find(is_meant).map(|(id, _)| id.as_str())
    }
}

//! What a draft calls a format, and the names of a type in it.

use serde_json::{Map, Value, json};

use super::Dialect;
use super::dialect::Draft;
use crate::metadata::CredentialConfiguration;

impl Dialect {
    /// Whether a credential of this format can be spoken of in the draft.
    #[must_use]
    pub fn has_format(self, format: &str) -> bool {
        self.format(format).is_some()
    }

    /// `typ` of an SD-JWT VC, which follows the name of its format.
    #[must_use]
    pub fn sd_jwt_typ(self) -> &'static str {
        self.format("dc+sd-jwt").unwrap_or("vc+sd-jwt")
    }

    /// The Credential Format Identifier of the draft; `None` of what it has no word for.
    ///
    /// SD-JWT VC came with draft 13, and Wallets of 11 and 12 use its name. What 1.0's neighbours
    /// call `vc+sd-jwt` is something else, and has no word in a draft.
    pub(super) fn format(self, format: &str) -> Option<&'static str> {
        match (format, self.0) {
            ("jwt_vc_json", Draft::D8) => Some("jwt_vc"),
            ("jwt_vc_json", _) => Some("jwt_vc_json"),
            ("jwt_vc_json-ld", Draft::D8) | ("dc+sd-jwt", Draft::D8 | Draft::D9) => None,
            ("jwt_vc_json-ld", _) => Some("jwt_vc_json-ld"),
            ("ldp_vc", _) => Some("ldp_vc"),
            ("mso_mdoc", Draft::D8) => Some("mdl_iso_cbor"),
            ("mso_mdoc", _) => Some("mso_mdoc"),
            ("dc+sd-jwt", Draft::D15) => Some("dc+sd-jwt"),
            ("dc+sd-jwt", _) => Some("vc+sd-jwt"),
            _ => None,
        }
    }

    /// What an entry of metadata says of its type, apart from claims.
    pub(super) fn type_members(
        self,
        configuration: &CredentialConfiguration,
    ) -> Map<String, Value> {
        let given = &configuration.format_members;
        let Some(definition) = given.get("credential_definition") else { return given.clone() };
        if self.0 >= Draft::D12 {
            return Map::from_iter([("credential_definition".to_owned(), definition.clone())]);
        }
        let mut members = Map::from_iter([("types".to_owned(), json!(definition["type"]))]);
        if self.0 >= Draft::D9
            && let Some(contexts) = definition.get("@context")
        {
            members.insert("@context".into(), contexts.clone());
        }
        members
    }

    /// Whether a request in the draft's words means this configuration, whose format is the one
    /// that it names.
    pub(super) fn is_meant(
        self,
        request: &Map<String, Value>,
        (id, configuration): (&str, &CredentialConfiguration),
    ) -> bool {
        let members = &configuration.format_members;
        if self.0 == Draft::D8 {
            return is_meant_by_name(request, (id, members));
        }
        if let Some(name) = ["vct", "doctype"].into_iter().find(|name| members.contains_key(*name))
        {
            let inside = request.get("credential_definition").and_then(|inside| inside.get(name));
            return request.get(name).or(inside) == members.get(name);
        }
        let wanted = members.get("credential_definition").map(|definition| &definition["type"]);
        let asked = types(request);
        asked.is_some_and(|asked| wanted.is_some_and(|wanted| is_same_set(asked, wanted)))
    }
}

/// Draft 8, section 7.3 has one word for a type: its key in metadata, or what is special about it.
fn is_meant_by_name(
    request: &Map<String, Value>,
    (id, members): (&str, &Map<String, Value>),
) -> bool {
    let Some(asked) = request.get("type").and_then(Value::as_str) else { return false };
    let types = members.get("credential_definition").map(|definition| &definition["type"]);
    let last = types.and_then(Value::as_array).and_then(|types| types.last());
    asked == id
        || last.is_some_and(|last| last == asked)
        || members.get("doctype").is_some_and(|doctype| doctype == asked)
}

/// The W3C types of a request: `types` or `type`, bare or in `credential_definition`. The examples of
/// every draft mix them.
fn types(request: &Map<String, Value>) -> Option<&Value> {
    let inside = request.get("credential_definition").and_then(Value::as_object);
    let named = |object: &'_ Map<String, Value>| {
        ["types", "type"].into_iter().find(|name| object.contains_key(*name))
    };
    let of = |object| named(object).and_then(|name| object.get(name));
    inside.and_then(of).or_else(|| of(request))
}

fn is_same_set(asked: &Value, wanted: &Value) -> bool {
    let (Some(asked), Some(wanted)) = (asked.as_array(), wanted.as_array()) else { return false };
    asked.iter().all(|one| wanted.contains(one)) && wanted.iter().all(|one| asked.contains(one))
}

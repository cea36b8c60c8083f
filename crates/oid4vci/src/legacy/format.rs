//! What a draft calls a format, and the names of a type in it.

use serde_json::{Map, Value, json};

use super::Dialect;
use super::dialect::Draft;
use crate::metadata::CredentialConfiguration;

/// What draft 8, section 10.2.1, calls an mdoc in metadata, and section 8.3 in requests and answers.
pub(super) const MDL_ISO: &str = "mdl_iso";
pub(super) const MDL_ISO_CBOR: &str = "mdl_iso_cbor";

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
            ("mso_mdoc", Draft::D8) => Some(MDL_ISO_CBOR),
            ("mso_mdoc", _) => Some("mso_mdoc"),
            ("dc+sd-jwt", Draft::D15) => Some("dc+sd-jwt"),
            ("dc+sd-jwt", _) => Some("vc+sd-jwt"),
            _ => None,
        }
    }

    /// Whether this is the format that a request names. In draft 8 an mdoc has one name in metadata and
    /// another in requests, and Wallets send what they have read.
    pub(super) fn is_format(self, asked: &str, format: &str) -> bool {
        let asked = if self.0 == Draft::D8 && asked == MDL_ISO { MDL_ISO_CBOR } else { asked };
        self.format(format) == Some(asked)
    }

    /// What an entry of metadata says of its type, apart from claims.
    pub(super) fn type_members(
        self,
        configuration: &CredentialConfiguration,
    ) -> Map<String, Value> {
        let given = &configuration.format_members;
        let Some(definition) = given.get("credential_definition") else {
            let doctype = given.get("doctype").filter(|_| self.0 == Draft::D8);
            return doctype.map_or_else(|| given.clone(), types_of_draft_8);
        };
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
            return request.get(name).or_else(|| self.inside(request, name)) == members.get(name);
        }
        let wanted = members.get("credential_definition").map(|definition| &definition["type"]);
        let asked = self.types(request);
        asked.is_some_and(|asked| wanted.is_some_and(|wanted| is_same_set(asked, wanted)))
    }

    /// SD-JWT VC came with draft 13: Wallets of 11 and 12 that know it put its type in either place.
    fn inside<'r>(self, request: &'r Map<String, Value>, name: &str) -> Option<&'r Value> {
        let is_free = name == "vct" && matches!(self.0, Draft::D11 | Draft::D12);
        request.get("credential_definition").filter(|_| is_free)?.get(name)
    }

    /// The W3C types of a request, where the draft has them. Of what we call 11, draft 10 has `types`
    /// beside the format, draft 11 has `type` in `credential_definition`, and its examples have both.
    fn types(self, request: &Map<String, Value>) -> Option<&Value> {
        let inside = request.get("credential_definition").and_then(Value::as_object);
        let within = |name: &str| inside.and_then(|inside| inside.get(name));
        match self.0 {
            Draft::D8 => None,
            Draft::D9 if is_linked(request) => within("types"),
            Draft::D9 => request.get("types"),
            Draft::D11 => {
                let inside = within("types").or_else(|| within("type"));
                inside.or_else(|| request.get("types")).or_else(|| request.get("type"))
            }
            Draft::D12 | Draft::D13 | Draft::D14 | Draft::D15 => within("type"),
        }
    }
}

/// Formats whose types stand beside a context (draft 9, appendix E).
fn is_linked(request: &Map<String, Value>) -> bool {
    request.get("format").is_some_and(|format| format == "ldp_vc" || format == "jwt_vc_json-ld")
}

/// A doctype is a type like others (draft 8, section 10.2.1).
fn types_of_draft_8(doctype: &Value) -> Map<String, Value> {
    Map::from_iter([("types".to_owned(), json!([doctype]))])
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

fn is_same_set(asked: &Value, wanted: &Value) -> bool {
    let (Some(asked), Some(wanted)) = (asked.as_array(), wanted.as_array()) else { return false };
    asked.iter().all(|one| wanted.contains(one)) && wanted.iter().all(|one| asked.contains(one))
}

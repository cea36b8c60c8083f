//! What stands elsewhere in metadata than their draft has it: it is read all the same, and said.

use serde_json::Value;

use super::document::types;
use super::{Findings, texts};
use crate::legacy::dialect::Draft;
use crate::legacy::format::{MDL_ISO, MDL_ISO_CBOR};

pub(super) const ONE_SERVER: &str = "the metadata have authorization_server, a text, where draft 12, section \
                                     10.2.3, has the array authorization_servers";
pub(super) const LIST_OF_PROOF_TYPES: &str = "proof_types_supported is an array where draft 13, section \
                                              11.2.3, has an object with the algorithms of each type";
pub(super) const PICTURE_URL: &str = "a picture has the member url, which is uri since draft 13, section \
                                      11.2.3";
const TYPES_OF_9: &str = "a credential's types do not stand in types beside its format, where draft 8, \
                          section 10.2.1, and draft 9, appendix E, have them";
const TYPES_OF_11: &str = "a credential's types stand in credential_definition, where drafts 10 and 11, \
                           appendix E, have them beside the format";
const TYPES_OF_12: &str = "a credential's types do not stand in type of credential_definition, where they \
                           are since draft 12, appendix E";
pub(super) const NO_FORMATS: &str =
    "an element of credentials_supported has no formats (draft 8, section 10.2.1)";
const VCT_INSIDE: &str = "vct stands in credential_definition, where draft 13, appendix A.3, has it beside \
                          the format";
const METHODS: &str = "binding_methods_supported has been cryptographic_binding_methods_supported since \
                       draft 8, section 10.2.1";
const ALIAS: &str = "a format is called jwt_vc, jwt or ldp: since draft 9, appendix E, the names are \
                     jwt_vc_json and ldp_vc";
const ALIAS_OF_8: &str = "a format is called jwt, ldp or jwt_vc_json, where draft 8, section 8.3, has jwt_vc \
                          and ldp_vc";
const MDOC_OF_8: &str = "an mdoc is described under mdl_iso_cbor or mso_mdoc, where draft 8, section 10.2.1, \
                         has mdl_iso; mdl_iso_cbor is the name of its format in requests";
const MDOC_LATER: &str = "a format is called mdl_iso or mdl_iso_cbor, as in draft 8: since draft 9, appendix E, \
                          it is mso_mdoc";
const TREE: &str = "claims is an object where draft 15, appendix B, has an array of paths";

/// Says what of an entry of the catalogue stands elsewhere, or under another name.
pub(super) fn look(draft: Draft, format: &str, entry: &Value, findings: &mut Findings) {
    findings.extend(format_name(draft, format));
    let has = |place: &str| entry.pointer(place).is_some();
    let is_of_types = !types(entry).is_empty() && !has("/vct") && !has("/doctype");
    let (places, finding): (&[&str], _) = match draft {
        Draft::D8 | Draft::D9 => (&["/types"], TYPES_OF_9),
        // Draft 10 has types, draft 11 has type in its text and types in its examples.
        Draft::D11 => (&["/types", "/type"], TYPES_OF_11),
        Draft::D12 | Draft::D13 | Draft::D14 | Draft::D15 => {
            (&["/credential_definition/type"], TYPES_OF_12)
        }
    };
    if is_of_types && places.iter().all(|place| texts(entry.pointer(place)).is_empty()) {
        findings.push(finding);
    }
    if has("/credential_definition/vct") && !has("/vct") {
        findings.push(VCT_INSIDE);
    }
    if has("/binding_methods_supported") && !has("/cryptographic_binding_methods_supported") {
        findings.push(METHODS);
    }
    if draft >= Draft::D15 && entry.get("claims").is_some_and(Value::is_object) {
        findings.push(TREE);
    }
}

fn format_name(draft: Draft, format: &str) -> Option<&'static str> {
    match (format, draft) {
        ("jwt" | "ldp" | "jwt_vc_json", Draft::D8) => Some(ALIAS_OF_8),
        (MDL_ISO_CBOR | "mso_mdoc", Draft::D8) => Some(MDOC_OF_8),
        (_, Draft::D8) => None,
        ("jwt_vc" | "jwt" | "ldp", _) => Some(ALIAS),
        (MDL_ISO | MDL_ISO_CBOR, _) => Some(MDOC_LATER),
        _ => None,
    }
}

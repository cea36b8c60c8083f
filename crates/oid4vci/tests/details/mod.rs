//! Objects of `authorization_details` (VCI §5.1.1).

use serde_json::{Value, json};

pub(crate) fn detail(id: &str) -> Value {
    json!({ "type": "openid_credential", "credential_configuration_id": id })
}

/// One with another member.
pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut detail = detail("a");
    if let Some(object) = detail.as_object_mut() {
        object.insert(name.into(), value);
    }
    detail
}

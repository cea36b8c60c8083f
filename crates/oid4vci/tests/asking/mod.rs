//! Requests of a Wallet that wants an encrypted response.

use keys::jwe::DecryptionKey;
use serde_json::{Value, json};

use crate::sealing::with;

/// `credential_response_encryption` of a Wallet with this key.
pub(crate) fn asking(key: &DecryptionKey) -> Value {
    json!({ "jwk": key.encryption_key().to_jwk(), "enc": "A256GCM" })
}

pub(crate) fn request(asked: impl Into<Option<Value>>) -> Value {
    let request = json!({ "credential_configuration_id": "card" });
    with(&request, "credential_response_encryption", asked.into().unwrap_or_default())
}

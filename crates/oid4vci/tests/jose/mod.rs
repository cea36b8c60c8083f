//! Keys, and JWTs that hold whatever a test wants.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::Value;

pub(crate) fn key(algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm).unwrap()
}

/// `base` with members added, replaced, or, by `null`, removed.
pub(crate) fn merged(base: Value, more: &Value) -> String {
    let Value::Object(mut object) = base else { return base.to_string() };
    for (name, value) in more.as_object().into_iter().flatten() {
        object.insert(name.clone(), value.clone());
    }
    object.retain(|_, value| !value.is_null());
    Value::Object(object).to_string()
}

pub(crate) async fn jwt(header: &str, payload: &str, key: &SoftwareKey) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = key.sign(input.as_bytes()).await.unwrap();
    format!("{input}.{}", encode(&signature))
}

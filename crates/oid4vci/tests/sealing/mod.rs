//! An Issuer that encrypts, and messages for it.

use keys::jwe::{
    self, Compression, ContentEncryption, Curve, DecryptionKey, EncryptionKey, KeyManagement,
};
use oid4vci::encryption::{
    Encryption, EncryptionPolicy, EncryptionRefusal, OpenedRequest, ReceivedBody,
};
use serde_json::{Map, Value};

pub(crate) fn key() -> DecryptionKey {
    DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap()
}

/// ECDH-ES with A128GCM and A256GCM, and DEFLATE.
pub(crate) fn policy(request: Encryption, response: Encryption) -> EncryptionPolicy {
    EncryptionPolicy::new(
        request,
        response,
        vec![KeyManagement::EcdhEs],
        vec![ContentEncryption::A128Gcm, ContentEncryption::A256Gcm],
        vec![Compression::Deflate],
    )
    .unwrap()
}

pub(crate) fn encrypt(text: impl AsRef<[u8]>, key: &EncryptionKey) -> String {
    let encryption = ContentEncryption::A256Gcm;
    jwe::encrypt(Map::new(), text.as_ref(), key, encryption, None).unwrap()
}

/// With one member set, or with `null` taken away.
pub(crate) fn with(object: &Value, member: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().unwrap();
    let value = value.into();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    object
}

/// What the Issuer makes of a body; it has one key.
pub(crate) fn open(
    policy: &EncryptionPolicy,
    body: ReceivedBody<'_>,
    key: &DecryptionKey,
) -> Result<OpenedRequest, EncryptionRefusal> {
    policy.open(body, |kid| (kid == key.kid()).then_some(key))
}

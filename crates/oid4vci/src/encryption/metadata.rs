//! Step 6: what an Issuer publishes about encryption (VCI §12.2.4).

use std::collections::BTreeSet;

use keys::jwe::{Compression, ContentEncryption, DecryptionKey, EncryptionKey, KeyManagement};
use serde::Serialize;
use serde_json::{Map, Value};

use super::issuer::{Encryption, EncryptionPolicy};

/// Most keys of an issuer that a Wallet looks at.
const KEYS_MAX: usize = 16;

/// `credential_request_encryption` as we send it (META-19).
#[derive(Clone, Debug, Serialize)]
pub struct CredentialRequestEncryption {
    /// An object with `keys`, never a bare array (AMB-13).
    pub jwks: JwkSet,
    /// Of encrypted requests; not empty.
    pub enc_values_supported: Vec<&'static str>,
    /// Absent means that nothing may be compressed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zip_values_supported: Vec<&'static str>,
    /// Whether a request in the clear is refused (META-21).
    pub encryption_required: bool,
}

/// RFC 7517 §5
#[derive(Clone, Debug, Serialize)]
pub struct JwkSet {
    /// Each with its `alg` and a `kid` that no other has (ENC-02, ENC-10).
    pub keys: Vec<Map<String, Value>>,
}

/// `credential_response_encryption` as we send it (META-20).
#[derive(Clone, Debug, Serialize)]
pub struct CredentialResponseEncryption {
    /// Of the Wallet's key; not empty.
    pub alg_values_supported: Vec<&'static str>,
    /// Of encrypted responses; not empty.
    pub enc_values_supported: Vec<&'static str>,
    /// Absent means that nothing can be compressed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zip_values_supported: Vec<&'static str>,
    /// Whether a request for a response in the clear is refused (META-21).
    pub encryption_required: bool,
}

impl EncryptionPolicy {
    /// `credential_request_encryption` with the keys that are published, the one to use first;
    /// `None` when no request may be encrypted.
    ///
    /// It is there whenever responses can be encrypted (ENC-11).
    #[must_use]
    pub fn request_metadata(&self, keys: &[&DecryptionKey]) -> Option<CredentialRequestEncryption> {
        let required = self.request().required()?;
        let mut kids = BTreeSet::new();
        let keys = keys.iter().filter(|key| kids.insert(key.kid())); // ENC-10
        Some(CredentialRequestEncryption {
            jwks: JwkSet { keys: keys.map(|key| key.encryption_key().to_jwk()).collect() },
            enc_values_supported: self.enc_values(),
            zip_values_supported: self.zip_values(),
            encryption_required: required,
        })
    }

    /// `credential_response_encryption`; `None` when no response can be encrypted.
    #[must_use]
    pub fn response_metadata(&self) -> Option<CredentialResponseEncryption> {
        let required = self.response().required()?;
        Some(CredentialResponseEncryption {
            alg_values_supported: self.algorithms().iter().map(|alg| alg.name()).collect(),
            enc_values_supported: self.enc_values(),
            zip_values_supported: self.zip_values(),
            encryption_required: required,
        })
    }

    fn enc_values(&self) -> Vec<&'static str> {
        self.encryptions().iter().map(|encryption| encryption.name()).collect()
    }

    fn zip_values(&self) -> Vec<&'static str> {
        self.compressions().iter().map(|compression| compression.name()).collect()
    }
}

impl Encryption {
    /// `encryption_required`, where there is anything to say.
    const fn required(self) -> Option<bool> {
        match self {
            Self::Off => None,
            Self::Offered => Some(false),
            Self::Required => Some(true),
        }
    }
}

/// What an issuer says about encryption, as a Wallet takes it: methods that it does not know are
/// left out, and so are keys that it cannot use (META-19, META-20, META-43).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedEncryption {
    pub(super) request: Option<ReceivedRequest>,
    pub(super) response: Option<ReceivedResponse>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceivedRequest {
    pub(super) keys: Vec<EncryptionKey>,
    pub(super) methods: Methods,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceivedResponse {
    pub(super) algorithms: Vec<KeyManagement>,
    pub(super) methods: Methods,
}

/// What both objects say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Methods {
    pub(super) encryptions: Vec<ContentEncryption>,
    pub(super) compressions: Vec<Compression>,
    pub(super) required: bool,
}

impl ReceivedEncryption {
    /// Reads both objects of Credential Issuer Metadata.
    #[must_use]
    pub fn parse(metadata: &Value) -> Self {
        let object = |name| metadata.get(name).filter(|object: &&Value| object.is_object());
        let request = object("credential_request_encryption");
        let response = object("credential_response_encryption");
        Self {
            request: request.map(|object| ReceivedRequest {
                keys: keys(object.get("jwks")),
                methods: Methods::parse(object),
            }),
            response: response.map(|object| ReceivedResponse {
                algorithms: known(object, "alg_values_supported", KeyManagement::parse),
                methods: Methods::parse(object),
            }),
        }
    }
}

impl ReceivedEncryption {
    /// Whether anything must be encrypted (CRED-15, CRED-16).
    #[must_use]
    pub fn is_required(&self) -> bool {
        let request = self.request.as_ref().map(|request| &request.methods);
        let response = self.response.as_ref().map(|response| &response.methods);
        request.into_iter().chain(response).any(|methods| methods.required)
    }
}

impl Methods {
    fn parse(object: &Value) -> Self {
        Self {
            encryptions: known(object, "enc_values_supported", ContentEncryption::parse),
            compressions: known(object, "zip_values_supported", Compression::parse),
            required: object.get("encryption_required").is_some_and(|required| required == true),
        }
    }
}

/// A JWK Set; older texts of 1.0 print a bare array (AMB-13). Of several keys, those that are not
/// for us are passed over (ENC-04).
fn keys(jwks: Option<&Value>) -> Vec<EncryptionKey> {
    let keys = jwks.and_then(|jwks| jwks.get("keys").unwrap_or(jwks).as_array());
    let usable = keys.into_iter().flatten().filter_map(|jwk| EncryptionKey::from_jwk(jwk).ok());
    usable.take(KEYS_MAX).collect()
}

fn known<T>(object: &Value, name: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let listed = object.get(name).and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|value| parse(value.as_str()?)).collect()
}

//! The key for an answer, which drafts 12 to 15 name in a request that is itself in the clear.

use serde_json::{Map, Value, json};

use super::Dialect;
use super::dialect::Draft;
use super::error::Misfit;
use crate::encryption::CredentialResponseEncryption;

/// As drafts from 13 on have it.
pub(super) const MEMBER: &str = "credential_response_encryption";
/// As draft 12 has it (section 7.2), and what its members are called later.
pub(super) const OF_DRAFT_12: [(&str, &str); 3] = [
    ("jwk", "credential_encryption_jwk"),
    ("alg", "credential_response_encryption_alg"),
    ("enc", "credential_response_encryption_enc"),
];
/// What draft 12 publishes of it (section 10.2.3), likewise.
pub(super) const METADATA_OF_DRAFT_12: [(&str, &str); 3] = [
    ("alg_values_supported", "credential_response_encryption_alg_values_supported"),
    ("enc_values_supported", "credential_response_encryption_enc_values_supported"),
    ("encryption_required", "require_credential_response_encryption"),
];

impl Dialect {
    /// Whether answers can be encrypted (draft 12, section 7.2).
    #[must_use]
    pub fn has_encryption(self) -> bool {
        self.0 >= Draft::D12
    }

    /// `credential_response_encryption` of 1.0, which has `alg` in the key; `None` where no answer is
    /// to be encrypted.
    pub(super) fn response_encryption(
        self,
        request: &Map<String, Value>,
    ) -> Result<Option<Value>, Misfit> {
        let asked = match self.0 {
            Draft::D8 | Draft::D9 | Draft::D11 => None,
            Draft::D12 => of_draft_12(request),
            Draft::D13 | Draft::D14 | Draft::D15 => request.get(MEMBER).cloned(),
        };
        let Some(mut asked) = asked else { return Ok(None) };
        let algorithm = asked.as_object_mut().and_then(|asked| asked.remove("alg"));
        if let (Some(algorithm), Some(Value::Object(jwk))) = (algorithm, asked.get_mut("jwk")) {
            match jwk.get("alg") {
                Some(of_key) if *of_key != algorithm => return Err(Misfit::TwoAlgorithms),
                Some(_) => {}
                None => jwk.extend([("alg".to_owned(), algorithm)]),
            }
        }
        Ok(Some(asked))
    }

    /// What metadata say of it.
    pub(super) fn put_encryption(
        self,
        published: &mut Map<String, Value>,
        encryption: Option<&CredentialResponseEncryption>,
    ) {
        let Some(encryption) = encryption.filter(|_| self.has_encryption()) else { return };
        let members = json!({
            "alg_values_supported": encryption.alg_values_supported,
            "enc_values_supported": encryption.enc_values_supported,
            "encryption_required": encryption.encryption_required,
        });
        if self.0 >= Draft::D13 {
            published.insert(MEMBER.into(), members);
            return;
        }
        for (name, of_draft) in METADATA_OF_DRAFT_12 {
            published.insert(of_draft.into(), members.get(name).cloned().unwrap_or_default());
        }
    }
}

/// Without an algorithm nothing is to be encrypted, and `enc` has a default.
fn of_draft_12(request: &Map<String, Value>) -> Option<Value> {
    let mut asked = Map::new();
    for (name, of_draft) in OF_DRAFT_12 {
        asked.extend(request.get(of_draft).map(|value| (name.to_owned(), value.clone())));
    }
    if !asked.contains_key("alg") && !asked.contains_key("enc") {
        return None;
    }
    asked.entry("enc").or_insert_with(|| "A256GCM".into());
    Some(asked.into())
}

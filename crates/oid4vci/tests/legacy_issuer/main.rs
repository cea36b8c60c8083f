//! What the Issuer reads and writes in the words of the drafts.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod published;
mod received;

use oid4vci::legacy::Dialect;
use oid4vci::metadata::CredentialConfiguration;
use serde_json::{Map, Value, json};

pub(crate) const ISSUER: &str = "https://credential-issuer.example.com";
pub(crate) const TYPES: [&str; 2] = ["VerifiableCredential", "UniversityDegreeCredential"];

pub(crate) fn dialect(number: &str) -> Dialect {
    Dialect::parse(number).unwrap()
}

pub(crate) fn configuration(format: &str, members: &Value) -> CredentialConfiguration {
    CredentialConfiguration {
        format: format.to_owned(),
        scope: None,
        format_members: members.as_object().unwrap().clone(),
        credential_signing_alg_values_supported: vec![json!("ES256")],
        cryptographic_binding_methods_supported: Vec::new(),
        proof_types_supported: Map::new(),
        credential_metadata: json!({}),
    }
}

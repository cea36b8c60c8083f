//! Offers and metadata in the words of the drafts.

use oid4vci::metadata::{
    AuthorizationServerMetadata, CredentialConfiguration, CredentialIssuerMetadata,
};
use oid4vci::sender::SenderMetadata;
use serde_json::{Value, json};

use crate::{ISSUER, configuration, dialect};

fn published(draft: &str, id: &str, configuration: CredentialConfiguration) -> Value {
    let metadata = CredentialIssuerMetadata {
        credential_issuer: ISSUER.to_owned(),
        authorization_servers: Vec::new(),
        credential_endpoint: format!("{ISSUER}/credential"),
        nonce_endpoint: format!("{ISSUER}/nonce"),
        deferred_credential_endpoint: None,
        notification_endpoint: None,
        credential_request_encryption: None,
        credential_response_encryption: None,
        batch_credential_issuance: None,
        display: Vec::new(),
        credential_configurations_supported: [(id.to_owned(), configuration)].into(),
    };
    let server = AuthorizationServerMetadata {
        issuer: ISSUER.to_owned(),
        token_endpoint: format!("{ISSUER}/token"),
        grant_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: Vec::new(),
        authorization_details_types_supported: Vec::new(),
        pre_authorized_grant_anonymous_access_supported: true,
        sender: SenderMetadata::default(),
        code_flow: None,
    };
    dialect(draft).issuer_metadata(&metadata, &server, "batch")
}

/// The numbers of COSE are names before draft 16, and the key of an mdoc is `mso` before draft 10.
#[test]
fn an_mdoc_is_described_in_words() {
    for (draft, method, suites) in [
        ("9", "mso", "cryptographic_suites_supported"),
        ("12", "cose_key", "cryptographic_suites_supported"),
        ("15", "cose_key", "credential_signing_alg_values_supported"),
    ] {
        let one = CredentialConfiguration {
            credential_signing_alg_values_supported: vec![json!(-7)],
            cryptographic_binding_methods_supported: vec!["cose_key"],
            ..configuration("mso_mdoc", &json!({ "doctype": "org.iso.18013.5.1.mDL" }))
        };
        let metadata = published(draft, "mdl", one);
        let entry = match draft {
            "9" => &metadata["credentials_supported"][0],
            "12" => &metadata["credentials_supported"]["mdl"],
            _ => &metadata["credential_configurations_supported"]["mdl"],
        };
        assert_eq!(entry[suites], json!(["ES256"]), "{draft}");
        assert_eq!(entry["cryptographic_binding_methods_supported"], json!([method]), "{draft}");
        assert_eq!(entry["doctype"], "org.iso.18013.5.1.mDL");
    }
}

/// Draft 8, section 10.2.1: an mdoc is `mdl_iso` there, and its doctype a type like others.
#[test]
fn an_mdoc_of_draft_8_has_its_doctype_among_types() {
    const MDL: &str = "org.iso.18013.5.1.mDL";
    let metadata = published("8", "mdl", configuration("mso_mdoc", &json!({ "doctype": MDL })));
    let formats = &metadata["credentials_supported"]["mdl"]["formats"];
    assert_eq!(formats.as_object().unwrap().keys().collect::<Vec<_>>(), ["mdl_iso"]);
    assert_eq!(formats["mdl_iso"]["types"], json!([MDL]));
    assert_eq!(formats["mdl_iso"].get("doctype"), None);
}

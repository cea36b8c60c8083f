//! Step 6: what the Issuer publishes about itself (VCI §12.2, RFC 8414 §2), made once at the start.

use oid4vci::metadata::{
    AuthorizationServerMetadata, BatchCredentialIssuance, CredentialConfiguration,
    CredentialIssuerMetadata, IssuerDisplay, jwt_proof_types,
};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};

use super::{deferred, notification};
use crate::Issuer;
use crate::credential_type::CredentialType;

/// Credential Issuer Metadata (VCI §12.2.4).
#[must_use]
pub fn credential_issuer(issuer: &Issuer) -> CredentialIssuerMetadata {
    let batch_size = issuer.credentials_per_offer();
    let types = issuer.types.values();
    let published: Vec<_> = issuer.keys.encryption.first().into_iter().collect();
    CredentialIssuerMetadata {
        credential_issuer: issuer.credential_issuer().to_owned(),
        credential_endpoint: issuer.endpoint("credential"),
        nonce_endpoint: issuer.endpoint("nonce"),
        deferred_credential_endpoint: issuer
            .types
            .values()
            .any(deferred::waits)
            .then(|| issuer.endpoint(deferred::ENDPOINT)),
        notification_endpoint: issuer
            .config
            .notification
            .enabled
            .then(|| issuer.endpoint(notification::ENDPOINT)),
        credential_request_encryption: issuer.encryption.request_metadata(&published),
        credential_response_encryption: issuer.encryption.response_metadata(),
        batch_credential_issuance: (batch_size >= 2)
            .then_some(BatchCredentialIssuance { batch_size }),
        display: vec![IssuerDisplay {
            name: issuer.config.name.clone(),
            locale: issuer.config.locale.as_str().to_owned(),
        }],
        credential_configurations_supported: types
            .map(|credential_type| {
                (credential_type.id.clone(), configuration(credential_type, issuer))
            })
            .collect(),
    }
}

fn configuration(credential_type: &CredentialType, issuer: &Issuer) -> CredentialConfiguration {
    let bound = credential_type.key_binding.as_ref();
    let methods = bound.into_iter().flat_map(|bound| &bound.methods);
    CredentialConfiguration {
        format: credential_type.format.name().to_owned(),
        scope: credential_type.scope.clone(),
        format_members: credential_type.format_members(),
        credential_signing_alg_values_supported: vec![
            issuer.keys.signing.signer.algorithm().name(),
        ],
        cryptographic_binding_methods_supported: methods.map(|method| method.name()).collect(),
        proof_types_supported: bound
            .map(|bound| jwt_proof_types(&bound.proof_algorithms))
            .unwrap_or_default(),
        credential_metadata: credential_type.credential_metadata(),
    }
}

/// Authorization server metadata (RFC 8414 §2): the Issuer is its own authorization server.
#[must_use]
pub fn authorization_server(issuer: &Issuer) -> AuthorizationServerMetadata {
    AuthorizationServerMetadata {
        issuer: issuer.credential_issuer().to_owned(),
        token_endpoint: issuer.endpoint("token"),
        grant_types_supported: vec![PRE_AUTHORIZED_CODE],
        token_endpoint_auth_methods_supported: vec!["none"],
        authorization_details_types_supported: vec!["openid_credential"],
        pre_authorized_grant_anonymous_access_supported: issuer
            .config
            .authorization
            .anonymous_access,
    }
}

/// Where the keys behind `iss` of our credentials are (FMT-SDJWT-09).
#[must_use]
pub fn jwt_vc_issuer(issuer: &Issuer) -> Value {
    json!({ "issuer": issuer.credential_issuer(), "jwks": jwks(issuer) })
}

/// The signing keys as a JWK Set (RFC 7517 §5).
#[must_use]
pub fn jwks(issuer: &Issuer) -> Value {
    let key = &issuer.keys.signing;
    let mut jwk = key.signer.public_key().to_jwk();
    jwk.insert("kid".into(), key.kid.clone().into());
    jwk.insert("use".into(), "sig".into());
    jwk.insert("alg".into(), key.signer.algorithm().name().into());
    json!({ "keys": [jwk] })
}

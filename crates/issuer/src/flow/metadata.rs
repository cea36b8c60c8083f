//! Step 6: what the Issuer publishes about itself (VCI §12.2, RFC 8414 §2), made once for the keys in use.

use std::collections::BTreeSet;

use formats::data_integrity::{Canonicalization, Cryptosuite};
use keys::algorithm::Algorithm;
use keys::cose;
use keys::did;
use keys::outside::Timestamp;
use oid4vci::attestation::key::proof_types_supported;
use oid4vci::authorization::{CHALLENGE_ENDPOINT, CodeFlowMetadata, OPENID_CREDENTIAL};
use oid4vci::client::{NONE, PRIVATE_KEY_JWT};
use oid4vci::code::AUTHORIZATION_CODE;
use oid4vci::dpop;
use oid4vci::metadata::{
    AuthorizationServerMetadata, BatchCredentialIssuance, CredentialConfiguration,
    CredentialIssuerMetadata, IssuerDisplay, IssuerLogo,
};
use oid4vci::pkce;
use oid4vci::refresh::REFRESH_TOKEN;
use oid4vci::signed_metadata::{self, MetadataSigner};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Map, Value, json};

use super::{deferred, notification, sender};
use crate::credential_type::{CredentialType, Format, Logo, Securing, W3cType};
use crate::failure::Broken;
use crate::{Issuer, IssuerKeys};

/// How long signed metadata can be relied on.
pub(crate) const SIGNED_SECONDS: u64 = 24 * 3600;

/// Credential Issuer Metadata (VCI §12.2.4, HAIP-12).
#[must_use]
pub fn credential_issuer(issuer: &Issuer, keys: &IssuerKeys) -> CredentialIssuerMetadata {
    let batch_size = issuer.credentials_per_offer();
    let types = issuer.types.values();
    let published: Vec<_> = keys.encryption.first().into_iter().collect();
    CredentialIssuerMetadata {
        credential_issuer: issuer.credential_issuer().to_owned(),
        authorization_servers: authorization_servers(issuer),
        credential_endpoint: issuer.endpoint("credential"),
        nonce_endpoint: issuer.endpoint("nonce"), // HAIP-17
        // Also where no type is put off any more: something may still wait.
        deferred_credential_endpoint: Some(issuer.endpoint(deferred::ENDPOINT)),
        notification_endpoint: issuer
            .config
            .notification
            .enabled
            .then(|| issuer.endpoint(notification::ENDPOINT)),
        credential_request_encryption: issuer.encryption.request_metadata(&published),
        credential_response_encryption: issuer.encryption.response_metadata(),
        // HAIP-09
        batch_credential_issuance: (batch_size >= 2)
            .then_some(BatchCredentialIssuance { batch_size }),
        display: vec![IssuerDisplay {
            name: issuer.config.name.clone(),
            locale: issuer.config.locale.as_str().to_owned(),
            logo: issuer.config.logo.as_ref().map(logo),
        }],
        credential_configurations_supported: types
            .map(|credential_type| {
                let algorithm = keys.signing.signer.algorithm();
                (credential_type.id.clone(), configuration(credential_type, algorithm))
            })
            .collect(),
    }
}

fn logo(logo: &Logo) -> IssuerLogo {
    IssuerLogo { uri: logo.uri.as_str().to_owned(), alt_text: logo.alt_text.clone() }
}

/// Ourselves first: a wallet that looks at one only takes that (META-14).
fn authorization_servers(issuer: &Issuer) -> Vec<String> {
    let other = issuer.external.as_ref().map(|external| external.issuer().to_owned());
    other.into_iter().flat_map(|other| [issuer.credential_issuer().to_owned(), other]).collect()
}

/// Algorithms by their JOSE names (FMT-JWT-03, FMT-SDJWT-02, PROOF-20), that of the signing key among
/// them; keys are spoken of only where there are any (IMPL-02).
#[must_use]
pub fn configuration(
    credential_type: &CredentialType,
    algorithm: Algorithm,
) -> CredentialConfiguration {
    let bound = credential_type.key_binding.as_ref();
    let methods = bound.into_iter().flat_map(|bound| &bound.methods);
    CredentialConfiguration {
        format: credential_type.format.name().to_owned(),
        scope: credential_type.scope.clone(),
        format_members: credential_type.format.members(),
        credential_signing_alg_values_supported: signing_algorithm(
            &credential_type.format,
            algorithm,
        )
        .into_iter()
        .collect(),
        cryptographic_binding_methods_supported: methods.map(|method| method.name()).collect(),
        proof_types_supported: bound
            .map(|bound| {
                let attestations = bound.key_attestations();
                proof_types_supported(&bound.proof_algorithms, attestations, bound.takes_di_vp)
            })
            .unwrap_or_default(),
        credential_metadata: credential_type.credential_metadata(),
    }
}

/// The name that the format has for an algorithm, if it can be signed with it: that of JOSE, a
/// cryptosuite, or the number of COSE (VCI §A.2.2), which is what stands in the header of
/// `IssuerAuth` (FMT-MDOC-02, FMT-MDOC-03).
pub(crate) fn signing_algorithm(format: &Format, algorithm: Algorithm) -> Option<Value> {
    match format {
        Format::MsoMdoc { .. } => cose::number(algorithm).map(Value::from),
        Format::W3c(W3cType { securing: Securing::LdpVc(canonicalization), .. }) => {
            let is_unlinkable = *canonicalization == Canonicalization::Unlinkable;
            let algorithm = if is_unlinkable { Algorithm::Bbs } else { algorithm }; // a key of its own
            let suite = Cryptosuite::of(algorithm, *canonicalization); // FMT-LDP-03, AMB-10
            suite.map(|suite| suite.name().into())
        }
        Format::SdJwtVc { .. } | Format::W3c(_) => Some(algorithm.name().into()),
    }
}

/// The same as a signed JWT, and from when on it is to be signed anew (VCI §12.2.3, HAIP-14, HAIP-15).
pub async fn signed(
    issuer: &Issuer,
    keys: &IssuerKeys,
    metadata: Map<String, Value>,
) -> Result<(String, Timestamp), Broken> {
    let now = issuer.clock.now();
    let times = (now, now.plus(SIGNED_SECONDS));
    let key = &keys.signing;
    let key = MetadataSigner { signer: &*key.signer, x5c: &key.x5c };
    let signed = signed_metadata::sign(metadata, issuer.credential_issuer(), times, key).await;
    let signed = signed.map_err(|error| Broken::fault(format!("signing failed: {error}")))?;
    Ok((signed, now.plus(SIGNED_SECONDS / 2)))
}

/// Authorization server metadata (RFC 8414 §2, HAIP-11): the Issuer is its own authorization server.
#[must_use]
pub fn authorization_server(issuer: &Issuer) -> AuthorizationServerMetadata {
    let authorization = &issuer.config.authorization;
    AuthorizationServerMetadata {
        issuer: issuer.credential_issuer().to_owned(),
        token_endpoint: issuer.endpoint("token"),
        grant_types_supported: grant_types(issuer),
        token_endpoint_auth_methods_supported: authentication_methods(issuer),
        authorization_details_types_supported: vec![OPENID_CREDENTIAL],
        pre_authorized_grant_anonymous_access_supported: authorization.anonymous_access
            && !authorization.client_attestation_required,
        sender: sender::metadata(issuer),
        code_flow: issuer.has_code_flow().then(|| code_flow(issuer)),
    }
}

fn grant_types(issuer: &Issuer) -> Vec<&'static str> {
    let mut grants = vec![PRE_AUTHORIZED_CODE];
    if issuer.has_code_flow() {
        grants.push(AUTHORIZATION_CODE);
        grants.extend((issuer.config.authorization.refresh_hours > 0).then_some(REFRESH_TOKEN));
    }
    grants
}

/// `private_key_jwt` only where a client is registered for it, or could be (ASMETA-05).
fn authentication_methods(issuer: &Issuer) -> Vec<&'static str> {
    let mut methods = sender::authentication_methods(issuer);
    methods.extend(has_confidential(issuer).then_some(PRIVATE_KEY_JWT));
    methods
}

/// Whether there is a client that has a key, or could be.
fn has_confidential(issuer: &Issuer) -> bool {
    issuer.config.authorization.clients_by_api
        || issuer.clients.values().any(|client| !client.is_public())
}

/// What the Authorization Code Flow adds (RFC 8414 §2).
fn code_flow(issuer: &Issuer) -> CodeFlowMetadata {
    let scopes = issuer.types.values().filter_map(|one| one.scope.clone());
    let scopes: BTreeSet<String> = scopes.collect();
    let algorithms = dpop::ALGORITHMS.map(Algorithm::name).to_vec(); // those of any key of ours
    let signs = has_confidential(issuer);
    CodeFlowMetadata {
        authorization_endpoint: issuer.endpoint("authorize"),
        authorization_challenge_endpoint: issuer
            .has_first_party()
            .then(|| issuer.endpoint(CHALLENGE_ENDPOINT)),
        pushed_authorization_request_endpoint: issuer.endpoint("par"),
        require_pushed_authorization_requests: issuer
            .config
            .authorization
            .require_pushed_authorization_requests,
        request_parameter_supported: signs,
        request_uri_parameter_supported: false,
        request_object_signing_alg_values_supported: if signs {
            algorithms.clone()
        } else {
            Vec::new()
        },
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        code_challenge_methods_supported: [pkce::METHOD],
        authorization_response_iss_parameter_supported: true,
        scopes_supported: scopes.into_iter().collect(),
        token_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
        introspection_endpoint: issuer.endpoint("introspect"),
        introspection_endpoint_auth_methods_supported: [PRIVATE_KEY_JWT],
        introspection_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
        revocation_endpoint: issuer.endpoint("revoke"),
        revocation_endpoint_auth_methods_supported: [NONE, PRIVATE_KEY_JWT],
        revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    }
}

/// Where the keys behind `iss` of our credentials are (FMT-SDJWT-09).
#[must_use]
pub fn jwt_vc_issuer(issuer: &Issuer, keys: &IssuerKeys) -> Value {
    json!({ "issuer": issuer.credential_issuer(), "jwks": jwks(keys) })
}

/// Who signs `ldp_vc`: the DID of this website, and its keys for credentials. A proof inside of JSON
/// names its key below a name of its maker (Controlled Identifiers), which an address alone is not.
#[must_use]
pub fn did_document(issuer: &Issuer, keys: &IssuerKeys) -> Value {
    let controller = issuer.did();
    let signing = keys.published.iter().map(|key| (&key.kid, did::to_multikey(&key.public_key)));
    let bbs = keys.bbs.published.iter().map(|multikey| (multikey, multikey.clone()));
    let (ids, methods): (Vec<String>, Vec<Value>) = signing
        .chain(bbs)
        .map(|(kid, multikey)| {
            let id = format!("{controller}#{kid}");
            let method = json!({
                "id": id,
                "type": "Multikey",
                "controller": controller,
                "publicKeyMultibase": multikey,
            });
            (id, method)
        })
        .unzip();
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": controller,
        "verificationMethod": methods,
        "assertionMethod": ids,
    })
}

/// The signing keys as a JWK Set (RFC 7517 §5): the present one, those whose credentials are still
/// valid, and the one that verifiers shall know before it signs (RFC 9901 §9.8).
#[must_use]
pub fn jwks(keys: &IssuerKeys) -> Value {
    let jwks = keys.published.iter().map(|key| {
        let mut jwk = key.public_key.to_jwk();
        jwk.insert("kid".into(), key.kid.clone().into());
        jwk.insert("use".into(), "sig".into());
        jwk.insert("alg".into(), key.public_key.algorithm().name().into());
        jwk
    });
    json!({ "keys": jwks.collect::<Vec<_>>() })
}

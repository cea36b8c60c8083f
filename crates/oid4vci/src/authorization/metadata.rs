//! What an authorization server publishes of the Authorization Code Flow (RFC 8414 §2, ASMETA-01).

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::metadata::{MetadataError, endpoint, strings};
use crate::pkce;

/// The members of the Authorization Code Flow (RFC 8414 §2).
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the document")]
pub struct CodeFlowMetadata {
    /// RFC 8414 §2
    pub authorization_endpoint: String,
    /// First-Party Apps §8; absent where no client is first party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_challenge_endpoint: Option<String>,
    /// RFC 9126 §5
    pub pushed_authorization_request_endpoint: String,
    /// RFC 9126 §5
    pub require_pushed_authorization_requests: bool,
    /// RFC 9101 §5.1: clients that have a key may sign their requests.
    pub request_parameter_supported: bool,
    /// RFC 9101 §5.2: from elsewhere none is fetched.
    pub request_uri_parameter_supported: bool,
    /// RFC 9101 §6.2; absent where no client has a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<&'static str>,
    /// RFC 8414 §2
    pub response_types_supported: [&'static str; 1],
    /// RFC 8414 §2
    pub response_modes_supported: [&'static str; 1],
    /// RFC 8414 §2, AUTHZ-02
    pub code_challenge_methods_supported: [&'static str; 1],
    /// RFC 9207 §3
    pub authorization_response_iss_parameter_supported: bool,
    /// META-29
    pub scopes_supported: Vec<String>,
    /// RFC 8414 §2
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// RFC 7662 §4
    pub introspection_endpoint: String,
    /// RFC 8414 §2
    pub introspection_endpoint_auth_methods_supported: [&'static str; 1],
    /// RFC 8414 §2: must be there where `private_key_jwt` is.
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// RFC 7009 §2
    pub revocation_endpoint: String,
    /// RFC 8414 §2
    pub revocation_endpoint_auth_methods_supported: [&'static str; 2],
    /// RFC 8414 §2: must be there where `private_key_jwt` is.
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
}

/// The same as a Wallet takes it.
#[derive(Clone, Debug)]
pub struct ReceivedCodeFlow {
    /// The `issuer` of the server: what `iss` of its answers must be (RFC 9207 §2.4).
    pub issuer: String,
    /// RFC 8414 §2
    pub authorization_endpoint: Url,
    /// First-Party Apps §8
    pub authorization_challenge_endpoint: Option<Url>,
    /// RFC 9126 §5
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// RFC 9207 §3
    pub always_has_iss: bool,
    /// Whether every request is to be signed (RFC 9101 §10.5).
    pub wants_signed_requests: bool,
    /// How the server takes a `code_challenge`.
    pub challenge_methods: ChallengeMethods,
}

/// What a server says of PKCE (RFC 8414 §2, AUTHZ-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeMethods {
    /// Nothing: it may not know PKCE, or not say so; what it does not know, it ignores.
    Unsaid,
    /// `S256` is listed.
    WithS256,
    /// Others are listed; a request with `S256` would be refused, or its digest taken for the
    /// verifier.
    WithoutS256,
}

impl ReceivedCodeFlow {
    pub(crate) fn parse(metadata: &Value, issuer: &str) -> Result<Option<Self>, MetadataError> {
        let grants = metadata.get("grant_types_supported");
        // What a server that lists nothing can do (RFC 8414 §2).
        let grants_code = grants.is_none()
            || strings(grants).iter().any(|grant| grant == crate::code::AUTHORIZATION_CODE);
        let Some(authorization_endpoint) = endpoint(metadata, "authorization_endpoint")? else {
            return Ok(None);
        };
        if !grants_code {
            return Ok(None);
        }
        let is_true = |name: &str| metadata.get(name).is_some_and(|value| *value == true);
        let methods = metadata.get("code_challenge_methods_supported");
        let has_s256 = strings(methods).iter().any(|method| method == pkce::METHOD);
        Ok(Some(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint,
            authorization_challenge_endpoint: endpoint(
                metadata,
                "authorization_challenge_endpoint",
            )?,
            pushed_authorization_request_endpoint: endpoint(
                metadata,
                "pushed_authorization_request_endpoint",
            )?,
            always_has_iss: is_true("authorization_response_iss_parameter_supported"),
            wants_signed_requests: is_true("require_signed_request_object"),
            challenge_methods: match methods {
                None => ChallengeMethods::Unsaid,
                Some(_) if has_s256 => ChallengeMethods::WithS256,
                Some(_) => ChallengeMethods::WithoutS256,
            },
        }))
    }
}

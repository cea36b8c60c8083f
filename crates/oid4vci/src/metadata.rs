//! Step 6: what the Credential Issuer and its authorization server publish (VCI §12.2, RFC 8414 §2).

use std::collections::BTreeMap;

use formats::data_integrity::Cryptosuite;
use keys::algorithm::Algorithm;
use keys::json;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::claims_path::{PATH_MAX, has_contradiction};
use crate::encryption::{
    CredentialRequestEncryption, CredentialResponseEncryption, ReceivedEncryption,
};
use crate::proof::BindingMethod;

mod precedence;
mod proof_type;
mod scope;
mod server;

pub use precedence::merged;
pub use proof_type::ReceivedKeyAttestation;
use proof_type::WantedProofs;
use scope::is_scope;
pub use server::{AuthorizationServerMetadata, ReceivedServerMetadata};

/// Well-known name of Credential Issuer Metadata (VCI §12.2.2, REG-04).
pub const CREDENTIAL_ISSUER: &str = "openid-credential-issuer";
/// Well-known name of authorization server metadata (RFC 8414 §3).
pub const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";
/// Well-known name of the keys behind `iss` of a JWT credential.
pub const JWT_VC_ISSUER: &str = "jwt-vc-issuer";
/// Longest metadata document we read.
pub const METADATA_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most descriptions of claims that are looked at; nobody reads more of a card.
pub const CLAIMS_MAX: usize = 256;
/// Longest Credential Issuer Identifier.
pub const IDENTIFIER_BYTES_MAX: usize = 2048;

/// Where the metadata `name` of `identifier` is: inserted between host and path (VCI §12.2.2,
/// META-02); `None` when the identifier is not one (META-01).
///
/// A terminating `/` is kept for Credential Issuer Metadata and removed for the authorization
/// server, as RFC 8414 §3.1 says (AMB-01, ASMETA-01).
#[must_use]
pub fn well_known(identifier: &str, name: &str) -> Option<Url> {
    let mut url = parse_identifier(identifier)?;
    let mut path = url.path().to_owned();
    if path == "/" || name != CREDENTIAL_ISSUER {
        path.truncate(path.trim_end_matches('/').len());
    }
    url.set_path(&format!("/.well-known/{name}{path}"));
    Some(url)
}

/// Where the drafts before 1.0 put it: appended to the identifier.
#[must_use]
pub fn appended_well_known(identifier: &str, name: &str) -> Option<Url> {
    let mut url = parse_identifier(identifier)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{path}/.well-known/{name}"));
    Some(url)
}

/// A Credential Issuer Identifier: https, host, optional port and path, nothing else (META-01).
///
/// What a parser would silently repair (tabs, `\`, `..`, an empty user) is refused: two readers
/// repair it in two ways, and a person sees a third (A10).
///
/// Plain http is for loopback only; whether it is allowed, the Wallet decides when it connects.
#[must_use]
pub fn parse_identifier(identifier: &str) -> Option<Url> {
    let url = Url::parse(identifier).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let bare = url.query().is_none() && url.fragment().is_none();
    let scheme = matches!(url.scheme(), "https" | "http");
    let short = identifier.len() <= IDENTIFIER_BYTES_MAX;
    (plain && bare && scheme && short && is_as_written(&url, identifier)).then_some(url)
}

/// Whether parsing changed nothing but the case of the host and the path that is not there.
fn is_as_written(url: &Url, text: &str) -> bool {
    let parsed = url.as_str();
    let same = |parsed: &str| parsed.eq_ignore_ascii_case(text);
    same(parsed) || parsed.strip_suffix('/').is_some_and(same)
}

/// Credential Issuer Metadata as we send it (VCI §12.2.4).
#[derive(Debug, Serialize)]
pub struct CredentialIssuerMetadata {
    /// Identical to the identifier that the URL was built from (META-12).
    pub credential_issuer: String,
    /// META-14; empty when the issuer is the only one that gives tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// META-17
    pub credential_endpoint: String,
    /// META-18, NONCE-01
    pub nonce_endpoint: String,
    /// DEFER-01; absent when nothing is ever deferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deferred_credential_endpoint: Option<String>,
    /// NOTIF-01
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_endpoint: Option<String>,
    /// META-19; absent when no request may be encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_request_encryption: Option<CredentialRequestEncryption>,
    /// META-20; absent when no response can be encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_response_encryption: Option<CredentialResponseEncryption>,
    /// META-22; absent when a request may have one proof only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_credential_issuance: Option<BatchCredentialIssuance>,
    /// The issuer's own name, by language (META-24).
    pub display: Vec<IssuerDisplay>,
    /// META-27
    pub credential_configurations_supported: BTreeMap<String, CredentialConfiguration>,
}

/// META-23
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BatchCredentialIssuance {
    /// Most proofs in a request; at least 2.
    pub batch_size: usize,
}

/// META-24
#[derive(Clone, Debug, Serialize)]
pub struct IssuerDisplay {
    /// Of the organisation.
    pub name: String,
    /// BCP 47.
    pub locale: String,
    /// Its picture, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<IssuerLogo>,
}

/// META-24
#[derive(Clone, Debug, Serialize)]
pub struct IssuerLogo {
    /// Where it is, or itself.
    pub uri: String,
    /// Read out instead.
    pub alt_text: String,
}

/// One value of `credential_configurations_supported`.
#[derive(Clone, Debug, Serialize)]
pub struct CredentialConfiguration {
    /// META-28
    pub format: String,
    /// META-29
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// `vct`, `credential_definition` and the like, as the format asks (VCI §A).
    #[serde(flatten)]
    pub format_members: Map<String, Value>,
    /// META-32: names, or the numbers of COSE (FMT-MDOC-02).
    pub credential_signing_alg_values_supported: Vec<Value>,
    /// Present exactly when the credential is bound to a key (META-33).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cryptographic_binding_methods_supported: Vec<&'static str>,
    /// Present exactly when the credential is bound to a key (META-35).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub proof_types_supported: Map<String, Value>,
    /// `display` and `claims` (META-39).
    pub credential_metadata: Value,
}

/// Credential Issuer Metadata as a Wallet takes it: what it needs, unknown members ignored (META-43).
#[derive(Clone, Debug)]
pub struct ReceivedIssuerMetadata {
    /// Equal, byte by byte, to the identifier that was asked (META-13).
    pub credential_issuer: String,
    /// META-14; the issuer itself when it names none.
    pub authorization_servers: Vec<String>,
    /// Whether it names any: then a request says for which issuer it is (AUTHZ-09, AUTHZ-16).
    pub names_authorization_servers: bool,
    /// META-17
    pub credential_endpoint: Url,
    /// META-18; absent means that proofs need no nonce.
    pub nonce_endpoint: Option<Url>,
    /// DEFER-01
    pub deferred_credential_endpoint: Option<Url>,
    /// NOTIF-01
    pub notification_endpoint: Option<Url>,
    /// META-23; 1 when a request may have one proof only.
    pub batch_size: u64,
    /// How requests and responses can or must be encrypted (META-19, META-20).
    pub encryption: ReceivedEncryption,
    /// META-24, as it came.
    pub display: Vec<Value>,
    /// META-27
    pub configurations: BTreeMap<String, ReceivedConfiguration>,
}

/// One configuration as a Wallet takes it.
#[derive(Clone, Debug)]
pub struct ReceivedConfiguration {
    /// META-28
    pub format: String,
    /// META-29
    pub scope: Option<String>,
    /// Of an SD-JWT VC (FMT-SDJWT-03).
    pub vct: Option<String>,
    /// Of an mdoc (FMT-MDOC-04).
    pub doctype: Option<String>,
    /// `credential_definition.type` (FMT-JWT-04).
    pub types: Vec<String>,
    /// `credential_definition.@context` (FMT-LDP-04, FMT-JWTLD-03).
    pub contexts: Vec<Value>,
    /// What it is signed with, by name (META-32); of `ldp_vc` cryptosuites (FMT-LDP-03).
    pub signing_algorithms: Vec<String>,
    /// Set where a proof must come with a key attestation, or be one (META-37, PROOF-03).
    pub key_attestation: Option<ReceivedKeyAttestation>,
    /// Whether a key must be bound at all (META-33, CRED-09).
    pub needs_proof: bool,
    /// Those that we know; `jwk` when the issuer only names proof types (AMB-12).
    pub binding_methods: Vec<BindingMethod>,
    /// For the type of proof that we make; those that we know.
    pub proof_algorithms: Vec<Algorithm>,
    /// Those that we know, where a proof is a presentation (VCI §F.2); else empty.
    pub cryptosuites: Vec<Cryptosuite>,
    /// META-40, as it came; older issuers put it outside `credential_metadata` (META-45).
    pub display: Vec<Value>,
    /// CLAIM-04, as it came.
    pub claims: Vec<Value>,
}

impl ReceivedConfiguration {
    /// Whether its claims lie in the subject of a W3C credential (FMT-JWT-06): no other format
    /// leaves its type to a `credential_definition`.
    #[must_use]
    pub const fn is_w3c(&self) -> bool {
        self.vct.is_none() && self.doctype.is_none()
    }

    /// Whether its descriptions of claims cannot all be meant (CLAIM-08 to CLAIM-10). Each is held
    /// against all others: so of those that are too many, or too long, none is.
    #[must_use]
    pub fn contradicts_itself(&self) -> bool {
        let claims = self.claims.iter().take(CLAIMS_MAX);
        let paths = claims.filter_map(|claim| claim.get("path")?.as_array().map(Vec::as_slice));
        let paths: Vec<&[Value]> = paths.filter(|path| path.len() <= PATH_MAX).collect();
        has_contradiction(&paths)
    }
}

impl ReceivedIssuerMetadata {
    /// Reads the document that `identifier` led to.
    pub fn parse(body: &[u8], identifier: &str) -> Result<Self, MetadataError> {
        Self::read(&object(body)?, identifier)
    }

    /// The same for what was signed, once that is verified (VCI §12.2.3).
    pub fn of_signed(claims: Map<String, Value>, identifier: &str) -> Result<Self, MetadataError> {
        Self::read(&Value::Object(claims), identifier)
    }

    pub(crate) fn read(value: &Value, identifier: &str) -> Result<Self, MetadataError> {
        if value.get("credential_issuer").is_none_or(|issuer| issuer != identifier) {
            return Err(MetadataError::OtherIssuer); // VCI §12.2.4, META-13
        }
        let servers = strings(value.get("authorization_servers"));
        let configurations = value.get("credential_configurations_supported");
        let configurations = configurations.and_then(Value::as_object);
        Ok(Self {
            credential_issuer: identifier.to_owned(),
            names_authorization_servers: !servers.is_empty(),
            authorization_servers: if servers.is_empty() {
                vec![identifier.to_owned()]
            } else {
                servers
            },
            credential_endpoint: endpoint(value, "credential_endpoint")?
                .ok_or(MetadataError::BadEndpoint)?,
            nonce_endpoint: endpoint(value, "nonce_endpoint")?,
            deferred_credential_endpoint: endpoint(value, "deferred_credential_endpoint")?,
            notification_endpoint: endpoint(value, "notification_endpoint")?,
            batch_size: value
                .pointer("/batch_credential_issuance/batch_size")
                .and_then(Value::as_u64)
                .map_or(1, |size| size.max(1)),
            encryption: ReceivedEncryption::parse(value),
            display: array(value.get("display")),
            configurations: configurations
                .ok_or(MetadataError::NoConfigurations)?
                .iter()
                .map(|(id, configuration)| (id.clone(), received_configuration(configuration)))
                .collect(),
        })
    }

    /// The authorization server to use, given what the offer says (OFFER-13, OFFER-14, META-16,
    /// AMB-22).
    pub fn authorization_server(&self, offered: Option<&str>) -> Result<&str, MetadataError> {
        let servers = &self.authorization_servers;
        let chosen = match offered {
            None => servers.first(),
            Some(offered) => servers.iter().find(|server| *server == offered),
        };
        chosen.map(String::as_str).ok_or(MetadataError::ForeignAuthorizationServer)
    }
}

fn received_configuration(value: &Value) -> ReceivedConfiguration {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let proofs = WantedProofs::read(value);
    let either = |name: &str| {
        let inside = value.get("credential_metadata").and_then(|metadata| metadata.get(name));
        array(inside.or_else(|| value.get(name)))
    };
    ReceivedConfiguration {
        format: text("format").unwrap_or_default(),
        scope: text("scope").filter(|scope| is_scope(scope)),
        vct: text("vct"),
        doctype: text("doctype"),
        types: strings(value.pointer("/credential_definition/type")),
        contexts: array(value.pointer("/credential_definition/@context")),
        signing_algorithms: strings(value.get("credential_signing_alg_values_supported")),
        needs_proof: proofs.are_needed,
        proof_algorithms: proofs.algorithms,
        cryptosuites: proofs.cryptosuites,
        key_attestation: proofs.key_attestation,
        binding_methods: proofs.binding_methods,
        display: either("display"),
        claims: either("claims"),
    }
}

pub(crate) fn endpoint(metadata: &Value, name: &str) -> Result<Option<Url>, MetadataError> {
    let Some(value) = metadata.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let url = value.as_str().and_then(|text| Url::parse(text).ok());
    let url = url.filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none();
        plain && url.has_host() && matches!(url.scheme(), "https" | "http")
    });
    url.map(Some).ok_or(MetadataError::BadEndpoint)
}

/// Metadata is an object, and no member stands in it twice.
fn object(body: &[u8]) -> Result<Value, MetadataError> {
    json::parse(body).ok().filter(Value::is_object).ok_or(MetadataError::NotJson)
}

fn array(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

pub(crate) fn strings(value: Option<&Value>) -> Vec<String> {
    let listed = value.and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Why metadata cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// Not a JSON object, or one that repeats a member.
    NotJson,
    /// It names another issuer than the one that was asked (META-13, ASMETA-07).
    OtherIssuer,
    /// An endpoint is missing or not a URL that may be used.
    BadEndpoint,
    /// `credential_configurations_supported` is missing.
    NoConfigurations,
    /// Its descriptions of claims contradict each other (CLAIM-08 to CLAIM-10).
    ContradictoryClaims,
    /// The offer names a server that the metadata does not (OFFER-14).
    ForeignAuthorizationServer,
}

impl MetadataError {
    /// What is wrong, for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotJson => "the issuer's metadata is not a JSON object",
            Self::OtherIssuer => "the issuer's metadata is for another issuer",
            Self::BadEndpoint => "the issuer's metadata lacks an endpoint, or has one of no use",
            Self::NoConfigurations => "the issuer's metadata does not say what it can issue",
            Self::ContradictoryClaims => {
                "the issuer's metadata describe a claim twice, or in ways that contradict each other"
            }
            Self::ForeignAuthorizationServer => {
                "the offer names an authorization server that its issuer does not"
            }
        }
    }
}

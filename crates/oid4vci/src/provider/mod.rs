//! Between steps 5 and 8: a person signs in at a provider that the operator trusts, and we are its
//! client (OIDC §3.1).
//!
//! What a sign-in needs to remember is derived (see [`ProviderState`]), so that any node can
//! receive the answer and nothing of it is stored.

use keys::jws::JwsError;
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::authorization::{CODE, Expected, ResponseError, received_code};
use crate::pkce;
use crate::secret::AuthorizationCode;

mod id_token;
mod refusal;
mod state;

pub use id_token::{ID_TOKEN_BYTES_MAX, IdTokenContext, Subject, check_userinfo, verify_id_token};
pub use refusal::ProviderRefusal;
pub use state::{BrowserSecret, ProviderState, SignInSecrets};

/// The scope without which there is no ID Token (OIDC §3.1.2.1).
pub const OPENID: &str = "openid";

/// What a provider publishes about itself, as far as we need it (OIDC Discovery §3).
#[derive(Clone, Debug)]
pub struct ProviderMetadata {
    /// `issuer`, exactly as the operator wrote it.
    pub issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: Url,
    /// Where a code becomes tokens.
    pub token_endpoint: Url,
    /// Its keys.
    pub jwks_uri: Url,
    /// Further claims, where the provider has such an endpoint.
    pub userinfo_endpoint: Option<Url>,
    /// Whether each answer says which provider it is from (RFC 9207 §3).
    pub always_has_iss: bool,
    /// Whether the secret goes into the body, because the header is not taken (OIDC §9).
    pub secret_in_body: bool,
}

/// Where metadata of a provider stand (OIDC Discovery §4): behind the whole identifier.
#[must_use]
pub fn metadata_address(issuer: &str) -> Option<Url> {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}/.well-known/openid-configuration")).ok()
}

impl ProviderMetadata {
    /// Reads the document that stands at [`metadata_address`]; `issuer` in it must be the one that
    /// was asked, or somebody speaks for somebody else (OIDC Discovery §4.3).
    pub fn read(document: &Map<String, Value>, issuer: &str) -> Result<Self, ProviderRefusal> {
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(ProviderRefusal::OtherProvider);
        }
        let needed = |name| endpoint(document, name, issuer)?.ok_or(ProviderRefusal::NoEndpoint);
        let is_true = |name: &str| document.get(name) == Some(&Value::Bool(true));
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: needed("authorization_endpoint")?,
            token_endpoint: needed("token_endpoint")?,
            jwks_uri: needed("jwks_uri")?,
            userinfo_endpoint: endpoint(document, "userinfo_endpoint", issuer)?,
            always_has_iss: is_true("authorization_response_iss_parameter_supported"),
            secret_in_body: secret_in_body(document),
        })
    }
}

/// An endpoint; never less safe than the identifier, whoever wrote the document.
pub fn endpoint(
    document: &Map<String, Value>,
    name: &str,
    issuer: &str,
) -> Result<Option<Url>, ProviderRefusal> {
    let Some(text) = document.get(name).and_then(Value::as_str) else { return Ok(None) };
    let url = Url::parse(text).ok().filter(|url| is_safe(url, issuer));
    url.map(Some).ok_or(ProviderRefusal::UnsafeEndpoint)
}

/// `https`; plain `http` within this machine, when the identifier is like that too.
fn is_safe(url: &Url, issuer: &str) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => {
            is_this_machine(url) && Url::parse(issuer).is_ok_and(|own| own.scheme() == "http")
        }
        _ => false,
    }
}

/// Whether an identifier can be one of a provider: `https`, without a query and a fragment; `http`
/// for this machine only (OIDC §2, OIDC Discovery §3).
#[must_use]
pub fn is_provider(issuer: &str) -> bool {
    let url = Url::parse(issuer).ok();
    let plain = |url: &Url| {
        let bare = url.query().is_none() && url.fragment().is_none();
        bare && url.username().is_empty() && url.password().is_none() && url.has_host()
    };
    url.filter(plain).is_some_and(|url| match url.scheme() {
        "https" => true,
        "http" => is_this_machine(&url),
        _ => false,
    })
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `client_secret_basic` is what holds when nothing is said (OIDC §9).
fn secret_in_body(document: &Map<String, Value>) -> bool {
    let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
    methods.is_some_and(|methods| {
        let has = |name: &str| methods.iter().any(|method| method == name);
        has("client_secret_post") && !has("client_secret_basic")
    })
}

/// What we ask a provider for.
#[derive(Debug)]
pub struct AuthenticationRequest<'r> {
    /// Our name at the provider.
    pub client_id: &'r str,
    /// Where the answer goes: one address for all sign-ins, registered at the provider.
    pub redirect_uri: &'r str,
    /// `openid` and what else the operator wants.
    pub scope: &'r str,
    /// Drawn and derived for this sign-in.
    pub secrets: &'r SignInSecrets,
}

impl AuthenticationRequest<'_> {
    /// The address to send the browser to (OIDC §3.1.2.1), always with PKCE (RFC 9700 §2.1.1).
    #[must_use]
    pub fn address(&self, endpoint: &Url) -> Url {
        let mut address = endpoint.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", CODE)
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("scope", self.scope)
            .append_pair("state", self.secrets.state().expose())
            .append_pair("nonce", self.secrets.nonce())
            .append_pair("code_challenge", &self.secrets.code_verifier().challenge().to_text())
            .append_pair("code_challenge_method", pkce::METHOD);
        address
    }
}

/// Reads what the browser brings back from the provider (OIDC §3.1.2.5): another server's answer,
/// or one that was not asked for, is nobody's sign-in (RFC 9207 §2.4, RFC 6749 §10.12).
pub fn received(
    query: &str,
    metadata: &ProviderMetadata,
    state: &ProviderState,
) -> Result<AuthorizationCode, ProviderRefusal> {
    let expected = Expected {
        state: state.expose(),
        iss: &metadata.issuer,
        always_has_iss: metadata.always_has_iss,
    };
    received_code(query, expected).map_err(|error| match error {
        ResponseError::Unreadable | ResponseError::NoCode => ProviderRefusal::UnreadableAnswer,
        ResponseError::OtherServer | ResponseError::NoIss => ProviderRefusal::MixUp,
        ResponseError::OtherState => ProviderRefusal::OtherBrowser,
        ResponseError::Denied => ProviderRefusal::Denied,
        ResponseError::Refused(code) => ProviderRefusal::of_code(&code),
    })
}

/// The form that makes a code into tokens (OIDC §3.1.3.1); the client authenticates beside it.
#[must_use]
pub fn token_form<'f>(
    code: &'f AuthorizationCode,
    redirect_uri: &'f str,
    secrets: &'f SignInSecrets,
) -> Vec<(&'static str, &'f str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", redirect_uri),
        ("code_verifier", secrets.code_verifier().expose()),
    ]
}

impl From<JwsError> for ProviderRefusal {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::NoneAlgorithm | JwsError::MacAlgorithm | JwsError::UnknownAlgorithm(_) => {
                Self::Algorithm
            }
            JwsError::WrongAlgorithm | JwsError::WrongSignature => Self::WrongSignature,
            JwsError::TooLong | JwsError::Malformed | JwsError::CriticalHeader => {
                Self::UnreadableIdToken
            }
        }
    }
}

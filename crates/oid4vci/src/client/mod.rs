//! Clients that the operator has registered, and how they prove who they are (RFC 6749 §2).

use keys::public_key::{PublicKey, Thumbprint};

use crate::parameters::{BadParameter, parameter};
use crate::replay::UsedJti;
use crate::sender::{Sender, SenderPolicy};

mod assertion;
mod redirect;
mod refusal;
mod signature;

pub use assertion::{
    ASSERTION_BYTES_MAX, ASSERTION_SECONDS_MAX, ASSERTION_TYPE, NewClientAssertion,
};
pub use redirect::RedirectUri;
pub use refusal::ClientRefusal;
pub(crate) use signature::{NotSigned, check_signature};

/// `token_endpoint_auth_method` of a public client.
pub const NONE: &str = "none";
/// `token_endpoint_auth_method` of RFC 7523.
pub const PRIVATE_KEY_JWT: &str = "private_key_jwt";
/// Longest `client_id`.
pub const CLIENT_ID_BYTES_MAX: usize = 2048;

/// Reads `client_id`: visible ASCII characters and spaces (RFC 6749 §A.1).
pub(crate) fn client_id(text: &str) -> Result<String, ClientRefusal> {
    let is_one =
        text.len() <= CLIENT_ID_BYTES_MAX && text.bytes().all(|b| matches!(b, b' '..=b'~'));
    if is_one { Ok(text.to_owned()) } else { Err(ClientRefusal::BadClientId) }
}

/// Whether a client can be registered under this name: one without spaces, which nobody sees at its
/// ends.
#[must_use]
pub fn is_client_id(text: &str) -> bool {
    let length = 1..=CLIENT_ID_BYTES_MAX;
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A Wallet that the operator knows.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`
    pub client_id: String,
    /// What people call it: the operator's word, never the client's own.
    pub name: String,
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
    /// Where an answer may go, and nowhere else (RFC 6749 §3.1.2.2).
    pub redirect_uris: Vec<RedirectUri>,
    /// Whether it is the operator's own, and may ask for passwords itself (First-Party Apps §9.1).
    pub is_first_party: bool,
    /// Whether it signs every request, so that none is taken without a signature (RFC 9101 §10.5).
    pub signs_requests: bool,
}

impl Client {
    /// Whether it runs on the device of its user and can keep no secret (RFC 6749 §2.1).
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.authentication, ClientAuthentication::None)
    }

    /// Compares with what was registered, character by character (RFC 6749 §3.1.2.3, B21).
    #[must_use]
    pub fn allows_redirect_to(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered.matches(redirect_uri))
    }
}

/// How a client proves who it is.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// Not at all: PKCE, and where tokens are bound to a key that key, stand in for it.
    None,
    /// By a JWT signed with one of these keys (RFC 7523).
    PrivateKeyJwt(Vec<ClientKey>),
}

/// A key of a client.
#[derive(Clone, Debug)]
pub struct ClientKey {
    /// Its name, where it has one.
    pub kid: Option<String>,
    /// The key.
    pub key: PublicKey,
}

/// What a request says about its client (RFC 6749 §3.2.1, RFC 7521 §4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCredentials {
    /// `client_id`
    pub client_id: Option<String>,
    /// `client_assertion`, of the one type we know.
    pub client_assertion: Option<String>,
}

impl ClientCredentials {
    /// Reads the parameters.
    pub fn parse(form: &[(String, String)]) -> Result<Self, ClientRefusal> {
        let text = |name| parameter(form, name).map_err(ClientRefusal::from);
        let assertion = text("client_assertion")?;
        match (assertion, text("client_assertion_type")?) {
            (None, None) | (Some(_), Some(ASSERTION_TYPE)) => {}
            (Some(_), _) | (None, Some(_)) => return Err(ClientRefusal::AssertionType),
        }
        Ok(Self {
            client_id: text("client_id")?.map(client_id).transpose()?,
            client_assertion: assertion.map(str::to_owned),
        })
    }

    /// The parameters, as a client sends them.
    pub(crate) fn to_form(&self) -> Vec<(&'static str, &str)> {
        let mut form = Vec::new();
        form.extend(self.client_id.iter().map(|id| ("client_id", id.as_str())));
        if let Some(assertion) = &self.client_assertion {
            form.push(("client_assertion_type", ASSERTION_TYPE));
            form.push(("client_assertion", assertion.as_str()));
        }
        form
    }

    /// Which client to look up: the assertion names it too, and nothing is believed yet.
    #[must_use]
    pub fn claimed_client_id(&self) -> Option<String> {
        let subject = || assertion::claimed_subject(self.client_assertion.as_deref()?);
        self.client_id.clone().or_else(subject)
    }
}

impl From<BadParameter> for ClientRefusal {
    fn from(bad: BadParameter) -> Self {
        match bad {
            BadParameter::Repeated => Self::RepeatedParameter,
            BadParameter::TooLong => Self::TooLong,
        }
    }
}

/// What client authentication is held against.
#[derive(Clone, Copy, Debug)]
pub struct ClientContext<'c> {
    /// Our issuer identifier.
    pub authorization_server: &'c str,
    /// The URL of our Token Endpoint, which older clients name instead (RFC 7523 §3).
    pub token_endpoint: &'c str,
    /// Seconds that clocks may differ.
    pub window_seconds: u64,
    /// Our clock.
    pub now: keys::outside::Timestamp,
}

/// A client that is who it says; only [`authenticate`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client_id: String,
    is_public: bool,
    used: Option<UsedJti>,
}

impl AuthenticatedClient {
    /// `client_id`
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether anybody could have said so.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.is_public
    }

    /// To be spent in the commit that the request leads to (RFC 7523 §3).
    #[must_use]
    pub const fn used(&self) -> Option<&UsedJti> {
        self.used.as_ref()
    }
}

/// Who sends a Token Request, in every respect in which that was proved.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'r> {
    /// The registered client.
    pub client: &'r AuthenticatedClient,
    /// Its keys (RFC 9449 §5, VCI §E).
    pub sender: &'r Sender,
    /// What the operator asks of senders.
    pub policy: SenderPolicy,
}

impl Requester<'_> {
    /// The key by which a public client is known again; one that authenticates needs none, and may
    /// change its keys (RFC 9449 §5).
    #[must_use]
    pub fn key(&self) -> Option<&Thumbprint> {
        let keys = || self.sender.bound_to().or_else(|| self.sender.client_key());
        if self.client.is_public() { keys() } else { None }
    }
}

/// Authenticates a client; `client` is the one registered as
/// [`ClientCredentials::claimed_client_id`].
///
/// A client proves itself in the way it is registered for: one with a key cannot do without, and
/// one without gets nothing by an assertion (RFC 6749 §3.2.1, TOKEN-05).
pub fn authenticate(
    credentials: &ClientCredentials,
    client: Option<&Client>,
    context: &ClientContext<'_>,
) -> Result<AuthenticatedClient, ClientRefusal> {
    let client = match (client, credentials.claimed_client_id()) {
        (Some(client), Some(claimed)) if claimed == client.client_id => client,
        (_, None) => return Err(ClientRefusal::Missing),
        _ => return Err(ClientRefusal::Unknown),
    };
    let used = match (&client.authentication, credentials.client_assertion.as_deref()) {
        (ClientAuthentication::None, None) => None,
        (ClientAuthentication::None, Some(_)) | (ClientAuthentication::PrivateKeyJwt(_), None) => {
            return Err(ClientRefusal::WrongMethod);
        }
        (ClientAuthentication::PrivateKeyJwt(keys), Some(jwt)) => {
            Some(assertion::verify(jwt, &client.client_id, keys, context)?)
        }
    };
    Ok(AuthenticatedClient {
        client_id: client.client_id.clone(),
        is_public: client.is_public(),
        used,
    })
}

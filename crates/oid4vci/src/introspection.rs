//! What a client may learn of its tokens, and how it ends them (RFC 7662, RFC 7009).

use keys::outside::Timestamp;
use serde::Serialize;

use crate::authorization::Authorization;
use crate::client::{AuthenticatedClient, ClientCredentials, ClientRefusal};
use crate::error::{ErrorCode, Refusal};
use crate::grant::{Grant, Redemption};
use crate::offer::OfferId;
use crate::parameters::{BadParameter, parameter};
use crate::refresh::RefreshChain;
use crate::secret::{AccessToken, SecretDigest};

/// A token, whichever kind it is: the hint of a request may be wrong, and is not needed
/// (RFC 7009 §2.1, RFC 7662 §2.1).
#[derive(Debug)]
pub struct TokenQuery {
    token: AccessToken,
    /// Who asks, and how that is proved.
    pub client: ClientCredentials,
}

impl TokenQuery {
    /// Reads the body of either request.
    pub fn parse(form: &[(String, String)]) -> Result<Self, TokenQueryRefusal> {
        let token = parameter(form, "token")?.ok_or(TokenQueryRefusal::MissingToken)?;
        Ok(Self { token: AccessToken::new(token), client: ClientCredentials::parse(form)? })
    }

    /// The offer that the token claims to belong to; `None` when it is none of ours.
    #[must_use]
    pub fn offer_id(&self) -> Option<OfferId> {
        self.token.offer_id()
    }

    fn digest(&self) -> SecretDigest {
        self.token.digest()
    }
}

/// What a token turned out to be.
enum Found<'g> {
    Access(&'g Redemption),
    Refresh(&'g RefreshChain),
}

/// A token of another client is not there for this one (RFC 7009 §2.1, RFC 7662 §4).
fn find<'g>(
    query: &TokenQuery,
    grant: &'g Grant,
    authorization: Option<&'g Authorization>,
    client: &AuthenticatedClient,
) -> Option<Found<'g>> {
    let digest = query.digest();
    let redemption = grant.redemption.as_ref()?;
    if redemption.client_id.as_deref() != Some(client.client_id()) {
        return None;
    }
    if redemption.token_digest.matches(&digest) {
        return Some(Found::Access(redemption));
    }
    let chain = authorization?.refresh.as_ref()?;
    chain.digest.matches(&digest).then_some(Found::Refresh(chain))
}

/// The answer to a question about a token (RFC 7662 §2.2).
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct IntrospectionResponse {
    /// Whether it is good now; of one that is not, nothing else is said.
    pub active: bool,
    /// RFC 7662 §2.2
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The first second in which it is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// When the code was spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// The issuer, who is its only reader too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// `Bearer` or `DPoP`, for an Access Token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// The values that were granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// RFC 9449 §6.2
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// The key that a token is bound to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// Its thumbprint.
    pub jkt: String,
}

/// Answers; only a client that proves who it is may ask (RFC 7662 §2.1): tokens could be guessed at
/// otherwise.
pub fn introspect(
    query: &TokenQuery,
    found: Option<(&Grant, Option<&Authorization>)>,
    client: &AuthenticatedClient,
    iss: &str,
    now: Timestamp,
) -> Result<IntrospectionResponse, TokenQueryRefusal> {
    if client.is_public() {
        return Err(TokenQueryRefusal::PublicClient);
    }
    let Some((grant, authorization)) = found else { return Ok(IntrospectionResponse::default()) };
    let (token_type, key, expires_at) = match find(query, grant, authorization, client) {
        Some(Found::Access(redemption)) => {
            let key = redemption.bound_to.as_ref();
            let token_type = if key.is_some() { "DPoP" } else { "Bearer" };
            (Some(token_type), key, redemption.token_expires_at)
        }
        Some(Found::Refresh(chain)) => (None, chain.sender.as_ref(), chain.expires_at),
        None => return Ok(IntrospectionResponse::default()),
    };
    if now >= expires_at || grant.withdrawn_at.is_some() {
        return Ok(IntrospectionResponse::default());
    }
    let code = authorization.and_then(|authorization| authorization.code.as_ref());
    Ok(IntrospectionResponse {
        active: true,
        client_id: Some(client.client_id().to_owned()),
        exp: Some(expires_at.0),
        iat: grant.redemption.as_ref().map(|redemption| redemption.at.0),
        iss: Some(iss.to_owned()),
        token_type,
        scope: code.and_then(|code| code.request.scope.clone()),
        cnf: key.map(|key| Confirmation { jkt: key.to_string() }),
    })
}

/// Whether a revocation ends anything: both tokens of the authorization, as each is worth the other
/// (RFC 7009 §2.1). Of a token that is unknown nothing is left to do, which is a success
/// (RFC 7009 §2.2).
#[must_use]
pub fn revokes(
    query: &TokenQuery,
    found: Option<(&Grant, Option<&Authorization>)>,
    client: &AuthenticatedClient,
) -> bool {
    found.is_some_and(|(grant, authorization)| find(query, grant, authorization, client).is_some())
}

/// Why such a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenQueryRefusal {
    /// Not `application/x-www-form-urlencoded`.
    Unreadable,
    /// RFC 6749 §3.2
    RepeatedParameter,
    /// A parameter is longer than any honest one.
    TooLong,
    /// RFC 7009 §2.1, RFC 7662 §2.1
    MissingToken,
    /// RFC 7662 §2.1
    PublicClient,
    /// RFC 7009 §2.1, RFC 7662 §2.3
    Client(ClientRefusal),
}

impl From<BadParameter> for TokenQueryRefusal {
    fn from(bad: BadParameter) -> Self {
        match bad {
            BadParameter::Repeated => Self::RepeatedParameter,
            BadParameter::TooLong => Self::TooLong,
        }
    }
}

impl From<ClientRefusal> for TokenQueryRefusal {
    fn from(refusal: ClientRefusal) -> Self {
        Self::Client(refusal)
    }
}

impl Refusal for TokenQueryRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidClient, InvalidRequest};
        match self {
            Self::Unreadable => {
                (InvalidRequest, "the body must be application/x-www-form-urlencoded")
            }
            Self::RepeatedParameter => (InvalidRequest, "a parameter is repeated"),
            Self::TooLong => (InvalidRequest, "a parameter is too long"),
            Self::MissingToken => (InvalidRequest, "token is missing"),
            Self::PublicClient => (InvalidClient, "only a client that authenticates may ask"),
            Self::Client(refusal) => refusal.answer(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Client(refusal) => refusal.status(),
            Self::PublicClient => 401,
            Self::Unreadable | Self::RepeatedParameter | Self::TooLong | Self::MissingToken => 400,
        }
    }
}

//! Steps 8-11: the Token Endpoint, where the Pre-Authorized Code becomes an Access Token (VCI §6).

use keys::digest::MacKey;
use keys::json;
use keys::outside::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::client::client_id;
use crate::code::{AUTHORIZATION_CODE, AuthorizationCodeRequest};
use crate::grant::{Grant, OfferState};
use crate::parameters::{BadParameter, parameter};
use crate::refresh::{REFRESH_TOKEN, RefreshTokenRequest};
use crate::secret::{AccessToken, PreAuthorizedCode, RefreshToken, TxCode};
use crate::sender::{Sender, SenderPolicy};

use crate::authorization::{DETAILS_MAX, OPENID_CREDENTIAL};
use crate::code::narrowed;

mod refusal;

pub use refusal::TokenRefusal;

/// `grant_type` of the Pre-Authorized Code Flow (REG-01).
pub const PRE_AUTHORIZED_CODE: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
/// Longest life of a token that is not bound to its sender (VCI §13.10, SEC-30).
pub const LIFETIME_SECONDS_MAX: u32 = 300;
/// Longest parameter of a Token Request.
pub const PARAMETER_BYTES_MAX: usize = crate::parameters::PARAMETER_BYTES_MAX;

/// Token Request, parsed once: a variant for each grant, with that grant's own parameters (GEN-03).
#[derive(Debug)]
pub enum TokenRequest {
    /// REG-01
    PreAuthorizedCode(PreAuthorizedCodeRequest),
    /// RFC 6749 §4.1.3
    AuthorizationCode(AuthorizationCodeRequest),
    /// RFC 6749 §6
    RefreshToken(RefreshTokenRequest),
}

/// Parameters of the Pre-Authorized Code Flow (VCI §6.1, TOKEN-02, REG-02).
#[derive(Debug)]
pub struct PreAuthorizedCodeRequest {
    /// `pre-authorized_code`, from the Credential Offer.
    pub pre_authorized_code: PreAuthorizedCode,
    /// Present exactly when the offer held a `tx_code` object (TOKEN-03).
    pub tx_code: Option<TxCode>,
    /// Who the Wallet says it is (TOKEN-06).
    pub client_id: Option<String>,
    /// Which of the offered configurations the Wallet wants (VCI §6.1.1); `None` means all.
    pub credential_configuration_ids: Option<Vec<String>>,
}

impl TokenRequest {
    /// Reads `grant_type` first: a foreign grant is not judged by the parameters of ours.
    ///
    /// Unknown parameters are ignored (RFC 6749 §3.2, TOKEN-13); beside a Pre-Authorized Code,
    /// `resource` and the `user_pin` that some Wallets send with `tx_code` are among them.
    pub fn parse(form: &[(String, String)]) -> Result<Self, TokenRefusal> {
        if form.iter().any(|(_, value)| value.len() > PARAMETER_BYTES_MAX) {
            return Err(TokenRefusal::TooLong);
        }
        let grant_type = parameter(form, "grant_type")?.ok_or(TokenRefusal::MissingGrantType)?;
        match grant_type {
            PRE_AUTHORIZED_CODE => Ok(Self::PreAuthorizedCode(PreAuthorizedCodeRequest {
                pre_authorized_code: parameter(form, "pre-authorized_code")?
                    .map(PreAuthorizedCode::new)
                    .ok_or(TokenRefusal::MissingCode)?,
                tx_code: parameter(form, "tx_code")?.map(TxCode::new),
                client_id: parameter(form, "client_id")?.map(client_id).transpose()?,
                credential_configuration_ids: parameter(form, "authorization_details")?
                    .map(authorization_details)
                    .transpose()?,
            })),
            AUTHORIZATION_CODE => {
                AuthorizationCodeRequest::parse(form).map(Self::AuthorizationCode)
            }
            REFRESH_TOKEN => RefreshTokenRequest::parse(form).map(Self::RefreshToken),
            _ => Err(TokenRefusal::UnsupportedGrantType),
        }
    }

    /// Who the Wallet says it is, be it in an assertion (WALATT-08).
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        match self {
            Self::PreAuthorizedCode(request) => request.client_id.clone(),
            Self::AuthorizationCode(request) => request.client.claimed_client_id(),
            Self::RefreshToken(request) => request.client.claimed_client_id(),
        }
    }

    /// The form that a Wallet sends; codes and tokens leave their types here only.
    #[must_use]
    pub fn to_form(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::PreAuthorizedCode(request) => request.to_form(),
            Self::AuthorizationCode(request) => request.to_form(),
            Self::RefreshToken(request) => request.to_form(),
        }
    }
}

impl PreAuthorizedCodeRequest {
    fn to_form(&self) -> Vec<(&'static str, &str)> {
        let request = self;
        let mut form = vec![
            ("grant_type", PRE_AUTHORIZED_CODE),
            ("pre-authorized_code", request.pre_authorized_code.expose()),
        ];
        form.extend(request.tx_code.iter().map(|tx_code| ("tx_code", tx_code.expose())));
        form.extend(request.client_id.iter().map(|client_id| ("client_id", client_id.as_str())));
        form
    }
}

impl From<BadParameter> for TokenRefusal {
    fn from(bad: BadParameter) -> Self {
        match bad {
            BadParameter::Repeated => Self::RepeatedParameter,
            BadParameter::TooLong => Self::TooLong,
        }
    }
}

/// The configurations that `authorization_details` of our type name (VCI §6.1.1, RFC 9396 §2,
/// TOKEN-14).
///
/// Unknown members are ignored (AUTHZ-08), unknown types are not (RFC 9396 §5).
pub(crate) fn authorization_details(text: &str) -> Result<Vec<String>, TokenRefusal> {
    let value = json::parse(text.as_bytes()).map_err(|_| TokenRefusal::BadDetails)?;
    let details = value.as_array().filter(|details| details.len() <= DETAILS_MAX);
    let mut ids = Vec::new();
    for detail in details.ok_or(TokenRefusal::BadDetails)? {
        let ours = detail.get("type").is_some_and(|given| given == OPENID_CREDENTIAL);
        let id = detail.get("credential_configuration_id").filter(|_| ours);
        let id = id.and_then(Value::as_str);
        let id = id.ok_or(TokenRefusal::BadDetails)?.to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() { Err(TokenRefusal::BadDetails) } else { Ok(ids) }
}

/// What the operator set for this endpoint.
#[derive(Debug)]
pub struct TokenPolicy<'p> {
    /// Keys the digests of Transaction Codes.
    pub tx_code_key: &'p MacKey,
    /// Wrong Transaction Codes after which the code is dead (VCI §13.6.3, TOKEN-31).
    pub attempts_max: u32,
    /// `pre-authorized_grant_anonymous_access_supported` (VCI §12.3).
    pub anonymous_access: bool,
    /// What a sender must have proved.
    pub sender: SenderPolicy,
    /// Whether a wrong Transaction Code has an error code of its own (V11-15, AMB-19).
    pub has_invalid_tx_code: bool,
}

impl TokenPolicy<'_> {
    /// How a wrong Transaction Code is told once it was counted.
    #[must_use]
    pub const fn wrong_tx_code(&self) -> TokenRefusal {
        if self.has_invalid_tx_code {
            TokenRefusal::InvalidTxCode
        } else {
            TokenRefusal::WrongTxCode
        }
    }
}

/// What must be on disk before the Wallet gets an answer.
#[derive(Debug)]
pub enum Commit<'g> {
    /// The code is spent; the answer is a token that is good for these configurations.
    Redeem(&'g Grant, Vec<String>),
    /// The same for a code that this sender has redeemed: its token ends, the answer is another.
    RedeemAgain(&'g Grant, Vec<String>),
    /// One attempt is counted; the answer is [`TokenPolicy::wrong_tx_code`].
    CountWrongTxCode(&'g Grant),
}

/// Decides a Token Request of the Pre-Authorized Code Flow; `grant` is `None` for an unknown code.
///
/// - A Wallet without `client_id` is refused where the operator wants to know its clients; the code
///   is kept (TOKEN-07, TOKEN-27).
/// - A code that is wrong, spent, withdrawn or locked is `invalid_grant` (VCI §6.3, TOKEN-26);
///   nobody learns which. One that this very sender has just spent is good for another token, until
///   something was issued ([`Sender::may_redeem_again`]).
/// - A missing or an unasked-for Transaction Code is `invalid_request` (TOKEN-23, TOKEN-24), and so
///   are details that were never offered. Such a request guesses nothing and costs nothing.
/// - Only a wrong Transaction Code counts (VCI §13.6.3, TOKEN-25, AMB-18); after a success the code
///   and its Transaction Code are spent together (TOKEN-32).
pub fn decide<'g>(
    request: &PreAuthorizedCodeRequest,
    grant: Option<&'g Grant>,
    sender: &Sender,
    policy: &TokenPolicy<'_>,
    now: Timestamp,
) -> Result<Commit<'g>, TokenRefusal> {
    policy.sender.check(sender)?;
    if sender.client_id(request.client_id.as_deref()).is_none() && !policy.anonymous_access {
        return Err(TokenRefusal::AnonymousClient);
    }
    let digest = request.pre_authorized_code.digest();
    let grant = grant.filter(|grant| grant.code_digest.matches(&digest));
    let grant = grant.ok_or(TokenRefusal::UnknownCode)?;
    match grant.state(now, policy.attempts_max) {
        OfferState::Created | OfferState::Fetched => {}
        OfferState::Redeemed => return decide_again(request, grant, sender, (policy, now)),
        OfferState::Expired if grant.redemption.is_none() => return Err(TokenRefusal::ExpiredCode),
        OfferState::Deferred
        | OfferState::Issued
        | OfferState::Locked
        | OfferState::Expired
        | OfferState::Withdrawn => return Err(TokenRefusal::UnknownCode),
    }
    let wanted = wanted(request, grant)?;
    match (&grant.tx_code_digest, &request.tx_code) {
        (None, None) => Ok(Commit::Redeem(grant, wanted)),
        (Some(stored), Some(given)) if given.matches(stored, policy.tx_code_key, grant.id) => {
            Ok(Commit::Redeem(grant, wanted))
        }
        (Some(_), Some(_)) => Ok(Commit::CountWrongTxCode(grant)),
        (Some(_), None) => Err(TokenRefusal::MissingTxCode),
        (None, Some(_)) => Err(TokenRefusal::UnexpectedTxCode),
    }
}

/// A code whose token is alive and has not been used: good once more for who redeemed it, spent for
/// all others. A Transaction Code must be right here too; a wrong one is no guess, as it opens
/// nothing to anybody else.
fn decide_again<'g>(
    request: &PreAuthorizedCodeRequest,
    grant: &'g Grant,
    sender: &Sender,
    (policy, now): (&TokenPolicy<'_>, Timestamp),
) -> Result<Commit<'g>, TokenRefusal> {
    let redemption = grant.redemption.as_ref();
    if !redemption.is_some_and(|redemption| sender.may_redeem_again(redemption, now)) {
        return Err(TokenRefusal::UnknownCode);
    }
    let is_right = match (&grant.tx_code_digest, &request.tx_code) {
        (None, None) => true,
        (Some(stored), Some(given)) => given.matches(stored, policy.tx_code_key, grant.id),
        (Some(_), None) | (None, Some(_)) => false,
    };
    if is_right {
        Ok(Commit::RedeemAgain(grant, wanted(request, grant)?))
    } else {
        Err(TokenRefusal::UnknownCode)
    }
}

/// The token never exceeds the offer (TOKEN-11); a Wallet may ask for less (VCI §6.1.1, TOKEN-15).
fn wanted(request: &PreAuthorizedCodeRequest, grant: &Grant) -> Result<Vec<String>, TokenRefusal> {
    narrowed(request.credential_configuration_ids.as_ref(), &grant.credential_configuration_ids)
}

/// Successful Token Response as we send it (VCI §6.2, TOKEN-16); nonces come elsewhere (TOKEN-30).
#[derive(Debug, Serialize)]
pub struct TokenResponse {
    /// Opaque to the Wallet.
    #[serde(serialize_with = "expose")]
    pub access_token: AccessToken,
    /// `Bearer` or `DPoP`.
    pub token_type: TokenType,
    /// Lifetime in seconds.
    pub expires_in: u32,
    /// Given when the request had them (TOKEN-17).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<AuthorizedDetail>>,
    /// Gets the next Access Token (TOKEN-29, RFC 6749 §5.1).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose_refresh")]
    pub refresh_token: Option<RefreshToken>,
    /// What of a requested scope is granted: values that we do not know are left out (RFC 6749 §5.1,
    /// AUTHZ-13).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

fn expose<S: Serializer>(token: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn expose_refresh<S: Serializer>(
    token: &Option<RefreshToken>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.as_ref().map_or("", RefreshToken::expose))
}

/// One element of `authorization_details` in a Token Response (TOKEN-18).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct AuthorizedDetail {
    /// `openid_credential`.
    pub r#type: String,
    /// The configuration that was authorised.
    pub credential_configuration_id: String,
    /// Names of the datasets that can be asked for, at least one.
    pub credential_identifiers: Vec<String>,
}

impl AuthorizedDetail {
    /// The detail of one configuration: an offer holds one dataset of it.
    #[must_use]
    pub fn of(credential_configuration_id: &str) -> Self {
        Self {
            r#type: OPENID_CREDENTIAL.to_owned(),
            credential_configuration_id: credential_configuration_id.to_owned(),
            credential_identifiers: vec![credential_identifier(credential_configuration_id)],
        }
    }
}

/// The `credential_identifier` of a configuration's one dataset in an offer (TOKEN-18).
#[must_use]
pub fn credential_identifier(credential_configuration_id: &str) -> String {
    format!("{credential_configuration_id}#1")
}

/// Successful Token Response as a Wallet takes it: unknown members are ignored (TOKEN-21).
#[derive(Debug)]
pub struct ReceivedTokenResponse {
    /// Opaque to us.
    pub access_token: AccessToken,
    /// An unknown type is an error: the token could not be used (RFC 6749 §7.1).
    pub token_type: TokenType,
    /// Lifetime in seconds; only RECOMMENDED (RFC 6749 §5.1).
    pub expires_in: Option<u64>,
    /// Of our type only; others are ignored.
    pub authorization_details: Vec<AuthorizedDetail>,
    /// TOKEN-29
    pub refresh_token: Option<RefreshToken>,
    /// What is granted of the scope that was asked for; absent means all of it (RFC 6749 §5.1).
    pub scope: Option<String>,
}

impl ReceivedTokenResponse {
    /// The values of a requested scope that were not granted (RFC 6749 §3.3).
    #[must_use]
    pub fn ungranted(&self, asked: &[String]) -> Vec<String> {
        let Some(scope) = &self.scope else { return Vec::new() };
        let is_missing = |value: &&String| scope.split(' ').all(|granted| granted != *value);
        asked.iter().filter(is_missing).cloned().collect()
    }

    /// Reads the body of a `200` answer; `None` when it cannot be used.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let value = json::parse(body).ok()?;
        let token = value.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
        let details = match value.get("authorization_details") {
            None | Some(Value::Null) => &Vec::new(),
            Some(details) => details.as_array()?,
        };
        let ours = details.iter().filter(|detail| detail["type"] == OPENID_CREDENTIAL);
        Some(Self {
            access_token: AccessToken::new(token),
            token_type: TokenType::parse(value.get("token_type")?.as_str()?)?,
            expires_in: value.get("expires_in").and_then(Value::as_u64),
            authorization_details: ours
                .map(AuthorizedDetail::deserialize)
                .collect::<Result<_, _>>()
                .ok()?,
            refresh_token: value
                .get("refresh_token")
                .and_then(Value::as_str)
                .filter(|token| !token.is_empty())
                .map(RefreshToken::new),
            scope: value.get("scope").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// How the Access Token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TokenType {
    /// RFC 6750 §2.1
    Bearer,
    /// RFC 9449 §5; required by HAIP §4.
    DPoP,
}

impl TokenType {
    /// RFC 6749 §5.1: the value is case-insensitive.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "bearer" => Some(Self::Bearer),
            "dpop" => Some(Self::DPoP),
            _ => None,
        }
    }
}

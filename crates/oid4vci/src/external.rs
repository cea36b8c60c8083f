//! Step 15 where another authorization server gave the Access Token (VCI §12.2.4): what it says is
//! verified here, and becomes a grant like those of our own.
//!
//! A token is a JWT of RFC 9068, or text that only its server can read (RFC 7662).

use std::collections::BTreeMap;

use keys::digest::sha256;
use keys::jws::{Jws, JwsError};
use keys::key_set::{KeySet, KeySetError};
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use serde_json::{Map, Value};

use crate::authorization::{DETAILS_MAX, OPENID_CREDENTIAL, SCOPES_MAX};
use crate::claims::{NoNumber, optional_time};
use crate::grant::{Grant, Redemption};
use crate::offer::OfferId;
use crate::secret::{AccessToken, SecretDigest};
use crate::token::TokenType;

/// Longest token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Longest `sub`.
const SUBJECT_BYTES_MAX: usize = 255;

/// What a token of another server is held against.
#[derive(Clone, Copy, Debug)]
pub struct ExternalContext<'c> {
    /// The server's identifier.
    pub issuer: &'c str,
    /// What it calls us.
    pub audience: &'c str,
    /// Every Credential Configuration Identifier, with its scope (META-29).
    pub configurations: &'c BTreeMap<String, Option<String>>,
    /// Seconds that clocks may differ.
    pub window_seconds: u64,
    /// Our clock.
    pub now: Timestamp,
}

/// A token that its server vouches for.
#[derive(Clone, Debug)]
pub struct ExternalToken {
    /// Whose it is, by the server's own name.
    pub sub: String,
    /// Who uses it.
    pub client_id: String,
    /// What it is good for; at least one.
    pub credential_configuration_ids: Vec<String>,
    /// Whether it names credential identifiers (CRED-03).
    pub by_identifier: bool,
    /// The key that it is bound to (RFC 9449 §6.1).
    pub bound_to: Option<Thumbprint>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// Verifies a token that is a JWT, in the order of RFC 9068 §4; the signature last, as it costs
/// most.
pub fn verify_jwt(
    jws: &Jws,
    keys: &KeySet,
    context: &ExternalContext<'_>,
) -> Result<ExternalToken, ExternalRefusal> {
    let typ = jws.header().get("typ").and_then(Value::as_str).unwrap_or_default();
    let is_access_token =
        ["at+jwt", "application/at+jwt"].iter().any(|name| typ.eq_ignore_ascii_case(name));
    if !is_access_token {
        return Err(ExternalRefusal::NotAnAccessToken);
    }
    let claims = jws.claims()?;
    if claims.get("iss").is_none_or(|iss| iss != context.issuer) {
        return Err(ExternalRefusal::WrongIssuer);
    }
    let token = token(&claims, context)?;
    if claims.get("jti").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(ExternalRefusal::NoIdentifier);
    }
    keys.verify(jws)?;
    Ok(token)
}

/// Reads what the server said of a token that we sent it (RFC 7662 §2.2).
pub fn read_introspection(
    answer: &Map<String, Value>,
    context: &ExternalContext<'_>,
) -> Result<ExternalToken, ExternalRefusal> {
    if answer.get("active") != Some(&Value::Bool(true)) {
        return Err(ExternalRefusal::Inactive);
    }
    if answer.get("iss").is_some_and(|iss| iss != context.issuer) {
        return Err(ExternalRefusal::WrongIssuer);
    }
    let token = token(answer, context)?;
    check_type(answer, &token)?;
    Ok(token)
}

/// A token that must come with a proof says by which key (RFC 9449 §6.2); one of a type that we do
/// not know is none that we can hold against its sender.
fn check_type(answer: &Map<String, Value>, token: &ExternalToken) -> Result<(), ExternalRefusal> {
    let Some(given) = answer.get("token_type") else { return Ok(()) };
    match given.as_str().and_then(TokenType::parse) {
        Some(TokenType::Bearer) => Ok(()),
        Some(TokenType::DPoP) if token.bound_to.is_some() => Ok(()),
        Some(TokenType::DPoP) | None => Err(ExternalRefusal::UnknownBinding),
    }
}

/// What both forms have in common.
fn token(
    claims: &Map<String, Value>,
    context: &ExternalContext<'_>,
) -> Result<ExternalToken, ExternalRefusal> {
    if !is_for(claims, context.audience) {
        return Err(ExternalRefusal::WrongAudience);
    }
    let (issued_at, expires_at) = times(claims, context)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let visible = |text: &&str| {
        let length = 1..=SUBJECT_BYTES_MAX;
        length.contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let sub = text("sub").filter(visible).ok_or(ExternalRefusal::NoSubject)?;
    let client_id = text("client_id").filter(visible).ok_or(ExternalRefusal::NoClient)?;
    let (credential_configuration_ids, by_identifier) = wanted(claims, context.configurations);
    if credential_configuration_ids.is_empty() {
        return Err(ExternalRefusal::NothingOfOurs);
    }
    Ok(ExternalToken {
        sub: sub.to_owned(),
        client_id: client_id.to_owned(),
        credential_configuration_ids,
        by_identifier,
        bound_to: bound_to(claims)?,
        issued_at,
        expires_at,
    })
}

/// A token may be for others too, but it must be for us (RFC 9068 §4).
fn is_for(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::Array(readers)) => readers.iter().any(|reader| reader == audience),
        Some(only) => only == audience,
        None => false,
    }
}

/// `iat` and `exp` must be there (RFC 9068 §2.2): a token without an end is never dead.
fn times(
    claims: &Map<String, Value>,
    context: &ExternalContext<'_>,
) -> Result<(Timestamp, Timestamp), ExternalRefusal> {
    let time = |name| optional_time(claims, name).map_err(|NoNumber| ExternalRefusal::NoTime);
    let (iat, exp) = (time("iat")?, time("exp")?);
    let (iat, exp) = (iat.ok_or(ExternalRefusal::NoTime)?, exp.ok_or(ExternalRefusal::NoTime)?);
    if context.now >= exp || iat >= exp {
        return Err(ExternalRefusal::Expired);
    }
    let latest = context.now.plus(context.window_seconds);
    if iat.max(time("nbf")?.unwrap_or_default()) > latest {
        return Err(ExternalRefusal::NotYetValid);
    }
    Ok((iat, exp))
}

/// `cnf` with a key's thumbprint (RFC 9449 §6.1); a binding that we cannot check is none that we
/// may ignore (RFC 7800 §3.1).
fn bound_to(claims: &Map<String, Value>) -> Result<Option<Thumbprint>, ExternalRefusal> {
    let Some(cnf) = claims.get("cnf") else { return Ok(None) };
    let members = cnf.as_object().ok_or(ExternalRefusal::UnknownBinding)?;
    let jkt = members.get("jkt").and_then(Value::as_str).and_then(Thumbprint::parse);
    match jkt {
        Some(jkt) if members.len() == 1 => Ok(Some(jkt)),
        _ => Err(ExternalRefusal::UnknownBinding),
    }
}

/// By `authorization_details` (RFC 9396 §9.1) and by `scope` (RFC 9068 §2.2.3); what is not ours is
/// for other servers.
fn wanted(
    claims: &Map<String, Value>,
    configurations: &BTreeMap<String, Option<String>>,
) -> (Vec<String>, bool) {
    let (mut ids, mut by_identifier) = (Vec::<String>::new(), false);
    let details = claims.get("authorization_details").and_then(Value::as_array);
    for detail in details.into_iter().flatten().take(DETAILS_MAX) {
        let is_ours = detail.get("type").is_some_and(|given| given == OPENID_CREDENTIAL);
        let id = detail.get("credential_configuration_id").and_then(Value::as_str);
        let id = id.filter(|id| is_ours && configurations.contains_key(*id));
        let Some(id) = id else { continue };
        let named = detail.get("credential_identifiers").and_then(Value::as_array);
        by_identifier |= named.is_some_and(|named| !named.is_empty());
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    for value in scope.split(' ').take(SCOPES_MAX) {
        for (id, scope) in configurations {
            if scope.as_deref() == Some(value) && !ids.contains(id) {
                ids.push(id.clone());
            }
        }
    }
    (ids, by_identifier)
}

impl ExternalToken {
    /// The grant that the token stands for, on every node the same: only a grant that was made for
    /// this very token has its digest.
    #[must_use]
    pub fn grant(&self, token: &AccessToken, issuer: &str) -> Grant {
        let id = id(token, issuer, self.issued_at);
        let nothing = |purpose: &str| {
            // A digest of a digest: no secret of ours has it.
            SecretDigest(sha256(&[purpose.as_bytes(), &token.digest().0].concat()))
        };
        let times = (self.issued_at, self.expires_at);
        let digests = (nothing("reference"), nothing("code"));
        let ids = self.credential_configuration_ids.clone();
        Grant { redemption: Some(self.redemption(token)), ..Grant::fresh(id, ids, times, digests) }
    }

    fn redemption(&self, token: &AccessToken) -> Redemption {
        Redemption {
            at: self.issued_at,
            token_digest: token.digest(),
            token_expires_at: self.expires_at,
            credential_configuration_ids: self.credential_configuration_ids.clone(),
            by_identifier: self.by_identifier,
            client_id: Some(self.client_id.clone()),
            bound_to: self.bound_to.clone(),
            client_key: None,
        }
    }
}

/// Of a JWT it is what was signed that counts: more than one signature over it may be good, and
/// with each the token would be another grant. Its `jti` tells it from all others (RFC 9068 §2.2).
fn id(token: &AccessToken, issuer: &str, issued_at: Timestamp) -> OfferId {
    let text = token.expose();
    let is_jwt = Jws::parse_with_rsa(text, TOKEN_BYTES_MAX).is_ok();
    let signed = text.rsplit_once('.').filter(|_| is_jwt).map_or(text, |(signed, _)| signed);
    let digest = sha256(&[issuer.as_bytes(), &[0], &sha256(signed.as_bytes())].concat());
    OfferId::derived(issued_at, &digest)
}

/// The grant that a JWT would stand for, if it was ever verified: nothing of it is believed, and
/// only a grant that was made for it has its digest. `None` for what is no JWT.
#[must_use]
pub fn named_id(token: &AccessToken, issuer: &str) -> Option<OfferId> {
    let claims = Jws::parse_with_rsa(token.expose(), TOKEN_BYTES_MAX).ok()?.claims().ok()?;
    let issued_at = optional_time(&claims, "iat").ok()??;
    Some(id(token, issuer, issued_at))
}

impl From<JwsError> for ExternalRefusal {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::NoneAlgorithm | JwsError::MacAlgorithm | JwsError::UnknownAlgorithm(_) => {
                Self::Algorithm
            }
            JwsError::WrongAlgorithm | JwsError::WrongSignature => Self::WrongSignature,
            JwsError::TooLong | JwsError::Malformed | JwsError::CriticalHeader => Self::Unreadable,
        }
    }
}

impl From<KeySetError> for ExternalRefusal {
    fn from(error: KeySetError) -> Self {
        match error {
            KeySetError::Unreadable | KeySetError::UnknownKey => Self::UnknownKey,
            KeySetError::WrongSignature => Self::WrongSignature,
        }
    }
}

/// Why a token of another server is none that we take; for our log, as the Wallet learns no more
/// than that its token is no good (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalRefusal {
    /// Not a JWT.
    Unreadable,
    /// RFC 9068 §2.1: an ID Token, or something else that the server signs.
    NotAnAccessToken,
    /// RFC 8725 §3.2
    Algorithm,
    /// RFC 9068 §4
    WrongIssuer,
    /// RFC 9068 §4
    WrongAudience,
    /// `exp` or `iat` is missing, or not a number.
    NoTime,
    /// RFC 9068 §4
    Expired,
    /// From the future.
    NotYetValid,
    /// RFC 9068 §2.2
    NoSubject,
    /// RFC 9068 §2.2
    NoClient,
    /// RFC 9068 §2.2: `jti` tells it from all others, also from one of the same second.
    NoIdentifier,
    /// It opens nothing here.
    NothingOfOurs,
    /// Bound in a way that cannot be checked here, such as to a TLS certificate.
    UnknownBinding,
    /// None of the server's keys.
    UnknownKey,
    /// RFC 9068 §4
    WrongSignature,
    /// RFC 7662 §2.2
    Inactive,
    /// Nobody could be asked.
    Unreachable,
}

impl ExternalRefusal {
    /// What is wrong, for the log.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unreadable => "the token is no readable JWT",
            Self::NotAnAccessToken => "typ of the token is not at+jwt",
            Self::Algorithm => "the token is signed in a way that we do not take",
            Self::WrongIssuer => "iss of the token is another server",
            Self::WrongAudience => "the token is not for us",
            Self::NoTime => "the token lacks exp or iat",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is from the future: compare the clocks",
            Self::NoSubject => "the token names nobody",
            Self::NoClient => "the token names no client",
            Self::NoIdentifier => "the token lacks jti",
            Self::NothingOfOurs => "the token is good for no credential of ours",
            Self::UnknownBinding => "the token is bound in a way that cannot be checked here",
            Self::UnknownKey => "no key of the server fits the token",
            Self::WrongSignature => "the signature of the token is wrong",
            Self::Inactive => "the server says that the token is not active",
            Self::Unreachable => "the authorization server cannot be asked",
        }
    }
}

//! The ID Token: who has signed in, said by the provider to us alone (OIDC §3.1.3.7).

use keys::jws::Jws;
use keys::key_set::{KeySet, KeySetError};
use keys::outside::Timestamp;
use serde_json::{Map, Value};

use super::ProviderRefusal;
use crate::claims::{NoNumber, is_only_audience, optional_time};

/// Longest ID Token: some providers put a person's groups into it.
pub const ID_TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Longest `sub` (OIDC §2).
const SUBJECT_BYTES_MAX: usize = 255;
/// How long ago an ID Token may have been made that is handed out for a code.
const AGE_SECONDS_MAX: u64 = 600;

/// What an ID Token is held against.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenContext<'c> {
    /// The provider's identifier.
    pub issuer: &'c str,
    /// Our name there.
    pub client_id: &'c str,
    /// As it was sent.
    pub nonce: &'c str,
    /// Seconds that clocks may differ.
    pub window_seconds: u64,
    /// Our clock.
    pub now: Timestamp,
}

/// Who has signed in; only [`verify_id_token`] makes one.
#[derive(Clone, Debug)]
pub struct Subject {
    sub: String,
    claims: Map<String, Value>,
}

impl Subject {
    /// Never given to somebody else by this provider (OIDC §2).
    #[must_use]
    pub fn sub(&self) -> &str {
        &self.sub
    }

    /// What the provider says of the person.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Adds what the provider's userinfo says; the ID Token, which is signed, has the last word.
    #[must_use]
    pub fn with_userinfo(mut self, userinfo: Map<String, Value>) -> Self {
        for (name, value) in userinfo {
            self.claims.entry(name).or_insert(value);
        }
        self
    }
}

/// Verifies an ID Token in the order of OIDC §3.1.3.7; the signature last, as it costs most.
pub fn verify_id_token(
    jws: &Jws,
    keys: &KeySet,
    context: &IdTokenContext<'_>,
) -> Result<Subject, ProviderRefusal> {
    let claims = jws.claims()?;
    // An Access Token of the same provider may look much alike (RFC 8725 §3.12).
    let typ = jws.header().get("typ").map(|typ| typ.as_str().unwrap_or_default());
    if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(ProviderRefusal::NotAnIdToken);
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(context.issuer) {
        return Err(ProviderRefusal::WrongIssuer);
    }
    if !is_only_audience(&claims, context.client_id) {
        return Err(ProviderRefusal::WrongAudience);
    }
    if claims.get("azp").is_some_and(|azp| azp != context.client_id) {
        return Err(ProviderRefusal::WrongAudience);
    }
    check_times(&claims, context)?;
    if text("nonce") != Some(context.nonce) {
        return Err(ProviderRefusal::WrongNonce);
    }
    let sub = subject(&claims).ok_or(ProviderRefusal::NoSubject)?.to_owned();
    keys.verify(jws)?;
    Ok(Subject { sub, claims })
}

/// `sub`, which is ASCII and not long (OIDC §2).
fn subject(claims: &Map<String, Value>) -> Option<&str> {
    let sub = claims.get("sub").and_then(Value::as_str)?;
    let length = 1..=SUBJECT_BYTES_MAX;
    let visible = sub.bytes().all(|byte| byte.is_ascii_graphic());
    (length.contains(&sub.len()) && visible).then_some(sub)
}

/// `exp` and `iat` must be there (OIDC §2).
fn check_times(
    claims: &Map<String, Value>,
    context: &IdTokenContext<'_>,
) -> Result<(), ProviderRefusal> {
    let time = |name| optional_time(claims, name).map_err(|NoNumber| ProviderRefusal::NoTime);
    let (now, window) = (context.now, context.window_seconds);
    let (exp, iat) = (time("exp")?, time("iat")?);
    let (exp, iat) = (exp.ok_or(ProviderRefusal::NoTime)?, iat.ok_or(ProviderRefusal::NoTime)?);
    if now >= exp.plus(window) || iat.plus(AGE_SECONDS_MAX + window) < now {
        return Err(ProviderRefusal::Expired);
    }
    if iat.max(time("nbf")?.unwrap_or_default()) > now.plus(window) {
        return Err(ProviderRefusal::NotYetValid);
    }
    Ok(())
}

/// What the provider's userinfo says must be about the person of the ID Token (OIDC §5.3.2).
pub fn check_userinfo(
    userinfo: &Map<String, Value>,
    subject: &Subject,
) -> Result<(), ProviderRefusal> {
    let same = userinfo.get("sub").is_some_and(|sub| *sub == *subject.sub());
    if same { Ok(()) } else { Err(ProviderRefusal::OtherPerson) }
}

impl From<KeySetError> for ProviderRefusal {
    fn from(error: KeySetError) -> Self {
        match error {
            KeySetError::Unreadable => Self::UnreadableKeys,
            KeySetError::UnknownKey => Self::UnknownKey,
            KeySetError::WrongSignature => Self::WrongSignature,
        }
    }
}

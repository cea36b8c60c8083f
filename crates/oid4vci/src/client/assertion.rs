//! Client assertions: a JWT that a client signs instead of sending a password (RFC 7523).

use keys::jws::{self, Jws};
use keys::outside::{Random, Timestamp};
use keys::signer::{SignError, Signer};
use serde_json::{Map, Value, json};

use super::{ClientContext, ClientKey, ClientRefusal, NotSigned, check_signature};
use crate::claims::{Life, NotNow, jti};
use crate::form::Form;
use crate::replay::{UsedJti, fresh_jti};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest assertion: it has no more than six short claims.
pub const ASSERTION_BYTES_MAX: usize = 8 * 1024;
/// Longest time that an assertion may have left: its `jti` is remembered for that long.
pub const ASSERTION_SECONDS_MAX: u64 = 600;

/// The client that an assertion names; believed by nobody before [`verify`].
pub(super) fn claimed_subject(jwt: &str) -> Option<String> {
    let claims = Jws::parse(jwt, ASSERTION_BYTES_MAX).ok()?.claims().ok()?;
    claims.get("sub").and_then(Value::as_str).map(str::to_owned)
}

/// RFC 7523 §3, in its order; the signature last, as it costs most (Q04).
pub(super) fn verify(
    jwt: &str,
    client_id: &str,
    keys: &[ClientKey],
    context: &ClientContext<'_>,
) -> Result<UsedJti, ClientRefusal> {
    let jws = Jws::parse(jwt, ASSERTION_BYTES_MAX).map_err(Form::from)?;
    let claims = jws.claims().map_err(Form::from)?;
    if ["iss", "sub"].iter().any(|name| claims.get(*name).is_none_or(|id| id != client_id)) {
        return Err(ClientRefusal::OtherClient);
    }
    if !is_for_us(&claims, context) {
        return Err(ClientRefusal::WrongAudience);
    }
    let (now, window_seconds) = (context.now, context.window_seconds);
    let life = Life { now, window_seconds, seconds_max: ASSERTION_SECONDS_MAX };
    let expires_at = life.check(&claims)?;
    let jti = jti(&claims).ok_or(ClientRefusal::BadJti)?;
    check_signature(&jws, keys)?;
    let span = ASSERTION_SECONDS_MAX + 2 * context.window_seconds + 1;
    Ok(UsedJti::new("client assertion", client_id.as_bytes(), jti, expires_at, span))
}

/// We are the only reader: an assertion for several would let one of them use it at the others.
fn is_for_us(claims: &Map<String, Value>, context: &ClientContext<'_>) -> bool {
    let readers = match claims.get("aud") {
        Some(Value::Array(readers)) => readers.as_slice(),
        Some(only) => std::slice::from_ref(only),
        None => return false,
    };
    let is_ours = |reader: &Value| {
        *reader == context.authorization_server || *reader == context.token_endpoint
    };
    !readers.is_empty() && readers.iter().all(is_ours)
}

impl From<NotNow> for ClientRefusal {
    fn from(not_now: NotNow) -> Self {
        match not_now {
            NotNow::NoTime => Self::NoTime,
            NotNow::Expired => Self::Expired,
            NotNow::TooLong => Self::TooLongLife,
            NotNow::NotYet => Self::NotYetValid,
        }
    }
}

impl From<NotSigned> for ClientRefusal {
    fn from(not_signed: NotSigned) -> Self {
        match not_signed {
            NotSigned::NoSuchKey => Self::NoSuchKey,
            NotSigned::WrongSignature => Self::WrongSignature,
        }
    }
}

/// The client's side.
#[derive(Debug)]
pub struct NewClientAssertion<'a> {
    /// `iss` and `sub`
    pub client_id: &'a str,
    /// `aud`: the issuer identifier of the authorization server.
    pub authorization_server: &'a str,
    /// Names the key.
    pub kid: Option<&'a str>,
    /// `iat`
    pub now: Timestamp,
}

impl NewClientAssertion<'_> {
    /// Makes the JWT, good for a minute.
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        random: &dyn Random,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.extend(self.kid.map(|kid| ("kid".to_owned(), kid.into())));
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.authorization_server,
            "jti": fresh_jti(random),
            "iat": self.now,
            "exp": self.now.plus(60),
        });
        jws::sign(header, claims.to_string().as_bytes(), signer).await
    }
}

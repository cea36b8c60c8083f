//! Signed requests: a JWT carries the parameters, so that nobody between the Wallet and us can change
//! them (RFC 9101).

use std::borrow::Cow;

use keys::jws::{self, Jws};
use keys::outside::{Random, Timestamp};
use keys::signer::{SignError, Signer};
use serde_json::{Map, Value, json};

use crate::claims::{Life, NotNow, is_only_audience};
use crate::client::{Client, ClientAuthentication, ClientContext, NotSigned, check_signature};
use crate::error::{ErrorCode, Refusal};
use crate::form::{Form as JwtForm, from_form};
use crate::parameters::{BadParameter, PARAMETER_BYTES_MAX, parameter};
use crate::replay::fresh_jti;

/// `typ` of a Request Object (RFC 9101 §10.8).
pub const REQUEST_OBJECT_TYPE: &str = "oauth-authz-req+jwt";
/// Longest time that a Request Object may have left: whoever found one could open it until then.
pub const REQUEST_OBJECT_SECONDS_MAX: u64 = 3600;
/// How long ours are good: they are sent at once.
const OWN_SECONDS: u64 = 300;
/// The parameter that carries one (RFC 9101 §5.1).
const REQUEST: &str = "request";
/// The parameter that says where one is (RFC 9101 §5.2).
const REQUEST_URI: &str = "request_uri";
/// Claims of the JWT itself (RFC 7519 §4.1), which are no parameters.
const OF_THE_JWT: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

type Form = [(String, String)];

/// The parameters of a request: where it has a Request Object those in it and no others, whatever
/// stands beside it (RFC 9101 §6.3). It may be read again, as an address in a browser is opened again.
pub fn unwrapped<'f>(
    form: &'f Form,
    client: &Client,
    context: &ClientContext<'_>,
) -> Result<Cow<'f, Form>, RequestObjectRefusal> {
    let Some(jwt) = parameter(form, REQUEST)? else {
        // RFC 9101 §10.5: else whoever is between us would leave the signature out.
        let is_missing = client.signs_requests;
        return if is_missing { Err(RequestObjectRefusal::Missing) } else { Ok(form.into()) };
    };
    if parameter(form, REQUEST_URI)?.is_some() {
        return Err(RequestObjectRefusal::BothWays); // RFC 9101 §5
    }
    Ok(Cow::Owned(parameters(&verified(jwt, client, context)?)?))
}

/// RFC 9101 §6.2, RFC 9101 §6.3; the signature last, as it costs most (Q04).
fn verified(
    jwt: &str,
    client: &Client,
    context: &ClientContext<'_>,
) -> Result<Map<String, Value>, RequestObjectRefusal> {
    use RequestObjectRefusal as Refused;
    let ClientAuthentication::PrivateKeyJwt(keys) = &client.authentication else {
        return Err(Refused::NoKeys);
    };
    let jws = Jws::parse(jwt, PARAMETER_BYTES_MAX).map_err(JwtForm::from)?;
    if !jws.header().get("typ").is_none_or(is_type) {
        return Err(Refused::WrongType);
    }
    let claims = jws.claims().map_err(JwtForm::from)?;
    let is_client = |name: &str| claims.get(name).is_some_and(|id| *id == *client.client_id);
    if !is_client("client_id") || !is_client("iss") {
        return Err(Refused::OtherClient);
    }
    if is_client("sub") {
        return Err(Refused::Subject);
    }
    if !is_only_audience(&claims, context.authorization_server) {
        return Err(Refused::WrongAudience);
    }
    let (now, window_seconds) = (context.now, context.window_seconds);
    Life { now, window_seconds, seconds_max: REQUEST_OBJECT_SECONDS_MAX }.check(&claims)?;
    check_signature(&jws, keys)?;
    Ok(claims)
}

/// Other kinds of JWT that the same key signs have a `typ` of theirs (RFC 9101 §10.8); older Wallets
/// write none, or that it is a JWT.
fn is_type(typ: &Value) -> bool {
    let Some(typ) = typ.as_str() else { return false };
    let short = typ.strip_prefix("application/").unwrap_or(typ);
    [REQUEST_OBJECT_TYPE, "jwt"].iter().any(|known| short.eq_ignore_ascii_case(known))
}

/// Claims as the parameters that they stand for (RFC 9101 §4): what is more than a text is JSON, but
/// several `resource` parameters are an array (RFC 8707 §2).
fn parameters(claims: &Map<String, Value>) -> Result<Vec<(String, String)>, RequestObjectRefusal> {
    let mut form = Vec::new();
    for (name, value) in claims {
        if [REQUEST, REQUEST_URI].contains(&name.as_str()) {
            return Err(RequestObjectRefusal::Nested);
        }
        if OF_THE_JWT.contains(&name.as_str()) {
            continue;
        }
        let several = value.as_array().filter(|_| name == "resource");
        let values = several.map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            form.push((name.clone(), text(value)?));
        }
    }
    Ok(form)
}

fn text(value: &Value) -> Result<String, RequestObjectRefusal> {
    match value {
        Value::Null => Err(RequestObjectRefusal::NullParameter),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Ok(value.to_string())
        }
    }
}

/// The Wallet's side: the parameters of a request, signed.
#[derive(Debug)]
pub struct NewRequestObject<'n> {
    /// `iss`
    pub client_id: &'n str,
    /// `aud`: the issuer identifier of the authorization server.
    pub authorization_server: &'n str,
    /// Names the key.
    pub kid: Option<&'n str>,
    /// All that is asked for.
    pub parameters: &'n [(&'n str, &'n str)],
    /// `iat` and `nbf`
    pub now: Timestamp,
}

impl NewRequestObject<'_> {
    /// Makes the JWT, good for five minutes.
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        random: &dyn Random,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), REQUEST_OBJECT_TYPE.into());
        header.extend(self.kid.map(|kid| ("kid".to_owned(), kid.into())));
        let mut claims = Map::new();
        for (name, value) in self.parameters {
            // RFC 9396 §2: in a Request Object it is the array itself.
            let details = (*name == "authorization_details").then(|| value.parse().ok()).flatten();
            claims.insert((*name).to_owned(), details.unwrap_or_else(|| (*value).into()));
        }
        claims.insert("iss".into(), self.client_id.into());
        claims.insert("aud".into(), self.authorization_server.into());
        claims.insert("jti".into(), fresh_jti(random).into());
        let times = [("iat", self.now), ("nbf", self.now), ("exp", self.now.plus(OWN_SECONDS))];
        claims.extend(times.map(|(name, time)| (name.to_owned(), json!(time))));
        jws::sign(header, Value::from(claims).to_string().as_bytes(), signer).await
    }
}

/// Why the parameters of a request are not looked at (RFC 9101 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestObjectRefusal {
    /// RFC 6749 §3.1
    RepeatedParameter,
    /// A parameter is longer than any honest one.
    TooLong,
    /// RFC 9101 §5: both `request` and `request_uri`.
    BothWays,
    /// RFC 9101 §10.5: this client signs all its requests.
    Missing,
    /// The client has registered no key to verify it with.
    NoKeys,
    /// Not a JWT.
    Unreadable,
    /// None of ours, or none at all (RFC 9101 §10.1).
    AlgorithmNotSupported,
    /// RFC 7515 §4.1.11
    CriticalHeader,
    /// RFC 9101 §10.8
    WrongType,
    /// RFC 9101 §5: `client_id` and `iss` are the client.
    OtherClient,
    /// RFC 9101 §10.8: it could be taken for a client assertion.
    Subject,
    /// RFC 9101 §4
    WrongAudience,
    /// A time is missing, or not a number.
    NoTime,
    /// RFC 7519 §4.1.4
    Expired,
    /// RFC 7519 §4.1.5
    NotYetValid,
    /// Unreasonably far in the future.
    TooLongLife,
    /// None of the client's keys has this `kid` and `alg`.
    NoSuchKey,
    /// RFC 9101 §6.2
    WrongSignature,
    /// The header holds a private key.
    PrivateKey,
    /// The header holds a key that is none.
    BadKey,
    /// RFC 9101 §4: no request in a request.
    Nested,
    /// A parameter without a value.
    NullParameter,
}

from_form!(RequestObjectRefusal);

impl From<BadParameter> for RequestObjectRefusal {
    fn from(bad: BadParameter) -> Self {
        match bad {
            BadParameter::Repeated => Self::RepeatedParameter,
            BadParameter::TooLong => Self::TooLong,
        }
    }
}

impl From<NotNow> for RequestObjectRefusal {
    fn from(not_now: NotNow) -> Self {
        match not_now {
            NotNow::NoTime => Self::NoTime,
            NotNow::Expired => Self::Expired,
            NotNow::TooLong => Self::TooLongLife,
            NotNow::NotYet => Self::NotYetValid,
        }
    }
}

impl From<NotSigned> for RequestObjectRefusal {
    fn from(not_signed: NotSigned) -> Self {
        match not_signed {
            NotSigned::NoSuchKey => Self::NoSuchKey,
            NotSigned::WrongSignature => Self::WrongSignature,
        }
    }
}

impl Refusal for RequestObjectRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidRequest, InvalidRequestObject};
        let invalid = |text| (InvalidRequestObject, text);
        match self {
            Self::RepeatedParameter => (InvalidRequest, "request or request_uri is repeated"),
            Self::TooLong => (InvalidRequest, "request or request_uri is too long"),
            Self::BothWays => (InvalidRequest, "request and request_uri exclude each other"),
            Self::Missing => {
                (InvalidRequest, "this client signs its requests: send the signed one as request")
            }
            Self::NoKeys => invalid("this client has no key here: send the parameters themselves"),
            Self::Unreadable => invalid("the request object is not a readable signed JWT"),
            Self::AlgorithmNotSupported => invalid("alg of the request object is not supported"),
            Self::CriticalHeader => invalid("crit and b64 are not supported in a request object"),
            Self::WrongType => invalid("typ of a request object must be oauth-authz-req+jwt"),
            Self::OtherClient => {
                invalid("client_id and iss of the request object must be the client_id beside it")
            }
            Self::Subject => invalid("a request object must not have the client_id as its sub"),
            Self::WrongAudience => {
                invalid("aud of the request object must be our issuer identifier")
            }
            Self::NoTime => invalid("exp of the request object must be a number"),
            Self::Expired => invalid("the request object has expired"),
            Self::NotYetValid => invalid("the request object is not valid yet"),
            Self::TooLongLife => invalid("the request object lives for more than an hour"),
            Self::NoSuchKey => {
                invalid("no key of this client fits kid and alg of the request object")
            }
            Self::WrongSignature => invalid("the signature of the request object is wrong"),
            Self::PrivateKey => invalid("the request object holds a private key"),
            Self::BadKey => invalid("the request object holds a key that is none"),
            Self::Nested => invalid("a request object must hold neither request nor request_uri"),
            Self::NullParameter => invalid("a parameter of the request object is null"),
        }
    }
}

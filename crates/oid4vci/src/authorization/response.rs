//! The Authorization Response: back to the client by a redirect (RFC 6749 §4.1.2, RFC 9207 §2).

use keys::digest::equal;
use url::form_urlencoded;

use super::{AnswerTo, AuthorizationRefusal};
use crate::error::Refusal as _;
use crate::parameters::{BadParameter, parameter};
use crate::secret::AuthorizationCode;

/// What a client is told.
#[derive(Clone, Copy, Debug)]
pub enum AuthorizationAnswer<'a> {
    /// AUTHZ-22
    Code(&'a AuthorizationCode),
    /// AUTHZ-23
    Refused(AuthorizationRefusal),
}

/// The address to send the browser to: `state` as it came, and `iss`, by which a Wallet that talks
/// to several servers knows which one answers (RFC 9207 §2, DEP-03).
///
/// What the registered URI has in its query stays there (RFC 6749 §3.1.2).
#[must_use]
pub fn redirect(to: &AnswerTo, answer: AuthorizationAnswer<'_>, iss: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    match answer {
        AuthorizationAnswer::Code(code) => {
            query.append_pair("code", code.expose());
        }
        AuthorizationAnswer::Refused(refusal) => {
            let (error, description) = refusal.answer();
            query.append_pair("error", error.name()).append_pair("error_description", description);
        }
    }
    query.extend_pairs(to.state.iter().map(|state| ("state", state)));
    query.append_pair("iss", iss);
    let joint = if to.redirect_uri.contains('?') { '&' } else { '?' };
    format!("{}{joint}{}", to.redirect_uri, query.finish())
}

/// What a Wallet expects in the answer to its request.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// As it was sent.
    pub state: &'e str,
    /// The issuer identifier of the server that was asked.
    pub iss: &'e str,
    /// Whether the server says that it always sends `iss` (RFC 9207 §3).
    pub always_has_iss: bool,
}

/// Reads the query that the browser came back with.
///
/// `iss` is looked at before anything else: an answer of another server, even an error, ends the
/// flow (RFC 9207 §2.4, DEP-04). An answer with another `state` was not asked for
/// (RFC 6749 §10.12).
pub fn received_code(
    query: &str,
    expected: Expected<'_>,
) -> Result<AuthorizationCode, ResponseError> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let value = |name| parameter(&pairs, name);
    match value("iss")? {
        Some(iss) if iss == expected.iss => {}
        Some(_) => return Err(ResponseError::OtherServer),
        None if expected.always_has_iss => return Err(ResponseError::NoIss),
        None => {}
    }
    let state = value("state")?.ok_or(ResponseError::OtherState)?;
    if !equal(state.as_bytes(), expected.state.as_bytes()) {
        return Err(ResponseError::OtherState);
    }
    if let Some(error) = value("error")? {
        let denied = error == "access_denied";
        return Err(if denied {
            ResponseError::Denied
        } else {
            ResponseError::Refused(error.into())
        });
    }
    value("code")?.map(AuthorizationCode::new).ok_or(ResponseError::NoCode)
}

/// Why an answer is no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// A parameter stands in it twice, or is too long.
    Unreadable,
    /// RFC 9207 §2.4
    OtherServer,
    /// RFC 9207 §2.4: it was promised.
    NoIss,
    /// RFC 6749 §10.12
    OtherState,
    /// The person said no.
    Denied,
    /// The server's error code.
    Refused(String),
    /// RFC 6749 §4.1.2
    NoCode,
}

impl From<BadParameter> for ResponseError {
    fn from(_: BadParameter) -> Self {
        Self::Unreadable
    }
}

impl ResponseError {
    /// What is wrong, for people.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Unreadable | Self::NoCode => "the issuer's answer to the sign-in cannot be read",
            Self::OtherServer => "another server answered than the one that was asked",
            Self::NoIss => "the answer does not say which server it comes from",
            Self::OtherState => "the answer belongs to another sign-in",
            Self::Denied => "the sign-in was refused, or cancelled",
            Self::Refused(_) => "the issuer refused the sign-in",
        }
    }
}

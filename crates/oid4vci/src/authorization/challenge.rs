//! Steps 5-8 without a browser: a Wallet of the operator's own asks for name and password itself
//! (First-Party Apps §5).

use keys::json;
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use serde::Serialize;
use serde_json::Value;

use super::{
    AnswerTo, CODE, DeadEnd, ParsedRequest, PushRefusal, PushResponse, Requestable,
    RunningAuthorization, Stage,
};
use crate::client::Client;
use crate::error::{Demand, ErrorCode, Refusal};
use crate::parameters::parameter;
use crate::secret::{AuthSession, AuthorizationCode, AuthorizationHandle, GivenPassword};
use crate::sender::Sender;

/// Path of the Authorization Challenge Endpoint, below our identifier.
pub const CHALLENGE_ENDPOINT: &str = "authorize-challenge";
/// Longest `auth_session` that a Wallet takes.
const AUTH_SESSION_BYTES_MAX: usize = 4096;

/// A request at the Authorization Challenge Endpoint (First-Party Apps §5.1).
#[derive(Debug)]
pub enum ChallengeRequest {
    /// The first one says what is asked for.
    Begin(ParsedRequest),
    /// The others name the session, and bring what was asked for (First-Party Apps §5.3).
    GoOn(AuthorizationHandle, Option<GivenSignIn>),
}

/// What a person typed into the Wallet.
#[derive(Debug)]
pub struct GivenSignIn {
    /// The name of an account.
    pub username: String,
    /// Its password, perhaps.
    pub password: GivenPassword,
}

impl ChallengeRequest {
    /// Reads a request of a client that proved who it is: anybody can say `client_id`, and name and
    /// password are for the operator's own Wallets alone (First-Party Apps §9.1).
    ///
    /// `by_browser` says that nobody has a password here, so that the person will be sent elsewhere.
    pub fn parse(
        form: &[(String, String)],
        (client, sender): (&Client, &Sender),
        server: &Requestable<'_>,
        by_browser: bool,
    ) -> Result<Self, ChallengeRefusal> {
        if !client.is_first_party {
            return Err(ChallengeRefusal::NotFirstParty);
        }
        if client.is_public() && sender.client.is_none() {
            return Err(ChallengeRefusal::Unproved);
        }
        let text = |name| parameter(form, name).map_err(DeadEnd::from);
        if let Some(session) = text("auth_session")? {
            let given = text("username")?.zip(text("password")?);
            let given = given.map(|(username, password)| GivenSignIn {
                username: username.to_owned(),
                password: GivenPassword::new(password),
            });
            return Ok(Self::GoOn(AuthorizationHandle::new(session), given));
        }
        let answer_to = AnswerTo::of_challenge(form, client, by_browser)?;
        // What older Wallets leave out can mean nothing else.
        let implied = text("response_type")?.is_none();
        let implied = implied.then(|| ("response_type".to_owned(), CODE.to_owned()));
        let form = with(form, implied.as_slice());
        let mut parsed = ParsedRequest::parse(&form, client, answer_to, server)?;
        parsed.request.by_challenge = true;
        Ok(Self::Begin(parsed))
    }
}

impl AnswerTo {
    /// Where a browser would be sent, if it came to that; nobody need say it (First-Party Apps §6),
    /// but where it does come to that and there are several addresses, none is guessed
    /// (RFC 6749 §3.1.2.3).
    fn of_challenge(
        form: &[(String, String)],
        client: &Client,
        by_browser: bool,
    ) -> Result<Self, DeadEnd> {
        if parameter(form, "redirect_uri")?.is_some() {
            return Self::parse(form, client);
        }
        let Some((first, others)) = client.redirect_uris.split_first() else {
            return Err(DeadEnd::NoRedirectUri);
        };
        if by_browser && !others.is_empty() {
            return Err(DeadEnd::NoRedirectUri);
        }
        let with_uri = ("redirect_uri".to_owned(), first.as_str().to_owned());
        Self::parse(&with(form, &[with_uri]), client)
    }
}

/// The same form, with what it leaves out; one that is there and empty is left out, too.
fn with(form: &[(String, String)], implied: &[(String, String)]) -> Vec<(String, String)> {
    let is_implied = |name: &String| implied.iter().any(|(implied, _)| implied == name);
    let given = form.iter().filter(|(name, _)| !is_implied(name));
    given.chain(implied).cloned().collect()
}

impl RunningAuthorization {
    /// What a session is about: for the client that began it, and where that proved a key for whoever
    /// has the key (First-Party Apps §5.3.1, First-Party Apps §9.6.1).
    pub fn challenged<'r>(
        found: Option<&'r Self>,
        handle: &AuthorizationHandle,
        (client_id, key): (&str, Option<&Thumbprint>),
        now: Timestamp,
    ) -> Result<&'r Self, ChallengeRefusal> {
        let found = found.filter(|found| found.is_at(handle, now));
        let found = found.filter(|found| found.request.by_challenge);
        let found = found.filter(|found| found.request.client_id == client_id);
        let found = found.filter(|found| found.stage == Stage::Opened);
        let found = found.ok_or(ChallengeRefusal::UnknownSession)?;
        match &found.request.dpop_jkt {
            Some(jkt) if key.map(Thumbprint::to_string).as_ref() != Some(jkt) => {
                Err(ChallengeRefusal::UnknownSession)
            }
            Some(_) | None => Ok(found),
        }
    }
}

/// What the Wallet is told (First-Party Apps §5.2).
#[derive(Debug)]
pub enum ChallengeAnswer {
    /// The person has signed in.
    Code(AuthorizationCode),
    /// Name and password of an account are needed, in this session.
    SignIn(AuthorizationHandle),
    /// They are wrong; nobody learns which of them.
    Wrong(AuthorizationHandle),
    /// The person signs in elsewhere, in a browser (First-Party Apps §5.2.2.1.1).
    Web(PushResponse),
}

impl ChallengeAnswer {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Code(_) => 200,
            Self::SignIn(_) | Self::Wrong(_) | Self::Web(_) => 400,
        }
    }

    /// The body, the one message that carries code or session.
    #[must_use]
    pub fn body(&self) -> ChallengeBody<'_> {
        let insufficient = |session: &'_ AuthorizationHandle, text| ChallengeBody {
            error: Some(ErrorCode::InsufficientAuthorization),
            error_description: Some(text),
            auth_session: Some(session.expose().to_owned()),
            ..ChallengeBody::default()
        };
        match self {
            Self::Code(code) => ChallengeBody {
                authorization_code: Some(code.expose()),
                ..ChallengeBody::default()
            },
            Self::SignIn(session) => {
                insufficient(session, "send username and password of an account, with auth_session")
            }
            Self::Wrong(session) => insufficient(session, "username or password is wrong"),
            Self::Web(pushed) => ChallengeBody {
                error: Some(ErrorCode::RedirectToWeb),
                error_description: Some("the person signs in elsewhere: open a browser"),
                pushed: Some(pushed),
                ..ChallengeBody::default()
            },
        }
    }
}

/// As it is sent.
#[derive(Debug, Default, Serialize)]
pub struct ChallengeBody<'b> {
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_code: Option<&'b str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_session: Option<String>,
    #[serde(flatten)]
    pushed: Option<&'b PushResponse>,
}

/// The same as a Wallet takes it.
#[derive(Debug)]
pub enum ReceivedChallengeAnswer {
    /// The person has signed in.
    Code(AuthorizationCode),
    /// More is needed; whether the session is another one by now.
    SignIn(Option<AuthSession>),
    /// A browser is needed, with this `request_uri` or with a request of its own.
    Web(Option<String>),
}

impl ReceivedChallengeAnswer {
    /// Reads an answer; `None` for one that refuses, or that cannot be used.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> Option<Self> {
        let value = json::parse(body).ok()?;
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.filter(|text| (1..=AUTH_SESSION_BYTES_MAX).contains(&text.len()))
        };
        if status == 200 {
            return text("authorization_code").map(|code| Self::Code(AuthorizationCode::new(code)));
        }
        match text("error")? {
            // What is wanted is a credential, and no password.
            "insufficient_authorization" if value.get("presentation").is_some() => {
                Some(Self::Web(None))
            }
            "insufficient_authorization" => {
                Some(Self::SignIn(text("auth_session").map(AuthSession::new)))
            }
            "redirect_to_web" => Some(Self::Web(text("request_uri").map(str::to_owned))),
            _ => None,
        }
    }
}

/// Why a request gets neither a code nor a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeRefusal {
    /// First-Party Apps §9.1
    NotFirstParty,
    /// First-Party Apps §9.4: anybody could have sent it.
    Unproved,
    /// First-Party Apps §5.2.2.1: unknown, over, or of somebody else.
    UnknownSession,
    /// What a pushed request would be told.
    Push(PushRefusal),
}

impl<R: Into<PushRefusal>> From<R> for ChallengeRefusal {
    fn from(refusal: R) -> Self {
        Self::Push(refusal.into())
    }
}

impl Refusal for ChallengeRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        match self {
            Self::NotFirstParty => (
                ErrorCode::UnauthorizedClient,
                "this client is not registered as first party: send people to the browser",
            ),
            Self::Unproved => (
                ErrorCode::UnauthorizedClient,
                "a first-party client proves itself: private_key_jwt, or a client attestation",
            ),
            Self::UnknownSession => (
                ErrorCode::InvalidSession,
                "auth_session is unknown, over, or of another client or key: begin again",
            ),
            Self::Push(refusal) => refusal.answer(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::NotFirstParty | Self::Unproved | Self::UnknownSession => 400,
            Self::Push(refusal) => refusal.status(),
        }
    }

    fn demand(&self) -> Option<Demand> {
        match self {
            Self::NotFirstParty | Self::Unproved | Self::UnknownSession => None,
            Self::Push(refusal) => refusal.demand(),
        }
    }
}

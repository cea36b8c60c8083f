//! Steps 5-8 without a browser: the operator's own wallet asks for name and password
//! (First-Party Apps §5).

use oid4vci::authorization::{
    AuthorizationRefusal, ChallengeAnswer, ChallengeRefusal, ChallengeRequest, GivenSignIn,
    PUSHED_SECONDS, ParsedRequest, PushRefusal, PushResponse, PushedRequest, RunningAuthorization,
    SIGN_IN_SECONDS, Stage,
};
use oid4vci::client::{AuthenticatedClient, Client, ClientCredentials};
use oid4vci::nonce::SpendableNonce;
use oid4vci::secret::AuthorizationHandle;
use oid4vci::sender::Sender;

use super::answer::granted;
use super::sign_in::known;
use super::{
    Form, authenticated, begun, configurations, found, marks, replayed, requestable, sender,
    with_offer,
};
use crate::Issuer;
use crate::account::Password;
use crate::failure::Failure;
use crate::flow::sender::SenderHeaders;

type Answer = Result<ChallengeAnswer, Failure<ChallengeRefusal>>;

/// A request that may go on, from a client that proved who it is.
#[derive(Debug)]
pub struct Challenged {
    client: Client,
    sent_by: AuthenticatedClient,
    sender: Sender,
    request: ChallengeRequest,
}

impl Challenged {
    /// The account that somebody tries to sign in to; tries are counted before they are made.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match &self.request {
            ChallengeRequest::GoOn(_, Some(given)) => Some(&given.username),
            ChallengeRequest::GoOn(_, None) | ChallengeRequest::Begin(_) => None,
        }
    }

    fn marks(&self) -> Vec<SpendableNonce> {
        marks(&self.sent_by, &self.sender)
    }

    fn replayed(&self) -> ChallengeRefusal {
        replayed(&self.sent_by, &self.sender).into()
    }
}

/// Reads a request.
pub async fn challenged(
    issuer: &Issuer,
    form: &Form,
    headers: &SenderHeaders<'_>,
) -> Result<Challenged, Failure<ChallengeRefusal>> {
    let credentials = ClientCredentials::parse(form).map_err(ChallengeRefusal::from)?;
    let (client, sent_by) = authenticated::<ChallengeRefusal>(issuer, None, &credentials).await?;
    let endpoint = (oid4vci::authorization::CHALLENGE_ENDPOINT, None);
    let sender = sender::sender(headers, Some(&client.client_id), endpoint, issuer).await;
    let sender = sender.map_err(|failure| failure.map(ChallengeRefusal::from))?;
    let configurations = configurations(issuer);
    let server = requestable(issuer.credential_issuer(), &configurations);
    let by_browser = !issuer.config.sign_in.accounts;
    let request = ChallengeRequest::parse(form, (&client, &sender), &server, by_browser)?;
    Ok(Challenged { client, sent_by, sender, request })
}

/// Answers it. `turn` is held as long as a password is looked at.
pub async fn challenge(
    issuer: &Issuer,
    challenged: Challenged,
    turn: impl Send + 'static,
) -> Answer {
    match &challenged.request {
        ChallengeRequest::Begin(parsed) => begin(issuer, &challenged, parsed.clone()).await,
        ChallengeRequest::GoOn(session, given) => {
            go_on(issuer, &challenged, (session, given.as_ref()), turn).await
        }
    }
}

/// What is asked for is on disk before anybody hears of the session. Where nobody has a password here
/// it waits for a browser, like any pushed request.
async fn begin(issuer: &Issuer, challenged: &Challenged, parsed: ParsedRequest) -> Answer {
    let policy = sender::policy(issuer);
    let parsed = PushedRequest::with_sender(parsed, &challenged.sender, policy);
    let parsed = parsed.map_err(ChallengeRefusal::from)?;
    let mut request = with_offer(issuer, parsed).await?.map_err(ChallengeRefusal::from)?;
    let here = issuer.config.sign_in.accounts;
    request.by_challenge = here;
    let stage =
        if here { (Stage::Opened, SIGN_IN_SECONDS) } else { (Stage::Pushed, PUSHED_SECONDS) };
    let (handle, running) = begun(issuer, request, stage);
    if !issuer.store.begin_authorization(&running, &challenged.marks()).await? {
        return Err(challenged.replayed().into());
    }
    let client_id = &challenged.client.client_id;
    tracing::info!(authorization = %running.id, client_id, here, "challenged");
    Ok(if here {
        ChallengeAnswer::SignIn(handle)
    } else {
        ChallengeAnswer::Web(PushResponse::new(&handle))
    })
}

async fn go_on(
    issuer: &Issuer,
    challenged: &Challenged,
    (session, given): (&AuthorizationHandle, Option<&GivenSignIn>),
    turn: impl Send + 'static,
) -> Answer {
    let seen = seen(issuer, challenged, session).await?;
    if !issuer.store.spend(&challenged.marks()).await? {
        return Err(challenged.replayed().into());
    }
    let again = AuthorizationHandle::new(session.expose());
    let Some(GivenSignIn { username, password }) = given else {
        return Ok(ChallengeAnswer::SignIn(again));
    };
    let password = Password::new(password.expose());
    let person = known(issuer, &seen, username, (password, turn)).await?;
    let Some(person) = person.filter(|_| issuer.config.sign_in.accounts) else {
        return Ok(ChallengeAnswer::Wrong(again));
    };
    // There is no page that asks once more: what a first-party wallet asks for, it may have.
    let signed_in = RunningAuthorization { stage: Stage::SignedIn(person), ..seen };
    let code = granted(issuer, &signed_in).await;
    let code = code.map_err(|failure| failure.map(|_| ChallengeRefusal::UnknownSession))?;
    if let Some(code) = code {
        return Ok(ChallengeAnswer::Code(code));
    }
    issuer.store.deny_authorization(&signed_in).await?;
    Err(ChallengeRefusal::from(PushRefusal::from(AuthorizationRefusal::NotEntitled)).into())
}

async fn seen(
    issuer: &Issuer,
    challenged: &Challenged,
    session: &AuthorizationHandle,
) -> Result<RunningAuthorization, Failure<ChallengeRefusal>> {
    let found = found(issuer, session).await?;
    let who = (&*challenged.client.client_id, challenged.sender.bound_to());
    let now = issuer.clock.now();
    Ok(RunningAuthorization::challenged(found.as_ref(), session, who, now)?.clone())
}

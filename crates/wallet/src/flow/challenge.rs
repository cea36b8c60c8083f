//! Steps 8-11 without a browser: with an issuer whose own wallet this is, the holder signs in here
//! (First-Party Apps §5). Nothing of it is done unless whoever uses the wallet asks for it: a password
//! belongs to its issuer's pages, as a rule.

use std::fmt;

use oid4vci::authorization::ReceivedChallengeAnswer;
use oid4vci::secret::{AuthSession, AuthorizationCode, GivenPassword};
use url::Url;

use super::host;
use super::metadata::ResolvedOffer;
use super::sign_in::{Asked, SignIn, requested_address};
use super::token::Authorized;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;
use crate::profile::Profile;

/// Largest answer to a challenge request.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A sign-in in the wallet that has begun: the server wants name and password of an account.
#[derive(Clone)]
pub struct Challenge {
    offer: ResolvedOffer,
    redirect_uri: String,
    asked: Asked,
    session: Option<AuthSession>,
}

impl Challenge {
    /// The offer that it is for.
    #[must_use]
    pub const fn offer(&self) -> &ResolvedOffer {
        &self.offer
    }

    /// Where name and password will go: the person types them for this host alone (SEC-09).
    #[must_use]
    pub fn host(&self) -> String {
        let flow = self.offer.server.code_flow.as_ref();
        let endpoint = flow.and_then(|flow| flow.authorization_challenge_endpoint.as_ref());
        endpoint.map(host).unwrap_or_default()
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// How it goes on.
#[derive(Debug)]
pub enum Challenged {
    /// Name and password are to be typed; after an answer, typed again.
    Asks(Box<Challenge>),
    /// The person is to sign in with a browser after all.
    Browser(Box<SignIn>),
    /// The person has signed in.
    Authorized(Box<Authorized>),
}

impl Wallet {
    /// Begins to sign in without a browser, where the issuer's server has that and lets this wallet
    /// ask; else with one, which will come back to `redirect_uri`. HAIP knows the browser alone
    /// (HAIP-22).
    pub async fn begin_challenge(
        &self,
        offer: ResolvedOffer,
        redirect_uri: &str,
    ) -> Result<Challenged, WalletError> {
        let flow = offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
        let endpoint = flow.authorization_challenge_endpoint.clone();
        let Some(endpoint) = endpoint.filter(|_| self.settings.profile != Profile::Haip) else {
            return Box::pin(self.in_browser(offer, redirect_uri)).await;
        };
        let asked = self.asked(&offer, redirect_uri)?;
        let form: Vec<(&str, &str)> = asked.parameters().collect();
        match self.challenge(&offer, &endpoint, &form).await {
            Err(WalletError::Refused(refused)) if refused.is("unauthorized_client") => {
                // This wallet is not the issuer's own.
                Box::pin(self.in_browser(offer, redirect_uri)).await
            }
            answer => {
                let redirect_uri = redirect_uri.to_owned();
                let begun = Challenge { offer, redirect_uri, asked, session: None };
                Box::pin(self.go_on(begun, answer?)).await
            }
        }
    }

    /// Sends what was typed; the next try has another name or password.
    pub async fn answer_challenge(
        &self,
        challenge: Challenge,
        username: &str,
        password: &GivenPassword,
    ) -> Result<Challenged, WalletError> {
        let flow = challenge.offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
        let endpoint = flow.authorization_challenge_endpoint.as_ref();
        let endpoint = endpoint.ok_or(WalletError::NoSignIn)?;
        let client_id = self.client_id(&challenge.offer.sender);
        let session = challenge.session.as_ref().map_or("", AuthSession::expose);
        let form = [
            ("client_id", client_id),
            ("auth_session", session),
            ("username", username),
            ("password", password.expose()),
        ];
        let answer = self.challenge(&challenge.offer, endpoint, &form).await?;
        Box::pin(self.go_on(challenge, answer)).await
    }

    async fn in_browser(
        &self,
        offer: ResolvedOffer,
        redirect_uri: &str,
    ) -> Result<Challenged, WalletError> {
        let begun = self.begin_sign_in(offer, redirect_uri).await?;
        Ok(Challenged::Browser(Box::new(begun)))
    }

    async fn challenge(
        &self,
        offer: &ResolvedOffer,
        endpoint: &Url,
        form: &[(&str, &str)],
    ) -> Result<ReceivedChallengeAnswer, WalletError> {
        let request = Request::post(endpoint.clone()).header("accept", "application/json");
        let request = request.form(form).at_most(ANSWER_BYTES_MAX);
        let answer = self.send_to_server(&offer.sender, request).await?;
        let read = ReceivedChallengeAnswer::parse(answer.status, &answer.body);
        read.ok_or_else(|| match answer.status {
            200 => WalletError::BadAnswer(Question::SignIn),
            status => WalletError::Refused(Refused::read(Question::SignIn, status, &answer.body)),
        })
    }

    async fn go_on(
        &self,
        mut challenge: Challenge,
        answer: ReceivedChallengeAnswer,
    ) -> Result<Challenged, WalletError> {
        match answer {
            ReceivedChallengeAnswer::Code(code) => self.with_code(challenge, code).await,
            ReceivedChallengeAnswer::SignIn(session) => {
                challenge.session = session.or(challenge.session);
                if challenge.session.is_none() {
                    return Err(WalletError::BadAnswer(Question::SignIn));
                }
                Ok(Challenged::Asks(Box::new(challenge)))
            }
            ReceivedChallengeAnswer::Web(None) => {
                self.in_browser(challenge.offer, &challenge.redirect_uri).await
            }
            ReceivedChallengeAnswer::Web(Some(request_uri)) => {
                let Challenge { offer, redirect_uri, asked, .. } = challenge;
                let flow = offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
                let client_id = self.client_id(&offer.sender);
                let address = requested_address(flow, client_id, &request_uri);
                let Asked { verifier, state, scopes, .. } = asked;
                let begun = SignIn { offer, address, redirect_uri, verifier, state, scopes };
                Ok(Challenged::Browser(Box::new(begun)))
            }
        }
    }

    async fn with_code(
        &self,
        challenge: Challenge,
        code: AuthorizationCode,
    ) -> Result<Challenged, WalletError> {
        let Challenge { offer, redirect_uri, asked, .. } = challenge;
        let secrets = (redirect_uri, asked.verifier, asked.scopes);
        let authorized = self.redeem_code(offer, code, secrets).await?;
        Ok(Challenged::Authorized(Box::new(authorized)))
    }
}

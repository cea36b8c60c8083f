//! Steps 8-11: the Pre-Authorized Code becomes an Access Token (VCI §6).

use std::fmt;

use keys::outside::Timestamp;
use oid4vci::legacy::Dialect;
use oid4vci::secret::{AccessToken, RefreshToken, TxCode};
use oid4vci::token::{
    AuthorizedDetail, PreAuthorizedCodeRequest, ReceivedTokenResponse, TokenRequest, TokenType,
};

use url::Url;

use super::metadata::{OfferedGrant, ResolvedOffer};
use super::sender::Sender;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::{Request, Response};
use crate::store::{CredentialId, KeptToken, SharedToken};

/// Largest Token Response.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// The holder has said yes and the issuer has given a token: for this offer, and for no other
/// (TOKEN-12).
#[derive(Clone, Debug)]
pub struct Authorized {
    pub(super) offer: ResolvedOffer,
    pub(super) access_token: AccessToken,
    /// Who the token was given to.
    pub(super) sender: Sender,
    pub(super) details: Vec<AuthorizedDetail>,
    /// Scope values that were asked for.
    pub(super) scopes: Vec<String>,
    /// Those of them that were not granted (RFC 6749 §3.3).
    pub(super) ungranted_scopes: Vec<String>,
    /// Sent with the token request, so that proofs name the same client (PROOF-12).
    pub(super) client_id: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
    /// Gets the next token (TOKEN-29).
    pub(super) refresh_token: Option<RefreshToken>,
    /// The record of the token, once something is put off.
    pub(super) shared_as: CredentialId,
}

impl Authorized {
    /// The offer that the token belongs to.
    #[must_use]
    pub const fn offer(&self) -> &ResolvedOffer {
        &self.offer
    }

    /// What fetches, when the flow is long over, what this token has asked for.
    pub(super) fn kept_token(&self) -> KeptToken {
        let renew = |token| self.sender.keep_renewal(token, self.client_id.clone());
        let renewal = self.refresh_token.clone().map(renew);
        KeptToken { renewal, ..self.sender.keep(&self.access_token) }
    }

    /// The same as a record.
    pub(super) fn shared_token(&self) -> SharedToken {
        let (id, token) = (self.shared_as.clone(), self.kept_token());
        SharedToken { id, token, taken_until: None, revision: 0 }
    }

    /// When the token dies, if the issuer said so.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// There is no token; the offer comes back, so that the person may type the code again.
#[derive(Debug)]
pub struct TokenFailure {
    /// The offer as it was.
    pub offer: ResolvedOffer,
    /// Why.
    pub error: WalletError,
    ask_again_after: Option<u64>,
}

impl TokenFailure {
    /// The seconds after which the same offer, with the same Transaction Code, may be redeemed again:
    /// the issuer of a draft is not ready, and nothing is spent (draft 13, section 6.3).
    #[must_use]
    pub const fn ask_again_after(&self) -> Option<u64> {
        self.ask_again_after
    }

    /// Whether another Transaction Code may help: an issuer of 1.0 says `invalid_grant` and not which
    /// of the two codes was wrong (TOKEN-25, TOKEN-26), one of 1.1 says it (V11-15).
    #[must_use]
    pub fn may_retype(&self) -> bool {
        let WalletError::Refused(refused) = &self.error else {
            return matches!(self.error, WalletError::TxCodeNeeded | WalletError::TxCodeMisfit);
        };
        let is_wrong_code = refused.is("invalid_grant") || refused.is("invalid_tx_code");
        self.offer.tx_code().is_some() && is_wrong_code
    }
}

impl ResolvedOffer {
    fn ask_again_after(&self, error: &WalletError) -> Option<u64> {
        let (OfferedGrant::PreAuthorizedCode(grant), WalletError::Refused(refused)) =
            (&self.grant, error)
        else {
            return None;
        };
        self.sender.spoken.hear_pending(refused, grant.interval)
    }
}

impl fmt::Display for TokenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for TokenFailure {}

impl Wallet {
    /// Redeems the offer. A Transaction Code that nobody asked for is not sent (TOKEN-23).
    pub async fn request_token(
        &self,
        mut offer: ResolvedOffer,
        tx_code: Option<TxCode>,
    ) -> Result<Authorized, Box<TokenFailure>> {
        let redeemed = self.redeem(&offer, tx_code).await;
        let redeemed = redeemed.and_then(|redeemed| self.hear_draft(&mut offer, redeemed));
        match redeemed {
            Ok(redeemed) => Ok(self.authorized(offer, Vec::new(), redeemed)),
            Err(error) => {
                let ask_again_after = offer.ask_again_after(&error);
                Err(Box::new(TokenFailure { offer, error, ask_again_after }))
            }
        }
    }

    /// What a token is good for, held against what was asked for by `scopes`.
    pub(super) fn authorized(
        &self,
        offer: ResolvedOffer,
        scopes: Vec<String>,
        redeemed: Redeemed,
    ) -> Authorized {
        let Redeemed { token, sender, client_id, .. } = redeemed;
        Authorized {
            offer,
            ungranted_scopes: token.ungranted(&scopes),
            scopes,
            expires_at: token.expires_in.map(|seconds| self.clock.now().plus(seconds)),
            access_token: token.access_token,
            sender,
            details: token.authorization_details,
            client_id,
            refresh_token: token.refresh_token,
            shared_as: CredentialId::fresh(&*self.random),
        }
    }

    async fn redeem(
        &self,
        offer: &ResolvedOffer,
        tx_code: Option<TxCode>,
    ) -> Result<Redeemed, WalletError> {
        let OfferedGrant::PreAuthorizedCode(grant) = &offer.grant else {
            return Err(WalletError::SignInNeeded);
        };
        let sender = offer.sender.clone();
        // TOKEN-08: anonymous only where the server says that it takes such requests.
        let own = (!offer.server.anonymous_access).then(|| self.client_id(&sender));
        let client_id = sender.client_id().or(own).map(str::to_owned); // HAIP-29
        let request = TokenRequest::PreAuthorizedCode(PreAuthorizedCodeRequest {
            pre_authorized_code: grant.pre_authorized_code.clone(),
            tx_code: fitting(offer, tx_code)?,
            client_id: client_id.clone(),
            credential_configuration_ids: None,
        });
        self.redeem_by(&offer.server.token_endpoint, (sender, client_id), &request).await
    }

    /// Sends a Token Request of any grant.
    pub(super) async fn redeem_by(
        &self,
        token_endpoint: &Url,
        (mut sender, client_id): (Sender, Option<String>),
        request: &TokenRequest,
    ) -> Result<Redeemed, WalletError> {
        let grant = request;
        let mut form = request.to_form();
        if let Some(dialect) = sender.spoken.dialect {
            dialect.write_token_request(&mut form);
        }
        let request = Request::post(token_endpoint.clone())
            .header("accept", "application/json")
            .form(&form)
            .at_most(TOKEN_BYTES_MAX);
        let mut answer = self.ask_for_token(&sender, &request, grant).await?;
        if !sender.is_bound && wants_dpop(&answer) {
            sender.is_bound = true; // its metadata do not say so
            answer = self.ask_for_token(&sender, &request, grant).await?;
        }
        if answer.status != 200 {
            sender.spoken.hear_refusal(&answer.body);
            let refused = Refused::read(Question::Token, answer.status, &answer.body);
            return Err(WalletError::Refused(refused));
        }
        if sender.spoken.is_pending(&answer.body) {
            sender.spoken.hear_refusal(&answer.body);
            return Err(WalletError::Refused(Refused::pending(answer.status)));
        }
        let token = read_token(&sender, &answer.body);
        let token = token.ok_or(WalletError::BadAnswer(Question::Token))?;
        self.check_dialect(&sender.spoken)?;
        match (token.token_type, sender.is_bound) {
            (TokenType::Bearer, false) | (TokenType::DPoP, true) => {
                let is_undecided = sender.spoken.dialect.is_none();
                let heard = Dialect::of_token_response(&answer.body).filter(|_| is_undecided);
                Ok(Redeemed { token, sender, client_id, heard })
            }
            (TokenType::Bearer, true) => Err(WalletError::UnboundToken), // D17
            (TokenType::DPoP, false) => Err(WalletError::UnsupportedToken),
        }
    }

    /// An answer that was lost on its way may be a token: who can be known again asks again, once.
    async fn ask_for_token(
        &self,
        sender: &Sender,
        request: &Request,
        grant: &TokenRequest,
    ) -> Result<Response, WalletError> {
        match self.send_to_server(sender, request.clone()).await {
            Err(WalletError::Network { cause, .. })
                if cause.may_have_arrived() && may_ask_again(sender, grant) =>
            {
                self.send_to_server(sender, request.clone()).await
            }
            answer => answer,
        }
    }
}

/// Who asks in the same way a second time is answered where the server can tell that it is the same.
fn may_ask_again(sender: &Sender, grant: &TokenRequest) -> bool {
    match grant {
        TokenRequest::PreAuthorizedCode(_) => sender.is_known_again(),
        // A second use of that code would end what the first one gave (RFC 6749 §4.1.2).
        TokenRequest::AuthorizationCode(_) => false,
        // A client that authenticates is the one to whom that token was given (RFC 6749 §6).
        TokenRequest::RefreshToken(_) => sender.is_known_again() || sender.by_client_key(),
    }
}

/// What became of a code.
pub(super) struct Redeemed {
    pub(super) token: ReceivedTokenResponse,
    pub(super) sender: Sender,
    client_id: Option<String>,
    /// A draft that nothing but this answer shows, its nonce, and what is to be said of that.
    pub(super) heard: Option<(Dialect, String, &'static str)>,
}

fn read_token(sender: &Sender, body: &[u8]) -> Option<ReceivedTokenResponse> {
    let Some(dialect) = sender.spoken.dialect else { return ReceivedTokenResponse::parse(body) };
    let (token, nonce, findings) = dialect.read_token_response(body)?;
    sender.spoken.keep_nonce(nonce);
    sender.spoken.excuse(findings);
    Some(token)
}

/// Whether a server that was sent no DPoP proof asks for one (RFC 9449 §5, RFC 9449 §8).
fn wants_dpop(answer: &Response) -> bool {
    let refused = Refused::read(Question::Token, answer.status, &answer.body);
    answer.status != 200 && (refused.is("invalid_dpop_proof") || refused.is("use_dpop_nonce"))
}

/// A code that cannot be right is not sent: it would cost the holder an attempt.
fn fitting(offer: &ResolvedOffer, tx_code: Option<TxCode>) -> Result<Option<TxCode>, WalletError> {
    match (offer.tx_code(), tx_code) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(WalletError::TxCodeNeeded),
        (Some(input), Some(tx_code)) if input.fits(&tx_code) => Ok(Some(tx_code)),
        (Some(_), Some(_)) => Err(WalletError::TxCodeMisfit),
    }
}

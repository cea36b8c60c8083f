//! Steps 10-11: the Issuer redeems the Pre-Authorized Code (VCI §6).

use oid4vci::grant::{Grant, Redemption};
use oid4vci::legacy::Dialect;
use oid4vci::secret::AccessToken;
use oid4vci::sender::Sender;
use oid4vci::token::{
    AuthorizedDetail, Commit, PreAuthorizedCodeRequest, TokenPolicy, TokenRefusal, TokenRequest,
    TokenResponse, decide,
};

use super::code::authorization_code;
use super::refresh::refresh_token;
use super::sender::policy;
use crate::Issuer;
use crate::failure::{Broken, Failure};
use crate::store::{Redeemed, StoreError};

/// Answers a Token Request of this sender; `seen` is the grant of a Pre-Authorized Code, where
/// somebody has just read it.
pub async fn token(
    request: &TokenRequest,
    sender: &Sender,
    (dialect, seen): (Option<Dialect>, Option<Grant>),
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    match request {
        TokenRequest::PreAuthorizedCode(request) => {
            pre_authorized_code(request, sender, (dialect, seen), issuer).await
        }
        TokenRequest::AuthorizationCode(request) => {
            authorization_code(request, sender, dialect, issuer).await
        }
        TokenRequest::RefreshToken(request) => {
            refresh_token(request, sender, dialect, issuer).await
        }
    }
}

/// Reads, lets [`decide`] judge, and commits once; nobody is answered before that commit.
///
/// An open offer changes at most `attempts_max` times, and the last change closes it: one read more
/// than that always ends in a verdict.
async fn pre_authorized_code(
    request: &PreAuthorizedCodeRequest,
    sender: &Sender,
    (dialect, mut seen): (Option<Dialect>, Option<Grant>),
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    let keys = issuer.keys();
    let policy = TokenPolicy {
        tx_code_key: &keys.tx_code,
        attempts_max: issuer.config.offer.tx_code_attempts_max,
        anonymous_access: issuer.config.authorization.anonymous_access,
        sender: policy(issuer),
        has_invalid_tx_code: issuer.config.openid4vci_1_1.invalid_tx_code,
    };
    let id = request.pre_authorized_code.offer_id();
    for _ in 0..=policy.attempts_max {
        let now = issuer.clock.now();
        let grant = match (seen.take(), id) {
            (Some(grant), _) => Some(grant),
            (None, Some(id)) => issuer.grant(id, dialect).await?,
            (None, None) => None,
        };
        let redeemed = match decide(request, grant.as_ref(), sender, &policy, now)? {
            Commit::Redeem(seen, configurations) => {
                let fresh = Fresh::of(seen, asked(request, configurations), sender, issuer);
                (redeem(seen, &fresh.redemption, sender, issuer).await?, fresh)
            }
            Commit::RedeemAgain(seen, configurations) => {
                let fresh = Fresh::of(seen, asked(request, configurations), sender, issuer);
                let used = sender.used();
                let redeemed = issuer.store.redeem_again(seen, &fresh.redemption, &used).await?;
                if redeemed == Redeemed::Changed {
                    // Of requests that came together one is answered; its token is alive.
                    return Err(TokenRefusal::UnknownCode.into());
                }
                (redeemed, fresh)
            }
            Commit::CountWrongTxCode(seen) => {
                if issuer.store.count_wrong_tx_code(seen).await? {
                    tracing::info!(offer = %seen.id, "wrong tx_code");
                    return Err(policy.wrong_tx_code().into());
                }
                continue;
            }
        };
        match redeemed {
            (Redeemed::Redeemed, fresh) => {
                tracing::info!(offer = id.map(|id| id.to_string()), "code redeemed");
                return Ok(fresh.response(sender));
            }
            (Redeemed::Replayed, _) => return Err(sender.replayed().into()),
            (Redeemed::Changed, _) => {}
        }
    }
    Err(Broken::fault("the offer changed more often than an offer can".into()).into())
}

/// Who proved nothing has nothing to spend but the code.
async fn redeem(
    seen: &Grant,
    redemption: &Redemption,
    sender: &Sender,
    issuer: &Issuer,
) -> Result<Redeemed, StoreError> {
    let used = sender.used();
    if !used.is_empty() {
        return issuer.store.redeem_proved(seen, redemption, &used).await;
    }
    let is_redeemed = issuer.store.redeem(seen, redemption).await?;
    Ok(if is_redeemed { Redeemed::Redeemed } else { Redeemed::Changed })
}

fn asked(
    request: &PreAuthorizedCodeRequest,
    credential_configuration_ids: Vec<String>,
) -> Asked<'_> {
    let by_identifier = request.credential_configuration_ids.is_some();
    Asked {
        credential_configuration_ids,
        has_details: by_identifier,
        by_identifier,
        client_id: request.client_id.as_deref(),
    }
}

/// What a token is for, and who says that it asks.
pub(super) struct Asked<'a> {
    pub(super) credential_configuration_ids: Vec<String>,
    /// Whether the answer says so in details.
    pub(super) has_details: bool,
    pub(super) by_identifier: bool,
    pub(super) client_id: Option<&'a str>,
}

/// A token that nobody has, and what is stored of it.
pub(super) struct Fresh {
    access_token: AccessToken,
    pub(super) redemption: Redemption,
    has_details: bool,
    expires_in: u32,
}

impl Fresh {
    /// A token after the first one does not make the code any younger.
    pub(super) fn of(seen: &Grant, asked: Asked<'_>, sender: &Sender, issuer: &Issuer) -> Self {
        let access_token = AccessToken::fresh(seen.id, &*issuer.random);
        let (now, token) = (issuer.clock.now(), &issuer.config.token);
        let is_bound = sender.dpop.is_some();
        let expires_in = if is_bound { token.dpop_expires_in } else { token.expires_in };
        let redemption = Redemption {
            at: seen.redemption.as_ref().map_or(now, |first| first.at),
            token_digest: access_token.digest(),
            token_expires_at: now.plus(expires_in.into()),
            credential_configuration_ids: asked.credential_configuration_ids,
            by_identifier: asked.by_identifier,
            client_id: sender.client_id(asked.client_id).map(str::to_owned),
            bound_to: sender.bound_to().cloned(),
            client_key: sender.client_key().cloned(),
        };
        Self { access_token, redemption, has_details: asked.has_details, expires_in }
    }

    pub(super) fn response(self, sender: &Sender) -> TokenResponse {
        let ids = self.redemption.credential_configuration_ids.iter();
        TokenResponse {
            access_token: self.access_token,
            token_type: sender.token_type(),
            expires_in: self.expires_in,
            authorization_details: self
                .has_details
                .then(|| ids.map(|id| AuthorizedDetail::of(id)).collect()),
            refresh_token: None,
            scope: None,
        }
    }
}

//! Steps 10-11: the Issuer redeems the Pre-Authorized Code (VCI §6).

use oid4vci::grant::Redemption;
use oid4vci::secret::AccessToken;
use oid4vci::token::{
    AuthorizedDetail, Commit, PreAuthorizedCodeRequest, TokenPolicy, TokenRefusal, TokenRequest,
    TokenResponse, TokenType, decide,
};

use super::code::authorization_code;
use super::refresh::refresh_token;
use crate::Issuer;
use crate::failure::{Broken, Failure};

/// Answers a Token Request.
pub async fn token(
    request: &TokenRequest,
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    match request {
        TokenRequest::PreAuthorizedCode(request) => pre_authorized_code(request, issuer).await,
        TokenRequest::AuthorizationCode(request) => authorization_code(request, issuer).await,
        TokenRequest::RefreshToken(request) => refresh_token(request, issuer).await,
    }
}

/// Reads, lets [`decide`] judge, and commits once; nobody is answered before that commit.
///
/// An open offer changes at most `attempts_max` times, and the last change closes it: one read more
/// than that always ends in a verdict.
async fn pre_authorized_code(
    request: &PreAuthorizedCodeRequest,
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    let policy = TokenPolicy {
        tx_code_key: &issuer.keys.tx_code,
        attempts_max: issuer.config.offer.tx_code_attempts_max,
        anonymous_access: issuer.config.authorization.anonymous_access,
    };
    let id = request.pre_authorized_code.offer_id();
    for _ in 0..=policy.attempts_max {
        let now = issuer.clock.now();
        let grant = match id {
            Some(id) => issuer.store.grant(id).await?,
            None => None,
        };
        match decide(request, grant.as_ref(), &policy, now)? {
            Commit::Redeem(seen, configurations) => {
                let access_token = AccessToken::fresh(seen.id, &*issuer.random);
                let redemption = Redemption {
                    at: now,
                    token_digest: access_token.digest(),
                    token_expires_at: now.plus(issuer.config.token.expires_in.into()),
                    credential_configuration_ids: configurations,
                    by_identifier: request.credential_configuration_ids.is_some(),
                    client_id: request.client_id.clone(),
                };
                if issuer.store.redeem(seen, &redemption).await? {
                    tracing::info!(offer = %seen.id, "code redeemed");
                    return Ok(tokens(issuer, access_token, &redemption));
                }
            }
            Commit::CountWrongTxCode(seen) => {
                if issuer.store.count_wrong_tx_code(seen).await? {
                    tracing::info!(offer = %seen.id, "wrong tx_code");
                    return Err(TokenRefusal::WrongTxCode.into());
                }
            }
        }
    }
    Err(Broken::fault("the offer changed more often than an offer can".into()).into())
}

/// An Access Token as its Wallet is told.
pub(super) fn tokens(
    issuer: &Issuer,
    access_token: AccessToken,
    redemption: &Redemption,
) -> TokenResponse {
    let ids = redemption.credential_configuration_ids.iter();
    TokenResponse {
        access_token,
        token_type: TokenType::Bearer,
        expires_in: issuer.config.token.expires_in,
        authorization_details: redemption
            .by_identifier
            .then(|| ids.map(|id| AuthorizedDetail::of(id)).collect()),
        refresh_token: None,
        scope: None,
    }
}

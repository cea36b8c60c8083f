//! A Wallet renews its tokens (RFC 6749 §6).

use oid4vci::client::{AuthenticatedClient, ClientRefusal};
use oid4vci::grant::Redemption;
use oid4vci::refresh::{RefreshCommit, RefreshTokenRequest, Renewal, Renewer, decide};
use oid4vci::secret::{AccessToken, RefreshToken};
use oid4vci::token::{TokenRefusal, TokenResponse};

use super::authorization::{authenticated, marks};
use super::code::{READS_MAX, found};
use super::token::tokens;
use crate::Issuer;
use crate::failure::{Broken, Failure};
use crate::store::authorization::{Renewed, Renewing};

/// Reads, lets [`decide`] judge, and commits once; nobody is answered before that commit.
pub(super) async fn refresh_token(
    request: &RefreshTokenRequest,
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    if issuer.clients.is_empty() {
        return Err(TokenRefusal::UnsupportedGrantType.into());
    }
    let (_, client) = authenticated(issuer, &request.client).map_err(TokenRefusal::from)?;
    for _ in 0..READS_MAX {
        let now = issuer.clock.now();
        let found = found(issuer, request.refresh_token.offer_id()).await?;
        let found = found.as_ref().map(|(grant, authorization)| (grant, authorization));
        let who = Renewer { client: &client, sender: None };
        match decide(request, found, who, issuer.credential_issuer(), now)? {
            RefreshCommit::Renew(renewal) => {
                let scope = found.and_then(|(_, one)| one.code.as_ref()?.request.scope.clone());
                let by_identifier = request.credential_configuration_ids.is_some();
                let done = renew(issuer, &renewal, by_identifier, &client);
                if let Some(response) = done.await? {
                    return Ok(TokenResponse { scope, ..response });
                }
            }
            RefreshCommit::EndTokens(grant) => {
                issuer.store.end_tokens(grant.id, now).await?;
                tracing::warn!(offer = %grant.id, "a replaced refresh token came: all are ended");
                return Err(TokenRefusal::UnknownRefreshToken.into());
            }
        }
    }
    Err(Broken::fault("the tokens changed more often than once each".into()).into())
}

/// `None` when somebody else was first.
async fn renew(
    issuer: &Issuer,
    renewal: &Renewal<'_>,
    by_identifier: bool,
    client: &AuthenticatedClient,
) -> Result<Option<TokenResponse>, Failure<TokenRefusal>> {
    let now = issuer.clock.now();
    let id = renewal.grant.id;
    let access_token = AccessToken::fresh(id, &*issuer.random);
    let next = RefreshToken::fresh(id, &*issuer.random);
    let redemption = Redemption {
        token_digest: access_token.digest(),
        token_expires_at: now.plus(issuer.config.token.expires_in.into()),
        credential_configuration_ids: renewal.credential_configuration_ids.clone(),
        by_identifier: renewal.redemption.by_identifier || by_identifier,
        ..renewal.redemption.clone()
    };
    let renewing = Renewing {
        id,
        seen_token: &renewal.redemption.token_digest,
        seen_refresh: &renewal.chain.digest,
        redemption: &redemption,
        refresh: &renewal.chain.renewed(renewal.used, next.digest(), now),
        now,
    };
    match issuer.store.renew_tokens(&renewing, &marks(client)).await? {
        Renewed::Done => {
            tracing::info!(offer = %id, "tokens renewed");
            let tokens = tokens(issuer, access_token, &redemption);
            Ok(Some(TokenResponse { refresh_token: Some(next), ..tokens }))
        }
        Renewed::Changed => Ok(None),
        Renewed::Replayed => Err(TokenRefusal::from(ClientRefusal::Replayed).into()),
    }
}

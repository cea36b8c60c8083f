//! A Wallet renews its tokens (RFC 6749 §6).

use oid4vci::client::Requester;
use oid4vci::legacy::Dialect;
use oid4vci::refresh::{RefreshCommit, RefreshTokenRequest, Renewal, decide};
use oid4vci::secret::RefreshToken;
use oid4vci::sender::Sender;
use oid4vci::token::{TokenRefusal, TokenResponse};

use super::authorization::{configurations, marks, replayed, requestable, token_client};
use super::code::{READS_MAX, found, has_identifiers};
use super::sender::policy;
use super::token::{Asked, Fresh};
use crate::Issuer;
use crate::failure::{Broken, Failure};
use crate::store::authorization::{Renewed, Renewing};

/// Reads, lets [`decide`] judge, and commits once; nobody is answered before that commit.
pub(super) async fn refresh_token(
    request: &RefreshTokenRequest,
    sender: &Sender,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    let client = token_client(issuer, dialect, &request.client).await?;
    let requester = Requester { client: &client, sender, policy: policy(issuer) };
    let configurations = configurations(issuer);
    let identifier = issuer.identifier(dialect);
    let server = requestable(&identifier, &configurations);
    for _ in 0..READS_MAX {
        let now = issuer.clock.now();
        let found = found(issuer, request.refresh_token.offer_id(), dialect).await?;
        let found = found.as_ref().map(|(grant, authorization)| (grant, authorization));
        match decide(request, found, requester, &server, now)? {
            RefreshCommit::Renew(renewal) => {
                let code = found.and_then(|(_, authorization)| authorization.code.as_ref());
                let scope = code.and_then(|code| code.request.scope.as_deref());
                let scope = server.granted_scope(scope, &renewal.credential_configuration_ids);
                let by_identifier =
                    request.credential_configuration_ids.is_some() && has_identifiers(dialect);
                let done = renew(issuer, &renewal, by_identifier, requester);
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
    requester: Requester<'_>,
) -> Result<Option<TokenResponse>, Failure<TokenRefusal>> {
    let Requester { client, sender, .. } = requester;
    let now = issuer.clock.now();
    let id = renewal.grant.id;
    let by_identifier = renewal.redemption.by_identifier || by_identifier;
    let asked = Asked {
        credential_configuration_ids: renewal.credential_configuration_ids.clone(),
        has_details: by_identifier,
        by_identifier,
        client_id: Some(client.client_id()),
    };
    let fresh = Fresh::of(renewal.grant, asked, sender, issuer);
    let next = RefreshToken::fresh(id, &*issuer.random);
    let renewing = Renewing {
        id,
        seen_token: &renewal.redemption.token_digest,
        seen_refresh: &renewal.chain.digest,
        redemption: &fresh.redemption,
        refresh: &renewal.chain.renewed(renewal.used, next.digest(), now),
        now,
    };
    match issuer.store.renew_tokens(&renewing, &marks(client, sender)).await? {
        Renewed::Done => {
            tracing::info!(offer = %id, "tokens renewed");
            Ok(Some(TokenResponse { refresh_token: Some(next), ..fresh.response(sender) }))
        }
        Renewed::Changed => Ok(None),
        Renewed::Replayed => Err(replayed(client, sender).into()),
    }
}

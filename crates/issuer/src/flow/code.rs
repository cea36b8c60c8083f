//! Steps 10-11 of the Authorization Code Flow: the code becomes tokens (RFC 6749 §4.1.3).

use oid4vci::authorization::{Authorization, GrantedCode};
use oid4vci::client::Requester;
use oid4vci::code::{AuthorizationCodeRequest, CodeCommit, decide};
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::RefreshToken;
use oid4vci::sender::Sender;
use oid4vci::token::{TokenRefusal, TokenResponse};

use super::authorization::{configurations, marks, replayed, requestable, token_client};
use super::sender::policy;
use super::token::{Asked, Fresh};
use crate::Issuer;
use crate::failure::{Broken, Failure};
use crate::store::StoreError;
use crate::store::authorization::{Redeeming, Renewed};

/// A code changes at most twice: it is spent, and its tokens are ended.
pub(super) const READS_MAX: usize = 3;

/// Reads, lets [`decide`] judge, and commits once; nobody is answered before that commit.
pub(super) async fn authorization_code(
    request: &AuthorizationCodeRequest,
    sender: &Sender,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    let client = token_client(issuer, dialect, &request.client).await?;
    let identifier = issuer.identifier(dialect);
    let requester = Requester { client: &client, sender, policy: policy(issuer) };
    for _ in 0..READS_MAX {
        let now = issuer.clock.now();
        let found = found(issuer, request.code.offer_id(), dialect).await?;
        let found = found.as_ref().map(|(grant, authorization)| (grant, authorization));
        match decide(request, found, requester, &identifier, now)? {
            CodeCommit::Redeem(grant, code, ids) => {
                let by_details =
                    code.request.by_identifier || request.credential_configuration_ids.is_some();
                let asked = Asked {
                    credential_configuration_ids: ids,
                    has_details: by_details,
                    by_identifier: by_details && has_identifiers(dialect),
                    client_id: Some(client.client_id()),
                };
                let redeemed = redeem(issuer, (grant, code), asked, requester);
                if let Some(response) = redeemed.await? {
                    return Ok(response);
                }
            }
            CodeCommit::EndTokens(grant) => {
                issuer.store.end_tokens(grant.id, now).await?;
                tracing::warn!(offer = %grant.id, "a code came twice: its tokens are ended");
                return Err(TokenRefusal::UnknownAuthorizationCode.into());
            }
        }
    }
    Err(Broken::fault("the code changed more often than a code can".into()).into())
}

/// Whether who asks with details must use the identifiers of the answer from then on.
pub(super) fn has_identifiers(dialect: Option<Dialect>) -> bool {
    dialect.is_none_or(Dialect::has_credential_identifiers)
}

/// The offer of an id in this draft, and what stands beside it.
pub(super) async fn found(
    issuer: &Issuer,
    id: Option<OfferId>,
    dialect: Option<Dialect>,
) -> Result<Option<(Grant, Authorization)>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    let authorization = issuer.store.authorization(id).await?;
    let Some(authorization) = authorization else { return Ok(None) };
    Ok(issuer.grant(id, dialect).await?.map(|grant| (grant, authorization)))
}

/// `None` when somebody else was first.
async fn redeem(
    issuer: &Issuer,
    (grant, code): (&Grant, &GrantedCode),
    asked: Asked<'_>,
    requester: Requester<'_>,
) -> Result<Option<TokenResponse>, Failure<TokenRefusal>> {
    let Requester { client, sender, .. } = requester;
    let fresh = Fresh::of(grant, asked, sender, issuer);
    let now = issuer.clock.now();
    let seconds = u64::from(issuer.config.authorization.refresh_hours) * 3600;
    let refresh_token = (seconds > 0).then(|| RefreshToken::fresh(grant.id, &*issuer.random));
    let key = requester.key().cloned();
    let refresh = refresh_token
        .as_ref()
        .map(|token| RefreshChain::first(token.digest(), now, now.plus(seconds), key));
    let redeeming = Redeeming {
        id: grant.id,
        code_digest: &code.digest,
        redemption: &fresh.redemption,
        refresh: refresh.as_ref(),
    };
    let marks = marks(client, sender);
    match issuer.store.redeem_authorization_code(&redeeming, &marks).await? {
        Renewed::Done => {
            tracing::info!(offer = %grant.id, "code redeemed");
            let configurations = configurations(issuer);
            let ids = &fresh.redemption.credential_configuration_ids;
            let scope = code.request.scope.as_deref();
            let server = requestable(issuer.credential_issuer(), &configurations);
            let scope = server.granted_scope(scope, ids);
            Ok(Some(TokenResponse { refresh_token, scope, ..fresh.response(sender) }))
        }
        Renewed::Changed => Ok(None),
        Renewed::Replayed => Err(replayed(client, sender).into()),
    }
}

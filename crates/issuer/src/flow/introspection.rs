//! What becomes of tokens after they were given out (RFC 7662, RFC 7009).

use oid4vci::client::{AuthenticatedClient, ClientRefusal};
use oid4vci::introspection::{
    IntrospectionResponse, TokenQuery, TokenQueryRefusal, introspect, revokes,
};

use super::authorization::authenticated;
use crate::Issuer;
use crate::failure::Failure;

/// Answers what a token is worth (RFC 7662 §2).
pub async fn introspection(
    query: &TokenQuery,
    issuer: &Issuer,
) -> Result<IntrospectionResponse, Failure<TokenQueryRefusal>> {
    let client = asking(query, issuer).await?;
    let (grant, authorization) = match query.offer_id() {
        Some(id) => (issuer.store.grant(id).await?, issuer.store.authorization(id).await?),
        None => (None, None),
    };
    let found = grant.as_ref().map(|grant| (grant, authorization.as_ref()));
    let now = issuer.clock.now();
    Ok(introspect(query, found, &client, issuer.credential_issuer(), now)?)
}

/// The client that asks; its assertion is good once, here as elsewhere (RFC 7523 §3).
async fn asking(
    query: &TokenQuery,
    issuer: &Issuer,
) -> Result<AuthenticatedClient, Failure<TokenQueryRefusal>> {
    let (_, client) = authenticated::<TokenQueryRefusal>(issuer, None, &query.client).await?;
    if let Some(used) = client.used()
        && !issuer.store.spend(&used.marks()).await?
    {
        return Err(TokenQueryRefusal::from(ClientRefusal::Replayed).into());
    }
    Ok(client)
}

/// Ends the tokens of an authorization; a token that is none of the client's is not there
/// (RFC 7009 §2.2).
pub async fn revocation(
    query: &TokenQuery,
    issuer: &Issuer,
) -> Result<(), Failure<TokenQueryRefusal>> {
    let client = asking(query, issuer).await?;
    let Some(id) = query.offer_id() else { return Ok(()) };
    let (grant, authorization) =
        (issuer.store.grant(id).await?, issuer.store.authorization(id).await?);
    let found = grant.as_ref().map(|grant| (grant, authorization.as_ref()));
    if revokes(query, found, &client) {
        issuer.store.end_tokens(id, issuer.clock.now()).await?;
        tracing::info!(offer = %id, "tokens revoked");
    }
    Ok(())
}

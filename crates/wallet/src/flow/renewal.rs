//! Step 18, later: a token that died while something was still to come is renewed (RFC 6749 §6,
//! DEFER-21).

use oid4vci::client::ClientCredentials;
use oid4vci::metadata::{MetadataError, ReceivedIssuerMetadata};
use oid4vci::refresh::RefreshTokenRequest;
use oid4vci::token::TokenRequest;

use crate::Wallet;
use crate::error::WalletError;
use crate::store::{
    CredentialId, KeptToken, PendingCredential, Renewal, SharedToken, StoreError, is_taken,
    taken_from,
};

/// How often a record is read again that others write, too.
const READS_MAX: usize = 3;

impl Wallet {
    /// The token that opens the issuer for what is still to come.
    pub(super) async fn token_for(
        &self,
        pending: &PendingCredential,
    ) -> Result<SharedToken, WalletError> {
        let token = self.store.shared_token(&pending.token).await?;
        Ok(token.ok_or(StoreError::Damaged)?)
    }

    /// The token that comes after a dead one; `None` where nothing can renew it. Another program may
    /// have renewed it by now, and then it is not done twice: a refresh token is good once, and who
    /// brings it a second time may lose all that it gave (RFC 9700 §4.14.2). The new one is on disk
    /// before anybody uses it: the server may have replaced the means to renew it too.
    pub(super) async fn token_after(
        &self,
        dead: &KeptToken,
        pending: &PendingCredential,
        issuer: &ReceivedIssuerMetadata,
    ) -> Result<Option<KeptToken>, WalletError> {
        let seen = self.token_for(pending).await?;
        if seen.token.access_token.digest() != dead.access_token.digest() {
            return Ok(Some(seen.token));
        }
        let Some(renewal) = &seen.token.renewal else { return Ok(None) };
        let now = self.clock.now();
        if is_taken(seen.taken_until, now) {
            return Err(StoreError::Busy.into());
        }
        let taken = SharedToken { taken_until: Some(taken_from(now)), ..seen.clone() };
        let taken = self.store.replace_token(&seen, taken).await?.ok_or(StoreError::Busy)?;
        match self.renewed(&seen.token, renewal, issuer).await {
            Ok(renewed) => {
                self.keep_renewed(&seen.id, &renewed).await?;
                Ok(Some(renewed))
            }
            Err(error) => {
                let free = SharedToken { taken_until: None, ..taken.clone() };
                match self.store.replace_token(&taken, free).await {
                    Ok(None) => Err(StoreError::Busy.into()), // another program was faster
                    Ok(Some(_)) | Err(_) => Err(error),       // or its time is over soon
                }
            }
        }
    }

    /// All that was put off with a token gets what it became. Nothing has to be there.
    pub(super) async fn keep_renewed(
        &self,
        id: &CredentialId,
        token: &KeptToken,
    ) -> Result<(), WalletError> {
        for _ in 0..READS_MAX {
            let Some(seen) = self.store.shared_token(id).await? else { return Ok(()) };
            let next = SharedToken { token: token.clone(), taken_until: None, ..seen.clone() };
            if self.store.replace_token(&seen, next).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::Busy.into())
    }

    /// The refresh token goes to the server that gave it, and only while the issuer still names that
    /// (catalogue M02 to M05).
    async fn renewed(
        &self,
        token: &KeptToken,
        renewal: &Renewal,
        issuer: &ReceivedIssuerMetadata,
    ) -> Result<KeptToken, WalletError> {
        let id = &token.authorization_server;
        if !issuer.authorization_servers.contains(id) {
            return Err(MetadataError::ForeignAuthorizationServer.into());
        }
        let server = self.server_metadata(id).await?;
        self.check_endpoints(issuer, &server, id)?;
        let sender = self.sender_again(&server, token, renewal).await?;
        let client_id = renewal.client_id.clone();
        let request = TokenRequest::RefreshToken(RefreshTokenRequest {
            refresh_token: renewal.refresh_token.clone(),
            client: ClientCredentials { client_id: client_id.clone(), client_assertion: None },
            scopes: Vec::new(),
            credential_configuration_ids: None,
            resources: Vec::new(),
        });
        let who = (sender, client_id.clone());
        let redeemed = self.redeem_by(&server.token_endpoint, who, &request).await?;
        let sender = redeemed.sender;
        // A server that sends no new one means the old one (RFC 6749 §6).
        let next = redeemed.token.refresh_token.unwrap_or_else(|| renewal.refresh_token.clone());
        let renewal = Some(sender.keep_renewal(next, client_id));
        Ok(KeptToken { renewal, ..sender.keep(&redeemed.token.access_token) })
    }
}

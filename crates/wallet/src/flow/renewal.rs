//! Step 18, later: a token that died while something was still to come is renewed (RFC 6749 §6,
//! DEFER-21).

use oid4vci::client::ClientCredentials;
use oid4vci::metadata::{MetadataError, ReceivedIssuerMetadata};
use oid4vci::refresh::RefreshTokenRequest;
use oid4vci::secret::RefreshToken;
use oid4vci::token::TokenRequest;

use crate::Wallet;
use crate::error::WalletError;
use crate::store::{KeptToken, PendingCredential, Renewal};

impl Wallet {
    /// Gets the next token for what is still to come; `None` where nothing can renew it. The new one
    /// is on disk, for all that the old one was kept for, before anybody uses it: the server may
    /// have replaced the means to renew it too.
    pub(super) async fn renew_pending(
        &self,
        pending: &PendingCredential,
        issuer: &ReceivedIssuerMetadata,
    ) -> Result<Option<PendingCredential>, WalletError> {
        let Some(renewal) = &pending.token.renewal else { return Ok(None) };
        let token = self.renewed(&pending.token, renewal, issuer).await?;
        let renewed = PendingCredential { token: token.clone(), ..pending.clone() };
        self.store.save_pending(renewed.clone()).await?;
        self.keep_renewed(&renewal.refresh_token, &token).await?;
        Ok(Some(renewed))
    }

    /// A refresh token is good once: all that was kept with it gets what it became.
    pub(super) async fn keep_renewed(
        &self,
        used: &RefreshToken,
        token: &KeptToken,
    ) -> Result<(), WalletError> {
        for pending in self.store.pending().await?.records {
            let kept = pending.token.renewal.as_ref();
            if kept.is_some_and(|kept| kept.refresh_token.digest() == used.digest()) {
                let token = token.clone();
                self.store.save_pending(PendingCredential { token, ..pending }).await?;
            }
        }
        Ok(())
    }

    /// The refresh token goes to the server that gave it, and only while the issuer still names that
    /// (catalogue M02 to M05).
    async fn renewed(
        &self,
        token: &KeptToken,
        renewal: &Renewal,
        issuer: &ReceivedIssuerMetadata,
    ) -> Result<KeptToken, WalletError> {
        let id = &renewal.authorization_server;
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

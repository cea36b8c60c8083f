//! Steps 14 and 18 under a cover: requests are encrypted, answers opened (VCI §10).

use oid4vci::encryption::{ChosenEncryption, EncryptionError, JSON, JWT, ReceivedBody};
use oid4vci::secret::AccessToken;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::sender::Sender;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;
use crate::store::ResponseKey;

/// Largest Credential Response: a credential with a photo has room.
pub(super) const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Wallet {
    /// Sends a Credential Request or a Deferred Credential Request, and reads the answer to it.
    ///
    /// Each Credential Request has a key of its own for its answer, and what is fetched later for it
    /// has that too. What is encrypted is longer than what is in it.
    pub(super) async fn exchange(
        &self,
        (endpoint, sender, access_token): (&Url, &Sender, &AccessToken),
        (encryption, response_key): (&ChosenEncryption, &mut ResponseKey),
        parameters: Value,
    ) -> Result<Zeroizing<Vec<u8>>, WalletError> {
        let failed = |_| WalletError::Signing;
        let exchange =
            encryption.begin(|algorithm| response_key.take(algorithm)).map_err(failed)?;
        // What goes in the clear says so (CRED-19, DEFER-08).
        let body = exchange.seal(parameters).map_err(EncryptionError::from)?;
        let body = sender.spoken.write_encryption(body);
        let request = Request::post(endpoint.clone())
            .header("accept", format!("{JSON}, {JWT}"))
            .body(body.media_type, body.bytes);
        let request = request.at_most(2 * RESPONSE_BYTES_MAX);
        let answer = self.send_with_token(sender, access_token, request).await?;
        if !matches!(answer.status, 200 | 202) {
            sender.spoken.hear_refusal(&answer.body);
            // CRED-64: an error is in the clear, whatever was asked for.
            let refused = Refused::with_token(Question::Credential, &answer);
            return Err(WalletError::Refused(refused));
        }
        let media_type = answer.content_type.as_deref().unwrap_or_default();
        let received = ReceivedBody::new(media_type, &answer.body);
        Ok(exchange.open(received.unwrap_or(ReceivedBody::Json(&answer.body)))?)
    }
}

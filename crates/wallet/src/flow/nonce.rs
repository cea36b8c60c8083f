//! Step 11a: a nonce for the proof (VCI §7).

use oid4vci::nonce::parse_response;
use url::Url;

use super::sender::Sender;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;

/// Largest Nonce Response.
const NONCE_BYTES_MAX: usize = 16 * 1024;

impl Wallet {
    /// Asks for a nonce (NONCE-02); an issuer without a Nonce Endpoint needs none (NONCE-01).
    pub(super) async fn request_nonce(
        &self,
        nonce_endpoint: Option<&Url>,
        sender: &Sender,
    ) -> Result<Option<String>, WalletError> {
        if let Some(nonce) = sender.spoken.nonce() {
            return Ok(Some(nonce));
        }
        let Some(endpoint) = nonce_endpoint else {
            return Ok(sender.spoken.misplaced_nonce());
        };
        let request = Request::post(endpoint.clone()).header("accept", "application/json");
        let answer = self.send(request.at_most(NONCE_BYTES_MAX)).await?;
        sender.note(endpoint, &answer); // NONCE-08, HAIP-05
        if answer.status != 200 {
            let refused = Refused::read(Question::Nonce, answer.status, &answer.body);
            return Err(WalletError::Refused(refused));
        }
        let nonce = parse_response(&answer.body);
        nonce.map(Some).ok_or(WalletError::BadAnswer(Question::Nonce))
    }
}

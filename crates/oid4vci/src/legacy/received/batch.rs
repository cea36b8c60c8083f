//! Several credentials at once, as drafts 9 to 13 ask for them (draft 13, section 8).

use keys::json;
use serde_json::{Map, Value, json};
use url::Url;

use super::Findings;
use super::credential::nonce;
use crate::credential::{CredentialRequest, ReceivedCredentialResponse};
use crate::legacy::Dialect;
use crate::proof::Proofs;

/// What a batch is answered with: an answer for each request, and what came beside them.
type Answered = (Vec<ReceivedCredentialResponse>, Option<String>, Findings);

impl Dialect {
    /// Most requests of one batch: no draft has a word for how many an issuer takes.
    pub const BATCH_SIZE: u64 = 100;

    /// Where batches go; `None` where the draft, or the issuer, has no such place.
    #[must_use]
    pub fn read_batch_endpoint(self, issuer_document: &[u8]) -> Option<Url> {
        let metadata = json::parse(issuer_document).ok().filter(|_| self.has_batch_endpoint())?;
        Url::parse(metadata.get("batch_credential_endpoint")?.as_str()?).ok()
    }

    /// The body of a Batch Credential Request: a request for each proof.
    #[must_use]
    pub fn write_batch_request(
        self,
        request: &CredentialRequest,
        named: &Map<String, Value>,
    ) -> Value {
        let Some(Proofs::Jwt(jwts)) = &request.proofs else {
            return json!({ "credential_requests": [self.write_credential_request(request, named)] });
        };
        let one = |jwt: &String| {
            let proofs = Some(Proofs::Jwt(vec![jwt.clone()]));
            let request = CredentialRequest { selector: request.selector.clone(), proofs };
            self.write_credential_request(&request, named)
        };
        json!({ "credential_requests": jwts.iter().map(one).collect::<Vec<Value>>() })
    }

    /// Reads a Batch Credential Response; `None` where it has not an answer for each request.
    #[must_use]
    pub fn read_batch_response(self, body: &[u8], count: usize) -> Option<Answered> {
        let value = json::parse(body).ok()?;
        let responses = value.get("credential_responses")?.as_array()?;
        let (mut answers, mut findings) = (Vec::new(), Findings::new());
        for response in responses {
            let (answer, _, more) =
                self.read_credential_response(response.to_string().as_bytes())?;
            answers.push(answer);
            findings.extend(more);
        }
        (answers.len() == count).then(|| (answers, nonce(&value), findings))
    }
}

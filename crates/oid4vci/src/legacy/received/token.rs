//! Token Requests and Responses of the drafts.

use keys::json;
use serde_json::Value;

use super::Findings;
use super::credential::nonce;
use crate::authorization::OPENID_CREDENTIAL;
use crate::legacy::Dialect;
use crate::legacy::dialect::Draft;
use crate::metadata::ReceivedServerMetadata;
use crate::token::ReceivedTokenResponse;

const NO_TYPE: &str = "the answer of the Token Endpoint has no token_type (RFC 6749, section 5.1)";
const NO_SERVER: &str = "there is no document about the authorization server (RFC 8414, section 3); \
                         draft 11, section 10.2.3, has no other place for the Token Endpoint";
const NONCE_WITH_TOKEN: &str = "the Token Response has a c_nonce and the metadata have no nonce_endpoint, as in \
                                draft 13, section 6.2: nothing else tells this issuer from one of 1.0";
const PENDING: &str = "the Token Response is one of success with authorization_pending, as in draft 11, \
                       section 6.2: since draft 12, section 6.3, that is an error";
const DETAILS: &str = "authorization_details of the Token Response are not those of draft 14, \
                       section 6.2, and were left aside";

impl Dialect {
    /// What is to be said of a server whose document has another name for it than the one that led
    /// there, or none.
    pub const OTHER_SERVER: &'static str = "issuer of the metadata is not the one in the offer (draft 8, \
                                            section 10.2; RFC 8414, section 3.3)";

    /// The form of a Token Request as this draft has it: up to draft 12 the Transaction Code was a PIN
    /// (draft 12, section 6.1).
    pub fn write_token_request(self, form: &mut [(&'static str, &str)]) {
        if self.0 <= Draft::D12 {
            for (name, _) in form.iter_mut().filter(|(name, _)| *name == "tx_code") {
                *name = "user_pin";
            }
        }
    }

    /// Reads a Token Response and the nonce that came with it (draft 14, section 6.2).
    #[must_use]
    pub fn read_token_response(
        self,
        body: &[u8],
    ) -> Option<(ReceivedTokenResponse, Option<String>, Findings)> {
        let mut value = json::parse(body).ok()?;
        let nonce = nonce(&value);
        let mut findings = Vec::new();
        findings.extend(nonce.as_ref().and_then(|_| self.finding_of_nonce()));
        let members = value.as_object_mut()?;
        if !members.contains_key("token_type") {
            findings.push(NO_TYPE);
            members.insert("token_type".into(), "bearer".into());
        }
        if let Some(details) = members.get("authorization_details")
            && !are_complete(details)
        {
            if self.has_credential_identifiers() {
                findings.push(DETAILS);
            }
            members.remove("authorization_details");
        }
        Some((ReceivedTokenResponse::parse(value.to_string().as_bytes())?, nonce, findings))
    }

    /// The draft of an Issuer that publishes nothing of any draft, and has no Nonce Endpoint either: that its Token Response has a nonce tells it. With it comes what is to be said of that.
    #[must_use]
    pub fn of_token_response(body: &[u8]) -> Option<(Self, String, &'static str)> {
        let nonce = nonce(&json::parse(body).ok()?)?;
        Some((Self(Draft::D13), nonce, NONCE_WITH_TOKEN))
    }

    /// Whether what is told of an issuer is no mistake of its draft: how it was told from 1.0 has to be said
    /// all the same.
    #[must_use]
    pub fn is_remark(finding: &str) -> bool {
        finding == NONCE_WITH_TOKEN
    }

    /// Whether an answer that looks like success says that there is no token yet (draft 8, section 7.2);
    /// with what is to be said of a later draft's.
    #[must_use]
    pub fn read_pending(self, body: &[u8]) -> Option<Findings> {
        let value = json::parse(body).ok()?;
        let is_pending = value.get("authorization_pending").is_some_and(|it| *it == true);
        let is_late = self.0 >= Draft::D12;
        (is_pending && value.get("access_token").is_none())
            .then(|| is_late.then_some(PENDING).into_iter().collect())
    }

    /// What takes the place of the authorization server's metadata: older Issuers have the Token
    /// Endpoint among their own, or beside their other endpoints. With it comes what is to be said of
    /// that.
    #[must_use]
    pub fn read_server(
        issuer_document: &[u8],
        identifier: &str,
    ) -> Option<(ReceivedServerMetadata, &'static str)> {
        let mut value = json::parse(issuer_document).ok()?;
        let metadata = value.as_object_mut()?;
        metadata.insert("issuer".into(), identifier.into());
        metadata
            .entry("token_endpoint")
            .or_insert_with(|| format!("{}/token", identifier.trim_end_matches('/')).into());
        let server =
            ReceivedServerMetadata::parse(value.to_string().as_bytes(), identifier).ok()?;
        Some((server, NO_SERVER))
    }
}

/// Before draft 14 a detail could do without identifiers, and up to draft 12 it named a format.
fn are_complete(details: &Value) -> bool {
    let has = |detail: &Value, name: &str| detail.get(name).is_some_and(|value| !value.is_null());
    details.as_array().is_some_and(|details| {
        details.iter().filter(|detail| detail["type"] == OPENID_CREDENTIAL).all(|detail| {
            has(detail, "credential_configuration_id") && has(detail, "credential_identifiers")
        })
    })
}

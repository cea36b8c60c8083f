//! What an authorization server publishes (RFC 8414 §2, VCI §12.3).

use serde::Serialize;
use url::Url;

use super::{MetadataError, endpoint, object, strings};
use crate::authorization::{CodeFlowMetadata, ReceivedCodeFlow};
use crate::sender::{ReceivedSenderMetadata, SenderMetadata};

/// Authorization server metadata as we send it (RFC 8414 §2, VCI §12.3).
#[derive(Debug, Serialize)]
pub struct AuthorizationServerMetadata {
    /// RFC 8414 §2
    pub issuer: String,
    /// RFC 8414 §2
    pub token_endpoint: String,
    /// ASMETA-04
    pub grant_types_supported: Vec<&'static str>,
    /// ASMETA-05
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// RFC 9396 §10
    pub authorization_details_types_supported: Vec<&'static str>,
    /// ASMETA-02, REG-03
    #[serde(rename = "pre-authorized_grant_anonymous_access_supported")]
    pub pre_authorized_grant_anonymous_access_supported: bool,
    /// RFC 9449 §5.1, WALATT-11
    #[serde(flatten)]
    pub sender: SenderMetadata,
    /// What the Authorization Code Flow adds; nothing where no client is registered (ASMETA-03).
    #[serde(flatten)]
    pub code_flow: Option<CodeFlowMetadata>,
}

/// What a Wallet needs of the authorization server's metadata (RFC 8414 §2).
#[derive(Clone, Debug)]
pub struct ReceivedServerMetadata {
    /// RFC 8414 §2
    pub token_endpoint: Url,
    /// `pre-authorized_grant_anonymous_access_supported`, false when absent (TOKEN-08).
    pub anonymous_access: bool,
    /// Whether the grant of the Pre-Authorized Code Flow is listed; `None` when nothing is listed.
    pub grants_pre_authorized_code: Option<bool>,
    /// How it wants to know who asks.
    pub sender: ReceivedSenderMetadata,
    /// `challenge_endpoint` (WALATT-10)
    pub challenge_endpoint: Option<Url>,
    /// The Authorization Code Flow, where the server has what it needs.
    pub code_flow: Option<ReceivedCodeFlow>,
}

impl ReceivedServerMetadata {
    /// Reads the document that `identifier` led to; unknown members are ignored (ASMETA-06).
    pub fn parse(body: &[u8], identifier: &str) -> Result<Self, MetadataError> {
        let value = object(body)?;
        if value.get("issuer").is_none_or(|issuer| issuer != identifier) {
            return Err(MetadataError::OtherIssuer); // RFC 8414 §3.3, ASMETA-07
        }
        let grants = value.get("grant_types_supported").map(|grants| strings(Some(grants)));
        Ok(Self {
            token_endpoint: endpoint(&value, "token_endpoint")?
                .ok_or(MetadataError::BadEndpoint)?,
            anonymous_access: value
                .get("pre-authorized_grant_anonymous_access_supported")
                .is_some_and(|supported| supported == true),
            grants_pre_authorized_code: grants.map(|grants| {
                grants.iter().any(|grant| grant == crate::token::PRE_AUTHORIZED_CODE)
            }),
            sender: ReceivedSenderMetadata::parse(&value),
            challenge_endpoint: endpoint(&value, "challenge_endpoint")?,
            code_flow: ReceivedCodeFlow::parse(&value, identifier)?,
        })
    }
}

//! Step 18: the Credential Response (VCI §8.3), also that of the Deferred Credential Endpoint.

use keys::json;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::secret::TransactionId;

/// Immediate Credential Response as we send it (VCI §8.3, CRED-34, CRED-44).
#[derive(Debug, Serialize)]
pub struct CredentialResponse {
    /// In the order of the proofs (AMB-21).
    pub credentials: Vec<IssuedCredential>,
    /// For the Notification Endpoint; one for all of them (CRED-41).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<String>,
    /// How all of them look and what their claims are called, in place of what the Issuer publishes
    /// (V11-16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_metadata: Option<Value>,
}

/// One element of `credentials` (CRED-35).
#[derive(Debug, Serialize)]
pub struct IssuedCredential {
    /// A string, or an object where the format says so.
    pub credential: Value,
}

/// Credential Response as a Wallet takes it; unknown members are ignored (CRED-42,
/// DEFER-14).
#[derive(Debug)]
pub enum ReceivedCredentialResponse {
    /// What was issued.
    Issued {
        /// At least one.
        credentials: Vec<Value>,
        /// For the Notification Endpoint (CRED-41).
        notification_id: Option<String>,
        /// As it came (V11-16, V11-18).
        credential_metadata: Option<Map<String, Value>>,
    },
    /// VCI §9: not yet.
    Deferred {
        /// For the Deferred Credential Endpoint.
        transaction_id: TransactionId,
        /// Seconds to wait at least.
        interval: Option<u64>,
    },
}

impl ReceivedCredentialResponse {
    /// Reads the body of a `200` or `202` answer; `None` when it cannot be used.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let value = json::parse(body).ok()?;
        let transaction_id = value.get("transaction_id").and_then(Value::as_str);
        match (value.get("credentials"), transaction_id) {
            (Some(credentials), None) => {
                let listed = credentials.as_array().filter(|listed| !listed.is_empty())?;
                let credentials = listed.iter().map(|element| element.get("credential").cloned());
                let notification_id = value.get("notification_id").and_then(Value::as_str);
                Some(Self::Issued {
                    credentials: credentials.collect::<Option<_>>()?,
                    notification_id: notification_id.map(str::to_owned),
                    credential_metadata: value
                        .get("credential_metadata")
                        .and_then(Value::as_object)
                        .cloned(),
                })
            }
            (None, Some(transaction_id)) => Some(Self::Deferred {
                transaction_id: TransactionId::new(transaction_id),
                interval: value.get("interval").and_then(Value::as_u64),
            }),
            _ => None,
        }
    }
}

//! What the store keeps of tokens that another authorization server gave.

use async_trait::async_trait;
use oid4vci::grant::Grant;
use serde_json::{Map, Value};

use super::StoreError;

/// The part of [`super::Store`] that is about tokens of others.
#[async_trait]
pub trait ExternalStore: Send + Sync {
    /// Records a grant whose token was given elsewhere, with what credentials will say; one that is
    /// there already stays as it is. Holds only while its person's account is there, and ends with
    /// that (`remove_account`).
    async fn admit(
        &self,
        grant: &Grant,
        account: &str,
        datasets: &Map<String, Value>,
    ) -> Result<bool, StoreError>;
}

//! What the store keeps of clients that were registered while we serve; those of files stand there.

use async_trait::async_trait;

use super::StoreError;

/// Who may send people here to sign in, beside the files.
///
/// A client is a JSON text: what the operator sent, once it was checked.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Records a client; `false` when there is one of this `client_id`.
    async fn open_client(&self, client: &StoredClient) -> Result<bool, StoreError>;

    /// Reads one client.
    async fn client(&self, client_id: &str) -> Result<Option<String>, StoreError>;

    /// Clients, in the order of their `client_id`, after this one, at most `limit`.
    async fn clients(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Removes a client; `false` when there is none of this `client_id`.
    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError>;
}

/// A client on its way into the store.
#[derive(Clone, Debug)]
pub struct StoredClient {
    /// Its name in the protocol.
    pub client_id: String,
    /// All of it, as one JSON text.
    pub client: String,
    /// When it was registered.
    pub created_at: keys::outside::Timestamp,
}

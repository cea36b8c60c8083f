//! Keys that were made for nothing.

use keys::outside::Timestamp;

use super::{KeyId, Store, StoreError, StoredCredential, StoredKey};

/// How long a key waits for its credential. No request, and nobody who looks at a preview, takes a
/// day: a program that is receiving right now keeps its key.
pub const UNUSED_KEY_SECONDS: u64 = 24 * 60 * 60;

/// Forgets keys of requests that were cut off, by a crash or because nobody kept the credential.
///
/// All other keys stay: the holder may have chosen them, or deleted their credential and want the
/// key again. Where a credential is damaged nothing is forgotten: the key may be the one of it.
pub async fn forget_unused_keys(store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let is_unused =
        |key: &StoredKey| key.awaits_credential && key.created_at.plus(UNUSED_KEY_SECONDS) <= now;
    let unused: Vec<_> = store.keys().await?.records.into_iter().filter(is_unused).collect();
    if unused.is_empty() {
        return Ok(());
    }
    // In this order: what becomes a credential meanwhile is seen as one or the other.
    let pending = store.pending().await?;
    let credentials = store.credentials().await?;
    if !pending.damaged.is_empty() || !credentials.damaged.is_empty() {
        return Ok(());
    }
    let is_bound = |id: &KeyId| {
        let mut held = credentials.records.iter().flat_map(StoredCredential::holder_keys);
        let mut awaited = pending.records.iter().flat_map(|pending| &pending.holder_keys);
        held.any(|key| key.kid == *id) || awaited.any(|key| key.kid == *id)
    };
    for StoredKey { id, .. } in unused {
        // Somebody may have chosen it meanwhile.
        let is_still_unused = store.key(&id).await?.as_ref().is_some_and(is_unused);
        if is_still_unused && !is_bound(&id) {
            store.delete_key(&id).await?;
        }
    }
    Ok(())
}

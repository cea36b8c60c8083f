//! Step 7: the key that the credential is to be bound to (VCI §8.2, META-33).

use keys::algorithm::Algorithm;
use keys::did;
use keys::did_document::for_authentication;
use keys::public_key::PublicKey;
use keys::signer::{Signer, SoftwareKey};
use oid4vci::metadata::ReceivedConfiguration;
use oid4vci::proof::{BindingMethod, HolderBinding};
use serde_json::Value;

use crate::Wallet;
use crate::error::WalletError;
use crate::store::{HolderKey, KeyId, Pkcs8, StoredKey};

/// What the holder wants; by default a new key, and the way the issuer prefers.
#[derive(Clone, Debug, Default)]
pub struct KeyWish {
    /// A key of the store; `None` makes a new one, so that credentials cannot be linked by it.
    pub key: Option<KeyId>,
    /// For a new key.
    pub algorithm: Option<Algorithm>,
    /// How the credential is to name the key.
    pub binding: Option<BindingMethod>,
    /// The holder's did:web in whose document `key` stands under its id, as
    /// [`Wallet::did_document`] makes it; the credential then names the key by it.
    pub did_web: Option<String>,
    /// How many copies, each bound to a new key, where the issuer gives several (PRIV-06); none and
    /// one mean one. With a key of the store there is one.
    pub copies: usize,
}

impl KeyWish {
    /// How many are asked for, given how many proofs the issuer takes at once (CRED-11): all in one
    /// request, as far as it takes so many (HAIP-08).
    pub(super) fn count(&self, batch_size: u64) -> usize {
        let batch_size = usize::try_from(batch_size).unwrap_or(usize::MAX);
        let wanted = if self.key.is_some() { 1 } else { self.copies };
        wanted.min(batch_size).clamp(1, COPIES_MAX)
    }
}

/// Most copies of one credential.
pub const COPIES_MAX: usize = 100;

/// A key that is in the store and can sign.
#[derive(Debug)]
pub(super) struct ChosenKey {
    pub(super) signer: SoftwareKey,
    /// How the proof names it.
    pub(super) binding: HolderBinding,
    /// How the credential will name it.
    pub(super) holder_key: HolderKey,
    /// Made for this very request.
    pub(super) is_new: bool,
}

/// Our order where the issuer takes several.
const ALGORITHMS: [Algorithm; 5] = Algorithm::ALL;
const BINDINGS: [BindingMethod; 4] =
    [BindingMethod::Jwk, BindingMethod::DidJwk, BindingMethod::DidKey, BindingMethod::CoseKey];

impl Wallet {
    /// As many keys as there will be copies; none for a credential that is bound to no key.
    pub(super) async fn choose_keys(
        &self,
        configuration: &ReceivedConfiguration,
        wish: &KeyWish,
        batch_size: u64,
    ) -> Result<Vec<ChosenKey>, WalletError> {
        let mut keys = Vec::new();
        if configuration.needs_proof {
            for _ in 0..wish.count(batch_size) {
                keys.push(self.choose_key(configuration, wish).await?);
            }
        }
        Ok(keys)
    }

    /// Finds or makes the key; a new one is on disk before anything is signed with it.
    pub(super) async fn choose_key(
        &self,
        configuration: &ReceivedConfiguration,
        wish: &KeyWish,
    ) -> Result<ChosenKey, WalletError> {
        let method = binding_method(configuration, wish).ok_or(WalletError::UnsupportedBinding)?;
        let stored = if let Some(id) = &wish.key {
            let stored = self.store.key(id).await?.ok_or(WalletError::UnknownKey)?;
            self.settle(stored).await?
        } else {
            let algorithms = &configuration.proof_algorithms;
            let algorithm = choose(wish.algorithm, &ALGORITHMS, algorithms)
                .ok_or(WalletError::UnsupportedAlgorithm)?;
            self.add_key(algorithm, method, true).await?
        };
        if !configuration.proof_algorithms.contains(&stored.algorithm) {
            return Err(WalletError::UnsupportedAlgorithm); // PROOF-19
        }
        let signer =
            SoftwareKey::from_pkcs8(stored.pkcs8.expose()).map_err(|_| WalletError::Signing)?;
        let did = wish.did_web.clone().or_else(|| did(method, signer.public_key()));
        let holder_key = HolderKey { kid: stored.id, binding: method, did };
        Ok(ChosenKey {
            binding: holder_key.did_url().map_or(HolderBinding::Jwk, HolderBinding::Did),
            holder_key,
            is_new: wish.key.is_none(),
            signer,
        })
    }

    /// Makes a key and puts it on disk (step 7): a credential without its key is worthless.
    pub async fn make_key(
        &self,
        algorithm: Algorithm,
        binding: BindingMethod,
    ) -> Result<StoredKey, WalletError> {
        self.add_key(algorithm, binding, false).await
    }

    /// The document that the holder publishes where this did:web says (`did.json`), with these keys of
    /// the store, each under its id.
    pub async fn did_document(&self, did: &str, keys: &[KeyId]) -> Result<Value, WalletError> {
        let mut listed = Vec::new();
        for id in keys {
            let stored = self.store.key(id).await?.ok_or(WalletError::UnknownKey)?;
            let stored = self.settle(stored).await?;
            let signer =
                SoftwareKey::from_pkcs8(stored.pkcs8.expose()).map_err(|_| WalletError::Signing)?;
            listed.push((id.to_string(), signer.public_key().clone()));
        }
        Ok(for_authentication(did, &listed))
    }

    async fn add_key(
        &self,
        algorithm: Algorithm,
        binding: BindingMethod,
        awaits_credential: bool,
    ) -> Result<StoredKey, WalletError> {
        let key = SoftwareKey::generate(algorithm).map_err(|_| WalletError::Signing)?;
        let stored = StoredKey {
            id: KeyId::from(&key.public_key().thumbprint()),
            algorithm,
            pkcs8: Pkcs8::new(key.to_pkcs8()),
            binding,
            created_at: self.clock.now(),
            awaits_credential,
        };
        self.store.save_key(stored.clone()).await?;
        Ok(stored)
    }

    /// A key that has its credential, or that the holder has chosen, is there to stay.
    pub(super) async fn settle(&self, key: StoredKey) -> Result<StoredKey, WalletError> {
        if !key.awaits_credential {
            return Ok(key);
        }
        let settled = StoredKey { awaits_credential: false, ..key };
        self.store.save_key(settled.clone()).await?;
        Ok(settled)
    }
}

/// The wish if it can be kept, else what the issuer prefers. A did:web is one of the holder's, for a key
/// that stands in its document already.
fn binding_method(configuration: &ReceivedConfiguration, wish: &KeyWish) -> Option<BindingMethod> {
    let theirs = &configuration.binding_methods;
    let method = match (&wish.did_web, wish.binding) {
        (Some(did), None | Some(BindingMethod::DidWeb)) => {
            let is_whole = wish.key.is_some() && is_did_web(did);
            Some(BindingMethod::DidWeb).filter(|method| is_whole && theirs.contains(method))
        }
        (Some(_), Some(_)) | (None, Some(BindingMethod::DidWeb)) => None,
        (None, wanted) => choose(wanted, &BINDINGS, theirs),
    };
    method.filter(|method| can_be_asked_for(*method, configuration))
}

/// Whether a key could be published under this DID.
#[must_use]
pub fn is_did_web(did: &str) -> bool {
    did::did_web_of_key(&format!("{did}#0")) == Some(did)
}

/// An attestation that stands alone does not say how its keys are to be named: it is the way that
/// comes first.
fn can_be_asked_for(method: BindingMethod, configuration: &ReceivedConfiguration) -> bool {
    let attestation = configuration.key_attestation.as_ref();
    let is_alone = attestation.is_some_and(|attestation| attestation.is_alone);
    !is_alone || choose(None, &BINDINGS, &configuration.binding_methods) == Some(method)
}

/// The wish if the other side takes it, else the first of ours that it takes.
fn choose<T: Copy + PartialEq>(wish: Option<T>, ours: &[T], theirs: &[T]) -> Option<T> {
    match wish {
        Some(wish) => theirs.contains(&wish).then_some(wish),
        None => ours.iter().copied().find(|choice| theirs.contains(choice)),
    }
}

fn did(method: BindingMethod, key: &PublicKey) -> Option<String> {
    match method {
        BindingMethod::Jwk | BindingMethod::CoseKey | BindingMethod::DidWeb => None,
        BindingMethod::DidJwk => Some(did::to_did_jwk(key)),
        BindingMethod::DidKey => Some(did::to_did_key(key)),
    }
}

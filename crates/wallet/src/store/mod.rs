//! What the wallet keeps: keys and credentials, and what it still has to do.

use std::fmt;

use async_trait::async_trait;

use crate::status::KnownStatus;

mod atomic;
mod file;
mod later;
mod protection;
mod record;
mod token;
mod unused;
mod upgrade;
mod vault;

pub use file::FileStore;
pub use later::{FetchedCredentials, Notice, PendingCredential, Reporter, ResponseKey};
pub(crate) use later::{is_taken, taken_from};
pub use protection::{Protection, Unlock};
pub use record::{
    CredentialCopy, CredentialId, HolderKey, KeyId, Pkcs8, StoredCredential, StoredKey, Trust,
};
pub use token::{KeptToken, Renewal, SharedToken};
pub(crate) use token::{code_verifier, dpop_key, pre_authorized_code};
pub use unused::{UNUSED_KEY_SECONDS, forget_unused_keys};

/// Where a wallet keeps what it has; each method is one step, done or not done.
///
/// Whoever implements it keeps everything encrypted: the credentials are a person's papers, the
/// keys are the right to show them (PRIV-05, SEC-31).
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Keeps a key, before anything is signed with it: a credential without its key is worthless.
    async fn save_key(&self, key: StoredKey) -> Result<(), StoreError>;

    /// One key.
    async fn key(&self, id: &KeyId) -> Result<Option<StoredKey>, StoreError>;

    /// All keys, oldest first.
    async fn keys(&self) -> Result<Listed<StoredKey>, StoreError>;

    /// Forgets a key that no credential needs, or a damaged one; `false` when there was none.
    async fn delete_key(&self, id: &KeyId) -> Result<bool, StoreError>;

    /// Keeps a credential that has passed all checks.
    async fn save_credential(&self, credential: StoredCredential) -> Result<(), StoreError>;

    /// One credential.
    async fn credential(&self, id: &CredentialId) -> Result<Option<StoredCredential>, StoreError>;

    /// All credentials, oldest first.
    async fn credentials(&self) -> Result<Listed<StoredCredential>, StoreError>;

    /// Notes what status lists said of a credential and its copies, each named by its bytes; `false`,
    /// and nothing is written, where it is gone: to look up a status brings nothing back.
    async fn record_statuses(
        &self,
        id: &CredentialId,
        statuses: Vec<(String, KnownStatus)>,
    ) -> Result<bool, StoreError>;

    /// Forgets a credential, or a damaged one; `false` when there was none.
    async fn delete_credential(&self, id: &CredentialId) -> Result<bool, StoreError>;

    /// Keeps what is needed to fetch a credential later, and its token unless that is kept already.
    async fn put_off(
        &self,
        pending: PendingCredential,
        token: SharedToken,
    ) -> Result<(), StoreError>;

    /// What is still to come under this id.
    async fn pending_credential(
        &self,
        id: &CredentialId,
    ) -> Result<Option<PendingCredential>, StoreError>;

    /// All that is still to come, oldest first.
    async fn pending(&self) -> Result<Listed<PendingCredential>, StoreError>;

    /// Puts `next` in the place of what was `seen`, as its next revision, and gives back what is now
    /// there; `None`, and nothing is written, where it has changed since, or is gone.
    async fn replace_pending(
        &self,
        seen: &PendingCredential,
        next: PendingCredential,
    ) -> Result<Option<PendingCredential>, StoreError>;

    /// Forgets what came, or will not come, and the tokens that nothing waits with any more; `false`
    /// when there was none.
    async fn delete_pending(&self, id: &CredentialId) -> Result<bool, StoreError>;

    /// The token of what is still to come.
    async fn shared_token(&self, id: &CredentialId) -> Result<Option<SharedToken>, StoreError>;

    /// Puts `next` in the place of what was `seen`, as [`Self::replace_pending`] does.
    async fn replace_token(
        &self,
        seen: &SharedToken,
        next: SharedToken,
    ) -> Result<Option<SharedToken>, StoreError>;

    /// Keeps a notification until it has arrived.
    async fn save_notice(&self, notice: Notice) -> Result<(), StoreError>;

    /// All that have not arrived, oldest first.
    async fn notices(&self) -> Result<Listed<Notice>, StoreError>;

    /// Forgets a notification; `false` when there was none.
    async fn delete_notice(&self, id: &CredentialId) -> Result<bool, StoreError>;
}

/// What a store holds of a kind: one damaged record does not hide the others.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Those that can be read.
    pub records: Vec<T>,
    /// Those that cannot be read any more. What was their id is inside of them; these names stand
    /// for it where they are to be deleted.
    pub damaged: Vec<String>,
}

/// Why the store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The passphrase does not open this store.
    WrongPassphrase,
    /// The key file does not open this store.
    WrongKeyFile,
    /// The store is protected by a passphrase, and none was given.
    PassphraseNeeded,
    /// The store is protected by a key file, and a passphrase was given.
    KeyFileNeeded,
    /// The key file is not where it should be.
    KeyFileMissing,
    /// A passphrase without a single character.
    EmptyPassphrase,
    /// Another program is writing to the store.
    Busy,
    /// The folder holds something else.
    NotAStore,
    /// A newer program made it.
    TooNew,
    /// A file was changed, cut off or put in another's place.
    Damaged,
    /// More than a wallet holds.
    TooMuch,
    /// The system does not let us.
    NoPermission,
    /// No space left.
    DiskFull,
    /// Reading or writing failed for another reason.
    Unavailable,
}

impl StoreError {
    /// What is wrong, for a person.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::WrongPassphrase => "this passphrase does not open the wallet",
            Self::WrongKeyFile => "this key file does not open the wallet",
            Self::PassphraseNeeded => "the wallet is protected by a passphrase",
            Self::KeyFileNeeded => "the wallet is protected by a key file, not by a passphrase",
            Self::KeyFileMissing => "the wallet's key file is missing",
            Self::EmptyPassphrase => "the passphrase is empty",
            Self::Busy => "another program is using the wallet",
            Self::NotAStore => "the folder holds other files and is no wallet",
            Self::TooNew => "the wallet was made by a newer version",
            Self::Damaged => "a file of the wallet is damaged",
            Self::TooMuch => "the wallet cannot hold any more",
            Self::NoPermission => "the wallet's folder may not be read or written",
            Self::DiskFull => "the disk is full",
            Self::Unavailable => "the wallet's folder cannot be read or written",
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::WrongPassphrase => "try again; nobody can recover a lost passphrase",
            Self::WrongKeyFile => "use the key file that was made with this wallet",
            Self::PassphraseNeeded => "give the passphrase, or a file that holds it",
            Self::KeyFileNeeded => "leave the passphrase out",
            Self::KeyFileMissing => "put it back beside the wallet's folder",
            Self::EmptyPassphrase => "choose a passphrase of several words",
            Self::Busy => "wait until it is done, then try again",
            Self::NotAStore => "name an empty or a new folder",
            Self::TooNew => "update this program",
            Self::Damaged => "restore the wallet's folder from a backup",
            Self::TooMuch => "delete credentials that you no longer need",
            Self::NoPermission => "check who owns the folder",
            Self::DiskFull => "make room, then try again",
            Self::Unavailable => "check the folder and the disk it is on",
        }
    }

    /// A stable name for scripts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WrongPassphrase => "wrong_passphrase",
            Self::WrongKeyFile => "wrong_key_file",
            Self::PassphraseNeeded => "passphrase_needed",
            Self::KeyFileNeeded => "key_file_needed",
            Self::KeyFileMissing => "key_file_missing",
            Self::EmptyPassphrase => "empty_passphrase",
            Self::Busy => "store_busy",
            Self::NotAStore => "not_a_store",
            Self::TooNew => "store_too_new",
            Self::Damaged => "store_damaged",
            Self::TooMuch => "store_full",
            Self::NoPermission => "no_permission",
            Self::DiskFull => "disk_full",
            Self::Unavailable => "store_unavailable",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for StoreError {}

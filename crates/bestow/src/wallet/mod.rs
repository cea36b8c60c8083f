//! `bestow wallet …`: what a person types.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::{BaseStrategy as _, choose_base_strategy};
use keys::outside::{Clock as _, Random, SystemClock, SystemRandom};
use serde_json::{Map, Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::notification::delete_credential;
use wallet::store::{
    CredentialId, FileStore, KeyId, Listed, Protection, Store, StoreError, StoredCredential,
    Unlock, forget_unused_keys,
};
use zeroize::Zeroizing;

use crate::cli::{WalletArguments, WalletCommand};
use crate::exit::{Failure, Kind};
use crate::terminal::{confirm, is_interactive, plain, print, print_json, tell};

pub(crate) mod card;
mod challenge;
mod did_document;
pub(crate) mod input;
mod key_attestation;
pub(crate) mod open;
pub(crate) mod page;
mod pending;
mod receive;
mod refresh;
mod said;
pub(crate) mod sign_in;

/// Runs one command.
pub(crate) async fn run(arguments: WalletArguments) -> Result<(), Failure> {
    let place = Place::of(&arguments)?;
    match arguments.command {
        WalletCommand::Receive(arguments) => Box::pin(receive::receive(&place, &arguments)).await,
        WalletCommand::Resume(arguments) => pending::resume(&place, &arguments).await,
        WalletCommand::Pending { json } => pending::list(&place, json).await,
        WalletCommand::List { json } => list(&place, json).await,
        WalletCommand::Show { id, raw, json } => show(&place, &id, (raw, json)).await,
        WalletCommand::Refresh(arguments) => refresh::refresh(&place, &arguments).await,
        WalletCommand::Delete { id, yes, json } => delete(&place, &id, (yes, json)).await,
        WalletCommand::Keys { json } => keys(&place, json).await,
        WalletCommand::DidDocument { did, keys, alg } => {
            did_document::did_document(&place, &did, (&keys, alg)).await
        }
        WalletCommand::Serve(arguments) => page::serve(&place, &arguments).await,
    }
}

/// Where the wallet is and what opens it.
pub(crate) struct Place {
    folder: PathBuf,
    passphrase_file: Option<PathBuf>,
}

impl Place {
    fn of(arguments: &WalletArguments) -> Result<Self, Failure> {
        let folder = match &arguments.store {
            Some(folder) => folder.clone(),
            None => choose_base_strategy()
                .map_err(|_| Failure::usage("there is no home folder: name one with --store DIR"))?
                .data_dir()
                .join("bestow")
                .join("wallet"),
        };
        Ok(Self { folder, passphrase_file: arguments.passphrase_file.clone() })
    }

    /// A wallet in a folder, opened by its key file.
    pub(crate) const fn with_key_file(folder: PathBuf) -> Self {
        Self { folder, passphrase_file: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the store, or makes it; asks for the passphrase where there is nobody else to ask.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        let protection = FileStore::protection(&self.folder).map_err(store_failure)?;
        let unlock = match (&self.passphrase_file, protection) {
            (Some(file), _) => Unlock::Passphrase(first_line(file, "passphrase")?),
            (None, Some(Protection::Passphrase { .. })) => Unlock::Passphrase(ask_passphrase()?),
            (None, Some(Protection::KeyFile) | None) => {
                Unlock::KeyFile(FileStore::key_file(&self.folder))
            }
        };
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let store = FileStore::open(self.folder.clone(), unlock, random).await;
        let store = store.map_err(store_failure)?;
        // To look at a wallet is possible where nothing can be written.
        let _ = forget_unused_keys(&store, SystemClock.now()).await;
        Ok(Arc::new(store))
    }
}

fn first_line(file: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
        Failure::usage(format!("cannot read the {what} of {}: {error}", file.display()))
    })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn ask_passphrase() -> Result<Zeroizing<String>, Failure> {
    if !is_interactive() {
        return Err(store_failure(StoreError::PassphraseNeeded));
    }
    let typed = rpassword::prompt_password("Passphrase of the wallet: ");
    typed.map(Zeroizing::new).map_err(Failure::own_fault)
}

/// What a person did wrong is 2, what this machine did is 1.
fn store_failure(error: StoreError) -> Failure {
    use StoreError::{
        EmptyPassphrase, KeyFileMissing, KeyFileNeeded, NotAStore, PassphraseNeeded, TooNew,
        WrongKeyFile, WrongPassphrase,
    };
    let by_person = matches!(
        error,
        WrongPassphrase
            | WrongKeyFile
            | PassphraseNeeded
            | KeyFileNeeded
            | KeyFileMissing
            | EmptyPassphrase
            | NotAStore
            | TooNew
    );
    let kind = if by_person { Kind::Usage } else { Kind::OwnFault };
    Failure::new(kind, error.code(), error.to_string()).hint(error.hint())
}

/// The library's kinds of failure are this program's exit codes.
pub(crate) fn wallet_failure(error: &WalletError) -> Failure {
    let kind = match error.class() {
        Class::OwnFault => Kind::OwnFault,
        Class::Usage => Kind::Usage,
        Class::Refused => Kind::Refused,
        Class::Network => Kind::Network,
        Class::Declined => Kind::Declined,
        Class::NotVerified => Kind::VerificationFailed,
        Class::NotYet => Kind::NotYet,
    };
    Failure::new(kind, error.code(), plain(&error.to_string())).hint(error.hint())
}

async fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let Listed { records, damaged } =
        place.open().await?.credentials().await.map_err(store_failure)?;
    tell_damaged(place, "credentials", &damaged);
    if json {
        let credentials = records.iter().map(card::json).collect();
        return print_json(&listed("credentials", credentials, damaged));
    }
    if records.is_empty() && damaged.is_empty() {
        tell("The wallet is empty. Next: bestow wallet receive OFFER");
    }
    for credential in &records {
        print(card::line(credential));
    }
    Ok(())
}

/// What a list prints; `damaged` is there when something is.
fn listed(name: &str, records: Vec<Value>, damaged: Vec<String>) -> Value {
    let mut object = Map::from_iter([(name.to_owned(), records.into())]);
    if !damaged.is_empty() {
        object.insert("damaged".to_owned(), damaged.into());
    }
    object.into()
}

fn tell_damaged(place: &Place, kind: &str, damaged: &[String]) {
    for name in damaged {
        let file = place.folder.join(kind).join(name);
        tell(format!(
            "damaged: {}\n  restore this file from a backup, or give it up: bestow wallet delete {name}",
            file.display()
        ));
    }
}

async fn find(store: &dyn Store, id: &str) -> Result<StoredCredential, Failure> {
    match store.credential(&CredentialId::new(id)).await {
        Ok(found) => found.ok_or_else(unknown_credential),
        Err(StoreError::Damaged) => Err(store_failure(StoreError::Damaged)
            .hint("restore its file from a backup, or give it up: bestow wallet delete ID")),
        Err(error) => Err(store_failure(error)),
    }
}

fn unknown_credential() -> Failure {
    Failure::new(Kind::Usage, "unknown_credential", "the wallet holds no such credential")
        .hint("list what it holds: bestow wallet list")
}

async fn show(place: &Place, id: &str, (raw, json): (bool, bool)) -> Result<(), Failure> {
    let credential = find(&*place.open().await?, id).await?;
    if raw {
        print(&credential.raw);
    } else if json {
        return print_json(&card::json(&credential));
    } else {
        print(card::card(&credential));
    }
    Ok(())
}

async fn delete(place: &Place, id: &str, (yes, json): (bool, bool)) -> Result<(), Failure> {
    let store = place.open().await?;
    let name = name_to_delete(&*store, id).await?;
    if !yes && !is_interactive() {
        return Err(Failure::new(Kind::Declined, "declined", "nobody is here to say yes")
            .hint("to delete without being asked, add --yes"));
    }
    if !yes && !confirm(&format!("Delete {name}? It cannot be brought back."))? {
        return Err(Failure::new(Kind::Declined, "declined", "nothing was deleted"));
    }
    forget(&*store, id).await?;
    if json {
        return print_json(&json!({ "deleted": id }));
    }
    print(format!("deleted: {id}"));
    Ok(())
}

/// What the person is asked about: also what is damaged can be deleted.
async fn name_to_delete(store: &dyn Store, id: &str) -> Result<String, Failure> {
    match store.credential(&CredentialId::new(id)).await {
        Ok(Some(credential)) => return Ok(card::name(&credential)),
        Err(StoreError::Damaged) => return Ok("a damaged credential".to_owned()),
        Err(error) => return Err(store_failure(error)),
        Ok(None) => {}
    }
    let pending = store.pending().await.map_err(store_failure)?;
    if let Some(one) = pending.records.iter().find(|one| one.id.to_string() == id) {
        return Ok(format!("{}, which is still to come", pending::name(one)));
    }
    if pending.damaged.iter().any(|damaged| damaged == id) {
        return Ok("a damaged record of something still to come".to_owned());
    }
    let damaged_keys = store.keys().await.map_err(store_failure)?.damaged;
    let is_key = damaged_keys.iter().any(|damaged| damaged == id);
    is_key.then(|| "a damaged key".to_owned()).ok_or_else(unknown_credential)
}

/// Deletes a credential, what is still to come, or what is damaged; keys that can be read stay. What
/// the issuer is to hear of it waits until the wallet talks to issuers again.
pub(crate) async fn forget(store: &dyn Store, id: &str) -> Result<(), Failure> {
    let credential = CredentialId::new(id);
    let when = (SystemClock.now(), &SystemRandom as &dyn Random);
    if delete_credential(store, &credential, when).await.map_err(store_failure)?
        || store.delete_pending(&credential).await.map_err(store_failure)?
    {
        return Ok(());
    }
    let damaged_keys = store.keys().await.map_err(store_failure)?.damaged;
    if !damaged_keys.iter().any(|damaged| damaged == id) {
        return Err(unknown_credential());
    }
    store.delete_key(&KeyId::new(id)).await.map(drop).map_err(store_failure)
}

async fn keys(place: &Place, json: bool) -> Result<(), Failure> {
    let store = place.open().await?;
    let Listed { records: keys, damaged } = store.keys().await.map_err(store_failure)?;
    tell_damaged(place, "keys", &damaged);
    if json {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({
                    "kid": key.id.to_string(),
                    "alg": key.algorithm.name(),
                    "binding": key.binding.name(),
                    "created_at": key.created_at.to_rfc3339(),
                })
            })
            .collect();
        return print_json(&listed("keys", keys, damaged));
    }
    for key in &keys {
        let (algorithm, binding) = (key.algorithm.name(), key.binding.name());
        print(format!("{}  {algorithm}  {binding}  {}", key.id, key.created_at.to_rfc3339()));
    }
    tell(protection_text(place)?);
    Ok(())
}

/// Honest about what the protection is worth.
fn protection_text(place: &Place) -> Result<String, Failure> {
    let folder = place.folder.display();
    let protection = FileStore::protection(&place.folder).map_err(store_failure)?;
    Ok(match protection {
        Some(Protection::Passphrase { .. }) => format!(
            "The keys in {folder} are encrypted under a passphrase. Whoever knows it, or controls \
             this machine while the wallet is open, can use them."
        ),
        Some(Protection::KeyFile) | None => format!(
            "The keys in {folder} are encrypted under the key file {}, which this user can read. \
             That protects a copy of the folder alone; it does not protect against whoever can \
             read both, such as another program of this user, root, or a backup of everything.",
            FileStore::key_file(&place.folder).display()
        ),
    })
}

//! A person signs in with the password of an account.

use oid4vci::authorization::{DeadEnd, Person, RunningAuthorization, Stage};
use oid4vci::secret::AuthorizationHandle;

use super::advanced;
use crate::Issuer;
use crate::account::{Password, PasswordHash, is_account_name};
use crate::failure::{Broken, Failure};

/// What became of a try.
#[derive(Debug)]
pub enum SignIn {
    /// The pages go on under this handle; whoever knew the one before is out.
    Done(AuthorizationHandle),
    /// The name or the password is wrong; nobody learns which.
    Wrong,
}

/// Tries a name and a password. An unknown name takes as long as a wrong password. `turn` is held as
/// long as that takes, also when nobody waits for the answer any more.
pub async fn sign_in(
    issuer: &Issuer,
    seen: &RunningAuthorization,
    name: &str,
    (password, turn): (Password, impl Send + 'static),
) -> Result<SignIn, Failure<DeadEnd>> {
    if seen.stage != Stage::Opened || !issuer.config.sign_in.accounts {
        return Err(DeadEnd::Over.into());
    }
    let Some(person) = known(issuer, seen, name, (password, turn)).await? else {
        return Ok(SignIn::Wrong);
    };
    let (handle, next) = advanced(issuer, seen, Stage::SignedIn(person));
    if !issuer.store.advance_authorization(seen, &next).await? {
        return Err(DeadEnd::Over.into());
    }
    tracing::info!(authorization = %seen.id, "signed in");
    Ok(SignIn::Done(handle))
}

/// Whose name and password these are; `None` where they are nobody's.
pub(super) async fn known<R>(
    issuer: &Issuer,
    seen: &RunningAuthorization,
    name: &str,
    (password, turn): (Password, impl Send + 'static),
) -> Result<Option<Person>, Failure<R>> {
    let name = Some(name.trim()).filter(|name| is_account_name(name));
    let account = match name {
        Some(name) => issuer.store.account(name).await?,
        None => None,
    };
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let is_known = hash.is_some();
    let hash = hash.unwrap_or_else(PasswordHash::of_nobody);
    let task = tokio::task::spawn_blocking(move || {
        let matches = hash.matches(&password);
        drop(turn);
        matches
    });
    let matches = task.await.map_err(|error| Broken::fault(error.to_string()))?;
    let Some(account) = account.filter(|_| is_known && matches) else {
        tracing::info!(authorization = %seen.id, "sign-in failed");
        return Ok(None);
    };
    Ok(Some(account.name.into()))
}

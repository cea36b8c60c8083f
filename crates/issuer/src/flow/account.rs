//! An operator says who can sign in.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::Issuer;
use crate::account::{
    Account, NAME_LENGTH_MAX, PASSWORD_LENGTH_MIN, Password, PasswordHash, is_account_name,
    is_outside,
};
use crate::credential_type::{ClaimsError, CredentialType, Pictures};
use crate::failure::Broken;
use crate::flow::unknown_type::UnknownType;

/// Makes an account; `claims` has an object for each Credential Configuration Identifier that its
/// owner can have. Who signs in elsewhere has no password here.
pub async fn add(
    issuer: &Issuer,
    name: &str,
    password: Option<Password>,
    claims_of_all: &Map<String, Value>,
) -> Result<(), AccountError> {
    if !is_account_name(name) {
        return Err(AccountError::BadName);
    }
    if is_outside(name) == password.is_some() {
        return Err(AccountError::BadPassword);
    }
    if claims_of_all.is_empty() {
        return Err(AccountError::NoClaims);
    }
    let mut datasets = Map::new();
    for (id, claims) in claims_of_all {
        let unknown = || AccountError::UnknownType(UnknownType::of(issuer, id));
        let found = issuer.types.get(id).ok_or_else(unknown)?;
        let none = Map::new();
        let claims = claims.as_object().unwrap_or(&none);
        let urls: BTreeSet<&str> = found.claims.pictures(claims).collect();
        let pictures = Pictures::clean(urls.into_iter().map(str::to_owned).collect()).await;
        let checked = found.claims.check(claims, &pictures);
        let checked = checked.and_then(|claims| {
            issuer.check_country(found, &claims)?;
            found.check_says_something(&claims)?;
            Ok(claims)
        });
        let checked = checked.map_err(|error| AccountError::Claims(id.clone(), error))?;
        for (sibling, credential_type) in siblings(issuer, found, claims_of_all) {
            issuer
                .check_country(credential_type, &checked)
                .map_err(|error| AccountError::Claims(sibling.clone(), error))?;
        }
        datasets.insert(id.clone(), checked.into());
    }
    let password_hash = match password {
        Some(password) => hash(issuer, password).await?,
        None => PasswordHash::of_nobody(),
    };
    let created_at = issuer.clock.now();
    let account = Account { name: name.to_owned(), password_hash, datasets, created_at };
    if issuer.store.open_account(&account).await.map_err(Broken::from)? {
        tracing::info!("account made");
        return Ok(());
    }
    Err(AccountError::Exists)
}

/// The claims of a person are the same in all formats of a type: those that are there for one of them
/// are good for the others, too.
pub(super) fn in_all_formats(issuer: &Issuer, written: Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (id, claims) in &written {
        let formats = issuer.types.get(id).map_or(&[][..], |one| one.origin.ids());
        for format in formats.iter().filter(|format| !written.contains_key(*format)) {
            all.entry(format).or_insert_with(|| claims.clone());
        }
    }
    all.extend(written);
    all
}

/// The other formats of a type that have the same claims, as none are written for them.
fn siblings<'i>(
    issuer: &'i Issuer,
    credential_type: &'i CredentialType,
    written: &Map<String, Value>,
) -> impl Iterator<Item = (&'i String, &'i CredentialType)> {
    let ids = credential_type.origin.ids().iter().filter(|id| !written.contains_key(*id));
    ids.filter_map(|id| Some((id, issuer.types.get(id)?)))
}

/// What stands in an account, as its type has it now: the account may be older, or written for another
/// format. `None`, and a word in the log, for what does not fit.
pub(super) async fn fitting(
    issuer: &Issuer,
    credential_type: &CredentialType,
    stored: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let rules = &credential_type.claims;
    let urls: BTreeSet<&str> = rules.pictures_as_jpeg(stored).collect();
    let pictures = Pictures::stored(urls.into_iter().map(str::to_owned).collect()).await;
    let checked = rules.check(stored, &pictures).and_then(|claims| {
        issuer.check_country(credential_type, &claims)?;
        Ok(claims)
    });
    if checked.is_err() {
        let id = credential_type.id.as_str();
        tracing::warn!(credential_configuration_id = id, "an account does not fit this type");
    }
    checked.ok()
}

/// Gives an account another password.
pub async fn change_password(
    issuer: &Issuer,
    name: &str,
    password: Password,
) -> Result<(), AccountError> {
    if is_outside(name) {
        return Err(AccountError::BadPassword);
    }
    let hash = hash(issuer, password).await?;
    let changed = issuer.store.set_password(name, hash.expose()).await.map_err(Broken::from)?;
    if changed { Ok(()) } else { Err(AccountError::Unknown) }
}

async fn hash(issuer: &Issuer, password: Password) -> Result<PasswordHash, AccountError> {
    if !password.can_be_set() {
        return Err(AccountError::BadPassword);
    }
    let salt = PasswordHash::salt(&*issuer.random);
    let task = tokio::task::spawn_blocking(move || PasswordHash::of(&password, salt));
    let hash = task.await.ok().flatten();
    hash.ok_or_else(|| Broken::fault("a password could not be hashed".into()).into())
}

/// Why there is no such account; told to the operator.
#[derive(Debug)]
pub enum AccountError {
    /// There is one of this name.
    Exists,
    /// There is none of this name.
    Unknown,
    /// Nobody could type it.
    BadName,
    /// Too short, or far too long; missing, or there for somebody who signs in elsewhere.
    BadPassword,
    /// Its owner could have nothing.
    NoClaims,
    /// This type is not configured.
    UnknownType(UnknownType),
    /// Names every claim of a type that is wrong.
    Claims(String, ClaimsError),
    /// Our own fault.
    Broken(Broken),
}

impl From<Broken> for AccountError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("there is an account of this name already"),
            Self::Unknown => f.write_str("there is no account of this name"),
            Self::BadName => {
                write!(f, "an account's name has 1 to {NAME_LENGTH_MAX} visible characters")
            }
            Self::BadPassword => {
                write!(
                    f,
                    "a password has at least {PASSWORD_LENGTH_MIN} characters; whose name is "
                )?;
                f.write_str("PROVIDER#SUB signs in there, and has none here")
            }
            Self::NoClaims => f.write_str(
                "say what the owner can have: an object of claims for each credential type",
            ),
            Self::UnknownType(unknown) => unknown.fmt(f),
            Self::Claims(id, error) => write!(f, "{id}: {error}"),
            Self::Broken(_) => f.write_str("internal error: the log says more"),
        }
    }
}

impl std::error::Error for AccountError {}

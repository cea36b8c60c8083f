//! Who can sign in: a name, a password, and what the person's credentials will say.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use keys::digest::equal;
use keys::outside::{Random, Timestamp};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::credential_type::text::is_one_visible_line;

/// Longest name, in characters.
pub const NAME_LENGTH_MAX: usize = 100;
/// Shortest password, in characters.
pub const PASSWORD_LENGTH_MIN: usize = 8;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// RFC 9106 §4 with less memory: a server hashes for several people at once.
const MEMORY_KIB: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// What was stored must not eat all memory, whoever wrote it.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const ITERATIONS_MAX: u32 = 16;

/// One account, as it is stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// What its owner types.
    pub name: String,
    /// What is kept of the password.
    pub password_hash: PasswordHash,
    /// An object of claims for each credential type that this person can have, checked against it.
    pub datasets: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Longest name of somebody who signs in elsewhere, in characters.
pub const OUTSIDE_NAME_LENGTH_MAX: usize = 600;

/// Whether it is the name of somebody who signs in elsewhere: `PROVIDER#SUB`.
#[must_use]
pub fn is_outside(name: &str) -> bool {
    let is_address = name.starts_with("https://") || name.starts_with("http://");
    is_address && name.split_once('#').is_some_and(|(_, sub)| !sub.is_empty())
}

/// Whether somebody can type it, and nobody mistakes it for another.
#[must_use]
pub fn is_account_name(name: &str) -> bool {
    let most = if is_outside(name) { OUTSIDE_NAME_LENGTH_MAX } else { NAME_LENGTH_MAX };
    let length = 1..=most;
    length.contains(&name.chars().count()) && name.trim() == name && is_one_visible_line(name)
}

/// What a person types to sign in.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Whether it is long enough to be set, and short enough to be hashed.
    #[must_use]
    pub fn can_be_set(&self) -> bool {
        self.0.chars().count() >= PASSWORD_LENGTH_MIN && self.0.len() <= PASSWORD_BYTES_MAX
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Argon2id over a password, in the text form that other programs read too.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes what was stored.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// For the store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Draws what makes equal passwords look different.
    #[must_use]
    pub fn salt(random: &dyn Random) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        salt
    }

    /// Hashes; takes tens of milliseconds on purpose. `None` for a password that nobody could set.
    #[must_use]
    pub fn of(password: &Password, salt: [u8; SALT_BYTES]) -> Option<Self> {
        let hash = hash(password, &salt, (MEMORY_KIB, ITERATIONS))?;
        let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        let (salt, hash) = (encode(&salt), encode(&hash));
        Some(Self(format!("$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p=1${salt}${hash}")))
    }

    /// Of no password at all: an unknown name must take as long as a wrong password.
    #[must_use]
    pub fn of_nobody() -> Self {
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        Self(format!("$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p=1${salt}${hash}"))
    }

    /// Compares in constant time, after as long as [`Self::of`].
    #[must_use]
    pub fn matches(&self, password: &Password) -> bool {
        self.compared(password).unwrap_or(false)
    }

    fn compared(&self, password: &Password) -> Option<bool> {
        let rest = self.0.strip_prefix("$argon2id$v=19$m=")?;
        let (memory, rest) = rest.split_once(",t=")?;
        let (iterations, rest) = rest.split_once(",p=1$")?;
        let (salt, hash) = rest.split_once('$')?;
        let parameters = (memory.parse().ok()?, iterations.parse().ok()?);
        let decode = |text| BASE64_STANDARD_NO_PAD.decode(text).ok();
        let (salt, stored) = (decode(salt)?, decode(hash)?);
        Some(equal(&self::hash(password, &salt, parameters)?, &stored))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

fn hash(
    password: &Password,
    salt: &[u8],
    (memory_kib, iterations): (u32, u32),
) -> Option<[u8; HASH_BYTES]> {
    let bounded = memory_kib <= MEMORY_KIB_MAX && iterations <= ITERATIONS_MAX;
    if !bounded || password.0.len() > PASSWORD_BYTES_MAX {
        return None;
    }
    let parameters = Params::new(memory_kib, iterations, 1, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(password.0.as_bytes(), salt, &mut hash)
        .ok()?;
    Some(hash)
}

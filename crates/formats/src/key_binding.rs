//! Key Binding JWT: what a holder adds to an SD-JWT, to show it to one verifier once (RFC 9901 §4.3).
//!
//! A verifier reads what comes before it as any credential ([`crate::parse`]), and asks for a key
//! binding by its own rules, never because there is one (RFC 9901 §7.3). [`KeyBinding::verify`] says
//! that the holder signed for exactly what was shown; [`VerifiedKeyBinding::check`] for whom, and when.

use std::fmt;

use keys::base64url;
use keys::digest::sha256;
use keys::json;
use keys::jws::{self, Jws, JwsError};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{SignError, Signer};
use serde_json::{Map, Value};

use crate::binding::Binding;
use crate::sd_jwt::Chosen;
use crate::validity::{self, LEEWAY_SECONDS, numeric_date};
use crate::verified::Verified;
use crate::{CREDENTIAL_BYTES_MAX, FormatError};

/// `typ` (RFC 8725 §3.11).
pub const TYPE: &str = "kb+jwt";
/// Longest one: audience and nonce have room.
const BYTES_MAX: usize = 16 * 1024;
/// The digest of what it is for.
const HASH: &str = "sd_hash";

/// What a holder says in it.
#[derive(Clone, Copy, Debug)]
pub struct KeyBindingClaims<'a> {
    /// Who asked for it (`aud`).
    pub audience: &'a str,
    /// By what whoever asked knows it again.
    pub nonce: &'a str,
    /// When it is made.
    pub issued_at: Timestamp,
}

/// Signs for what is shown: `JWT~disclosure~…~KB-JWT`, with the key that the credential is bound to.
pub async fn present(
    chosen: &Chosen,
    claims: KeyBindingClaims<'_>,
    signer: &dyn Signer,
) -> Result<String, PresentError> {
    let binding = chosen.binding.as_ref().ok_or(PresentError::NotBound)?;
    // That of a did:web is not known here; the verifier will look.
    if binding.key().is_some_and(|key| key != *signer.public_key()) {
        return Err(PresentError::OtherKey);
    }
    let header = Map::from_iter([("typ".to_owned(), TYPE.into())]);
    let payload = Map::from_iter([
        ("iat".to_owned(), claims.issued_at.0.into()),
        ("aud".to_owned(), claims.audience.into()),
        ("nonce".to_owned(), claims.nonce.into()),
        (HASH.to_owned(), hash(&chosen.text).into()),
    ]);
    let jwt = jws::sign(header, json::text(&payload).as_bytes(), signer).await;
    let jwt = jwt.map_err(PresentError::Signing)?;
    if jwt.len() > BYTES_MAX {
        return Err(PresentError::TooLong);
    }
    Ok(format!("{}{jwt}", chosen.text))
}

/// What its issuer signed, with the disclosures, and the key binding behind it if there is one.
pub fn split(presentation: &str) -> Result<(&str, Option<&str>), FormatError> {
    if presentation.len() > CREDENTIAL_BYTES_MAX + BYTES_MAX {
        return Err(FormatError::TooLong);
    }
    let place = presentation.rfind('~').ok_or(FormatError::CutOff)?;
    let (issued, key_binding) = presentation.split_at(place + 1);
    Ok((issued, Some(key_binding).filter(|text| !text.is_empty())))
}

/// Over the text, as it stands before the key binding (RFC 9901 §4.3.1); the hash is that of the
/// disclosures, of which we take but one.
fn hash(shown: &str) -> String {
    base64url::encode(&sha256(shown.as_bytes()))
}

/// What a key binding is for: something whose signature and disclosures were found right.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'s> {
    /// `JWT~disclosure~…~`, as it came.
    pub text: &'s str,
    /// The holder's key that its issuer named.
    pub binding: Option<&'s Binding>,
}

impl<'s> From<&'s Verified> for Shown<'s> {
    fn from(verified: &'s Verified) -> Self {
        Self { text: &verified.raw, binding: verified.binding.as_ref() }
    }
}

/// A key binding that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct KeyBinding {
    jws: Jws,
    sd_hash: String,
    said: VerifiedKeyBinding,
}

impl KeyBinding {
    /// Reads what stands behind the last `~`.
    pub fn parse(text: &str) -> Result<Self, KeyBindingError> {
        let jws = Jws::parse(text, BYTES_MAX).map_err(KeyBindingError::Jws)?;
        if jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
            return Err(KeyBindingError::WrongType);
        }
        let claims = jws.claims().map_err(KeyBindingError::Jws)?;
        let text = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let date = |name| numeric_date(&claims, name).map_err(|_| KeyBindingError::Incomplete);
        let said = VerifiedKeyBinding {
            issued_at: date("iat")?.ok_or(KeyBindingError::Incomplete)?,
            audience: text("aud").ok_or(KeyBindingError::Incomplete)?,
            nonce: text("nonce").ok_or(KeyBindingError::Incomplete)?,
            not_before: date("nbf")?,
            expires_at: date("exp")?,
        };
        let sd_hash = text(HASH).ok_or(KeyBindingError::Incomplete)?;
        Ok(Self { jws, sd_hash, said })
    }

    /// Verifies that the holder of the credential signed for this credential with these disclosures.
    pub fn verify<'s>(
        self,
        shown: impl Into<Shown<'s>>,
    ) -> Result<VerifiedKeyBinding, KeyBindingError> {
        let shown = shown.into();
        let binding = shown.binding.ok_or(KeyBindingError::NotBound)?;
        let key = binding.key().ok_or(KeyBindingError::UnknownKey)?;
        self.verify_by(&key, shown)
    }

    /// The same with the key that a DID document has for the credential's `kid`.
    pub fn verify_by<'s>(
        self,
        key: &PublicKey,
        shown: impl Into<Shown<'s>>,
    ) -> Result<VerifiedKeyBinding, KeyBindingError> {
        let shown = shown.into();
        let binding = shown.binding.ok_or(KeyBindingError::NotBound)?;
        if binding.key().is_some_and(|bound| bound != *key) {
            return Err(KeyBindingError::WrongKey);
        }
        // A key for another algorithm fits it no better than another key.
        self.jws.verify(key).map_err(|_| KeyBindingError::WrongKey)?;
        if self.sd_hash != hash(shown.text) {
            return Err(KeyBindingError::OtherDisclosures);
        }
        Ok(self.said)
    }
}

/// What a holder signed; only [`KeyBinding::verify`] gives one away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedKeyBinding {
    issued_at: Timestamp,
    audience: String,
    nonce: String,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

/// What a verifier asked for, and when it judges.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// What it calls itself.
    pub audience: &'a str,
    /// The nonce of this transaction.
    pub nonce: &'a str,
    /// The time.
    pub now: Timestamp,
    /// How long ago it may have been made.
    pub age_seconds_max: u64,
}

impl VerifiedKeyBinding {
    /// Checks that it was made for whoever asked, for this time, and lately (RFC 9901 §7.3).
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), KeyBindingError> {
        self.check_begun(expected.now)?;
        self.check_age(expected.now, expected.age_seconds_max)?;
        self.check_audience(expected.audience)?;
        self.check_nonce(expected.nonce)
    }

    /// Not made in the future; nor over, where it says of itself when it is.
    pub fn check_begun(&self, now: Timestamp) -> Result<(), KeyBindingError> {
        if self.issued_at > now.plus(LEEWAY_SECONDS) {
            return Err(KeyBindingError::InFuture);
        }
        validity::check(self.not_before, self.expires_at, now)
            .map_err(|_| KeyBindingError::OutOfTime)
    }

    /// Not made longer ago than this.
    pub fn check_age(&self, now: Timestamp, seconds_max: u64) -> Result<(), KeyBindingError> {
        let is_fresh = self.issued_at.plus(seconds_max) >= now;
        is_fresh.then_some(()).ok_or(KeyBindingError::TooOld)
    }

    /// For this verifier.
    pub fn check_audience(&self, audience: &str) -> Result<(), KeyBindingError> {
        let is_it = self.audience == audience;
        is_it.then_some(()).ok_or(KeyBindingError::OtherAudience)
    }

    /// For this transaction.
    pub fn check_nonce(&self, nonce: &str) -> Result<(), KeyBindingError> {
        (self.nonce == nonce).then_some(()).ok_or(KeyBindingError::OtherNonce)
    }

    /// When it was made.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// For whom it was made.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }
}

/// Why a key binding is refused (RFC 9901 §7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyBindingError {
    /// There is none, and one was asked for.
    Missing,
    /// The JWT itself: too long, unreadable, by `none`, a shared secret or RSA, a member twice.
    Jws(JwsError),
    /// `typ` says that it is something else.
    WrongType,
    /// `iat`, `aud`, `nonce` or `sd_hash` is missing, or of a wrong type.
    Incomplete,
    /// The credential is bound to no key: anybody could have made it.
    NotBound,
    /// `cnf` names a key that only a document tells.
    UnknownKey,
    /// Not signed by the key of the credential.
    WrongKey,
    /// Signed for another credential, or for other disclosures.
    OtherDisclosures,
    /// `iat` has not come.
    InFuture,
    /// `iat` is too long ago.
    TooOld,
    /// `exp` is over, or `nbf` has not come.
    OutOfTime,
    /// `aud` is somebody else.
    OtherAudience,
    /// `nonce` is that of something else.
    OtherNonce,
}

impl fmt::Display for KeyBindingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no key binding: whoever shows it proves no key",
            Self::Jws(error) => return write!(f, "the key binding: {error}"),
            Self::WrongType => "typ of the key binding must be kb+jwt",
            Self::Incomplete => {
                "the key binding lacks iat, aud, nonce or sd_hash, or has one of a wrong type"
            }
            Self::NotBound => {
                "the credential is bound to no key: a key binding behind it proves nothing"
            }
            Self::UnknownKey => "the credential names its holder's key by a name that is not known",
            Self::WrongKey => "the key binding was not signed by the key of the credential",
            Self::OtherDisclosures => {
                "the key binding was made for another credential, or for other disclosures"
            }
            Self::InFuture => "the key binding was made in the future: check the clock",
            Self::TooOld => "the key binding was made too long ago",
            Self::OutOfTime => "the key binding is over, or its time has not come",
            Self::OtherAudience => "the key binding was made for somebody else",
            Self::OtherNonce => "the key binding was made with another nonce",
        })
    }
}

impl std::error::Error for KeyBindingError {}

/// Why a credential is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresentError {
    /// A pointer leads to nothing that it says.
    UnknownPointer,
    /// The credential is bound to no key: there is nothing to prove.
    NotBound,
    /// Not the key that the credential is bound to.
    OtherKey,
    /// Audience or nonce are too long.
    TooLong,
    /// The key.
    Signing(SignError),
}

impl fmt::Display for PresentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownPointer => "a pointer leads to nothing in this credential",
            Self::NotBound => "the credential is bound to no key: show it without a key binding",
            Self::OtherKey => "this is not the key that the credential is bound to",
            Self::TooLong => "audience or nonce is too long",
            Self::Signing(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for PresentError {}

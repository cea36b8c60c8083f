//! The records of the store.

use std::fmt;

use keys::algorithm::Algorithm;
use keys::did;
use keys::digest::sha256;
use keys::outside::{Random, Timestamp};
use keys::public_key::Thumbprint;
use oid4vci::proof::BindingMethod;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Reporter, atomic};
use crate::card::{Lines, lines};
use crate::display::Display;
use crate::status::KnownStatus;

/// Of a name that a person can type.
const ID_BYTES: usize = 6;

/// Names a key: its RFC 7638 thumbprint.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Takes what a person typed; whether there is such a key, the store knows.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<&Thumbprint> for KeyId {
    fn from(thumbprint: &Thumbprint) -> Self {
        Self(thumbprint.to_string())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a credential inside the wallet: short enough to type.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CredentialId(String);

impl CredentialId {
    /// Draws an id.
    #[must_use]
    pub fn fresh(random: &dyn Random) -> Self {
        Self(atomic::hex(&atomic::draw::<ID_BYTES>(random)))
    }

    /// The name of a credential that was pending under this one; several came at once, in this order.
    pub(crate) fn for_credential(&self, place: usize) -> Self {
        Self::of_digest(&sha256(format!("{self}/{place}").as_bytes()))
    }

    /// As long as those that are drawn.
    pub(super) fn of_digest(digest: &[u8; 32]) -> Self {
        Self(atomic::hex(digest.get(..ID_BYTES).unwrap_or(digest)))
    }

    /// Takes what a person typed; whether there is such a credential, the store knows.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A private key in PKCS #8.
#[derive(Clone)]
pub struct Pkcs8(Zeroizing<Vec<u8>>);

impl Pkcs8 {
    /// Takes the bytes of a key.
    #[must_use]
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The key itself, for whoever signs with it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs8(..)")
    }
}

/// A key of the holder.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StoredKey {
    /// Its RFC 7638 thumbprint.
    pub id: KeyId,
    /// What it signs with.
    #[serde(with = "algorithm")]
    pub algorithm: Algorithm,
    /// Leaves its type for the sealed record only.
    #[serde(with = "pkcs8")]
    pub pkcs8: Pkcs8,
    /// How the key was named when it was made.
    #[serde(with = "binding")]
    pub binding: BindingMethod,
    /// When it was made.
    pub created_at: Timestamp,
    /// Made for a request whose credential is not kept yet; see [`super::forget_unused_keys`].
    #[serde(default)]
    pub awaits_credential: bool,
}

/// A credential that has passed all checks.
#[derive(Clone, Deserialize, Serialize)]
pub struct StoredCredential {
    /// The wallet's own name for it.
    pub id: CredentialId,
    /// Its format identifier (VCI §A).
    pub format: String,
    /// What was asked for.
    pub credential_configuration_id: String,
    /// Credential Issuer Identifier: whom the holder agreed to.
    pub credential_issuer: String,
    /// The credential as it came, byte by byte.
    pub raw: String,
    /// `vct`, or the types of a W3C credential.
    pub types: Vec<String>,
    /// What it says about the holder, without the members that only protocols need.
    pub claims: Map<String, Value>,
    /// How it looks, kept because metadata change and the network may be away.
    pub display: Display,
    /// What came with it of how it looks, over what the issuer publishes: also what nobody shows yet
    /// (V11-16, V11-18). None where they are so long that the credential might not fit into the store.
    #[serde(default)]
    pub credential_metadata: Option<Value>,
    /// Why the wallet believes that it comes from this issuer.
    pub trust: Trust,
    /// The key it is bound to; `None` for a credential that anyone may show.
    pub holder_key: Option<HolderKey>,
    /// The same once more, each bound to a key of its own: who is shown one cannot tell that the
    /// other is the same person's (PRIV-06).
    #[serde(default)]
    pub copies: Vec<CredentialCopy>,
    /// What its issuer's status list said last; `None` until it is asked for.
    #[serde(default)]
    pub status: Option<KnownStatus>,
    /// How to tell its issuer what became of it; `None` when that does not want to know.
    #[serde(default)]
    pub reporter: Option<Reporter>,
    /// When it was received.
    pub received_at: Timestamp,
    /// The first second in which it is dead.
    pub expires_at: Option<Timestamp>,
}

/// A further copy of a credential, from the same batch.
#[derive(Clone, Deserialize, Serialize)]
pub struct CredentialCopy {
    /// As it came, byte by byte.
    pub raw: String,
    /// The key that it alone is bound to.
    pub holder_key: HolderKey,
    /// As of the first: each has an entry of its own, so that lists do not tell them to be one's.
    #[serde(default)]
    pub status: Option<KnownStatus>,
}

impl StoredCredential {
    /// The keys that it and its copies are bound to.
    pub fn holder_keys(&self) -> impl Iterator<Item = &HolderKey> {
        self.holder_key.iter().chain(self.copies.iter().map(|copy| &copy.holder_key))
    }

    /// Notes what a status list said of it, or of the copy that came with these bytes, unless more is
    /// known by now.
    pub fn learn(&mut self, raw: &str, status: &KnownStatus) {
        if self.raw == raw {
            self.status = Some(status.clone().after(self.status.take()));
        }
        for copy in self.copies.iter_mut().filter(|copy| copy.raw == raw) {
            copy.status = Some(status.clone().after(copy.status.take()));
        }
    }

    /// Its claims as lines that a person can read.
    #[must_use]
    pub fn lines(&self, locale: &str) -> Lines<'_> {
        lines(&self.claims, &self.display.claims, locale)
    }
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it says about the holder belongs into no log.
        f.debug_struct("StoredCredential")
            .field("id", &self.id)
            .field("credential_configuration_id", &self.credential_configuration_id)
            .finish_non_exhaustive()
    }
}

/// The key that a credential is bound to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct HolderKey {
    /// The RFC 7638 thumbprint: finds the key in the store.
    pub kid: KeyId,
    /// How the credential names it.
    #[serde(with = "binding")]
    pub binding: BindingMethod,
    /// The DID, when it is named by one.
    pub did: Option<String>,
}

impl HolderKey {
    /// The DID URL of the key: in a document of the holder's it stands under its id.
    #[must_use]
    pub fn did_url(&self) -> Option<String> {
        let did = self.did.as_deref()?;
        let is_published = self.binding == BindingMethod::DidWeb;
        let published = || format!("{did}#{}", self.kid);
        Some(if is_published { published() } else { did::verification_method(did) })
    }
}

/// What ties the key that signed to the issuer that the holder agreed to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Trust {
    /// A certificate that ends in one of the given anchors.
    Anchor {
        /// Whom the certificate names.
        subject: Option<String>,
    },
    /// The issuer publishes the key under its own name.
    IssuerMetadata,
    /// Nothing does: the signature is right, and the holder accepted an issuer that is not verified.
    Accepted,
}

mod algorithm {
    use super::{Algorithm, Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
    pub(super) fn serialize<S: Serializer>(value: &Algorithm, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(value.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Algorithm, D::Error> {
        let name = String::deserialize(d)?;
        Algorithm::parse(&name).ok_or_else(|| de::Error::custom("unknown algorithm"))
    }
}

mod binding {
    use super::{BindingMethod, Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
    pub(super) fn serialize<S: Serializer>(value: &BindingMethod, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(value.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BindingMethod, D::Error> {
        let name = String::deserialize(d)?;
        BindingMethod::parse(&name).ok_or_else(|| de::Error::custom("unknown binding method"))
    }
}

mod pkcs8 {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::{Deserialize, Deserializer, Pkcs8, Serializer, Zeroizing, de};

    pub(super) fn serialize<S: Serializer>(value: &Pkcs8, s: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(value.expose()));
        s.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Pkcs8, D::Error> {
        let text = Zeroizing::new(String::deserialize(d)?);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&*text);
        let bytes = bytes.map_err(|_| de::Error::custom("key is not base64url"))?;
        Ok(Pkcs8::new(Zeroizing::new(bytes)))
    }
}

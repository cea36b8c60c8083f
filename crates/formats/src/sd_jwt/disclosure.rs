//! One claim that a holder may leave out (RFC 9901 §4.2).

use keys::base64url;
use keys::digest::sha256;
use serde_json::Value;

/// More than 128 bits: nobody can try all salts for a value that is easy to guess (RFC 9901 §9.3). As
/// many as fill whole characters, so that the text of several is the texts of each.
pub(super) const SALT_BYTES: usize = 18;
/// How long its text is, and that of a digest.
pub(super) const SALT_LENGTH: usize = 24;
const DIGEST_LENGTH: usize = 43;

/// A claim, as the holder tells it, and the digest that stands in its place.
///
/// It is made of its parts in one place and never changed, so that the text says this name and this
/// value, and has this digest: whoever looks at them once more need neither read nor hash the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Disclosure {
    name: Option<String>,
    value: Value,
    text: String,
    digest: [u8; DIGEST_LENGTH],
}

/// Where one disclosure after the other is written before it is encoded.
pub(super) type Scratch = Vec<u8>;

impl Disclosure {
    /// `[salt, name, value]`, or `[salt, value]` of an element (RFC 9901 §4.2.1, RFC 9901 §4.2.2).
    pub(super) fn new(
        salt: [u8; SALT_LENGTH],
        (name, value): (Option<String>, Value),
        json: &mut Scratch,
    ) -> Self {
        let salt = str::from_utf8(&salt).unwrap_or_default();
        json.clear();
        let written = match &name {
            Some(name) => serde_json::to_writer(&mut *json, &(salt, name, &value)),
            None => serde_json::to_writer(&mut *json, &(salt, &value)),
        };
        // Only a foreign type or a foreign writer can fail; an empty text is not signed for.
        let text = written.map_or_else(|_| String::new(), |()| base64url::encode(json));
        let digest = base64url::fixed(&sha256(text.as_bytes()));
        Self { name, value, text, digest }
    }

    /// What the claim is called; `None` of an element.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it says; perhaps with digests of further ones in it (RFC 9901 §4.2.6).
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// As it is sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is signed in its place.
    #[must_use]
    pub fn digest(&self) -> &str {
        str::from_utf8(&self.digest).unwrap_or_default()
    }
}

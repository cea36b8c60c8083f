//! One claim that a holder may leave out (RFC 9901 §4.2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::digest;

/// 128 bits: nobody can try all salts for a value that is easy to guess (RFC 9901 §9.3).
pub(super) const SALT_BYTES: usize = 16;

/// A claim, as the holder tells it, and the digest that stands in its place.
///
/// It is made of its parts in one place and never changed, so that the text says this name and this
/// value, and has this digest: whoever looks at them once more need neither read nor hash the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Disclosure {
    name: Option<String>,
    value: Value,
    text: String,
    digest: String,
}

/// Where one disclosure after the other is written before it is encoded.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    salt: String,
    json: Vec<u8>,
}

impl Disclosure {
    /// `[salt, name, value]`, or `[salt, value]` of an element (RFC 9901 §4.2.1, RFC 9901 §4.2.2).
    pub(super) fn new(
        salted: [u8; SALT_BYTES],
        (name, value): (Option<String>, Value),
        Scratch { salt, json }: &mut Scratch,
    ) -> Self {
        salt.clear();
        json.clear();
        BASE64_URL_SAFE_NO_PAD.encode_string(salted, salt);
        let written = match &name {
            Some(name) => serde_json::to_writer(&mut *json, &(&*salt, name, &value)),
            None => serde_json::to_writer(&mut *json, &(&*salt, &value)),
        };
        // Only a foreign type or a foreign writer can fail; an empty text is not signed for.
        let text = written.map_or_else(|_| String::new(), |()| BASE64_URL_SAFE_NO_PAD.encode(json));
        let digest = digest(&text);
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
        &self.digest
    }
}

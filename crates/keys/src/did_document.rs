//! DID documents: which keys somebody's DID has, and what each is for (DID Core 1.0).
//!
//! They are fetched elsewhere; here they are read.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Value, json};

use crate::did::{read_issuer_multikey, read_multikey};
use crate::json;
use crate::public_key::PublicKey;

/// Most keys that are looked at in one place of a document.
const KEYS_MAX: usize = 100;
/// Longest key in base58, which takes time with the square of its length.
const MULTIKEY_BYTES_MAX: usize = 1024;

/// What a key is for (DID Core 1.0, verification relationships).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// To show that one is the subject of the DID.
    Authentication,
    /// To sign statements, such as credentials.
    AssertionMethod,
}

impl Relationship {
    const ALL: [Self; 2] = [Self::Authentication, Self::AssertionMethod];

    const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::AssertionMethod => "assertionMethod",
        }
    }
}

/// The document in which somebody publishes these keys, by what stands behind `#`, to show that the DID
/// is theirs. What is for signing statements is not in it.
#[must_use]
pub fn for_authentication(did: &str, keys: &[(String, PublicKey)]) -> Value {
    let methods = keys.iter().map(|(name, key)| {
        json!({
            "id": format!("{did}#{name}"),
            "type": "JsonWebKey",
            "controller": did,
            "publicKeyJwk": key.to_jwk(),
        })
    });
    let names = keys.iter().map(|(name, _)| format!("{did}#{name}"));
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods.collect::<Value>(),
        "authentication": names.collect::<Value>(),
    })
}

/// What the document of one DID says of keys; the rest of it is not kept.
#[derive(Clone, Debug)]
pub struct DidDocument {
    did: String,
    keys: Vec<Listed>,
}

/// A key under one of its names; `None` is one that cannot be used.
#[derive(Clone, Debug)]
struct Listed {
    name: String,
    relationship: Relationship,
    key: Option<Written>,
}

/// A key as it stands there. It is decoded when it is asked for: strangers may write many.
#[derive(Clone, Debug)]
enum Written {
    Multikey(String),
    Jwk(Value),
}

impl Written {
    /// Statements may be signed by keys with which nobody shows who they are (`bbs-2023`).
    fn decoded(&self, relationship: Relationship) -> Option<PublicKey> {
        match self {
            Self::Multikey(text) => match relationship {
                Relationship::Authentication => read_multikey(text).ok(),
                Relationship::AssertionMethod => read_issuer_multikey(text).ok(),
            },
            Self::Jwk(jwk) => PublicKey::from_jwk_or_rsa(jwk).ok(),
        }
    }
}

impl DidDocument {
    /// Reads the document that is said to be that of `did`.
    pub fn parse(body: &[u8], did: &str) -> Result<Self, DidDocumentError> {
        let document = json::parse(body).map_err(|_| DidDocumentError::Unreadable)?;
        if !document.is_object() {
            return Err(DidDocumentError::Unreadable);
        }
        if document.get("id").is_none_or(|id| id != did) {
            return Err(DidDocumentError::OtherSubject);
        }
        let listed = Relationship::ALL.into_iter().flat_map(|one| keys(&document, one, did));
        Ok(Self { did: did.to_owned(), keys: listed.collect() })
    }

    /// Whose document it is.
    #[must_use]
    pub fn did(&self) -> &str {
        &self.did
    }

    /// The key of this name: it stands in the document, is of its subject and no other's, and is for
    /// this.
    ///
    /// Names may be written from `#` on (DID Core 1.0, relative DID URLs).
    #[must_use]
    pub fn key(&self, did_url: &str, relationship: Relationship) -> Option<PublicKey> {
        let name = whole(&self.did, did_url);
        let mut for_this = self.keys.iter().filter(|one| one.relationship == relationship);
        for_this.find(|one| one.name == name)?.key.as_ref()?.decoded(relationship)
    }
}

fn listed<'d>(document: &'d Value, name: &str) -> impl Iterator<Item = &'d Value> {
    let list = document.get(name).and_then(Value::as_array);
    list.into_iter().flatten().take(KEYS_MAX)
}

/// What is listed for this, each name once.
fn keys(document: &Value, relationship: Relationship, did: &str) -> Vec<Listed> {
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for entry in listed(document, relationship.name()) {
        let Some(name) = entry.as_str().or_else(|| entry.get("id")?.as_str()) else { continue };
        let name = whole(did, name);
        if seen.contains(&name) {
            continue;
        }
        if let Some(method) = method(document, entry, (did, &name)) {
            seen.insert(name.clone());
            keys.push(Listed { name, relationship, key: written(method, did) });
        }
    }
    keys
}

/// It is written where its use is said, or named there and written elsewhere.
fn method<'d>(
    document: &'d Value,
    entry: &'d Value,
    (did, name): (&str, &str),
) -> Option<&'d Value> {
    if !entry.is_string() {
        return Some(entry);
    }
    let is_named = |method: &&Value| {
        method.get("id").and_then(Value::as_str).is_some_and(|id| whole(did, id) == name)
    };
    listed(document, "verificationMethod").find(is_named)
}

fn written(method: &Value, did: &str) -> Option<Written> {
    if method.get("controller").is_none_or(|controller| controller != did) {
        return None;
    }
    let multikey = method.get("publicKeyMultibase").and_then(Value::as_str);
    match (multikey, method.get("publicKeyJwk")) {
        (Some(multikey), None) if multikey.len() <= MULTIKEY_BYTES_MAX => {
            Some(Written::Multikey(multikey.to_owned()))
        }
        (None, Some(jwk)) => Some(Written::Jwk(jwk.clone())),
        _ => None,
    }
}

fn whole(did: &str, name: &str) -> String {
    if name.starts_with('#') { format!("{did}{name}") } else { name.to_owned() }
}

/// Why this is not the document of a DID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DidDocumentError {
    /// Not a JSON object, or one with a repeated member.
    Unreadable,
    /// `id` is not the DID.
    OtherSubject,
}

impl fmt::Display for DidDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "this is no DID document in JSON",
            Self::OtherSubject => "`id` of the DID document is another DID",
        })
    }
}

impl std::error::Error for DidDocumentError {}

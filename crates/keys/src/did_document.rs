//! DID documents: which keys somebody's DID has, and what each is for (DID Core 1.0).
//!
//! They are fetched elsewhere; here they are read.

use std::fmt;

use serde_json::{Value, json};

use crate::did::{read_issuer_multikey, read_multikey};
use crate::json;
use crate::public_key::PublicKey;

/// Most keys that are looked at in one place of a document.
const KEYS_MAX: usize = 100;

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
    key: Option<PublicKey>,
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
        let keys = Relationship::ALL.into_iter().flat_map(|relationship| {
            let listed = listed(&document, relationship.name());
            let named = listed.filter_map(|entry| method(&document, entry, did));
            named.map(move |(name, method)| Listed {
                name,
                relationship,
                key: key(method, did, relationship),
            })
        });
        Ok(Self { did: did.to_owned(), keys: keys.collect() })
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
    pub fn key(&self, did_url: &str, relationship: Relationship) -> Option<&PublicKey> {
        let name = whole(&self.did, did_url);
        let mut for_this = self.keys.iter().filter(|one| one.relationship == relationship);
        for_this.find(|one| one.name == name)?.key.as_ref()
    }
}

fn listed<'d>(document: &'d Value, name: &str) -> impl Iterator<Item = &'d Value> {
    let list = document.get(name).and_then(Value::as_array);
    list.into_iter().flatten().take(KEYS_MAX)
}

/// It is written where its use is said, or named there and written elsewhere.
fn method<'d>(document: &'d Value, entry: &'d Value, did: &str) -> Option<(String, &'d Value)> {
    let name_of = |method: &Value| method.get("id")?.as_str().map(|name| whole(did, name));
    let Some(name) = entry.as_str() else { return Some((name_of(entry)?, entry)) };
    let name = whole(did, name);
    let is_named = |method: &&Value| name_of(method).as_ref() == Some(&name);
    let method = listed(document, "verificationMethod").find(is_named)?;
    Some((name, method))
}

/// Statements may be signed by keys with which nobody shows who they are (`bbs-2023`).
fn key(method: &Value, did: &str, relationship: Relationship) -> Option<PublicKey> {
    if method.get("controller").is_none_or(|controller| controller != did) {
        return None;
    }
    let multikey = method.get("publicKeyMultibase").and_then(Value::as_str);
    match (multikey, method.get("publicKeyJwk")) {
        (Some(multikey), None) => match relationship {
            Relationship::Authentication => read_multikey(multikey).ok(),
            Relationship::AssertionMethod => read_issuer_multikey(multikey).ok(),
        },
        (None, Some(jwk)) => PublicKey::from_jwk_or_rsa(jwk).ok(),
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

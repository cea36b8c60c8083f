//! Step 19: the did:web of an issuer, whose document is on the host that the holder agreed to.
//!
//! No other did:web is looked up: that would ask a host which nobody agreed to.

use std::borrow::Cow;

use keys::did::{did_web_document, read_issuer_multikey, to_did_web};
use keys::json;
use keys::public_key::PublicKey;
use oid4vci::metadata::parse_identifier;
use serde_json::Value;

use crate::error::{Question, WalletError};
use crate::reader::Reader;
use crate::trust::{VerificationError, pick};

/// Most keys in a document.
const KEYS_MAX: usize = 100;

/// The did:web that a Credential Issuer Identifier has.
pub(crate) fn did_web_of(issuer: &str) -> Option<String> {
    to_did_web(&parse_identifier(issuer)?)
}

impl Reader<'_> {
    /// The key that the document of the issuer's did:web names for credentials.
    pub(crate) async fn website_key(
        &self,
        issuer: &str,
        kid: Option<&str>,
    ) -> Result<PublicKey, WalletError> {
        if let Some(given) = self.given_keys {
            // A JWK is named by what stands behind the DID.
            let kid = kid.map(|kid| kid.rsplit('#').next().unwrap_or(kid));
            return Ok(pick(given, kid).ok_or(VerificationError::KeyNotPublished)?);
        }
        let place = parse_identifier(issuer).map(|url| did_web_document(&url));
        let place = place.ok_or(VerificationError::BadDid)?;
        let answer = self.read_document(place, "application/did+json, application/json").await?;
        let document = json::parse(&answer.body).ok().filter(|_| answer.status == 200);
        let document = document.ok_or(WalletError::BadAnswer(Question::IssuerKeys))?;
        if document.get("id").and_then(Value::as_str) != did_web_of(issuer).as_deref() {
            return Err(VerificationError::BadDid.into());
        }
        let kid = kid.ok_or(VerificationError::KeyNotPublished)?;
        Ok(assertion_key(&document, kid).ok_or(VerificationError::KeyNotPublished)?)
    }
}

/// A key stands in the document, belongs to its subject, and may sign credentials.
///
/// Names may be written from `#` on (DID Core 1.0, relative DID URLs).
fn assertion_key(document: &Value, kid: &str) -> Option<PublicKey> {
    let did = document.get("id")?.as_str()?;
    let kid = whole(did, kid);
    let is_kid = |name: &Value| name.as_str().is_some_and(|name| whole(did, name) == kid);
    let listed = |name: &str| document.get(name).and_then(Value::as_array).into_iter().flatten();
    let is_named = |one: &&Value| one.get("id").is_some_and(is_kid);
    let for_credentials = || listed("assertionMethod").take(KEYS_MAX);
    let method = if let Some(embedded) = for_credentials().find(is_named) {
        embedded
    } else {
        for_credentials().find(|one| is_kid(one))?;
        listed("verificationMethod").take(KEYS_MAX).find(is_named)?
    };
    if method.get("controller") != document.get("id") {
        return None;
    }
    let multikey = method.get("publicKeyMultibase").and_then(Value::as_str);
    match (multikey, method.get("publicKeyJwk")) {
        (Some(multikey), None) => read_issuer_multikey(multikey).ok(),
        (None, Some(jwk)) => PublicKey::from_jwk_or_rsa(jwk).ok(),
        _ => None,
    }
}

fn whole<'n>(did: &str, name: &'n str) -> Cow<'n, str> {
    if name.starts_with('#') { Cow::Owned(format!("{did}{name}")) } else { Cow::Borrowed(name) }
}

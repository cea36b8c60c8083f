//! Step 19: the did:web of an issuer, whose document is on the host that the holder agreed to.
//!
//! No other did:web is looked up: that would ask a host which nobody agreed to.

use keys::did::{did_web_document, to_did_web};
use keys::did_document::{DidDocument, DidDocumentError, Relationship};
use keys::public_key::PublicKey;
use oid4vci::metadata::parse_identifier;

use crate::error::{Question, WalletError};
use crate::reader::Reader;
use crate::trust::{VerificationError, pick};

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
        let website = parse_identifier(issuer).ok_or(VerificationError::BadDid)?;
        let did = to_did_web(&website).ok_or(VerificationError::BadDid)?;
        let place = did_web_document(&website);
        let answer = self.read_document(place, "application/did+json, application/json").await?;
        if answer.status != 200 {
            return Err(WalletError::BadAnswer(Question::IssuerKeys));
        }
        let document = DidDocument::parse(&answer.body, &did).map_err(|error| match error {
            DidDocumentError::Unreadable => WalletError::BadAnswer(Question::IssuerKeys),
            DidDocumentError::OtherSubject => VerificationError::BadDid.into(),
        })?;
        let key = kid.and_then(|kid| document.key(kid, Relationship::AssertionMethod));
        Ok(key.ok_or(VerificationError::KeyNotPublished)?)
    }
}

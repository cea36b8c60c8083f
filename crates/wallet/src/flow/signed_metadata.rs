//! Step 6: metadata that are signed (VCI §12.2.3), where the wallet knows authorities that can vouch
//! for who signs.

use keys::x509::{self, Anchors, X509Error};
use oid4vci::metadata::{CREDENTIAL_ISSUER, ReceivedIssuerMetadata};
use oid4vci::signed_metadata::{MEDIA_TYPE, SignedMetadataError, UnverifiedMetadata};
use serde_json::Value;

use crate::Wallet;
use crate::error::{Question, WalletError};
use crate::http::Response;
use crate::trust::is_for;

/// Both forms, the signed one first (META-05).
const SIGNED_FIRST: &str = "application/jwt, application/json;q=0.9";
/// What every issuer has (META-07).
const UNSIGNED: &str = "application/json";

/// What an issuer publishes.
pub(super) enum Document {
    /// By somebody whose signature counts; what they signed, which can be used.
    Signed(Vec<u8>),
    /// As it came from its host.
    Plain(Vec<u8>),
}

impl Wallet {
    /// What the issuer publishes: signed where it has that form and the wallet knows whose signature
    /// counts. Who signs and is not known adds nothing, and takes nothing away: what they signed is
    /// rejected (SMETA-06), and the unsigned form asked for, which comes from the issuer's own host.
    /// What somebody known signed must be right in every respect. Either way, the keys for encryption
    /// in it come over TLS from the issuer, or signed: that is why they can be trusted (ENC-12, SEC-32).
    pub(super) async fn issuer_document(&self, id: &str) -> Result<Document, WalletError> {
        if let Some(anchors) = &self.settings.anchors {
            let place = (id, CREDENTIAL_ISSUER);
            let answer = self.reader().document_as(place, Question::Metadata, SIGNED_FIRST).await?;
            if !answer.is(MEDIA_TYPE) {
                return Ok(Document::Plain(answer.body));
            }
            match self.signed_metadata(&answer, id, anchors) {
                Err(SignedMetadataError::Untrusted | SignedMetadataError::NoCertificate) => {}
                Ok(signed) => return Ok(Document::Signed(signed)),
                Err(error) => return Err(WalletError::SignedMetadata(error)),
            }
        }
        let place = (id, CREDENTIAL_ISSUER);
        let answer = self.reader().document_as(place, Question::Metadata, UNSIGNED).await?;
        if answer.is(MEDIA_TYPE) {
            return Err(WalletError::SignedMetadata(SignedMetadataError::Untrusted));
        }
        Ok(Document::Plain(answer.body))
    }

    /// SMETA-07: the key first, then the signature, then what is said.
    fn signed_metadata(
        &self,
        answer: &Response,
        id: &str,
        anchors: &Anchors,
    ) -> Result<Vec<u8>, SignedMetadataError> {
        let text = str::from_utf8(&answer.body).map_err(|_| SignedMetadataError::Malformed)?;
        let unverified = UnverifiedMetadata::parse(text.trim())?;
        let now = self.clock.now();
        let signer = match x509::verify_chain(unverified.x5c(), anchors, now) {
            // `iss` is no matter here: it names who attests, if that is not the issuer (SMETA-04).
            Ok(leaf) if is_for(&leaf, None, id) => leaf.public_key,
            Ok(_) => return Err(SignedMetadataError::Untrusted),
            Err(X509Error::NoAnchor | X509Error::SelfSigned | X509Error::BrokenChain) => {
                return Err(SignedMetadataError::Untrusted);
            }
            Err(_) => return Err(SignedMetadataError::Certificate),
        };
        let claims = unverified.verify(&signer, id, now)?;
        let document = Value::Object(claims.clone()).to_string().into_bytes();
        let read = ReceivedIssuerMetadata::of_signed(claims, id);
        read.map(|_| document).map_err(|_| SignedMetadataError::Malformed)
    }
}

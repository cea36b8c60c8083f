//! Step 6: what an issuer leaves out of its metadata, the description of a type may say (SD-JWT VC §8,
//! SD-JWT VC §9).

use formats::type_metadata::{Chain, PathStep, TypeMetadata, check};
use formats::verified::Verified;
use oid4vci::metadata::{ReceivedConfiguration, ReceivedIssuerMetadata};
use serde_json::{Value, json};

use super::metadata::OfferedCredential;
use crate::Wallet;
use crate::display::Display;
use crate::trust::VerificationError;
use crate::type_metadata::Described;

impl Wallet {
    /// Fetches names and looks that are missing, and pictures of whole cards, which metadata of issuers
    /// do not have. Only the issuer itself is asked, whom the holder has
    /// agreed to ask; a type that is described elsewhere, badly or at length keeps the names that it
    /// has. What is taken from a description holds for the credential, too (`check_description`).
    pub(super) async fn fetch_descriptions(
        &self,
        offered: &mut [OfferedCredential],
        issuer: &ReceivedIssuerMetadata,
    ) {
        for OfferedCredential { configuration, display, documents, .. } in offered {
            let is_whole = !configuration.display.is_empty() && !configuration.claims.is_empty();
            let Some(vct) = configuration.vct.as_deref() else { continue };
            let home = [&*issuer.credential_issuer];
            let may_ask = |url: &_| self.check_places(&home, std::iter::once(url));
            let reader = self.reader();
            let described = reader.type_metadata(Chain::of(vct, None), may_ask).await;
            let Ok(described) = described else { continue };
            let filled = filled(configuration, &described.metadata);
            let length: usize = described.documents.iter().map(Vec::len).sum();
            if length <= KEPT_BYTES_MAX && !filled.contradicts_itself() {
                let Described { metadata, documents: texts } = described;
                // Few types have pictures: others' futures do not carry this one along.
                let pictures = self.fetch_svg_templates(&metadata, &issuer.credential_issuer);
                let svg_templates = Box::new(Box::pin(pictures).await);
                if is_whole && svg_templates.is_empty() {
                    continue;
                }
                *display = Display { svg_templates, ..Display::new(issuer, &filled) };
                *configuration = filled;
                let texts = texts.into_iter().map(String::from_utf8);
                *documents = texts.collect::<Result<_, _>>().unwrap_or_default();
            }
        }
    }
}

/// Longest descriptions that are kept until the credential comes, which may take days.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// A type that was looked up is a rule for what comes (SD-JWT VC §9).
pub(super) fn check_description(
    verified: &Verified,
    documents: &[String],
) -> Result<(), VerificationError> {
    let begun = Chain::of_credential(&verified.raw).filter(|_| !documents.is_empty());
    let Some((mut chain, _)) = begun else { return Ok(()) };
    let mut taken = documents.iter().map(|document| chain.take(document.as_bytes()));
    let held = taken.try_for_each(|taken| taken).and_then(|()| {
        let described = chain.finish()?;
        check(&described, &verified.raw)
    });
    held.map_err(|_| VerificationError::NotAsDescribed)
}

/// What the issuer says itself goes before.
fn filled(
    configuration: &ReceivedConfiguration,
    described: &TypeMetadata,
) -> ReceivedConfiguration {
    let mut filled = configuration.clone();
    if filled.display.is_empty() {
        filled.display = faces(described);
    }
    if filled.claims.is_empty() {
        filled.claims = claims(described);
    }
    filled
}

fn faces(described: &TypeMetadata) -> Vec<Value> {
    let faces = described.display.iter().map(|display| {
        let logo = display.logo.as_ref();
        json!({
            "locale": display.locale,
            "name": display.name,
            "description": display.description,
            "background_color": display.background_color,
            "text_color": display.text_color,
            "logo": logo.map(|(uri, alt_text)| json!({ "uri": uri, "alt_text": alt_text })),
        })
    });
    faces.collect()
}

fn claims(described: &TypeMetadata) -> Vec<Value> {
    let step = |step: &PathStep| match step {
        PathStep::Name(name) => Value::from(name.as_str()),
        PathStep::Every => Value::Null,
        PathStep::Index(index) => Value::from(*index),
    };
    let claims = described.claims.iter().map(|claim| {
        let labels = claim.display.iter();
        let labels = labels.map(|(locale, label)| json!({ "locale": locale, "name": label }));
        json!({
            "path": claim.path.iter().map(step).collect::<Value>(),
            "mandatory": claim.mandatory,
            "display": labels.collect::<Value>(),
        })
    });
    claims.collect()
}

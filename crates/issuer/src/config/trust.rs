//! Whom an operator trusts: files with certificates, or with bare keys.

use std::path::{Path, PathBuf};

use keys::json;
use keys::x509::Anchors;
use oid4vci::attestation::{AttesterKey, Attesters};
use serde_json::Value;

use super::ConfigError;
use super::source::Source;

/// Reads who may attest; `None` when nobody is named, who then is not trusted either (D13).
pub(crate) fn attesters(files: &[PathBuf]) -> Result<Option<Attesters>, ConfigError> {
    if files.is_empty() {
        return Ok(None);
    }
    let (mut pem, mut keys) = (String::new(), Vec::new());
    for file in files {
        let text = Source::read(file)?.into_text();
        if text.trim_start().starts_with('{') {
            keys.extend(jwks(&text).ok_or_else(|| unreadable(file))?);
        } else {
            Anchors::from_pem(&text).map_err(|_| unreadable(file))?;
            pem.push_str(&text);
            pem.push('\n');
        }
    }
    let anchors = if pem.is_empty() { None } else { Anchors::from_pem(&pem).ok() };
    Ok(Some(Attesters { anchors, keys, is_anchor_refused: false }))
}

/// A JWK Set, or one JWK (RFC 7517 §5).
fn jwks(text: &str) -> Option<Vec<AttesterKey>> {
    let value = json::parse(text.as_bytes()).ok()?;
    let listed = match value.get("keys") {
        Some(keys) => keys.as_array()?.iter().collect(),
        None => vec![&value],
    };
    let keys = listed.into_iter().map(|jwk: &Value| AttesterKey::from_jwk(jwk).ok());
    keys.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty())
}

fn unreadable(file: &Path) -> ConfigError {
    let remedy = "put certificates there, as PEM, or a JWK Set of public keys";
    ConfigError::of_file(file, "holds nobody who could be trusted", remedy)
}

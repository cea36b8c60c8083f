//! What a type does with attestations of the holder's keys (VCI §D.1, META-37).

use std::path::{Path, PathBuf};

use oid4vci::attestation::Attesters;
use oid4vci::attestation::key::{KeyAttestationPolicy, KeyAttestationsRequired, LEVELS, is_level};

use super::KeyBinding;
use super::entry::Entry;
use crate::config::ConfigError;
use crate::config::trust::attesters;

/// What a type does with attestations of the holder's keys.
#[derive(Clone, Debug)]
pub struct KeyAttestations {
    /// Whose attestations count.
    pub attesters: Attesters,
    /// `key_attestations_required`; `None` when a proof needs none.
    pub required: Option<KeyAttestationsRequired>,
    /// Whether an attestation alone is a proof (PROOF-03).
    pub is_proof_type: bool,
}

impl KeyBinding {
    /// What the rules for proofs need of it.
    #[must_use]
    pub fn key_attestations(&self) -> KeyAttestationPolicy<'_> {
        let Some(attestations) = &self.key_attestations else { return KeyAttestationPolicy::NONE };
        KeyAttestationPolicy {
            attesters: Some(&attestations.attesters),
            required: attestations.required.as_ref(),
            is_proof_type: attestations.is_proof_type,
        }
    }
}

/// What stands in the file of a type.
pub(super) struct Written<'w> {
    pub(super) anchors: &'w [PathBuf],
    pub(super) required: Option<&'w KeyAttestationsRequired>,
    pub(super) is_proof_type: bool,
}

/// Reads the files of those who attest; their paths begin where the type is.
pub(super) fn read(
    written: &Written<'_>,
    file: &Path,
    entry: &Entry<'_>,
) -> Result<Option<KeyAttestations>, ConfigError> {
    check_levels(written, entry)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let files: Vec<PathBuf> = written.anchors.iter().map(|anchor| folder.join(anchor)).collect();
    if let Some(attesters) = attesters(&files)? {
        let (required, is_proof_type) = (written.required.cloned(), written.is_proof_type);
        return Ok(Some(KeyAttestations { attesters, required, is_proof_type }));
    }
    let of_no_use = [
        ("key_attestations_required", written.required.is_some()),
        ("attestation_proofs", written.is_proof_type),
    ];
    match of_no_use.into_iter().find(|(_, is_written)| *is_written) {
        None => Ok(None),
        Some((key, _)) => {
            let remedy = "name files in key_attestation_trust_anchors, or remove the line";
            Err(entry.mistake(key, "nobody is trusted to attest keys", remedy))
        }
    }
}

/// VCI §D.2: KEYATT-12, KEYATT-13.
fn check_levels(written: &Written<'_>, entry: &Entry<'_>) -> Result<(), ConfigError> {
    let Some(required) = written.required else { return Ok(()) };
    let lists = [
        ("key_storage", &required.key_storage),
        ("user_authentication", &required.user_authentication),
    ];
    for (name, levels) in lists {
        if let Some(level) = levels.iter().find(|level| !is_level(level)) {
            let problem = format!("`{level}` is no level of an attack that is resisted");
            let remedy =
                format!("write one of {}, or the URL of one that others define", LEVELS.join(", "));
            let place = format!("key_attestations_required.{name}");
            return Err(entry.mistake(&place, problem, remedy));
        }
    }
    Ok(())
}

//! One format of a credential type, as its file says it: at the top, or in `[[also]]`.

use std::path::PathBuf;

use oid4vci::attestation::key::KeyAttestationsRequired;
use serde::Deserialize;

use super::StatusKind;
use super::format::{WrittenCanonicalization, WrittenCryptosuite, WrittenFormat};
use super::identity::Identity;
use super::pinned_contexts::WrittenContext;
use super::written::{Mistakes, WrittenType, is_identifier};
use crate::config::ConfigError;
use crate::config::source::Source;

/// Most formats of one type, that at the top included.
pub(super) const FORMATS_MAX: usize = 8;

/// What belongs to a format; all else stands at the top of the file, once for all of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenEntry {
    id: Option<String>,
    pub(super) format: WrittenFormat,
    pub(super) vct: Option<String>,
    pub(super) doctype: Option<String>,
    pub(super) name_space: Option<String>,
    pub(super) types: Option<Vec<String>>,
    pub(super) contexts: Option<Vec<String>>,
    #[serde(default)]
    pub(super) pinned_contexts: Vec<WrittenContext>,
    #[serde(default)]
    pub(super) credential_id: bool,
    pub(super) credential_name: Option<String>,
    pub(super) issuer_identity: Option<Identity>,
    pub(super) canonicalization: Option<WrittenCanonicalization>,
    pub(super) cryptosuite: Option<WrittenCryptosuite>,
    pub(super) extends: Option<String>,
    pub(super) extends_integrity: Option<String>,
    #[serde(default)]
    pub(super) vct_integrity: bool,
    pub(super) scope: Option<String>,
    pub(super) decoys: Option<usize>,
    pub(super) status: Option<StatusKind>,
    pub(super) portal: Option<bool>,
    pub(super) key_binding: Option<bool>,
    pub(super) binding_methods: Option<Vec<String>>,
    pub(super) proof_algorithms: Option<Vec<String>>,
    pub(super) key_attestation_trust_anchors: Option<Vec<PathBuf>>,
    pub(super) key_attestations_required: Option<KeyAttestationsRequired>,
    pub(super) attestation_proofs: Option<bool>,
    #[serde(default)]
    pub(super) di_vp_proofs: bool,
}

impl WrittenEntry {
    /// What the top of the file says of a format.
    fn of_top(top: &WrittenType) -> Self {
        Self {
            id: None,
            format: top.format,
            vct: top.vct.clone(),
            doctype: top.doctype.clone(),
            name_space: top.name_space.clone(),
            types: top.types.clone(),
            contexts: top.contexts.clone(),
            pinned_contexts: top.pinned_contexts.clone(),
            credential_id: top.credential_id,
            credential_name: top.credential_name.clone(),
            issuer_identity: top.issuer_identity,
            canonicalization: top.canonicalization,
            cryptosuite: top.cryptosuite,
            extends: top.extends.clone(),
            extends_integrity: top.extends_integrity.clone(),
            vct_integrity: top.vct_integrity,
            scope: top.scope.clone(),
            decoys: top.decoys,
            status: top.status,
            portal: Some(top.portal),
            key_binding: Some(top.key_binding),
            binding_methods: top.binding_methods.clone(),
            proof_algorithms: top.proof_algorithms.clone(),
            key_attestation_trust_anchors: Some(top.key_attestation_trust_anchors.clone()),
            key_attestations_required: top.key_attestations_required.clone(),
            attestation_proofs: Some(top.attestation_proofs),
            di_vp_proofs: top.di_vp_proofs,
        }
    }

    /// The same keys are bound in all formats, unless one says otherwise. How they are named, each
    /// format says for itself.
    fn or(self, top: &Self) -> Self {
        let portal = self.portal.or(top.portal);
        let key_binding = self.key_binding.or(top.key_binding);
        if key_binding == Some(false) {
            return Self { portal, key_binding, ..self };
        }
        Self {
            portal,
            key_binding,
            proof_algorithms: self.proof_algorithms.or_else(|| top.proof_algorithms.clone()),
            key_attestation_trust_anchors: self
                .key_attestation_trust_anchors
                .or_else(|| top.key_attestation_trust_anchors.clone()),
            key_attestations_required: self
                .key_attestations_required
                .or_else(|| top.key_attestations_required.clone()),
            attestation_proofs: self.attestation_proofs.or(top.attestation_proofs),
            ..self
        }
    }

    /// Whether a holder can leave claims out.
    pub(super) const fn is_selective(&self) -> bool {
        self.format.is_selective() || self.cryptosuite.is_some()
    }

    pub(super) fn is_bound(&self) -> bool {
        self.key_binding != Some(false)
    }

    /// In a status list of which kind its credentials have entries.
    pub(super) fn status_kind(&self) -> StatusKind {
        let usual = self.format.status_kinds().first().copied();
        self.status.or(usual).unwrap_or(StatusKind::Token)
    }
}

/// A format with its identifier, and where it stands.
pub(super) struct Entry<'e> {
    pub(super) source: &'e Source,
    /// The Credential Configuration Identifier.
    pub(super) id: String,
    /// With what the top of the file says for all of them.
    pub(super) written: WrittenEntry,
    /// In `[[also]]`; `None` at the top.
    pub(super) at: Option<usize>,
    /// Whether the type is offered in one format alone.
    pub(super) is_only: bool,
}

impl Entry<'_> {
    /// A mistake of one of its own keys.
    pub(super) fn mistake(
        &self,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        let place = place(self.at, key);
        self.told(self.source.mistake(&place, problem, remedy))
    }

    /// A mistake of what stands in the file once, and that this format cannot have.
    pub(super) fn misfit(
        &self,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        self.told(self.source.mistake(key, problem, remedy))
    }

    /// Of several formats, whoever corrects the file is told which one it is about.
    pub(super) fn told(&self, mistake: ConfigError) -> ConfigError {
        if self.at.is_none() {
            return mistake;
        }
        let problem = format!("{} ({}): {}", self.id, self.written.format.name(), mistake.problem);
        ConfigError { problem, ..mistake }
    }

    pub(super) const fn is_first(&self) -> bool {
        self.at.is_none()
    }

    /// Whether every claim lies in the one name space of its mdoc. Of a type in one format, the paths
    /// of the claims may begin with name spaces instead.
    pub(super) fn has_name_space(&self) -> bool {
        self.written.format == WrittenFormat::MsoMdoc
            && (self.written.name_space.is_some() || !self.is_only)
    }
}

/// Where a key of a format stands in the file.
pub(super) fn place(at: Option<usize>, key: &str) -> String {
    at.map_or_else(|| key.to_owned(), |at| format!("also.{at}.{key}"))
}

/// All formats of a type, that at the top first; `None` only where there was a mistake.
pub(super) fn read<'e>(
    written: &WrittenType,
    (type_id, source): (&str, &'e Source),
    mistakes: &mut Mistakes,
) -> Vec<Entry<'e>> {
    if written.also.len() >= FORMATS_MAX {
        let problem = format!("there are more than {FORMATS_MAX} formats of one type");
        let place = place(Some(FORMATS_MAX - 1), "format");
        mistakes.push(source.mistake(&place, problem, "remove those that no wallet asks for"));
        return Vec::new();
    }
    let top = WrittenEntry::of_top(written);
    let is_only = written.also.is_empty();
    let further = written.also.iter().enumerate().map(|(at, entry)| (Some(at), entry.clone()));
    let all = std::iter::once((None, top.clone())).chain(further);
    let mut entries: Vec<Entry<'e>> = Vec::new();
    for (at, entry) in all {
        let usual = || match at {
            None => type_id.to_owned(),
            Some(_) => format!("{type_id}_{}", entry.format.short_name()),
        };
        let id = entry.id.clone().unwrap_or_else(usual);
        let entry = Entry { source, id, written: entry.or(&top), at, is_only };
        mistakes.note(check_id(&entry, &entries));
        entries.push(entry);
    }
    entries
}

/// Offers and wallets repeat it, and each format has its own.
fn check_id(entry: &Entry<'_>, earlier: &[Entry<'_>]) -> Result<(), ConfigError> {
    let Some(_) = entry.at else { return Ok(()) };
    if !is_identifier(&entry.id) {
        let remedy = "use letters of a-z, digits, `_`, `-` and `.`, at most 64";
        return Err(entry.mistake("id", "this cannot name a format of a credential type", remedy));
    }
    if earlier.iter().any(|other| other.id == entry.id) {
        let problem = "another format of this type has the same identifier";
        return Err(entry.mistake("id", problem, "write another one, as id = \"…\""));
    }
    Ok(())
}

//! The file of a credential type as an operator writes it, and how it becomes a [`CredentialType`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oid4vci::attestation::key::KeyAttestationsRequired;
use serde::Deserialize;

use super::checks;
use super::claim_rules::{self, WrittenClaim};
use super::display::Display;
use super::entry::{self, Entry, WrittenEntry};
use super::format::{self, WrittenCanonicalization, WrittenCryptosuite, WrittenFormat};
use super::identity::{self, Identity};
use super::key_binding;
use super::origin::Origin;
use super::own_name;
use super::pinned_contexts::{self, WrittenContext};
use super::sign_in_claims::SignInClaims;
use super::svg_template;
use super::terms;
use super::type_metadata::Description;
use super::{Approval, Claims, CredentialType, Revocation, StatusKind, TxCodeChannel};
use crate::config::ConfigError;
use crate::config::source::{JSON, Source};

/// The end of the name of a file that is TOML.
const TOML: &str = "toml";
/// Longest Credential Configuration Identifier.
const ID_LENGTH_MAX: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's")]
pub(super) struct WrittenType {
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
    #[serde(default = "yes")]
    pub(super) key_binding: bool,
    pub(super) binding_methods: Option<Vec<String>>,
    pub(super) proof_algorithms: Option<Vec<String>>,
    #[serde(default)]
    pub(super) key_attestation_trust_anchors: Vec<PathBuf>,
    pub(super) key_attestations_required: Option<KeyAttestationsRequired>,
    #[serde(default)]
    pub(super) attestation_proofs: bool,
    #[serde(default)]
    pub(super) di_vp_proofs: bool,
    pub(super) validity_days: u32,
    pub(super) status_list: Option<bool>,
    pub(super) status: Option<StatusKind>,
    pub(super) suspendable: Option<bool>,
    pub(super) offer_seconds: Option<u32>,
    #[serde(default = "yes")]
    pub(super) portal: bool,
    #[serde(default = "officer")]
    pub(super) approval: Approval,
    #[serde(default)]
    pub(super) tx_code: bool,
    #[serde(default = "caller")]
    pub(super) tx_code_channel: WrittenChannel,
    pub(super) tx_code_command: Option<Vec<String>>,
    pub(super) letter: Option<bool>,
    pub(super) sign_in_claims: Option<BTreeMap<String, String>>,
    pub(super) display: Vec<Display>,
    #[serde(default)]
    pub(super) claims: Vec<WrittenClaim>,
    #[serde(default)]
    pub(super) also: Vec<WrittenEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenChannel {
    Screen,
    Caller,
    Command,
}

const fn yes() -> bool {
    true
}

const fn officer() -> Approval {
    Approval::Officer
}

const fn caller() -> WrittenChannel {
    WrittenChannel::Caller
}

/// Every mistake of one file, in the order in which they were found.
#[derive(Default)]
pub(super) struct Mistakes(pub(super) Vec<ConfigError>);

impl Mistakes {
    /// Notes a mistake and goes on, so that whoever corrects the file learns of all.
    pub(super) fn note<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|mistake| self.push(mistake)).ok()
    }

    /// What holds of all formats of a type is told once.
    pub(super) fn push(&mut self, mistake: ConfigError) {
        if !self.0.contains(&mistake) {
            self.0.push(mistake);
        }
    }
}

/// Reads one file, up to its first mistake: the type in each of its formats, and in one at least.
pub(super) fn read(
    file: &Path,
    source: &Source,
    issuer: &str,
) -> Result<Vec<CredentialType>, ConfigError> {
    let mut mistakes = Mistakes::default();
    let read = read_whole(file, (source, issuer), &mut mistakes);
    match (mistakes.0.into_iter().next(), read) {
        (None, Some(credential_types)) => Ok(credential_types),
        (Some(first), _) => Err(first),
        (None, None) => Err(ConfigError::of_file(file, "cannot be read", "write it anew")),
    }
}

/// Reads one file to its end; `None` only where there was a mistake.
pub(super) fn read_whole(
    file: &Path,
    (source, issuer): (&Source, &str),
    mistakes: &mut Mistakes,
) -> Option<Vec<CredentialType>> {
    let id = mistakes.note(identifier(file));
    let written: WrittenType = mistakes.note(source.parse())?;
    mistakes.note(checks::check_numbers(&written, source));
    mistakes.note(checks::check_display(&written, source));
    let type_id = id.clone().unwrap_or_default();
    let entries = entry::read(&written, (&type_id, source), mistakes);
    for entry in &entries {
        mistakes.note(checks::check_status(&written, entry));
        mistakes.note(checks::check_decoys(entry));
        mistakes.note(checks::check_names(entry));
        mistakes.note(own_name::check(entry));
    }
    mistakes.note(checks::check_tx_code(&written, source));
    let tx_code_channel = mistakes.note(tx_code_channel(&written, source));
    let ids: Arc<[String]> = entries.iter().map(|entry| entry.id.clone()).collect();
    let reader =
        Reader { file, source, issuer, written: &written, entries: &entries, ids, tx_code_channel };
    let read: Vec<_> =
        entries.iter().map(|entry| reader.credential_type(entry, mistakes)).collect();
    let read: Option<Vec<CredentialType>> = read.into_iter().collect();
    id?;
    read.filter(|read| !read.is_empty())
}

/// The name of the file, which wallets and scripts will repeat.
fn identifier(file: &Path) -> Result<String, ConfigError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if !file.extension().is_some_and(|ending| ending == TOML || ending == JSON) {
        let problem = "no issuer reads it: its name ends with neither `.toml` nor `.json`";
        return Err(ConfigError::of_file(file, problem, "rename the file"));
    }
    if is_identifier(stem) {
        return Ok(stem.to_owned());
    }
    let problem = "the name of this file cannot name a credential type";
    let remedy =
        "use letters of a-z, digits, `_`, `-` and `.`, at most 64, then `.toml` or `.json`";
    Err(ConfigError::of_file(file, problem, remedy))
}

/// Whether it can be a Credential Configuration Identifier.
pub(super) fn is_identifier(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(plain)
}

impl WrittenType {
    /// Whether its credentials have entries in a status list.
    pub(super) fn has_status_list(&self) -> bool {
        self.status_list.unwrap_or(true)
    }
}

/// What was written of status lists, once it was checked.
fn revocation(written: &WrittenType) -> Revocation {
    match (written.has_status_list(), written.suspendable) {
        (false, _) => Revocation::Never,
        (true, None) => Revocation::AsListsAllow,
        (true, Some(false)) => Revocation::WithoutSuspension,
        (true, Some(true)) => Revocation::WithSuspension,
    }
}

/// Turns what was written into what it means.
struct Reader<'w> {
    file: &'w Path,
    source: &'w Source,
    issuer: &'w str,
    written: &'w WrittenType,
    /// All formats of the type, and what they are called.
    entries: &'w [Entry<'w>],
    ids: Arc<[String]>,
    /// `None` where that is a mistake.
    tx_code_channel: Option<TxCodeChannel>,
}

impl Reader<'_> {
    /// The type in one of its formats; `None` only where there was a mistake.
    fn credential_type(
        &self,
        entry: &Entry<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<CredentialType> {
        let Self { file, source, issuer, written, .. } = *self;
        let claims = self.claims(entry, mistakes);
        let sign_in_claims = claims.as_ref().and_then(|claims| {
            mistakes.note(SignInClaims::read(written.sign_in_claims.as_ref(), claims, source))
        });
        let type_id = self.ids.first().map_or("", String::as_str);
        let status_kind = entry.written.status_kind();
        let status = written.has_status_list().then_some(status_kind);
        let format = mistakes.note(format::read(entry, (issuer, type_id), status));
        let identity = format
            .as_ref()
            .and_then(|format| mistakes.note(identity::read(entry, (format, status))));
        let contexts = mistakes.note(pinned_contexts::read(entry, file));
        if let (Some(format), Some(claims), Some(contexts)) = (&format, &claims, &contexts) {
            mistakes.note(terms::check((format, contexts), claims, entry));
        }
        let description = mistakes.note(Description::read(entry));
        let display = self.display(entry);
        let svg_templates = claims
            .as_ref()
            .and_then(|claims| mistakes.note(svg_template::read(&display, claims, (file, source))));
        let key_binding = mistakes.note(key_binding::read(entry, file));
        let mut read = CredentialType {
            id: entry.id.clone(),
            origin: Origin::new(file, &self.ids, entry.at),
            format: format?,
            key_binding: key_binding?,
            tx_code_channel: self.tx_code_channel.clone()?,
            claims: claims?,
            contexts: contexts?,
            identity: identity?,
            credential_id: entry.written.credential_id,
            credential_name: entry.written.credential_name.clone(),
            sign_in_claims: sign_in_claims?,
            scope: entry.written.scope.clone(),
            decoys: entry.written.decoys.unwrap_or_default(),
            validity_days: written.validity_days,
            revocation: revocation(written),
            status_kind,
            offer_seconds: written.offer_seconds,
            portal: written.portal && entry.written.portal != Some(false),
            approval: written.approval,
            tx_code: written.tx_code,
            letter: written.letter.unwrap_or(written.tx_code),
            display,
            description: description?,
            svg_templates: svg_templates?,
            vct_integrity: None,
        };
        mistakes.note(read.check_description(issuer, entry))?;
        read.pin();
        Some(read)
    }

    /// The claims as this format has them. What is wrong with them in all formats is told once.
    fn claims(&self, entry: &Entry<'_>, mistakes: &mut Mistakes) -> Option<Claims> {
        let any = |holds: fn(&WrittenEntry) -> bool| {
            self.entries.iter().any(|entry| holds(&entry.written))
        };
        let context = claim_rules::Context {
            source: self.source,
            format: entry.written.format,
            is_in_name_space: entry.has_name_space(),
            is_selective: entry.written.is_selective(),
            some_conceal: any(WrittenEntry::is_selective),
            some_insist: any(|entry| entry.format != WrittenFormat::MsoMdoc),
            is_mdoc: any(|entry| entry.format == WrittenFormat::MsoMdoc),
            is_linked_data: any(|entry| entry.format == WrittenFormat::LdpVc),
            signs_statements: any(|entry| {
                entry.format == WrittenFormat::LdpVc
                    && entry.canonicalization != Some(WrittenCanonicalization::Jcs)
            }),
            portal: self.written.portal,
        };
        let mut own = Mistakes::default();
        let claims = claim_rules::read(&self.written.claims, &context, &mut own);
        own.0.retain(|mistake| !mistakes.0.contains(mistake));
        mistakes.0.extend(own.0.into_iter().map(|mistake| entry.told(mistake)));
        claims
    }

    /// Pictures of the whole card are of SD-JWT VC; in other formats of the same type there are none.
    fn display(&self, entry: &Entry<'_>) -> Vec<Display> {
        let has_pictures = |entry: &Entry<'_>| entry.written.format == WrittenFormat::SdJwtVc;
        let mut display = self.written.display.clone();
        if !has_pictures(entry) && self.entries.iter().any(has_pictures) {
            for one in &mut display {
                one.svg_templates.clear();
            }
        }
        display
    }
}

fn tx_code_channel(written: &WrittenType, source: &Source) -> Result<TxCodeChannel, ConfigError> {
    let command = written.tx_code_command.as_ref();
    match (written.tx_code_channel, command) {
        (WrittenChannel::Screen, None) => Ok(TxCodeChannel::Screen),
        (WrittenChannel::Caller, None) => Ok(TxCodeChannel::Caller),
        (WrittenChannel::Command, Some(command))
            if command.first().is_some_and(|program| !program.is_empty()) =>
        {
            Ok(TxCodeChannel::Command(command.clone()))
        }
        (WrittenChannel::Command, _) => {
            let problem = "which program gets the transaction code is not said";
            let remedy = r#"write it like tx_code_command = ["/usr/bin/send-letter", "--now"]"#;
            Err(source.mistake("tx_code_channel", problem, remedy))
        }
        (WrittenChannel::Screen | WrittenChannel::Caller, Some(_)) => {
            let problem = "`tx_code_command` is never called";
            let remedy = r#"remove it, or set tx_code_channel = "command""#;
            Err(source.mistake("tx_code_command", problem, remedy))
        }
    }
}

//! The file of a credential type as an operator writes it, and how it becomes a [`CredentialType`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keys::algorithm::Algorithm;
use oid4vci::attestation::key::KeyAttestationsRequired;
use oid4vci::proof::{BindingMethod, di_vp};
use serde::Deserialize;

use super::checks;
use super::claim_rules::{self, WrittenClaim};
use super::display::Display;
use super::format::{self, WrittenCanonicalization, WrittenCryptosuite, WrittenFormat};
use super::identity::{self, Identity};
use super::key_attestations;
use super::own_name;
use super::pinned_contexts::{self, WrittenContext};
use super::sign_in_claims::SignInClaims;
use super::svg_template;
use super::terms;
use super::type_metadata::Description;
use super::{Approval, CredentialType, KeyBinding, Revocation, StatusKind, TxCodeChannel};
use crate::config::ConfigError;
use crate::config::source::Source;

/// Longest Credential Configuration Identifier.
const ID_LENGTH_MAX: usize = 64;

/// A list of names: what it is when it is not written, and what may be written.
struct List {
    key: &'static str,
    default: &'static [&'static str],
    remedy: &'static str,
}

/// `did:web` is for those alone who ask for it: websites of holders are then asked.
const BINDING_METHODS: List = List {
    key: "binding_methods",
    default: &["jwk", "did:jwk", "did:key"],
    remedy: "name some of jwk, did:jwk, did:key and did:web, or remove the line for the first three",
};

/// An mdoc holds the key itself, in CBOR (FMT-MDOC-06).
const MDOC_BINDING_METHODS: List = List {
    key: "binding_methods",
    default: &["cose_key"],
    remedy: "an mdoc takes cose_key and nothing else: remove the line",
};

const PROOF_ALGORITHMS: List = List {
    key: "proof_algorithms",
    default: &["ES256", "EdDSA"],
    remedy: "name some of ES256, ES384, ES512, ES256K and EdDSA, or remove the line for ES256 and EdDSA",
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's")]
pub(super) struct WrittenType {
    pub(super) format: WrittenFormat,
    pub(super) vct: Option<String>,
    pub(super) doctype: Option<String>,
    pub(super) types: Option<Vec<String>>,
    pub(super) contexts: Option<Vec<String>>,
    #[serde(default)]
    pub(super) pinned_contexts: Vec<WrittenContext>,
    #[serde(default)]
    pub(super) credential_id: bool,
    pub(super) credential_name: Option<String>,
    pub(super) issuer_identity: Option<Identity>,
    canonicalization: Option<WrittenCanonicalization>,
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
        result.map_err(|mistake| self.0.push(mistake)).ok()
    }
}

/// Reads one file, up to its first mistake.
pub(super) fn read(
    file: &Path,
    source: &Source,
    issuer: &str,
) -> Result<CredentialType, ConfigError> {
    let mut mistakes = Mistakes::default();
    let read = read_whole(file, (source, issuer), &mut mistakes);
    match (mistakes.0.into_iter().next(), read) {
        (None, Some(credential_type)) => Ok(credential_type),
        (Some(first), _) => Err(first),
        (None, None) => Err(ConfigError::of_file(file, "cannot be read", "write it anew")),
    }
}

/// Reads one file to its end; `None` only where there was a mistake.
pub(super) fn read_whole(
    file: &Path,
    (source, issuer): (&Source, &str),
    mistakes: &mut Mistakes,
) -> Option<CredentialType> {
    let id = mistakes.note(identifier(file));
    let written: WrittenType = mistakes.note(source.parse())?;
    mistakes.note(checks::check_numbers(&written, source));
    mistakes.note(checks::check_decoys(&written, source));
    mistakes.note(checks::check_display(&written, source));
    mistakes.note(checks::check_names(&written, source));
    mistakes.note(own_name::check(&written, source));
    mistakes.note(checks::check_tx_code(&written, source));
    let reader = Reader { source, written: &written };
    let (revocation, status_kind) = (revocation(&written), written.status_kind());
    let claims = claim_rules::read(&written.claims, &reader.context(), mistakes);
    let sign_in_claims = claims.as_ref().and_then(|claims| {
        mistakes.note(SignInClaims::read(written.sign_in_claims.as_ref(), claims, source))
    });
    let home = (issuer, id.as_deref().unwrap_or_default());
    let format = mistakes.note(format::read(&written.names(), home, source));
    let status = written.has_status_list().then_some(status_kind);
    let identity = format
        .as_ref()
        .and_then(|format| mistakes.note(identity::read(&written, (format, status), source)));
    let contexts = mistakes.note(pinned_contexts::read(&written, file, source));
    if let (Some(format), Some(claims), Some(contexts)) = (&format, &claims, &contexts) {
        mistakes.note(terms::check((format, contexts), claims, source));
    }
    let description = mistakes.note(Description::read(&written, source));
    let svg_templates = claims.as_ref().and_then(|claims| {
        mistakes.note(svg_template::read(&written.display, claims, (file, source)))
    });
    let key_binding = mistakes.note(reader.key_binding(file));
    let tx_code_channel = mistakes.note(reader.tx_code_channel());
    let mut read = CredentialType {
        format: format?,
        key_binding: key_binding?,
        tx_code_channel: tx_code_channel?,
        claims: claims?,
        contexts: contexts?,
        identity: identity?,
        credential_id: written.credential_id,
        credential_name: written.credential_name,
        sign_in_claims: sign_in_claims?,
        id: id?,
        scope: written.scope,
        decoys: written.decoys.unwrap_or_default(),
        validity_days: written.validity_days,
        revocation,
        status_kind,
        offer_seconds: written.offer_seconds,
        portal: written.portal,
        approval: written.approval,
        tx_code: written.tx_code,
        letter: written.letter.unwrap_or(written.tx_code),
        display: written.display,
        description: description?,
        svg_templates: svg_templates?,
        vct_integrity: None,
    };
    mistakes.note(read.check_description(issuer, source))?;
    read.pin();
    Some(read)
}

/// The name of the file, which wallets and scripts will repeat.
fn identifier(file: &Path) -> Result<String, ConfigError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (1..=ID_LENGTH_MAX).contains(&stem.len()) && stem.bytes().all(plain) {
        return Ok(stem.to_owned());
    }
    let problem = "the name of this file cannot name a credential type";
    let remedy = "use letters of a-z, digits, `_`, `-` and `.`, at most 64, then `.toml`";
    Err(ConfigError::of_file(file, problem, remedy))
}

impl WrittenType {
    /// Whether its credentials have entries in a status list.
    pub(super) fn has_status_list(&self) -> bool {
        self.status_list.unwrap_or(true)
    }

    fn names(&self) -> format::Names<'_> {
        format::Names {
            format: self.format,
            vct: self.vct.as_deref(),
            doctype: self.doctype.as_deref(),
            types: self.types.as_deref(),
            contexts: self.contexts.as_deref(),
            canonicalization: self.canonicalization,
            cryptosuite: self.cryptosuite,
            status: self.has_status_list().then(|| self.status_kind()),
        }
    }

    /// In a list of which kind.
    pub(super) fn status_kind(&self) -> StatusKind {
        let usual = self.format.status_kinds().first().copied();
        self.status.or(usual).unwrap_or(StatusKind::Token)
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
    source: &'w Source,
    written: &'w WrittenType,
}

impl Reader<'_> {
    /// What the claims are for.
    fn context(&self) -> claim_rules::Context<'_> {
        let Self { source, written } = *self;
        claim_rules::Context {
            source,
            format: written.format,
            is_selective: written.format.is_selective() || written.cryptosuite.is_some(),
            signs_statements: written.format == WrittenFormat::LdpVc
                && written.canonicalization != Some(WrittenCanonicalization::Jcs),
            portal: written.portal,
        }
    }

    /// A credential is good for whoever bears it only where its type says so (IMPL-01).
    fn key_binding(&self, file: &Path) -> Result<Option<KeyBinding>, ConfigError> {
        let attestations = key_attestations::Written {
            anchors: &self.written.key_attestation_trust_anchors,
            required: self.written.key_attestations_required.as_ref(),
            is_proof_type: self.written.attestation_proofs,
        };
        let key_attestations = key_attestations::read(&attestations, file, self.source)?;
        let methods = self.written.binding_methods.as_ref();
        let algorithms = self.written.proof_algorithms.as_ref();
        let is_mdoc = self.written.format == WrittenFormat::MsoMdoc;
        if !self.written.key_binding && is_mdoc {
            let problem = "there is no mdoc without a key of its holder";
            return Err(self.source.mistake("key_binding", problem, "remove the line"));
        }
        if !self.written.key_binding && self.written.di_vp_proofs {
            let problem = "`di_vp_proofs` is for credentials that are bound to a key";
            let remedy = "remove it, or set key_binding = true";
            return Err(self.source.mistake("di_vp_proofs", problem, remedy));
        }
        if !self.written.key_binding {
            let of_no_use = [(methods, &BINDING_METHODS), (algorithms, &PROOF_ALGORITHMS)];
            return match of_no_use.into_iter().find(|(written, _)| written.is_some()) {
                None if key_attestations.is_some() => {
                    let problem = "keys are attested of credentials that are bound to a key";
                    let remedy = "remove it, or set key_binding = true";
                    Err(self.source.mistake("key_attestation_trust_anchors", problem, remedy))
                }
                None => Ok(None),
                Some((_, List { key, .. })) => {
                    let problem = format!("`{key}` is for credentials that are bound to a key");
                    Err(self.source.mistake(key, problem, "remove it, or set key_binding = true"))
                }
            };
        }
        let key_binding = KeyBinding {
            methods: self.binding_methods(is_mdoc)?,
            proof_algorithms: self.each(&PROOF_ALGORITHMS, algorithms, Algorithm::parse)?,
            key_attestations,
            takes_di_vp: self.written.di_vp_proofs,
        };
        self.check_di_vp(&key_binding)?;
        Ok(Some(key_binding))
    }

    /// VCI §F.2: a presentation names its key by a DID, and has no place for an attestation.
    fn check_di_vp(&self, key_binding: &KeyBinding) -> Result<(), ConfigError> {
        if !key_binding.takes_di_vp {
            return Ok(());
        }
        let is_did =
            |method: &BindingMethod| !matches!(method, BindingMethod::Jwk | BindingMethod::CoseKey);
        let (problem, remedy) = if !key_binding.methods.iter().any(is_did) {
            ("a presentation names its key by a DID", "add did:jwk or did:key to binding_methods")
        } else if key_binding.key_attestations().required.is_some() {
            ("a presentation has no place for a key attestation", "remove one of the two lines")
        } else if di_vp::cryptosuites(&key_binding.proof_algorithms).is_empty() {
            ("no presentation is signed by these proof_algorithms", "add ES256, ES384 or EdDSA")
        } else {
            return Ok(());
        };
        Err(self.source.mistake("di_vp_proofs", problem, remedy))
    }

    /// How keys may be named: in an mdoc as it names them itself, elsewhere by all other ways.
    fn binding_methods(&self, is_mdoc: bool) -> Result<Vec<BindingMethod>, ConfigError> {
        let list = if is_mdoc { &MDOC_BINDING_METHODS } else { &BINDING_METHODS };
        let parse = |name: &str| {
            let method = BindingMethod::parse(name)?;
            ((method == BindingMethod::CoseKey) == is_mdoc).then_some(method)
        };
        self.each(list, self.written.binding_methods.as_ref(), parse)
    }

    /// Reads a list of names that must be known and different.
    fn each<T: PartialEq>(
        &self,
        list: &List,
        written: Option<&Vec<String>>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some(names) = written else {
            return Ok(list.default.iter().copied().filter_map(&parse).collect());
        };
        let mut values = Vec::new();
        for (at, name) in names.iter().enumerate() {
            match parse(name) {
                Some(value) if !values.contains(&value) => values.push(value),
                _ => {
                    let problem = format!("`{name}` is not known here, or is there twice");
                    let place = format!("{}.{at}", list.key);
                    return Err(self.source.mistake(&place, problem, list.remedy));
                }
            }
        }
        if values.is_empty() {
            return Err(self.source.mistake(list.key, "the list is empty", list.remedy));
        }
        Ok(values)
    }

    fn tx_code_channel(&self) -> Result<TxCodeChannel, ConfigError> {
        let command = self.written.tx_code_command.as_ref();
        match (self.written.tx_code_channel, command) {
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
                Err(self.source.mistake("tx_code_channel", problem, remedy))
            }
            (WrittenChannel::Screen | WrittenChannel::Caller, Some(_)) => {
                let problem = "`tx_code_command` is never called";
                let remedy = r#"remove it, or set tx_code_channel = "command""#;
                Err(self.source.mistake("tx_code_command", problem, remedy))
            }
        }
    }
}

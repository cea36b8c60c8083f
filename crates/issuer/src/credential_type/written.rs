//! The file of a credential type as an operator writes it, and how it becomes a [`CredentialType`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keys::algorithm::Algorithm;
use oid4vci::attestation::key::KeyAttestationsRequired;
use oid4vci::proof::BindingMethod;
use serde::Deserialize;

use super::claim_rules::{self, WrittenClaim};
use super::display::Display;
use super::format::{self, WrittenCanonicalization, WrittenFormat};
use super::key_attestations;
use super::sign_in_claims::SignInClaims;
use super::terms;
use super::text::is_one_visible_line;
use super::{Approval, CredentialType, KeyBinding, Revocation, TxCodeChannel};
use crate::config::ConfigError;
use crate::config::source::Source;

/// Longest Credential Configuration Identifier.
const ID_LENGTH_MAX: usize = 64;
/// Longest name or description for people.
const TEXT_LENGTH_MAX: usize = 500;
/// Longest validity: a hundred years.
const VALIDITY_DAYS_MAX: u32 = 36_525;

/// Shortest life of an offer.
const OFFER_SECONDS_MIN: u32 = 30;

/// A list of names: what it is when it is not written, and what may be written.
struct List {
    key: &'static str,
    default: &'static [&'static str],
    remedy: &'static str,
}

const BINDING_METHODS: List = List {
    key: "binding_methods",
    default: &["jwk", "did:jwk", "did:key"],
    remedy: "name some of jwk, did:jwk and did:key, or remove the line for all",
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
    remedy: "name some of ES256, ES384 and EdDSA, or remove the line for ES256 and EdDSA",
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's")]
struct WrittenType {
    format: WrittenFormat,
    vct: Option<String>,
    doctype: Option<String>,
    types: Option<Vec<String>>,
    contexts: Option<Vec<String>>,
    canonicalization: Option<WrittenCanonicalization>,
    scope: Option<String>,
    #[serde(default = "yes")]
    key_binding: bool,
    binding_methods: Option<Vec<String>>,
    proof_algorithms: Option<Vec<String>>,
    #[serde(default)]
    key_attestation_trust_anchors: Vec<PathBuf>,
    key_attestations_required: Option<KeyAttestationsRequired>,
    #[serde(default)]
    attestation_proofs: bool,
    validity_days: u32,
    status_list: Option<bool>,
    suspendable: Option<bool>,
    offer_seconds: Option<u32>,
    #[serde(default = "yes")]
    portal: bool,
    #[serde(default = "officer")]
    approval: Approval,
    #[serde(default)]
    tx_code: bool,
    #[serde(default = "caller")]
    tx_code_channel: WrittenChannel,
    tx_code_command: Option<Vec<String>>,
    letter: Option<bool>,
    sign_in_claims: Option<BTreeMap<String, String>>,
    display: Vec<Display>,
    #[serde(default)]
    claims: Vec<WrittenClaim>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenChannel {
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

/// Reads one file.
pub(super) fn read(
    file: &Path,
    source: &Source,
    issuer: &str,
) -> Result<CredentialType, ConfigError> {
    let id = identifier(file)?;
    let written: WrittenType = source.parse()?;
    check_numbers(&written, source)?;
    check_display(&written, source)?;
    check_names(&written, source)?;
    check_tx_code(&written, source)?;
    let reader = Reader { source, written: &written };
    let names = format::Names {
        format: written.format,
        vct: written.vct.as_deref(),
        doctype: written.doctype.as_deref(),
        types: written.types.as_deref(),
        contexts: written.contexts.as_deref(),
        canonicalization: written.canonicalization,
    };
    let context = claim_rules::Context { source, format: written.format, portal: written.portal };
    let revocation = revocation(&written);
    let claims = claim_rules::read(&written.claims, &context)?;
    let sign_in_claims = SignInClaims::read(written.sign_in_claims.as_ref(), &claims, source)?;
    let format = format::read(&names, (issuer, &id), source)?;
    terms::check(&format, &claims, source)?;
    Ok(CredentialType {
        format,
        key_binding: reader.key_binding(file)?,
        tx_code_channel: reader.tx_code_channel()?,
        claims,
        sign_in_claims,
        id,
        scope: written.scope,
        validity_days: written.validity_days,
        revocation,
        offer_seconds: written.offer_seconds,
        portal: written.portal,
        approval: written.approval,
        tx_code: written.tx_code,
        letter: written.letter.unwrap_or(written.tx_code),
        display: written.display,
    })
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

fn check_numbers(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    if !(1..=VALIDITY_DAYS_MAX).contains(&written.validity_days) {
        let remedy = format!("use 1 to {VALIDITY_DAYS_MAX}");
        return Err(source.mistake(
            "validity_days",
            "no credential can be good for so long",
            remedy,
        ));
    }
    if written.offer_seconds.is_some_and(|seconds| seconds < OFFER_SECONDS_MIN) {
        let remedy = format!("use at least {OFFER_SECONDS_MIN}: a person has to find the phone");
        return Err(source.mistake("offer_seconds", "nobody can use such a short offer", remedy));
    }
    if written.status_list == Some(true) && !written.format.has_status_list() {
        let problem = "there is no place for a Token Status List in this format";
        return Err(source.mistake("status_list", problem, "remove the line, or use vc+jwt"));
    }
    if written.suspendable == Some(true) && !has_status_list(written) {
        let problem = "without a status list nobody would see that it is suspended";
        let remedy = "write status_list = true, or remove suspendable";
        return Err(source.mistake("suspendable", problem, remedy));
    }
    Ok(())
}

fn has_status_list(written: &WrittenType) -> bool {
    written.status_list.unwrap_or_else(|| written.format.has_status_list())
}

/// What was written of status lists, once it was checked.
fn revocation(written: &WrittenType) -> Revocation {
    match (has_status_list(written), written.suspendable) {
        (false, _) => Revocation::Never,
        (true, None) => Revocation::AsListsAllow,
        (true, Some(false)) => Revocation::WithoutSuspension,
        (true, Some(true)) => Revocation::WithSuspension,
    }
}

/// A wallet needs a name for the card, and one for each language (META-25).
fn check_display(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    if written.display.is_empty() {
        let remedy = "add [[display]] with `name` and `locale`";
        return Err(source.mistake("display", "the type has no name for people", remedy));
    }
    let mut seen = BTreeSet::new();
    for (at, display) in written.display.iter().enumerate() {
        let texts = [
            ("name", Some(display.name.as_str())),
            ("description", display.description.as_deref()),
            ("logo", display.logo.as_ref().map(|logo| logo.alt_text.as_str())),
        ];
        for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text?))) {
            check_text(text, &format!("display.{at}.{key}"), source)?;
        }
        if !seen.insert(&display.locale) {
            let problem = format!("there is a second display for `{}`", display.locale.as_str());
            let remedy = "keep one for each language";
            return Err(source.mistake(&format!("display.{at}.locale"), problem, remedy));
        }
    }
    Ok(())
}

/// RFC 6749 §3.3 for `scope`; a `vct` is compared byte by byte, so it holds nothing hidden
/// (FMT-SDJWT-03).
fn check_names(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    let is_token = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(is_token);
    if !written.scope.as_ref().is_none_or(is_scope) {
        let remedy = "write one word of ASCII, without spaces and quotes, or remove the line";
        return Err(source.mistake("scope", "this is no scope", remedy));
    }
    let is_plain = |c: char| c.is_ascii_graphic() || c.is_alphanumeric();
    let is_vct = |vct: &String| !vct.is_empty() && vct.chars().all(is_plain);
    if !written.vct.as_ref().is_none_or(is_vct) {
        let remedy = "write a URL that is yours, without spaces, or remove the line";
        return Err(source.mistake("vct", "this names no type", remedy));
    }
    Ok(())
}

/// What people read on cards and forms is one line; a name for people is not empty.
pub(super) fn check_text(text: &str, place: &str, source: &Source) -> Result<(), ConfigError> {
    let is_name = !place.ends_with("logo");
    let is_short = text.chars().count() <= TEXT_LENGTH_MAX;
    if is_one_visible_line(text) && is_short && !(is_name && text.trim().is_empty()) {
        return Ok(());
    }
    let remedy = format!(
        "write one line of at most {TEXT_LENGTH_MAX} characters in which everything can be seen: no \
         line break, tab, zero-width character or direction mark"
    );
    Err(source.mistake(place, "nobody can read this text", remedy))
}

/// A Transaction Code must reach the applicant, and protect what others may read on the way.
fn check_tx_code(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    if written.letter == Some(true) && !written.tx_code {
        let problem = "whoever opens the letter gets the credential";
        let remedy = "set tx_code = true, or letter = false";
        return Err(source.mistake("letter", problem, remedy));
    }
    let nobody = matches!(written.approval, Approval::AtOnce | Approval::Deferred)
        && written.tx_code
        && written.tx_code_channel == WrittenChannel::Caller;
    if written.portal && nobody {
        let problem = "nobody approves, so nobody is told the transaction code";
        let remedy =
            "set tx_code_channel = \"command\", tx_code = false, or approval = \"officer\"";
        return Err(source.mistake("approval", problem, remedy));
    }
    Ok(())
}

/// Turns what was written into what it means.
struct Reader<'w> {
    source: &'w Source,
    written: &'w WrittenType,
}

impl Reader<'_> {
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
        Ok(Some(KeyBinding {
            methods: self.binding_methods(is_mdoc)?,
            proof_algorithms: self.each(&PROOF_ALGORITHMS, algorithms, Algorithm::parse)?,
            key_attestations,
        }))
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

//! A credential type: one file from which come metadata, form, checks, sample, labels and signing.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use formats::data_integrity::{Canonicalization, Contexts};
use formats::path::Step;
use keys::algorithm::Algorithm;
use oid4vci::proof::BindingMethod;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::ConfigError;
use crate::config::source::{JSON, Source};

pub use claims::{Claim, ClaimFault, Claims, ClaimsError, check_all};
pub use disclosure::Disclosure;
pub use display::{Color, Display, Locale, Logo, LogoUri};
pub use form::{CSRF_FIELD, FORM_ROWS_MAX, Field};
pub use format::{Format, Securing, W3cType};
pub use identity::Identity;
pub use image::{IMAGE_BYTES_MAX, IMAGE_SIDE_MAX, Pictures, data_url};
pub use key_attestations::KeyAttestations;
pub(crate) use moment::in_utc;
pub use origin::Origin;
pub(crate) use place::remove;
pub use sign_in_claims::SignInClaims;
pub use svg_template::{CardTemplate, TemplateFile};
pub use type_metadata::Description;
pub(crate) use value::bytes;
pub use value::{Fault, Limits, ValueType};

mod checks;
mod claim_rules;
mod claims;
mod constant;
mod disclosure;
mod display;
mod entry;
mod form;
mod format;
mod identity;
mod image;
mod key_attestations;
mod key_binding;
mod moment;
pub mod new;
mod origin;
mod own_name;
mod path_rules;
mod pinned_contexts;
mod place;
mod sign_in_claims;
mod svg_template;
mod terms;
pub(crate) mod text;
mod type_metadata;
mod value;
mod warnings;
mod written;

/// Most types of one issuer.
const TYPES_MAX: usize = 64;

/// One kind of credential that the issuer issues; never changes once it is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's")]
pub struct CredentialType {
    /// The Credential Configuration Identifier: of the first format of a file, the name of that.
    pub id: String,
    /// Where it is described.
    pub origin: Origin,
    /// The format and what it needs.
    pub format: Format,
    /// Under which name its issuer signs.
    pub identity: Identity,
    /// META-29
    pub scope: Option<String>,
    /// Digests of nothing, in each place that has some (RFC 9901 §4.2.5).
    pub decoys: usize,
    /// `None` when the credential is not bound to a key of the holder (META-33).
    pub key_binding: Option<KeyBinding>,
    /// How long a credential is good.
    pub validity_days: u32,
    /// Whether it can be revoked, and suspended.
    pub revocation: Revocation,
    /// In lists of which kind.
    pub status_kind: StatusKind,
    /// Longest life of an offer; `None` leaves it to `[offer] expires_in`.
    pub offer_seconds: Option<u32>,
    /// Whether it can be applied for on the portal.
    pub portal: bool,
    /// Who says yes to an application.
    pub approval: Approval,
    /// Whether offers of the portal need a Transaction Code.
    pub tx_code: bool,
    /// How the Transaction Code of such an offer reaches the applicant.
    pub tx_code_channel: TxCodeChannel,
    /// Whether the portal shows the printable letter.
    pub letter: bool,
    /// How the credential looks, by language; at least one.
    pub display: Vec<Display>,
    /// What the credential says.
    pub claims: Claims,
    /// What else describes it to those who meet its credentials.
    pub description: Description,
    /// Pictures of the whole card, in the order of the file.
    pub svg_templates: Vec<CardTemplate>,
    /// The digest of what describes it, where credentials say it (SD-JWT VC §7).
    pub vct_integrity: Option<String>,
    /// Whether each credential has a name of its own, drawn at random.
    pub credential_id: bool,
    /// What people call each credential, where it says so itself.
    pub credential_name: Option<String>,
    /// The contexts that it names and the program does not have.
    pub contexts: Contexts,
    /// What of that an OpenID Provider says; `None` when none does.
    pub sign_in_claims: Option<SignInClaims>,
}

/// A file of a credential type, looked at as a whole.
#[derive(Debug)]
pub struct Inspected {
    /// The type in each of its formats, that at the top of the file first; none where there is a
    /// mistake.
    pub credential_types: Vec<CredentialType>,
    /// What keeps the issuer from starting, by line.
    pub mistakes: Vec<ConfigError>,
    /// What had better be otherwise, by line.
    pub warnings: Vec<ConfigError>,
}

/// How keys of holders are bound.
#[derive(Clone, Debug)]
pub struct KeyBinding {
    /// META-33; at least one.
    pub methods: Vec<BindingMethod>,
    /// META-36; at least one.
    pub proof_algorithms: Vec<Algorithm>,
    /// `None` when nobody is trusted to attest keys.
    pub key_attestations: Option<KeyAttestations>,
    /// Whether presentations are proofs, too (VCI §F.2).
    pub takes_di_vp: bool,
}

/// Who says yes to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// A person, one by one.
    Officer,
    /// Nobody: whoever fills in the form gets the credential.
    AtOnce,
    /// Nobody approves the application: the offer is there at once. A person approves each
    /// credential once a wallet has asked for it, and the wallet fetches it then (VCI §9).
    Deferred,
}

/// Whether a credential can be revoked later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It has no entry in a status list.
    Never,
    /// Suspended too, where `[status] bits` leaves room for it.
    AsListsAllow,
    /// Revoked, and never suspended.
    WithoutSuspension,
    /// Suspended too; the configuration was checked for it.
    WithSuspension,
}

/// The kinds of status lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusKind {
    /// Token Status List, for all formats whose credentials are JWTs or CBOR.
    Token,
    /// Bitstring Status List of the W3C, for its credentials.
    Bitstring,
}

/// How a Transaction Code reaches the applicant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxCodeChannel {
    /// On the same page as the QR code, which protects nobody: for demonstrations.
    Screen,
    /// Returned to whoever approved; that person passes it on.
    Caller,
    /// A program gets it on standard input.
    Command(Vec<String>),
}

impl CredentialType {
    /// Reads the text of a file, JSON where its name ends so and else TOML: the type in its first
    /// format. `file` names it, and its stem is the identifier.
    pub fn parse(file: &Path, text: &str, issuer: &str) -> Result<Self, ConfigError> {
        let read = Self::parse_all(file, text, issuer)?;
        read.into_iter()
            .next()
            .ok_or_else(|| ConfigError::of_file(file, "is empty", "write it anew"))
    }

    /// The same in each of its formats.
    pub fn parse_all(file: &Path, text: &str, issuer: &str) -> Result<Vec<Self>, ConfigError> {
        written::read(file, &Source::new(file, text), issuer)
    }

    /// Reads a file to its end, as the issuer does at its start: the type, unless there is a mistake,
    /// every mistake, and what had better be otherwise.
    #[must_use]
    pub fn inspect(file: &Path, issuer: &str) -> Inspected {
        let mut mistakes = written::Mistakes::default();
        let source = mistakes.note(Source::read(file));
        let read = source
            .as_ref()
            .and_then(|source| written::read_whole(file, (source, issuer), &mut mistakes));
        let credential_types = read.filter(|_| mistakes.0.is_empty()).unwrap_or_default();
        let warnings = source.map(|source| warnings::warnings(&credential_types, &source));
        let (mut mistakes, mut warnings) = (mistakes.0, warnings.unwrap_or_default());
        // They were found by subject; whoever corrects the file goes through it by line.
        for told in [&mut mistakes, &mut warnings] {
            told.sort_by_key(|one| one.line);
        }
        Inspected { credential_types, mistakes, warnings }
    }

    /// The files of a folder, by name: each is one type.
    pub fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
        files(folder)
    }

    /// Reads every `*.toml` and `*.json` of a folder: all types, each in all its formats.
    pub fn load_all(folder: &Path, issuer: &str) -> Result<BTreeMap<String, Self>, ConfigError> {
        let mut types = BTreeMap::<String, Self>::new();
        for file in files(folder)? {
            let source = Source::read(&file)?;
            for credential_type in written::read(&file, &source, issuer)? {
                let id = credential_type.id.clone();
                if let Some(other) = types.get(&id) {
                    let problem = format!("`{id}` is described in {} too", other.origin.name());
                    let place = credential_type.origin.place("id");
                    return Err(source.mistake(
                        &place,
                        problem,
                        "give one of the two another name",
                    ));
                }
                types.insert(id, credential_type);
            }
        }
        if types.is_empty() {
            let remedy = "put one file NAME.toml or NAME.json there for each credential type; \
                          `bestow issuer credential new NAME` writes one";
            return Err(ConfigError::of_file(folder, "there is no credential type", remedy));
        }
        if types.len() > TYPES_MAX {
            return Err(too_many(folder));
        }
        Ok(types)
    }

    /// The display for this language, else for English, else the first.
    #[must_use]
    pub fn display(&self, locale: &str) -> Option<&Display> {
        let language = locale.split('-').next().unwrap_or(locale);
        let by = |tag: &str| self.display.iter().find(|display| display.locale.as_str() == tag);
        by(locale).or_else(|| by(language)).or_else(|| by("en")).or_else(|| self.display.first())
    }

    /// The program that hands on the Transaction Codes of the portal's offers, if one does.
    #[must_use]
    pub fn tx_code_command(&self) -> Option<&[String]> {
        match &self.tx_code_channel {
            TxCodeChannel::Command(command) if self.tx_code => Some(command),
            TxCodeChannel::Command(_) | TxCodeChannel::Screen | TxCodeChannel::Caller => None,
        }
    }

    /// `credential_metadata` (META-39): how the credential looks and what its claims are called.
    #[must_use]
    pub fn credential_metadata(&self) -> Value {
        let mut metadata = Map::from_iter([("display".to_owned(), json!(self.display))]);
        // A constant without a label is for machines, such as the type of an object.
        let is_shown = |one: &&Claim| one.constant.is_none() || !one.label.is_empty();
        let shown = self.claims.disclosed().filter(is_shown);
        let claims: Vec<Value> = shown.map(|claim| self.description(claim)).collect();
        if !claims.is_empty() {
            metadata.insert("claims".to_owned(), claims.into());
        }
        metadata.into()
    }

    /// A claims description object (VCI §B.2), its names by language (CLAIM-06).
    fn description(&self, claim: &Claim) -> Value {
        // PATH-04: `null` selects every element of a list.
        let mut path: Vec<Option<&str>> = claim.path.iter().map(Step::name).collect();
        if let Some(prefix) = self.format.prefix() {
            path.insert(0, Some(prefix));
        }
        let display: Vec<Value> = self
            .languages(claim)
            .map(|(locale, name)| json!({ "name": name, "locale": locale }))
            .collect();
        if display.is_empty() {
            return json!({ "path": path, "mandatory": claim.mandatory });
        }
        json!({ "path": path, "mandatory": claim.mandatory, "display": display })
    }

    /// The labels of a claim; languages in the order of `display`, as some wallets take the first.
    fn languages<'c>(&self, claim: &'c Claim) -> impl Iterator<Item = (&'c String, &'c String)> {
        let rank = |locale: &str| self.display.iter().position(|one| one.locale.as_str() == locale);
        let mut labels: Vec<_> = claim.label.iter().collect();
        labels.sort_by_key(|(locale, _)| rank(locale).unwrap_or(usize::MAX));
        labels.into_iter()
    }

    /// Paths of the claims that a holder may leave out when showing the credential (PRIV-02).
    #[must_use]
    pub fn selective_paths(&self) -> &[Vec<Step>] {
        self.claims.selective_paths()
    }

    /// Paths of the claims that a holder always shows; those of an object are its members'.
    #[must_use]
    pub fn mandatory_paths(&self) -> Vec<Vec<Step>> {
        let is_mandatory = |claim: &&Claim| {
            claim.disclosure == Disclosure::Always && claim.value_type != ValueType::Object
        };
        self.claims.iter().filter(is_mandatory).map(|claim| claim.path.clone()).collect()
    }

    /// Whether its disclosures shall not be linked (`bbs-2023`).
    #[must_use]
    pub fn is_unlinkable(&self) -> bool {
        matches!(
            &self.format,
            Format::W3c(w3c) if w3c.securing == Securing::LdpVc(Canonicalization::Unlinkable)
        )
    }

    /// Example values of all claims that have one; they pass the check, which adds the constants.
    #[must_use]
    pub fn sample(&self) -> Map<String, Value> {
        let mut sample = Value::Object(Map::new());
        for claim in &self.claims {
            if let Some(value) = claim.example.as_ref().or(claim.default.as_ref()) {
                place::insert_sample(&mut sample, &claim.path, value.clone());
            }
        }
        let Value::Object(mut sample) = sample else { return Map::new() };
        self.repeat_elements(&mut sample);
        sample
    }

    /// A list that must have several elements has the first one several times; inner lists first.
    fn repeat_elements(&self, sample: &mut Map<String, Value>) {
        let is_list = |claim: &&Claim| claim.value_type == ValueType::List;
        let mut lists: Vec<&Claim> = self.claims.iter().filter(is_list).collect();
        lists.sort_by_key(|list| Reverse(list.path.len()));
        for list in lists {
            for place in place::places(sample, &list.path) {
                let elements = place::find(sample, &place).and_then(Value::as_array);
                let Some(first) = elements.and_then(|elements| elements.first()) else { continue };
                let elements = vec![first.clone(); list.limits.items().0.max(1)];
                place::insert(sample, &place, elements.into());
            }
        }
    }
}

fn too_many(folder: &Path) -> ConfigError {
    let problem = format!("there are more than {TYPES_MAX} credential types");
    ConfigError::of_file(folder, problem, "remove those nobody uses")
}

/// Keys of those who attest lie beside the types that trust them (`key_attestation_trust_anchors`), and
/// contexts beside the types that pin them (`pinned_contexts`).
fn is_type(ending: &OsStr, path: &Path) -> bool {
    let is_other = |source: Source| {
        let is_key = ["kty", "keys"].iter().any(|member| source.has(member));
        is_key || source.has("@context") && !source.has("format")
    };
    ending == JSON && !Source::read(path).is_ok_and(is_other)
}

/// The `*.toml` and `*.json` files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |error: std::io::Error| {
        let problem = format!("cannot be read: {error}");
        ConfigError::of_file(folder, problem, "check `credentials` in bestow.toml")
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "toml" || is_type(ending, &path)) {
            files.push(path);
        }
        if files.len() > TYPES_MAX {
            return Err(too_many(folder));
        }
    }
    files.sort();
    Ok(files)
}

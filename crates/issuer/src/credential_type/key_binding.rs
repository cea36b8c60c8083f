//! Which keys of holders a format is bound to, and how they may be named and proved (META-33).

use std::path::Path;

use keys::algorithm::Algorithm;
use oid4vci::proof::{BindingMethod, di_vp};

use super::entry::Entry;
use super::format::WrittenFormat;
use super::{KeyBinding, key_attestations};
use crate::config::ConfigError;

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

/// A credential is good for whoever bears it only where its type says so (IMPL-01).
pub(super) fn read(entry: &Entry<'_>, file: &Path) -> Result<Option<KeyBinding>, ConfigError> {
    let written = &entry.written;
    let attestations = key_attestations::Written {
        anchors: written.key_attestation_trust_anchors.as_deref().unwrap_or_default(),
        required: written.key_attestations_required.as_ref(),
        is_proof_type: written.attestation_proofs == Some(true),
    };
    let key_attestations = key_attestations::read(&attestations, file, entry)?;
    let methods = written.binding_methods.as_ref();
    let algorithms = written.proof_algorithms.as_ref();
    let is_mdoc = written.format == WrittenFormat::MsoMdoc;
    if !written.is_bound() && is_mdoc {
        let problem = "there is no mdoc without a key of its holder";
        let remedy =
            if entry.is_first() { "remove the line" } else { "write key_binding = true here" };
        return Err(entry.mistake("key_binding", problem, remedy));
    }
    if !written.is_bound() && written.di_vp_proofs {
        let problem = "`di_vp_proofs` is for credentials that are bound to a key";
        let remedy = "remove it, or set key_binding = true";
        return Err(entry.mistake("di_vp_proofs", problem, remedy));
    }
    if !written.is_bound() {
        let of_no_use = [(methods, &BINDING_METHODS), (algorithms, &PROOF_ALGORITHMS)];
        return match of_no_use.into_iter().find(|(written, _)| written.is_some()) {
            None if key_attestations.is_some() => {
                let problem = "keys are attested of credentials that are bound to a key";
                let remedy = "remove it, or set key_binding = true";
                Err(entry.mistake("key_attestation_trust_anchors", problem, remedy))
            }
            None => Ok(None),
            Some((_, List { key, .. })) => {
                let problem = format!("`{key}` is for credentials that are bound to a key");
                Err(entry.mistake(key, problem, "remove it, or set key_binding = true"))
            }
        };
    }
    let key_binding = KeyBinding {
        methods: binding_methods(entry, is_mdoc)?,
        proof_algorithms: each(entry, &PROOF_ALGORITHMS, algorithms, Algorithm::parse)?,
        key_attestations,
        takes_di_vp: written.di_vp_proofs,
    };
    check_di_vp(&key_binding, entry)?;
    Ok(Some(key_binding))
}

/// VCI §F.2: a presentation names its key by a DID, and has no place for an attestation.
fn check_di_vp(key_binding: &KeyBinding, entry: &Entry<'_>) -> Result<(), ConfigError> {
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
    Err(entry.mistake("di_vp_proofs", problem, remedy))
}

/// How keys may be named: in an mdoc as it names them itself, elsewhere by all other ways.
fn binding_methods(entry: &Entry<'_>, is_mdoc: bool) -> Result<Vec<BindingMethod>, ConfigError> {
    let list = if is_mdoc { &MDOC_BINDING_METHODS } else { &BINDING_METHODS };
    let parse = |name: &str| {
        let method = BindingMethod::parse(name)?;
        ((method == BindingMethod::CoseKey) == is_mdoc).then_some(method)
    };
    each(entry, list, entry.written.binding_methods.as_ref(), parse)
}

/// Reads a list of names that must be known and different.
fn each<T: PartialEq>(
    entry: &Entry<'_>,
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
                return Err(entry.mistake(&place, problem, list.remedy));
            }
        }
    }
    if values.is_empty() {
        return Err(entry.mistake(list.key, "the list is empty", list.remedy));
    }
    Ok(values)
}

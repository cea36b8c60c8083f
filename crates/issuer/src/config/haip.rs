//! `profile = "haip"`: what the High Assurance Interoperability Profile asks of an issuer, beyond
//! what every issuer does (HAIP §4, HAIP §6.1, HAIP §7).

use std::collections::BTreeMap;
use std::path::Path;

use keys::algorithm::Algorithm;
use keys::x509::Certificate;
use oid4vci::attestation::Attesters;
use oid4vci::client::Client;
use oid4vci::proof::BindingMethod;
use serde::{Deserialize, Serialize};

use super::source::Source;
use super::{Config, ConfigError};
use crate::credential_type::{CredentialType, Format, Identity, KeyBinding, Origin};

/// A set of rules that an issuer keeps beside those of OpenID4VCI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// No others.
    #[default]
    None,
    /// `OpenID4VC` High Assurance Interoperability Profile 1.0.
    Haip,
}

/// A setting that the profile does not leave open: on without being written, and refused when
/// something else is written.
struct Demand {
    /// The key, as its place in the file.
    place: &'static str,
    value: bool,
    /// Whom it protects, or what it is for.
    why: &'static str,
    setting: fn(&mut Config) -> &mut bool,
}

const DEMANDS: [Demand; 4] = [
    Demand {
        place: "dpop.required",
        value: true,
        why: "every token is bound to a key of its wallet (HAIP §4, HAIP-05)",
        setting: |config| &mut config.dpop.required,
    },
    Demand {
        place: "authorization.require_pushed_authorization_requests",
        value: true,
        why: "wallets push their requests before a person signs in (HAIP §4, HAIP-04)",
        setting: |config| &mut config.authorization.require_pushed_authorization_requests,
    },
    Demand {
        place: "authorization.anonymous_access",
        value: false,
        why: "wallets say who they are (HAIP §4.4.1, HAIP-25)",
        setting: |config| &mut config.authorization.anonymous_access,
    },
    Demand {
        place: "authorization.client_attestation_required",
        value: true,
        why: "somebody trusted vouches for each wallet (HAIP §4.4.1, HAIP-25, HAIP-26)",
        setting: |config| &mut config.authorization.client_attestation_required,
    },
];

/// What no key of `bestow.toml` alone decides; for people.
const BESIDE: [&str; 7] = [
    "clients: at least one wallet is registered, so that people can sign in (HAIP-02, HAIP-18)",
    "authorization.client_attestation_trust_anchors: certificates, no bare keys; attestations come \
     without the anchor (HAIP-27)",
    "credentials: at least one type is dc+sd-jwt (HAIP-03)",
    "credentials: each type has a scope of its own, its name unless another is written (HAIP-13, \
     HAIP-23)",
    "credentials: dc+sd-jwt is bound to a key by binding_methods = [\"jwk\"] (HAIP-42), and proofs \
     may use ES256 (HAIP-49)",
    "credentials: key_attestation_trust_anchors are certificates, no bare keys; attestations come \
     without the anchor (HAIP-33)",
    "keys: the certificate that signs is not certified by itself, and comes without the anchor \
     (HAIP-15, HAIP-44, HAIP-46)",
];

/// Turns on what the profile asks for; a setting that was written and says something else is a
/// contradiction that the operator must resolve.
pub(super) fn apply(config: &mut Config, source: &Source) -> Result<(), ConfigError> {
    if config.profile != Profile::Haip {
        return Ok(());
    }
    for Demand { place, value, why, setting } in DEMANDS {
        let set = setting(config);
        if source.is_written(place) && *set != value {
            let problem = format!("profile = \"haip\" contradicts this: {why}");
            let key = place.rsplit('.').next().unwrap_or(place);
            let remedy = format!("write {key} = {value}, or remove the line; or remove `profile`");
            return Err(source.mistake(place, problem, remedy));
        }
        *set = value;
    }
    if !config.dpop.is_on() {
        let problem = "profile = \"haip\" binds every token to a key (HAIP §4), and no algorithm \
                       is left to prove it";
        let remedy = "name algorithms, or remove the line for all";
        return Err(source.mistake("dpop.signing_alg_values_supported", problem, remedy));
    }
    if config.authorization.client_attestation_trust_anchors.is_empty() {
        let problem = "profile = \"haip\" gives tokens only to wallets that somebody vouches for \
                       (HAIP §4.4.1), and nobody is trusted with that";
        let remedy = "name files with certificates in [authorization] \
                      client_attestation_trust_anchors";
        let place = "authorization.client_attestation_trust_anchors";
        return Err(source.mistake(place, problem, remedy));
    }
    Ok(())
}

/// What the profile asks for, a line each; empty where there is no profile.
pub(super) fn demands(config: &Config) -> Vec<String> {
    if config.profile != Profile::Haip {
        return Vec::new();
    }
    let keys = DEMANDS.iter().map(|one| format!("{} = {}: {}", one.place, one.value, one.why));
    keys.chain(BESIDE.map(str::to_owned)).collect()
}

/// What the profile cannot vouch for, though it forbids nothing.
pub(super) fn warnings(config: &Config, types: &BTreeMap<String, CredentialType>) -> Vec<String> {
    let foreign = types.values().filter(|one| !is_of_profile(one));
    let foreign = foreign.filter(|_| config.profile == Profile::Haip);
    let told = |one: &CredentialType| {
        let (file, format) = (one.origin.name(), one.format.name());
        format!("{file}: {format} is no format of HAIP; its wallets leave it")
    };
    foreign.map(told).collect()
}

const fn is_of_profile(credential_type: &CredentialType) -> bool {
    match credential_type.format {
        Format::SdJwtVc { .. } | Format::MsoMdoc { .. } => true,
        Format::W3c(_) => false,
    }
}

/// Those who attest sign with a certified key, and send the chain without its anchor (HAIP-27,
/// HAIP-33).
pub(super) fn check_attesters(
    attesters: Attesters,
    mistake: impl FnOnce(&str, &str) -> ConfigError,
) -> Result<Attesters, ConfigError> {
    if attesters.keys.is_empty() {
        return Ok(Attesters { is_anchor_refused: true, ..attesters });
    }
    let problem = "profile = \"haip\" finds the keys of those who attest by certificates alone \
                   (HAIP §4.4.1, HAIP §4.5.1), and here is a bare key";
    Err(mistake(problem, "put the certificates there that their chains end at, as PEM"))
}

/// Without registered wallets there is no Authorization Code Flow (HAIP-02, HAIP-18).
pub(super) fn check_clients(
    folder: &Path,
    clients: &BTreeMap<String, Client>,
) -> Result<(), ConfigError> {
    if let Some(own) = clients.values().find(|client| client.is_first_party) {
        let problem = format!(
            "profile = \"haip\" has people sign in in a browser (HAIP §4), and `{}` is first_party",
            own.client_id
        );
        let remedy = "write first_party = false, or leave it out";
        return Err(ConfigError::of_file(folder, problem, remedy));
    }
    if !clients.is_empty() {
        return Ok(());
    }
    let problem = "profile = \"haip\" needs wallets that people can sign in with (HAIP §4), and \
                   none is registered";
    let remedy = "put a file for each wallet there; docs/CONFIGURATION.md shows one";
    Err(ConfigError::of_file(folder, problem, remedy))
}

/// Fits each type to the profile, or says why it cannot be.
pub(super) fn check_types(
    folder: &Path,
    types: &mut BTreeMap<String, CredentialType>,
) -> Result<(), ConfigError> {
    if !types.values().any(is_of_profile) {
        let problem = "profile = \"haip\" needs a type of dc+sd-jwt or mso_mdoc (HAIP §4)";
        return Err(ConfigError::of_file(folder, problem, "add one, or remove `profile`"));
    }
    let mut scopes = BTreeMap::<String, String>::new();
    for credential_type in types.values_mut() {
        let source = Source::read(&credential_type.origin.file)?;
        let origin = credential_type.origin.clone();
        let scope = credential_type.scope.get_or_insert_with(|| credential_type.id.clone());
        if let Some(other) = scopes.insert(scope.clone(), credential_type.id.clone()) {
            let problem = format!(
                "profile = \"haip\" wants a scope for each type (HAIP §4.3); {other} has the same"
            );
            return Err(source.mistake(&origin.place("scope"), problem, "write another one"));
        }
        let is_sd_jwt = matches!(credential_type.format, Format::SdJwtVc { .. });
        if is_sd_jwt && credential_type.identity != Identity::X509 {
            let problem = "profile = \"haip\" finds the key of a dc+sd-jwt by its certificate \
                           (HAIP §6.1.1)";
            let remedy = "write issuer_identity = \"x509\", or remove the line";
            return Err(source.mistake(&origin.place("issuer_identity"), problem, remedy));
        }
        if let Some(key_binding) = &mut credential_type.key_binding {
            check_key_binding(key_binding, is_sd_jwt, (&origin, &source))?;
        }
    }
    Ok(())
}

fn check_key_binding(
    key_binding: &mut KeyBinding,
    is_sd_jwt: bool,
    (origin, source): (&Origin, &Source),
) -> Result<(), ConfigError> {
    if is_sd_jwt && !source.is_written(&origin.place("binding_methods")) {
        key_binding.methods = vec![BindingMethod::Jwk];
    }
    if is_sd_jwt && key_binding.methods != [BindingMethod::Jwk] {
        let problem = "profile = \"haip\" binds a dc+sd-jwt to the key itself (HAIP §6.1, HAIP-42): \
                       a DID is a name of it";
        let remedy = "write binding_methods = [\"jwk\"], or remove the line";
        return Err(source.mistake(&origin.place("binding_methods"), problem, remedy));
    }
    if !key_binding.proof_algorithms.contains(&Algorithm::Es256) {
        let problem = "profile = \"haip\" takes proofs with ES256 (HAIP §7, HAIP-49)";
        let remedy = "add \"ES256\", or remove the line";
        return Err(source.mistake(&origin.place("proof_algorithms"), problem, remedy));
    }
    if let Some(attestations) = &mut key_binding.key_attestations {
        let place = origin.place("key_attestation_trust_anchors");
        let mistake = |problem: &str, remedy: &str| source.mistake(&place, problem, remedy);
        attestations.attesters = check_attesters(attestations.attesters.clone(), mistake)?;
    }
    Ok(())
}

/// The certificate of the key that signs credentials, metadata and status lists: certified by
/// somebody else, whose own certificate wallets have already (HAIP-15, HAIP-44, HAIP-46).
pub(crate) fn check_chain(
    config: &Config,
    file: &Path,
    x5c: &[Vec<u8>],
) -> Result<(), ConfigError> {
    match chain_fault(config, x5c) {
        None => Ok(()),
        Some((problem, remedy)) => Err(ConfigError::of_file(file, problem, remedy)),
    }
}

/// What the profile does not take of a chain, and what to do about it.
pub(crate) fn chain_fault(
    config: &Config,
    x5c: &[Vec<u8>],
) -> Option<(&'static str, &'static str)> {
    let is_self_issued =
        |der: &Vec<u8>| Certificate::from_der(der).is_ok_and(|found| found.is_self_issued);
    if config.profile != Profile::Haip || !x5c.iter().any(is_self_issued) {
        return None;
    }
    Some(if x5c.first().is_some_and(is_self_issued) {
        (
            "profile = \"haip\" takes no certificate that its own key has signed (HAIP §6.1.1)",
            "have the key certified by an authority that wallets trust",
        )
    } else {
        (
            "profile = \"haip\" wants the chain without its anchor (HAIP §6.1.1)",
            "remove the last certificate, which is certified by itself: wallets have it",
        )
    })
}

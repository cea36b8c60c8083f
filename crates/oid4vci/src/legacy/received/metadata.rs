//! What an Issuer publishes: which draft it speaks, and the same in 1.0's members.

use std::collections::BTreeMap;

use keys::algorithm::Algorithm;
use keys::json;
use serde_json::{Map, Value};

use super::document::{Described, described, issuer_members};
use super::{Findings, once, texts};
use crate::legacy::Dialect;
use crate::legacy::dialect::Draft;
use crate::metadata::{MetadataError, ReceivedIssuerMetadata};
use crate::proof::BindingMethod;

const BY_TYPE: &str = "the offer names a credential by its type, where draft 11, section 4.1.1, has \
                       the id of an element of credentials_supported";
const UNDESCRIBED: &str = "the offer describes a credential that the metadata do not describe \
                           (draft 11, section 4.1.1)";
const OLD_NAME: &str = "the offer has the member credentials beside metadata of a later draft: \
                        since draft 13, section 4.1.1, it is credential_configuration_ids";

/// Names of formats that no text has since draft 9. Beside an endpoint that came with draft 14 one of
/// them is a word of an extension, and no reason to read all others in the words of a draft.
const OLD_FORMATS: [&str; 3] = ["jwt_vc", "jwt", "ldp"];

/// How a draft names each credential in a request, where it has no identifiers of configurations.
type Names = BTreeMap<String, Map<String, Value>>;

impl Dialect {
    /// Reads the document that `identifier` led to. `offered` is the draft of the offer, `ids` what is
    /// offered: they become those of the metadata that come back.
    ///
    /// `None` for the draft means 1.0, and then nothing but the metadata is of interest.
    pub fn read_metadata(
        body: &[u8],
        identifier: &str,
        offered: Option<Dialect>,
        ids: &mut [String],
    ) -> Result<(ReceivedIssuerMetadata, Option<Dialect>, Names, Findings), MetadataError> {
        let value = json::parse(body).map_err(|_| MetadataError::NotJson)?;
        let metadata = value.as_object().ok_or(MetadataError::NotJson)?;
        let Some(dialect) = spoken(metadata, offered, ids) else {
            let metadata = ReceivedIssuerMetadata::read(&value, identifier)?;
            return Ok((metadata, None, Names::new(), Vec::new()));
        };
        let mut findings = Vec::new();
        if offered == Some(Dialect(Draft::D11)) && dialect.0 >= Draft::D13 {
            findings.push(OLD_NAME);
        }
        let mut entries = entries(dialect.0, metadata, &mut findings);
        for id in ids {
            name(id, (dialect.0, &mut entries), &mut findings);
        }
        let mut lifted = issuer_members(dialect.0, (metadata, identifier), &mut findings)?;
        let (mut names, mut configurations) = (Names::new(), Map::new());
        for (id, Described { configuration, named }) in entries {
            configurations.insert(id.clone(), configuration.into());
            names.insert(id, named);
        }
        lifted.insert("credential_configurations_supported".into(), configurations.into());
        let mut read = ReceivedIssuerMetadata::read(&lifted.into(), identifier)?;
        for configuration in read.configurations.values_mut() {
            if !configuration.needs_proof {
                // Not to be asked for: but an issuer that gives nonces nevertheless takes the usual ones.
                configuration.binding_methods =
                    vec![BindingMethod::Jwk, BindingMethod::DidJwk, BindingMethod::DidKey];
                configuration.proof_algorithms = vec![Algorithm::Es256, Algorithm::EdDsa];
            }
        }
        if dialect.has_single_proof() {
            read.batch_size = 1;
        }
        once(&mut findings);
        Ok((read, Some(dialect), names, findings))
    }
}

/// Of several drafts in one document, that of the offer; else the latest of them.
fn spoken(
    metadata: &Map<String, Value>,
    offered: Option<Dialect>,
    ids: &[String],
) -> Option<Dialect> {
    let mut spoken = Vec::new();
    if let Some(entries) = object(metadata, "credential_configurations_supported") {
        spoken.push(of_configurations(metadata, entries, offered.is_some()));
    }
    let is_flat = metadata.get("credential_issuer").is_none_or(Value::is_object);
    match metadata.get("credentials_supported") {
        Some(Value::Array(_)) if is_flat => spoken.extend([Some(Draft::D9), Some(Draft::D11)]),
        Some(Value::Array(_)) => spoken.extend([Some(Draft::D11), Some(Draft::D9)]),
        Some(Value::Object(entries))
            if entries.values().any(|one| one.get("formats").is_some()) =>
        {
            spoken.push(Some(Draft::D8));
        }
        Some(Value::Object(_)) => spoken.push(Some(Draft::D12)),
        _ => {}
    }
    let offered = offered.map(|dialect| dialect.0);
    let is_spoken = |draft: Draft| spoken.contains(&Some(draft));
    let chosen = match offered {
        Some(Draft::D11) if are_named_later(metadata, ids) => spoken.first().copied().flatten(),
        Some(draft) if is_spoken(draft) => offered,
        Some(Draft::D8) if is_spoken(Draft::D9) => Some(Draft::D9),
        _ => spoken.first().copied().flatten(),
    };
    chosen.map(Dialect)
}

/// Whether an offer of draft 11 names what the catalogue of that draft does not, but the later one
/// beside it.
fn are_named_later(metadata: &Map<String, Value>, ids: &[String]) -> bool {
    let later = object(metadata, "credential_configurations_supported");
    let listed = metadata.get("credentials_supported").and_then(Value::as_array);
    let is_listed = |id: &String| listed.into_iter().flatten().any(|one| one["id"] == **id);
    let is_later = |id: &String| later.is_some_and(|later| later.contains_key(id));
    !ids.is_empty() && ids.iter().all(|id| is_later(id) && !is_listed(id))
}

/// 13, 14, 15 and 1.0 have the same member. What only an older draft has, says that it is one; where
/// there is nothing of the kind it is 1.0.
fn of_configurations(
    metadata: &Map<String, Value>,
    entries: &Map<String, Value>,
    has_old_offer: bool,
) -> Option<Draft> {
    let any = |test: fn(&Value) -> bool| entries.values().any(test);
    let has = |name: &str| metadata.contains_key(name);
    if has("credential_request_encryption") || any(|one| one.get("credential_metadata").is_some()) {
        return None;
    }
    let has_display = any(|one| one.get("display").is_some());
    let is_recent = has("nonce_endpoint") || any(|one| one["format"] == "dc+sd-jwt");
    if any(|one| one["claims"].is_array()) || (is_recent && has_display) {
        return Some(Draft::D15);
    }
    let is_old = has("batch_credential_endpoint")
        || has("credential_identifiers_supported")
        || any(|one| one["claims"].is_object() || one.get("order").is_some())
        || any(|one| one.pointer("/credential_definition/credentialSubject").is_some())
        || any(|one| one.get("cryptographic_suites_supported").is_some())
        || any(|one| one["format"] == "vc+sd-jwt" && one.get("vct").is_some())
        || (!has("nonce_endpoint")
            && any(|one| OLD_FORMATS.iter().any(|old| one["format"] == **old)));
    if !is_old && (is_recent || !(has_display || has_old_offer)) {
        return None;
    }
    Some(if has("batch_credential_issuance") { Draft::D14 } else { Draft::D13 })
}

/// What can be asked for, by its identifier.
fn entries(
    draft: Draft,
    metadata: &Map<String, Value>,
    findings: &mut Findings,
) -> BTreeMap<String, Described> {
    let catalogue = if draft >= Draft::D13 {
        metadata.get("credential_configurations_supported")
    } else {
        metadata.get("credentials_supported")
    };
    match catalogue {
        Some(Value::Object(entries)) => entries
            .iter()
            .filter_map(|(id, entry)| Some((id.clone(), described(draft, id, entry, findings)?)))
            .collect(),
        Some(Value::Array(entries)) => entries
            .iter()
            .filter_map(|entry| {
                let id = entry.get("id").and_then(Value::as_str).map(str::to_owned);
                let id = id.unwrap_or_else(|| made_up_id(entry));
                Some((id.clone(), described(draft, &id, entry, findings)?))
            })
            .collect(),
        _ => BTreeMap::new(),
    }
}

/// Replaces what an offer says by the identifier of what the metadata describe.
fn name(
    offered: &mut String,
    (draft, entries): (Draft, &mut BTreeMap<String, Described>),
    findings: &mut Findings,
) {
    if entries.contains_key(offered) {
        return;
    }
    let object = json::parse(offered.as_bytes()).ok().filter(Value::is_object);
    let Some(object) = object else {
        let meant = entries.iter().find(|(_, entry)| entry.is_called(offered));
        if let Some((id, _)) = meant {
            findings.push(BY_TYPE);
            offered.clone_from(id);
        }
        return; // or it is unknown, which whoever asks for it says
    };
    let id = made_up_id(&object);
    // Offers of some drafts have them in credential_definition, where their metadata do not.
    let Some(given) = described(draft, &id, &object, &mut Vec::new()) else { return };
    if let Some((id, _)) = entries.iter().find(|(_, entry)| entry.is_same_as(&given)) {
        offered.clone_from(id);
    } else {
        findings.push(UNDESCRIBED);
        entries.insert(id.clone(), given);
        *offered = id;
    }
}

/// An element without `id` is known by its type and format.
fn made_up_id(entry: &Value) -> String {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let types = texts(entry.get("types").or_else(|| entry.pointer("/credential_definition/types")));
    let types =
        if types.is_empty() { texts(entry.pointer("/credential_definition/type")) } else { types };
    let name = text("vct").or_else(|| text("doctype")).or_else(|| types.last().map(String::as_str));
    format!("{} ({})", name.unwrap_or("credential"), text("format").unwrap_or_default())
}

fn object<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Map<String, Value>> {
    members.get(name).and_then(Value::as_object)
}

//! The members of a draft's metadata as those of 1.0.

use keys::algorithm::Algorithm;
use serde_json::{Map, Value, json};

use super::elsewhere::{self, LIST_OF_PROOF_TYPES, NO_FORMATS, ONE_SERVER, PICTURE_URL};
use super::encryption::lift_metadata;
use super::{Findings, texts};
use crate::legacy::dialect::Draft;
use crate::legacy::format::{MDL_ISO, MDL_ISO_CBOR};
use crate::metadata::MetadataError;

const NO_ISSUER: &str =
    "the metadata do not name their credential_issuer (draft 11, section 10.2.3)";
const OTHER_ISSUER: &str = "credential_issuer of the metadata is not, letter by letter, the \
                            identifier in the offer (draft 11, section 10.2.3)";
const NO_ENDPOINT: &str = "the metadata have no credential_endpoint (draft 11, section 10.2.3)";
const WELL_KNOWN: &str = "/.well-known/openid-credential-issuer";

/// One credential that can be asked for.
pub(super) struct Described {
    /// A value of `credential_configurations_supported`.
    pub(super) configuration: Map<String, Value>,
    /// How a request of the draft names it.
    pub(super) named: Map<String, Value>,
}

impl Described {
    /// Whether people call it that: the last of its types says the most.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let types = self.configuration.get("credential_definition").and_then(|it| it.get("type"));
        let last = types.and_then(Value::as_array).and_then(|types| types.last());
        last.is_some_and(|last| last == name)
            || self.configuration.get("vct").is_some_and(|vct| vct == name)
            || self.configuration.get("doctype").is_some_and(|doctype| doctype == name)
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let [one, other] = [&self.configuration, &other.configuration];
        let types = |one: &Map<String, Value>| {
            one.get("credential_definition").map(|it| it["type"].clone())
        };
        types(one) == types(other)
            && ["format", "vct", "doctype"].iter().all(|name| one.get(*name) == other.get(*name))
    }
}

/// What stands outside of the catalogue.
pub(super) fn issuer_members(
    draft: Draft,
    (metadata, identifier): (&Map<String, Value>, &str),
    findings: &mut Findings,
) -> Result<Map<String, Value>, MetadataError> {
    let mut lifted = metadata.clone();
    match metadata.get("credential_issuer").or_else(|| metadata.get("issuer")) {
        Some(Value::String(named)) if named == identifier => {
            if !metadata.contains_key("credential_issuer") && draft > Draft::D9 {
                findings.push(NO_ISSUER);
            }
        }
        Some(Value::String(named)) if is_nearly(named, identifier) => findings.push(OTHER_ISSUER),
        // How it looks, in drafts 8 and 9; its name is the address of the document.
        Some(Value::Object(shown)) => {
            let display = shown.get("display").cloned();
            lifted.insert("display".into(), display.unwrap_or_else(|| json!([shown])));
        }
        None if draft <= Draft::D9 => {}
        None => findings.push(NO_ISSUER),
        Some(_) => return Err(MetadataError::OtherIssuer),
    }
    lifted.insert("credential_issuer".into(), identifier.into());
    lifted.entry("credential_endpoint").or_insert_with(|| {
        findings.push(NO_ENDPOINT); // who leaves it out has it beside the Token Endpoint
        format!("{}/credential", identifier.trim_end_matches('/')).into()
    });
    if let Some(server) = metadata.get("authorization_server")
        && !metadata.contains_key("authorization_servers")
    {
        lifted.insert("authorization_servers".into(), json!([server]));
        findings.extend((draft >= Draft::D12).then_some(ONE_SERVER));
    }
    lift_metadata(&mut lifted);
    if let Some(display) = lifted.get_mut("display") {
        rename_pictures(draft, display, findings);
    }
    Ok(lifted)
}

/// The document came from the place that the identifier leads to: a slash, or the place itself, tells
/// nothing else.
fn is_nearly(named: &str, identifier: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').to_owned();
    let named = named.strip_suffix(WELL_KNOWN).unwrap_or(named);
    plain(named) == plain(identifier)
}

/// An entry of the catalogue; `None` for one that has no format.
pub(super) fn described(
    draft: Draft,
    id: &str,
    entry: &Value,
    findings: &mut Findings,
) -> Option<Described> {
    if draft != Draft::D8 {
        return of_one_format(draft, id, entry, findings);
    }
    let Some(formats) = entry.get("formats").and_then(Value::as_object) else {
        findings.push(NO_FORMATS);
        return of_one_format(draft, id, entry, findings);
    };
    of_formats(id, entry, formats, findings)
}

/// The same with its format beside what it describes.
fn of_one_format(
    draft: Draft,
    id: &str,
    entry: &Value,
    findings: &mut Findings,
) -> Option<Described> {
    let format = entry.get("format")?.as_str()?;
    elsewhere::look(draft, format, entry, findings);
    let mut configuration = Map::new();
    for name in ["scope", "doctype"] {
        configuration.extend(entry.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let vct = entry.get("vct").or_else(|| entry.pointer("/credential_definition/vct"));
    configuration.insert("format".into(), format_of_today(format, vct.is_some()).into());
    configuration.extend(vct.map(|vct| ("vct".to_owned(), vct.clone())));
    let types = types(entry);
    if draft == Draft::D8 && format_of_today(format, false) == "mso_mdoc" {
        // What others call its doctype (draft 8, section 10.2.1).
        configuration.extend(types.first().map(|one| ("doctype".to_owned(), one.clone().into())));
    } else if !types.is_empty() {
        let mut definition = Map::from_iter([("type".to_owned(), types.clone().into())]);
        definition
            .extend(contexts(entry).map(|contexts| ("@context".to_owned(), contexts.clone())));
        configuration.insert("credential_definition".into(), definition.into());
    }
    bind(draft, entry, &mut configuration, findings);
    let mut display = entry.get("display").cloned().unwrap_or_default();
    rename_pictures(draft, &mut display, findings);
    configuration.insert("display".into(), display);
    configuration.insert("claims".into(), claims(entry).into());
    let named = if draft == Draft::D8 {
        let format = if format == MDL_ISO { MDL_ISO_CBOR } else { format };
        Map::from_iter([("type".to_owned(), id.into()), ("format".to_owned(), format.into())])
    } else {
        named(draft, format, entry)
    };
    Some(Described { configuration, named })
}

/// Draft 8 has an object for each format; the first that we can hold is taken (draft 8, section
/// 10.2.1).
fn of_formats(
    id: &str,
    entry: &Value,
    formats: &Map<String, Value>,
    findings: &mut Findings,
) -> Option<Described> {
    const KNOWN: [&str; 7] =
        ["jwt_vc", "jwt_vc_json", "vc+sd-jwt", "ldp_vc", MDL_ISO, MDL_ISO_CBOR, "mso_mdoc"];
    let known = KNOWN.into_iter().find(|known| formats.contains_key(*known));
    let format = known.or_else(|| formats.keys().next().map(String::as_str))?;
    let mut flat = formats.get(format)?.as_object()?.clone();
    flat.insert("format".into(), format.into());
    for name in ["display", "claims", "order"] {
        flat.extend(entry.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    of_one_format(Draft::D8, id, &flat.into(), findings)
}

/// Formats have had other names.
fn format_of_today(format: &str, has_vct: bool) -> &str {
    match format {
        "jwt_vc" | "jwt" => "jwt_vc_json",
        "ldp" => "ldp_vc",
        MDL_ISO | MDL_ISO_CBOR => "mso_mdoc",
        "vc+sd-jwt" if has_vct => "dc+sd-jwt",
        other => other,
    }
}

pub(super) fn types(entry: &Value) -> Vec<String> {
    let places = ["/credential_definition/type", "/credential_definition/types", "/types", "/type"];
    let mut found = places.iter().map(|place| texts(entry.pointer(place)));
    found.find(|types| !types.is_empty()).unwrap_or_default()
}

fn contexts(entry: &Value) -> Option<&Value> {
    entry.pointer("/credential_definition/@context").or_else(|| entry.get("@context"))
}

/// What a Credential Request says in place of an identifier: draft 14, section 7.2, and the formats'
/// own sections.
fn named(draft: Draft, format: &str, entry: &Value) -> Map<String, Value> {
    let mut named = Map::from_iter([("format".to_owned(), format.into())]);
    for name in ["vct", "doctype"] {
        named.extend(entry.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    if named.len() > 1 {
        return named;
    }
    let types = types(entry);
    let is_linked = matches!(format, "ldp_vc" | "ldp" | "jwt_vc_json-ld");
    let is_flat = draft <= Draft::D11 && entry.get("credential_definition").is_none();
    if is_flat && !is_linked {
        named.insert("types".into(), types.into());
        return named;
    }
    let mut definition = Map::new();
    if let Some(given) = entry.get("credential_definition").and_then(Value::as_object) {
        let kept = ["@context", "type", "types", "vct"];
        definition.extend(given.clone().into_iter().filter(|(name, _)| kept.contains(&&**name)));
    } else {
        let name = if draft <= Draft::D11 { "types" } else { "type" };
        definition
            .extend(contexts(entry).map(|contexts| ("@context".to_owned(), contexts.clone())));
        definition.insert(name.into(), types.into());
    }
    named.insert("credential_definition".into(), definition.into());
    named
}

/// Up to draft 12 the algorithms of proofs stood for themselves, or nowhere.
fn bind(
    draft: Draft,
    entry: &Value,
    configuration: &mut Map<String, Value>,
    findings: &mut Findings,
) {
    let mut methods = Vec::new();
    // Issuers of draft 8 still have the name that it had before.
    let listed = entry.get("cryptographic_binding_methods_supported");
    for method in texts(listed.or_else(|| entry.get("binding_methods_supported"))) {
        match method.as_str() {
            "did" => methods.extend(["did:jwk".to_owned(), "did:key".to_owned()]),
            "mso" => methods.push("cose_key".to_owned()),
            _ => methods.push(method),
        }
    }
    let is_bound = !methods.is_empty();
    if is_bound {
        configuration.insert("cryptographic_binding_methods_supported".into(), methods.into());
    }
    let jwt = || {
        let mut names = texts(entry.get("cryptographic_suites_supported"));
        names.retain(|name| Algorithm::parse(name).is_some());
        if names.is_empty() {
            names = vec![Algorithm::Es256.name().to_owned(), Algorithm::EdDsa.name().to_owned()];
        }
        json!({ "proof_signing_alg_values_supported": names })
    };
    let proof_types = match entry.get("proof_types_supported") {
        Some(Value::Array(listed)) => {
            findings.extend((draft >= Draft::D13).then_some(LIST_OF_PROOF_TYPES));
            let names = listed.iter().filter_map(Value::as_str);
            Some(names.map(|name| (name.to_owned(), jwt())).collect::<Map<_, _>>().into())
        }
        Some(given) => Some(given.clone()),
        None if is_bound && draft <= Draft::D12 => Some(json!({ "jwt": jwt() })),
        None => None,
    };
    configuration.extend(proof_types.map(|it| ("proof_types_supported".to_owned(), it)));
}

/// `logo.url` is `logo.uri` since draft 13.
fn rename_pictures(draft: Draft, display: &mut Value, findings: &mut Findings) {
    for shown in display.as_array_mut().into_iter().flatten() {
        for name in ["logo", "background_image"] {
            let Some(Value::Object(picture)) = shown.get_mut(name) else { continue };
            if let Some(url) = picture.remove("url")
                && !picture.contains_key("uri")
            {
                picture.insert("uri".into(), url);
                findings.extend((draft >= Draft::D13).then_some(PICTURE_URL));
            }
        }
    }
}

/// Descriptions of claims were a tree, and are a list of paths since draft 15.
fn claims(entry: &Value) -> Vec<Value> {
    let mut listed = Vec::new();
    let order = texts(entry.get("order"));
    let is_w3c = !types(entry).is_empty();
    let subject = || vec![Value::from("credentialSubject")];
    match entry.get("claims") {
        Some(Value::Array(claims)) => return claims.clone(),
        Some(Value::Object(tree)) => {
            let root = if is_w3c { subject() } else { Vec::new() };
            walk(tree, &root, &order, &mut listed);
        }
        _ => {}
    }
    let trees = ["/credential_definition/credentialSubject", "/credentialSubject"];
    for tree in trees.iter().filter_map(|place| entry.pointer(place)?.as_object()) {
        walk(tree, &subject(), &order, &mut listed);
    }
    listed
}

fn walk(tree: &Map<String, Value>, above: &[Value], order: &[String], listed: &mut Vec<Value>) {
    let place = |name: &String| order.iter().position(|one| one == name).unwrap_or(usize::MAX);
    let mut members: Vec<_> = tree.iter().collect();
    members.sort_by_key(|(name, _)| place(name));
    for (name, member) in members {
        let Some(member) = member.as_object() else { continue };
        let path: Vec<Value> = above.iter().cloned().chain([name.clone().into()]).collect();
        let mut description = Map::new();
        for known in ["mandatory", "display"] {
            description.extend(member.get(known).map(|value| (known.to_owned(), value.clone())));
        }
        if !description.is_empty() || member.values().all(|value| !value.is_object()) {
            description.insert("path".into(), path.clone().into());
            listed.push(description.into());
        }
        walk(member, &path, &[], listed);
    }
}

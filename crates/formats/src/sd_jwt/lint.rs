//! Whether what was concealed can be read again, looked at before it is signed (RFC 9901 §7.1).

use keys::json;
use serde_json::{Map, Value};

use super::{Concealed, DIGESTS, ELEMENT, HASH, decoded, digest, is_reserved};
use crate::lint::LintFault;

/// Every digest is there once, each disclosure has one, and no name means two things; `protected`
/// are names that no disclosure of the outermost object may have.
pub(crate) fn check(concealed: &Concealed, protected: &[&str]) -> Result<(), LintFault> {
    let mut digests = Vec::new();
    for (name, value) in &concealed.payload {
        match name.as_str() {
            DIGESTS => listed(value, &mut digests)?,
            HASH => {}
            ELEMENT => return Err(LintFault::ReservedName),
            _ => inside(value, &mut digests)?,
        }
    }
    let outermost = concealed.payload.get(DIGESTS).and_then(Value::as_array);
    for disclosure in &concealed.disclosures {
        let bytes = decoded(disclosure).ok_or(LintFault::Malformed)?;
        let parts = json::parse(&bytes).map_err(|_| LintFault::Malformed)?;
        let (name, value) = match parts.as_array().map(Vec::as_slice) {
            Some([_, name, value]) => (Some(name.as_str().ok_or(LintFault::Malformed)?), value),
            Some([_, value]) => (None, value),
            _ => return Err(LintFault::Malformed),
        };
        if let Some(name) = name {
            let is_outermost =
                || outermost.is_some_and(|all| all.iter().any(|one| *one == digest(disclosure)));
            if is_reserved(name) || protected.contains(&name) && is_outermost() {
                return Err(LintFault::ReservedName);
            }
        }
        inside(value, &mut digests)?;
    }
    digests.sort_unstable();
    if digests.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        return Err(LintFault::RepeatedDigest);
    }
    let has = |disclosure: &String| digests.binary_search(&digest(disclosure)).is_ok();
    let mut disclosures: Vec<&String> = concealed.disclosures.iter().collect();
    disclosures.sort_unstable();
    disclosures.dedup();
    if disclosures.len() != concealed.disclosures.len() {
        return Err(LintFault::RepeatedDigest);
    }
    disclosures.into_iter().all(has).then_some(()).ok_or(LintFault::MissingDigest)
}

fn listed(value: &Value, digests: &mut Vec<String>) -> Result<(), LintFault> {
    for digest in value.as_array().ok_or(LintFault::ReservedName)? {
        digests.push(digest.as_str().ok_or(LintFault::ReservedName)?.to_owned());
    }
    Ok(())
}

/// Digests that lie in a value; conceal has bounded how deep.
fn inside(value: &Value, digests: &mut Vec<String>) -> Result<(), LintFault> {
    match value {
        Value::Object(object) => in_object(object, digests),
        Value::Array(elements) => elements.iter().try_for_each(|element| {
            match element.as_object().and_then(|object| object.get(ELEMENT)) {
                Some(Value::String(digest))
                    if element.as_object().is_some_and(|o| o.len() == 1) =>
                {
                    digests.push(digest.clone());
                    Ok(())
                }
                _ => inside(element, digests),
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn in_object(object: &Map<String, Value>, digests: &mut Vec<String>) -> Result<(), LintFault> {
    object.iter().try_for_each(|(name, value)| match name.as_str() {
        DIGESTS => listed(value, digests),
        ELEMENT => Err(LintFault::ReservedName),
        _ => inside(value, digests),
    })
}

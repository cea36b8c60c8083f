//! Whether what was concealed can be read again, looked at before it is signed (RFC 9901 §7.1).

use serde_json::{Map, Value};

use super::{Concealed, DIGESTS, Disclosure, ELEMENT, HASH, is_reserved};
use crate::lint::LintFault;

/// Every digest is there once, each disclosure has one, and no name means two things; `protected`
/// are names that no disclosure of the outermost object may have.
pub(crate) fn check(concealed: &Concealed, protected: &[&str]) -> Result<(), LintFault> {
    let mut digests = Vec::with_capacity(concealed.disclosures.len());
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
        if disclosure.text().is_empty() {
            return Err(LintFault::Malformed);
        }
        let is_outermost =
            || outermost.is_some_and(|all| all.iter().any(|one| one == disclosure.digest()));
        let is_protected = |name: &str| protected.contains(&name) && is_outermost();
        if disclosure.name().is_some_and(|name| is_reserved(name) || is_protected(name)) {
            return Err(LintFault::ReservedName);
        }
        inside(disclosure.value(), &mut digests)?;
    }
    let mut own: Vec<&str> = concealed.disclosures.iter().map(Disclosure::digest).collect();
    if is_twice(&mut digests) || is_twice(&mut own) {
        return Err(LintFault::RepeatedDigest);
    }
    // Both are in their order: each is looked for behind the one before it.
    let mut signed = digests.into_iter();
    let is_signed = |digest: &str| signed.any(|other| other == digest);
    own.into_iter().all(is_signed).then_some(()).ok_or(LintFault::MissingDigest)
}

/// Sorts them, and tells whether one is there twice.
fn is_twice(digests: &mut [&str]) -> bool {
    digests.sort_unstable();
    digests.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

fn listed<'v>(value: &'v Value, digests: &mut Vec<&'v str>) -> Result<(), LintFault> {
    for digest in value.as_array().ok_or(LintFault::ReservedName)? {
        digests.push(digest.as_str().ok_or(LintFault::ReservedName)?);
    }
    Ok(())
}

/// Digests that lie in a value; conceal has bounded how deep.
fn inside<'v>(value: &'v Value, digests: &mut Vec<&'v str>) -> Result<(), LintFault> {
    match value {
        Value::Object(object) => in_object(object, digests),
        Value::Array(elements) => elements.iter().try_for_each(|element| {
            match element.as_object().and_then(|object| object.get(ELEMENT)) {
                Some(Value::String(digest))
                    if element.as_object().is_some_and(|o| o.len() == 1) =>
                {
                    digests.push(digest);
                    Ok(())
                }
                _ => inside(element, digests),
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn in_object<'v>(
    object: &'v Map<String, Value>,
    digests: &mut Vec<&'v str>,
) -> Result<(), LintFault> {
    object.iter().try_for_each(|(name, value)| match name.as_str() {
        DIGESTS => listed(value, digests),
        ELEMENT => Err(LintFault::ReservedName),
        _ => inside(value, digests),
    })
}

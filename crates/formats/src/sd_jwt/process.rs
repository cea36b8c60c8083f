//! What the holder of all or some disclosures may read (RFC 9901 §7.1).

use std::collections::{HashMap, HashSet};
use std::mem;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::json::{self, DEPTH_MAX};
use serde_json::{Map, Value};

use super::{DIGESTS, DISCLOSURES_MAX, ELEMENT, HASH, SHA_256, SdJwtError, digest, is_reserved};

/// Puts disclosures in the place of their digests and removes all other digests.
///
/// The signature of the payload must have been verified.
pub fn process(
    mut payload: Map<String, Value>,
    disclosures: &[&str],
) -> Result<Map<String, Value>, SdJwtError> {
    if disclosures.len() > DISCLOSURES_MAX {
        return Err(SdJwtError::TooMany);
    }
    if payload.remove(HASH).is_some_and(|hash| hash != SHA_256) {
        return Err(SdJwtError::UnsupportedHash);
    }
    let mut reader = Reader::default();
    for disclosure in disclosures {
        if reader.waiting.insert(digest(disclosure), disclosure).is_some() {
            return Err(SdJwtError::RepeatedDigest);
        }
    }
    reader.object(&mut payload, 1)?;
    if reader.waiting.is_empty() { Ok(payload) } else { Err(SdJwtError::Unreferenced) }
}

#[derive(Default)]
struct Reader<'d> {
    /// Disclosures that nothing referred to yet, by digest.
    waiting: HashMap<String, &'d str>,
    /// Digests that were met, with a disclosure or without.
    met: HashSet<String>,
}

impl<'d> Reader<'d> {
    /// Disclosures may hold digests of further ones, so the depth is counted again.
    fn value(&mut self, value: &mut Value, depth: usize) -> Result<(), SdJwtError> {
        match value {
            Value::Object(_) | Value::Array(_) if depth > DEPTH_MAX => Err(SdJwtError::TooDeep),
            Value::Object(object) => self.object(object, depth),
            Value::Array(array) => self.array(array, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, depth: usize) -> Result<(), SdJwtError> {
        for digest in digests(object.remove(DIGESTS))? {
            let Some(disclosure) = self.take(digest)? else { continue };
            let (name, value) = member(disclosure)?;
            if object.contains_key(&name) {
                return Err(SdJwtError::RepeatedName);
            }
            object.insert(name, value);
        }
        if object.contains_key(ELEMENT) {
            return Err(SdJwtError::ReservedName);
        }
        object.values_mut().try_for_each(|value| self.value(value, depth + 1))
    }

    fn array(&mut self, array: &mut Vec<Value>, depth: usize) -> Result<(), SdJwtError> {
        for item in mem::take(array) {
            match element_digest(&item) {
                None => array.push(item),
                Some(digest) => {
                    let digest = digest.as_str().ok_or(SdJwtError::Malformed)?;
                    if let Some(disclosure) = self.take(digest.to_owned())? {
                        array.push(element(disclosure)?);
                    }
                }
            }
        }
        array.iter_mut().try_for_each(|value| self.value(value, depth + 1))
    }

    /// The disclosure of a digest; `None` for one that is withheld, or a decoy.
    fn take(&mut self, digest: String) -> Result<Option<&'d str>, SdJwtError> {
        let disclosure = self.waiting.remove(&digest);
        if self.met.insert(digest) { Ok(disclosure) } else { Err(SdJwtError::RepeatedDigest) }
    }
}

pub(super) fn digests(value: Option<Value>) -> Result<Vec<String>, SdJwtError> {
    let digests = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(digests)) => digests,
        Some(_) => return Err(SdJwtError::Malformed),
    };
    let text = |digest: &Value| digest.as_str().map(str::to_owned);
    digests.iter().map(text).collect::<Option<_>>().ok_or(SdJwtError::Malformed)
}

/// What stands for an element: an object with no other member.
pub(super) fn element_digest(item: &Value) -> Option<&Value> {
    let object = item.as_object().filter(|object| object.len() == 1)?;
    object.get(ELEMENT)
}

/// `[salt, name, value]` (RFC 9901 §4.2.1).
pub(super) fn member(disclosure: &str) -> Result<(String, Value), SdJwtError> {
    match <[Value; 3]>::try_from(parts(disclosure)?) {
        Ok([Value::String(_), Value::String(name), _]) if is_reserved(&name) || name == HASH => {
            Err(SdJwtError::ReservedName)
        }
        Ok([Value::String(_), Value::String(name), value]) => Ok((name, value)),
        Ok(_) => Err(SdJwtError::Malformed),
        Err(_) => Err(SdJwtError::WrongArity),
    }
}

/// `[salt, value]` (RFC 9901 §4.2.2).
pub(super) fn element(disclosure: &str) -> Result<Value, SdJwtError> {
    match <[Value; 2]>::try_from(parts(disclosure)?) {
        Ok([Value::String(_), value]) => Ok(value),
        Ok(_) => Err(SdJwtError::Malformed),
        Err(_) => Err(SdJwtError::WrongArity),
    }
}

fn parts(disclosure: &str) -> Result<Vec<Value>, SdJwtError> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(disclosure).map_err(|_| SdJwtError::Malformed)?;
    match json::parse(&json) {
        Ok(Value::Array(parts)) => Ok(parts),
        _ => Err(SdJwtError::Malformed),
    }
}

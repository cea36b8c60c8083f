//! The issuer's side: claims become digests and disclosures (RFC 9901 §4.2).

use std::cmp::Reverse;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::json::DEPTH_MAX;
use keys::outside::Random;
use serde_json::{Map, Value};

use super::{DIGESTS, DISCLOSURES_MAX, HASH, SHA_256, digest, is_reserved};
use crate::IssueError;

/// 128 bits: nobody can try all salts for a value that is easy to guess (RFC 9901 §9.3).
const SALT_BYTES: usize = 16;

/// What is signed, and what the holder needs besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Concealed {
    /// The claims, with digests in place of the selectively disclosable ones.
    pub payload: Map<String, Value>,
    /// One for each digest.
    pub disclosures: Vec<String>,
}

/// Replaces the claims at `selective`, paths of names through objects, by digests.
///
/// A claim that is not there is not missed: not every subject has all. Paths may lead into one
/// another; then showing the inner claim takes both disclosures (RFC 9901 §4.2.6).
pub fn conceal(
    claims: Map<String, Value>,
    selective: &[Vec<String>],
    random: &dyn Random,
) -> Result<Concealed, IssueError> {
    if selective.len() > DISCLOSURES_MAX {
        return Err(IssueError::TooManyDisclosures);
    }
    if claims.contains_key(HASH) {
        return Err(IssueError::ReservedClaim);
    }
    check_object(&claims, 1)?;
    let mut concealed = Concealed { payload: claims, disclosures: Vec::new() };
    let mut innermost_first: Vec<_> = selective.iter().collect();
    innermost_first.sort_by_key(|path| Reverse(path.len()));
    let mut salts = vec![[0; SALT_BYTES]; selective.len()];
    random.fill(salts.as_flattened_mut()); // at once: to ask for each costs more than the salt
    for (path, salt) in innermost_first.into_iter().zip(salts) {
        concealed.conceal_one(path, salt)?;
    }
    if !concealed.disclosures.is_empty() {
        concealed.payload.insert(HASH.to_owned(), SHA_256.into()); // RFC 9901 §4.1.1, FMT-SDJWT-08
    }
    Ok(concealed)
}

impl Concealed {
    fn conceal_one(&mut self, path: &[String], salt: [u8; SALT_BYTES]) -> Result<(), IssueError> {
        let (name, parents) = path.split_last().ok_or(IssueError::WrongPath)?;
        let Some(parent) = find(&mut self.payload, parents)? else { return Ok(()) };
        let Some(value) = parent.remove(name) else { return Ok(()) };
        let disclosure = disclosure(name, &value, salt);
        add(parent, digest(&disclosure));
        self.disclosures.push(disclosure);
        Ok(())
    }
}

/// The object at a path. To skip one that is no object would show what was to be hidden.
fn find<'m>(
    mut object: &'m mut Map<String, Value>,
    path: &[String],
) -> Result<Option<&'m mut Map<String, Value>>, IssueError> {
    for name in path {
        match object.get_mut(name) {
            None => return Ok(None),
            Some(Value::Object(inner)) => object = inner,
            Some(_) => return Err(IssueError::WrongPath),
        }
    }
    Ok(Some(object))
}

fn disclosure(name: &str, value: &Value, salt: [u8; SALT_BYTES]) -> String {
    let parts = (BASE64_URL_SAFE_NO_PAD.encode(salt), name, value);
    // Only a foreign type or a foreign writer can fail.
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

/// Sorted, so that the order of the claims stays unknown (RFC 9901 §4.2.4.1).
fn add(object: &mut Map<String, Value>, digest: String) {
    let digests = object.entry(DIGESTS).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(digests) = digests {
        let place = digests.partition_point(|other| other.as_str() < Some(&digest));
        digests.insert(place, digest.into());
    }
}

/// A claim with a reserved name would be taken for a digest by every reader.
fn check_object(object: &Map<String, Value>, depth: usize) -> Result<(), IssueError> {
    if object.keys().any(|name| is_reserved(name)) {
        return Err(IssueError::ReservedClaim);
    }
    object.values().try_for_each(|value| check(value, depth + 1))
}

fn check(value: &Value, depth: usize) -> Result<(), IssueError> {
    match value {
        // The array of a disclosure is one level more.
        Value::Object(_) | Value::Array(_) if depth >= DEPTH_MAX => Err(IssueError::TooDeep),
        Value::Object(object) => check_object(object, depth),
        Value::Array(array) => array.iter().try_for_each(|value| check(value, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

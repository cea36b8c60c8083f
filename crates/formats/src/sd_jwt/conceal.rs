//! The issuer's side: claims become digests and disclosures (RFC 9901 §4.2).

use std::cmp::Reverse;
use std::mem;

use keys::base64url;
use keys::json::DEPTH_MAX;
use keys::outside::Random;
use serde_json::{Map, Value, json};

use super::disclosure::{SALT_BYTES, SALT_LENGTH, Scratch};
use super::{DIGESTS, DISCLOSURES_MAX, Disclosure, ELEMENT, HASH, SHA_256, digest, is_reserved};
use crate::IssueError;
use crate::path::Step;

/// As many as most credentials have disclosures.
const SALTS_AT_ONCE: usize = 16;
/// As many as the JSON of most disclosures has.
const BYTES_MOST_HAVE: usize = 256;

/// What is signed, and what the holder needs besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Concealed {
    /// The claims, with digests in place of the selectively disclosable ones.
    pub payload: Map<String, Value>,
    /// One for each digest.
    pub disclosures: Vec<Disclosure>,
}

impl Concealed {
    /// `JWT~disclosure~…~`, once the payload was signed (RFC 9901 §4).
    pub(crate) fn behind(&self, mut signed: String) -> String {
        signed.reserve(1 + self.disclosed_bytes());
        signed.push('~');
        for disclosure in &self.disclosures {
            signed.push_str(disclosure.text());
            signed.push('~');
        }
        signed
    }

    /// How long all disclosures are, each with what ends it.
    pub(crate) fn disclosed_bytes(&self) -> usize {
        self.disclosures.iter().map(|disclosure| disclosure.text().len() + 1).sum()
    }
}

/// Replaces the claims at `selective` by digests, in objects and in lists, and hides how many there
/// are behind `decoys` further digests in each place that has some (RFC 9901 §4.2.5).
///
/// A claim that is not there is not missed: not every subject has all. Paths may lead into one
/// another; then showing the inner claim takes both disclosures (RFC 9901 §4.2.6).
pub fn conceal(
    claims: Map<String, Value>,
    selective: &[Vec<Step>],
    decoys: usize,
    random: &dyn Random,
) -> Result<Concealed, IssueError> {
    check_object(&claims, 1)?;
    let salts = Salts { random, drawn: Vec::new() };
    let disclosures = Vec::with_capacity(selective.len());
    let scratch = Scratch::with_capacity(BYTES_MOST_HAVE);
    let mut concealer = Concealer { salts, decoys, disclosures, scratch };
    let mut innermost_first: Vec<_> = selective.iter().collect();
    innermost_first.sort_by_key(|path| Reverse(path.len()));
    let mut payload = claims;
    for path in innermost_first {
        let (first, rest) = path.split_first().ok_or(IssueError::WrongPath)?;
        concealer.in_object(&mut payload, first, rest)?;
    }
    if !concealer.disclosures.is_empty() {
        payload.insert(HASH.to_owned(), SHA_256.into()); // RFC 9901 §4.1.1, FMT-SDJWT-08
    }
    Ok(Concealed { payload, disclosures: concealer.disclosures })
}

/// Fresh ones as text, of which many are made at once: each time costs more than the salt.
struct Salts<'r> {
    random: &'r dyn Random,
    drawn: Vec<[u8; SALT_LENGTH]>,
}

impl Salts<'_> {
    fn next(&mut self) -> [u8; SALT_LENGTH] {
        self.drawn.pop().unwrap_or_else(|| {
            let mut salts = [0; SALTS_AT_ONCE * SALT_BYTES];
            self.random.fill(&mut salts);
            let mut text = [[0; SALT_LENGTH]; SALTS_AT_ONCE];
            let all = base64url::fixed::<{ SALTS_AT_ONCE * SALT_LENGTH }>(&salts);
            text.as_flattened_mut().copy_from_slice(&all);
            let [first, others @ ..] = text;
            self.drawn.extend(others);
            first
        })
    }

    /// A number that nobody can tell, for a decoy among the elements of a list: at its end, it would
    /// tell how many are real.
    fn below(&mut self, end: usize) -> usize {
        let mut number = [0; 16];
        self.random.fill(&mut number);
        let end = u128::try_from(end).unwrap_or(1).max(1);
        usize::try_from(u128::from_be_bytes(number) % end).unwrap_or_default()
    }
}

/// At work, from the innermost claims to the outermost.
struct Concealer<'r> {
    salts: Salts<'r>,
    decoys: usize,
    disclosures: Vec<Disclosure>,
    scratch: Scratch,
}

impl Concealer<'_> {
    /// To skip what the path does not fit would show what was to be hidden.
    fn in_value(
        &mut self,
        value: &mut Value,
        step: &Step,
        rest: &[Step],
    ) -> Result<(), IssueError> {
        match (value, step) {
            (Value::Object(object), Step::Name(_)) => self.in_object(object, step, rest),
            (Value::Array(array), Step::Every) => self.in_array(array, rest),
            _ => Err(IssueError::WrongPath),
        }
    }

    fn in_object(
        &mut self,
        object: &mut Map<String, Value>,
        step: &Step,
        rest: &[Step],
    ) -> Result<(), IssueError> {
        let name = step.name().ok_or(IssueError::WrongPath)?;
        if let Some((step, rest)) = rest.split_first() {
            let inner = object.get_mut(name);
            return inner.map_or(Ok(()), |inner| self.in_value(inner, step, rest));
        }
        let Some((name, value)) = object.remove_entry(name) else { return Ok(()) };
        let digest = self.disclose(Some(name), value)?;
        match object.get_mut(DIGESTS) {
            Some(Value::Array(digests)) => add(digests, digest),
            Some(_) => return Err(IssueError::ReservedClaim),
            None => {
                let mut digests = Vec::with_capacity(SALTS_AT_ONCE);
                (0..self.decoys).for_each(|_| add(&mut digests, self.decoy()));
                add(&mut digests, digest);
                object.insert(DIGESTS.to_owned(), digests.into());
            }
        }
        Ok(())
    }

    fn in_array(&mut self, array: &mut Vec<Value>, rest: &[Step]) -> Result<(), IssueError> {
        if let Some((step, rest)) = rest.split_first() {
            return array.iter_mut().try_for_each(|value| self.in_value(value, step, rest));
        }
        for value in array.iter_mut() {
            let digest = self.disclose(None, mem::take(value))?;
            *value = json!({ ELEMENT: digest });
        }
        if !array.is_empty() {
            for _ in 0..self.decoys {
                let (place, decoy) = (self.salts.below(array.len() + 1), self.decoy());
                array.insert(place, json!({ ELEMENT: decoy }));
            }
        }
        Ok(())
    }

    /// Keeps a disclosure for the holder and gives back its digest.
    fn disclose(&mut self, name: Option<String>, value: Value) -> Result<String, IssueError> {
        if self.disclosures.len() == DISCLOSURES_MAX {
            return Err(IssueError::TooManyDisclosures);
        }
        let disclosure = Disclosure::new(self.salts.next(), (name, value), &mut self.scratch);
        let digest = disclosure.digest().to_owned();
        self.disclosures.push(disclosure);
        Ok(digest)
    }

    /// The digest of what nobody has.
    fn decoy(&mut self) -> String {
        digest(str::from_utf8(&self.salts.next()).unwrap_or_default())
    }
}

/// Sorted, so that the order of the claims stays unknown (RFC 9901 §4.2.4.1).
fn add(digests: &mut Vec<Value>, digest: String) {
    let place = digests.partition_point(|other| other.as_str() < Some(&digest));
    digests.insert(place, digest.into());
}

/// A claim with a reserved name would be taken for a digest by every reader, or refused.
fn check_object(object: &Map<String, Value>, depth: usize) -> Result<(), IssueError> {
    if object.keys().any(|name| is_reserved(name) || name == HASH) {
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

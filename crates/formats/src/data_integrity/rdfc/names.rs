//! Readers look for names, and what is signed is what they mean. So nothing stands under another name,
//! or in another place, than where readers look: a right signature would be on something else.

use oxrdf::vocab::rdf;
use oxrdf::{Dataset, NamedOrBlankNodeRef, QuadRef, TermRef};
use serde_json::{Map, Value};

use super::{listed, statements};
use crate::FormatError;
use crate::data_integrity::Contexts;
use crate::w3c::{CONTEXT, SUBJECT};

/// The words by which credentials are read begin with these.
const W3C: [&str; 3] =
    ["https://www.w3.org/2018/credentials", "https://www.w3.org/ns/", "https://w3id.org/security"];
/// Credentials call them `id` and `type`.
pub(super) const ALIASED: [&str; 2] = ["@id", "@type"];

/// Looks at the names as they are written.
pub(super) fn check(document: &Map<String, Value>) -> Result<(), FormatError> {
    let mut members = document.iter().filter(|(name, _)| *name != CONTEXT);
    let are_plain = members.all(|(name, value)| is_plain(name, false) && has_plain_names(value));
    let subject = match document.get(SUBJECT) {
        Some(Value::Array(subjects)) => subjects.first(),
        one => one,
    };
    let read = [document.get("id"), subject.and_then(|subject| subject.get("id"))];
    let mut places = read.into_iter().flatten().map(|id| {
        document.values().map(|value| places_of(id, value)).sum::<usize>()
            + usize::from(document.get("id") == Some(id))
    });
    (are_plain && places.all(|places| places <= 1)).then_some(()).ok_or(FormatError::OtherNames)
}

fn has_plain_names(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            let is_literal = members.contains_key("@value");
            members.iter().all(|(name, value)| is_plain(name, is_literal) && has_plain_names(value))
        }
        Value::Array(values) => values.iter().all(has_plain_names),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// What has a colon is the whole of what a name means, or a prefix makes it that.
fn is_plain(name: &str, is_literal: bool) -> bool {
    !name.contains(':') && (is_literal || !ALIASED.contains(&name))
}

/// In how many places below something is said of what has this name.
fn places_of(id: &Value, value: &Value) -> usize {
    let values: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(values) => values.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    let is_one = value.get("id") == Some(id) && values.len() > 1;
    usize::from(is_one) + values.into_iter().map(|value| places_of(id, value)).sum::<usize>()
}

/// Contexts that are written out add words, and none of the W3C's: without them, the same is said with
/// those.
pub(super) fn check_words(
    document: &Map<String, Value>,
    dataset: &Dataset,
    contexts: &Contexts,
) -> Result<(), FormatError> {
    let named: Vec<Value> =
        listed(document).iter().filter(|one| one.is_string()).cloned().collect();
    if named.len() == listed(document).len() {
        return Ok(());
    }
    let mut plain = document.clone();
    plain.insert(CONTEXT.to_owned(), named.into());
    let plain = statements(&plain, contexts)?;
    (with_w3c(&plain) == with_w3c(dataset)).then_some(()).ok_or(FormatError::OtherNames)
}

/// What is said with the words of the W3C, in an order of its own.
fn with_w3c(dataset: &Dataset) -> Vec<String> {
    let mut said: Vec<String> = dataset.iter().filter_map(told).collect();
    said.sort();
    said
}

fn told(quad: QuadRef<'_>) -> Option<String> {
    let is_type = quad.predicate == rdf::TYPE;
    if !is_type && !is_of_w3c(quad.predicate.as_str()) {
        return None;
    }
    let subject = match quad.subject {
        NamedOrBlankNodeRef::NamedNode(node) => node.as_str(),
        NamedOrBlankNodeRef::BlankNode(_) => "",
    };
    let object = match quad.object {
        TermRef::NamedNode(node) if is_type && !is_of_w3c(node.as_str()) => String::new(),
        TermRef::NamedNode(node) => node.to_string(),
        TermRef::Literal(literal) => literal.to_string(),
        TermRef::BlankNode(_) => String::new(),
    };
    Some(format!("{subject} {} {object}", quad.predicate))
}

fn is_of_w3c(word: &str) -> bool {
    W3C.iter().any(|start| word.starts_with(start))
}

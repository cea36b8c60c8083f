//! Linked data in their one canonical form: the statements that they make (JSON-LD 1.1, RDFC-1.0).
//!
//! What is signed are statements, not the JSON. So everything in the JSON must be in them: what the
//! contexts leave undefined would be shown to people although nobody signed it, and is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keys::json;
use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::dataset::{CanonicalizationAlgorithm, CanonicalizationHashAlgorithm};
use oxrdf::{BlankNodeRef, Dataset, NamedOrBlankNodeRef, QuadRef, TermRef};
use serde_json::{Map, Value, json};

use super::contexts::Contexts;
use crate::FormatError;
use crate::w3c::CONTEXT;

mod names;
#[cfg(test)]
mod tests;
mod types;

/// Names that the contexts do not define end up below this one, and give themselves away.
const UNDEFINED: &str = "https://undefined.invalid/";
/// Keywords that say plain things; others include, reverse or nest, and no credential needs them.
const KEYWORDS: [&str; 5] = ["@id", "@type", "@value", "@language", "@direction"];
/// Most contexts, and the longest text of those that are written out: each is read again for each
/// node that has a context of its own.
const CONTEXTS_MAX: usize = 16;
const CONTEXT_BYTES_MAX: usize = 64 * 1024;
/// Most objects, with a name or without.
const OBJECTS_MAX: usize = 1024;
/// Most that is read of contexts in all: a term can have a context of its own, which is read together
/// with those around it for each value that it stands before.
const CONTEXT_WORK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most things without a name of their own.
const BLANK_NODES_MAX: usize = 512;
/// Most orders that are tried of those that look the same from nearby: 6 of one look have 720, and
/// the orders of several looks multiply.
const ORDERS_MAX: usize = 5040;

/// The canonical statements of a document; for the longer curve with the longer digest.
pub(super) fn canonical(
    document: &Map<String, Value>,
    is_long: bool,
    contexts: &Contexts,
) -> Result<Vec<u8>, FormatError> {
    Ok(ordered(dataset(document, contexts)?, is_long).into_bytes())
}

fn ordered(mut dataset: Dataset, is_long: bool) -> String {
    dataset.canonicalize(algorithm(is_long));
    let mut lines: Vec<String> = dataset.iter().map(|quad| format!("{quad} .\n")).collect();
    lines.sort();
    lines.concat()
}

/// The canonical labels of things without a name, by those that they have now.
pub(super) fn labels(dataset: &Dataset, is_long: bool) -> HashMap<String, String> {
    let labels = dataset.canonicalize_blank_nodes(algorithm(is_long));
    let owned = labels.iter().map(|(from, to)| (from.as_str().to_owned(), to.as_str().to_owned()));
    owned.collect()
}

const fn algorithm(is_long: bool) -> CanonicalizationAlgorithm {
    let hash_algorithm = if is_long {
        CanonicalizationHashAlgorithm::Sha384
    } else {
        CanonicalizationHashAlgorithm::Sha256
    };
    CanonicalizationAlgorithm::Rdfc10 { hash_algorithm }
}

/// The statements of a document, in no order; their canonical form takes no longer than is bearable.
pub(super) fn dataset(
    document: &Map<String, Value>,
    contexts: &Contexts,
) -> Result<Dataset, FormatError> {
    names::check(document)?;
    let dataset = named_dataset(document, contexts)?;
    names::check_words(document, &dataset, contexts)?;
    check_blank_nodes(&dataset)?;
    Ok(dataset)
}

/// The same, where names were given to things for the time being: what the document says without them
/// is looked at by [`dataset`].
pub(super) fn named_dataset(
    document: &Map<String, Value>,
    contexts: &Contexts,
) -> Result<Dataset, FormatError> {
    check(document)?;
    let dataset = statements(document, contexts)?;
    let is_defined = dataset.iter().all(is_defined);
    is_defined.then_some(dataset).ok_or(FormatError::UndefinedTerm)
}

/// Refuses what would cost too much, and what would not become a statement.
fn check(document: &Map<String, Value>) -> Result<(), FormatError> {
    let contexts = listed(document);
    let length = |context: &Value| context.as_object().map_or(0, |own| json::text(own).len());
    let length = contexts.iter().map(length).sum::<usize>();
    if contexts.len() > CONTEXTS_MAX || length > CONTEXT_BYTES_MAX {
        return Err(FormatError::TooIntricate);
    }
    let count = Count::of(document);
    if count.objects > OBJECTS_MAX || count.values.saturating_mul(length) > CONTEXT_WORK_BYTES_MAX {
        return Err(FormatError::TooIntricate);
    }
    let is_plain =
        |context: &Value| context.as_object().map_or_else(|| context.is_string(), is_plain_context);
    let mut members = document.iter().filter(|(name, _)| *name != CONTEXT);
    let all_stated = members.all(|(name, value)| is_stated(name, value));
    (contexts.iter().all(is_plain) && all_stated).then_some(()).ok_or(FormatError::UndefinedTerm)
}

/// How much there is outside the contexts. What is no object counts as a value: contexts are read for
/// it, too, and for each of several types.
struct Count {
    objects: usize,
    values: usize,
}

impl Count {
    fn of(document: &Map<String, Value>) -> Self {
        let mut count = Self { objects: 1, values: 1 };
        let members = document.iter().filter(|(name, _)| *name != CONTEXT);
        members.for_each(|(_, value)| count.add(value));
        count
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                self.objects += 1;
                self.values += 1;
                members.values().for_each(|value| self.add(value));
            }
            Value::Array(values) => values.iter().for_each(|value| self.add(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => self.values += 1,
        }
    }
}

fn listed(document: &Map<String, Value>) -> &[Value] {
    match document.get(CONTEXT) {
        Some(Value::Array(contexts)) => contexts,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// Whether a context that is written out only gives names a meaning. Others can take meaning away, or
/// turn a member into an index, and then nobody signs it.
fn is_plain_context(context: &Map<String, Value>) -> bool {
    context.iter().all(|(name, value)| match (name.as_str(), value) {
        ("@vocab", Value::String(vocabulary)) => is_named(vocabulary),
        ("@protected" | "@version", _) => true,
        (name, Value::String(meaning)) => !name.starts_with('@') && is_meaning(meaning),
        (name, Value::Object(definition)) => !name.starts_with('@') && is_plain_term(definition),
        _ => false,
    })
}

fn is_meaning(meaning: &str) -> bool {
    is_named(meaning) && (!meaning.starts_with('@') || names::ALIASED.contains(&meaning))
}

/// What begins with `_:` names nothing: it is another word for the same thing elsewhere, which is not
/// signed, and a way to build circles.
fn is_named(text: &str) -> bool {
    !text.starts_with("_:")
}

fn is_plain_term(definition: &Map<String, Value>) -> bool {
    definition.iter().all(|(name, value)| match (name.as_str(), value) {
        ("@id", Value::String(meaning)) => is_meaning(meaning),
        ("@type", Value::String(kind)) => {
            is_named(kind) && (!kind.starts_with('@') || kind == "@id")
        }
        ("@container", Value::String(kind)) => kind == "@list" || kind == "@set",
        ("@context", Value::Object(context)) => is_plain_context(context),
        ("@protected", _) => true,
        _ => false,
    })
}

/// `null` and empty lists state nothing; below `verifiableCredential` the W3C forgets all contexts.
fn is_stated(name: &str, value: &Value) -> bool {
    let is_known = !name.starts_with('@') || KEYWORDS.contains(&name);
    let states = match value {
        Value::Null => false,
        Value::Array(values) => {
            !values.is_empty() && values.iter().all(|value| is_stated(name, value))
        }
        Value::Object(members) => members.iter().all(|(name, value)| is_stated(name, value)),
        Value::String(text) => is_named(text),
        Value::Bool(_) | Value::Number(_) => true,
    };
    is_known && states && name != "verifiableCredential"
}

/// The statements; `UNDEFINED` stands in front of all contexts, for what none of them defines.
fn statements(document: &Map<String, Value>, contexts: &Contexts) -> Result<Dataset, FormatError> {
    let mut names = listed(document).iter().filter_map(Value::as_str);
    if names.any(|name| contexts.document(name).is_none()) {
        return Err(FormatError::UnknownContext);
    }
    let mut document = document.clone();
    types::combine(&mut document, contexts)?;
    let all = [&[json!({ "@vocab": UNDEFINED })], listed(&document)].concat();
    document.insert(CONTEXT.to_owned(), all.into());
    let text = json::text(&document);
    let contexts = contexts.clone();
    let parser = JsonLdParser::new().with_base_iri(UNDEFINED);
    let parser = parser.map_err(|_| FormatError::Uncanonical)?.for_slice(&text);
    let parser = parser.with_load_document_callback(move |url, _| {
        let document = contexts.document(url).ok_or("not a context that is known")?;
        let document = document.as_bytes().to_vec();
        Ok(JsonLdRemoteDocument { document, document_url: url.to_owned() })
    });
    let mut dataset = Dataset::new();
    for quad in parser {
        dataset.insert(&quad.map_err(|_| FormatError::Uncanonical)?);
    }
    Ok(dataset)
}

fn is_defined(quad: QuadRef<'_>) -> bool {
    let subject = match quad.subject {
        NamedOrBlankNodeRef::NamedNode(node) => Some(node),
        NamedOrBlankNodeRef::BlankNode(_) => None,
    };
    let object = match quad.object {
        TermRef::NamedNode(node) => Some(node),
        TermRef::BlankNode(_) => None,
        TermRef::Literal(literal) => Some(literal.datatype()),
    };
    let nodes = [subject, Some(quad.predicate), object];
    !nodes.into_iter().flatten().any(|node| node.as_str().starts_with(UNDEFINED))
}

/// The canonical order of things that look the same is found by trying; whoever sends many of them
/// wants us to be busy (RDFC-1.0, dataset poisoning). JSON in which nothing is named twice is a tree:
/// each thing without a name stands in one place, whatever a context made of it.
pub(super) fn check_blank_nodes(dataset: &Dataset) -> Result<(), FormatError> {
    let mut surroundings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut placed = BTreeSet::new();
    for quad in dataset {
        if let TermRef::BlankNode(node) = quad.object
            && !placed.insert(node.as_str().to_owned())
        {
            return Err(FormatError::Uncanonical);
        }
        for node in blank_nodes(quad) {
            let seen = described(quad, node);
            surroundings.entry(node.as_str().to_owned()).or_default().push(seen);
        }
    }
    let mut alike: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let count = surroundings.len();
    for mut seen in surroundings.into_values() {
        seen.sort();
        *alike.entry(seen).or_default() += 1;
    }
    let orders = |alike: usize| (1..=alike).fold(1, usize::saturating_mul);
    let orders = alike.into_values().map(orders).fold(1, usize::saturating_mul);
    let is_bounded = count <= BLANK_NODES_MAX && orders <= ORDERS_MAX;
    is_bounded.then_some(()).ok_or(FormatError::TooIntricate)
}

fn blank_nodes(quad: QuadRef<'_>) -> impl Iterator<Item = BlankNodeRef<'_>> {
    let subject = match quad.subject {
        NamedOrBlankNodeRef::BlankNode(node) => Some(node),
        NamedOrBlankNodeRef::NamedNode(_) => None,
    };
    let object = match quad.object {
        TermRef::BlankNode(node) => Some(node),
        TermRef::NamedNode(_) | TermRef::Literal(_) => None,
    };
    subject.into_iter().chain(object)
}

/// A statement as one of its things sees it: itself, and others that have no name.
fn described(quad: QuadRef<'_>, own: BlankNodeRef<'_>) -> String {
    let name = |node: BlankNodeRef<'_>| if node == own { "a" } else { "z" };
    let subject = match quad.subject {
        NamedOrBlankNodeRef::BlankNode(node) => name(node).to_owned(),
        NamedOrBlankNodeRef::NamedNode(node) => node.to_string(),
    };
    let object = match quad.object {
        TermRef::BlankNode(node) => name(node).to_owned(),
        TermRef::NamedNode(node) => node.to_string(),
        TermRef::Literal(literal) => literal.to_string(),
    };
    format!("{subject} {} {object}", quad.predicate)
}

//! Statements whose things without a name have labels of our choice.
//!
//! What is selected of a document must be found among the statements of the whole: so everything in it
//! that has no name gets one for the time being.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::hmac::hmac_sha256;
use oxrdf::{BlankNode, Dataset, GraphName, NamedNode, NamedOrBlankNode, Quad, Term};
use serde_json::{Map, Value};

use super::pointer::Selection;
use crate::FormatError;
use crate::data_integrity::{Contexts, rdfc};
use crate::w3c::CONTEXT;

/// In front of the names that are given for the time being.
const NAME: &str = "urn:bestow-unnamed:";

/// The label that the issuer gives to a thing, by its canonical one. The `u` is that of Multibase.
pub(super) fn hmac_label(key: &[u8; 32], label: &str) -> String {
    format!("u{}", BASE64_URL_SAFE_NO_PAD.encode(hmac_sha256(key, label.as_bytes())))
}

/// A document as statements in their order.
pub(super) struct Labelled {
    /// The document, in which everything has a name.
    named: Map<String, Value>,
    /// The labels of what had none, by those names.
    labels: HashMap<String, String>,
    lines: Vec<String>,
}

impl Labelled {
    /// `labels` makes labels of the canonical ones, by the names for the time being.
    pub(super) fn of(
        document: &Map<String, Value>,
        labels: impl FnOnce(HashMap<String, String>) -> HashMap<String, String>,
        contexts: &Contexts,
    ) -> Result<Self, FormatError> {
        let mut named = Value::Object(document.clone());
        name_all(&mut named, &mut 0);
        let Value::Object(named) = named else { return Err(FormatError::Malformed) };
        let dataset = unnamed(&rdfc::named_dataset(&named, contexts)?)?;
        rdfc::check_blank_nodes(&dataset)?;
        let canonical = rdfc::labels(&dataset, false);
        // Names must have changed nothing but names: neither where a context makes data of an object,
        // nor where the document has such a name itself.
        let plain = lines(&dataset, |label| Some(label.to_owned()))?;
        if plain.concat().as_bytes() != rdfc::canonical(document, false, contexts)? {
            return Err(FormatError::Uncanonical);
        }
        let labels = labels(canonical);
        let lines = relabelled(&dataset, &labels)?;
        Ok(Self { named, labels, lines })
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Which lines say what is selected.
    pub(super) fn matching(
        &self,
        pointers: &[String],
        contexts: &Contexts,
    ) -> Result<BTreeSet<usize>, FormatError> {
        let Some(selected) = self.selected(pointers, contexts)? else {
            return Ok(BTreeSet::new());
        };
        let selected: HashSet<String> = relabelled(&selected, &self.labels)?.into_iter().collect();
        let lines = self.lines.iter().enumerate();
        Ok(lines.filter(|(_, line)| selected.contains(*line)).map(|(index, _)| index).collect())
    }

    fn selected(
        &self,
        pointers: &[String],
        contexts: &Contexts,
    ) -> Result<Option<Dataset>, FormatError> {
        let selected = Selection::of(pointers)?.apply(&self.named)?;
        selected.map(|selected| unnamed(&rdfc::named_dataset(&selected, contexts)?)).transpose()
    }

    /// The labels of what is shown, by the numbers of the canonical ones that a verifier will find there.
    pub(super) fn labels_of(
        &self,
        shown: &Map<String, Value>,
        pointers: &[String],
        contexts: &Contexts,
    ) -> Result<BTreeMap<u64, String>, FormatError> {
        let selected = self.selected(pointers, contexts)?.ok_or(FormatError::Malformed)?;
        // First, as it bounds the work: what is left may look more alike than the whole did.
        let canonical = rdfc::canonical(shown, false, contexts)?;
        let plain = lines(&selected, |label| Some(label.to_owned()))?;
        if plain.concat().as_bytes() != canonical {
            return Err(FormatError::Uncanonical);
        }
        let labels = rdfc::labels(&selected, false).into_iter().map(|(name, canonical)| {
            let number = canonical.strip_prefix("c14n").and_then(|number| number.parse().ok());
            let label = self.labels.get(&name).cloned();
            number.zip(label).ok_or(FormatError::Malformed)
        });
        labels.collect()
    }
}

/// Statements in their order, with a label for each canonical one.
pub(super) fn lines(
    dataset: &Dataset,
    label: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, FormatError> {
    let labels = rdfc::labels(dataset, false).into_iter().map(|(name, canonical)| {
        label(&canonical).map(|label| (name, label)).ok_or(FormatError::Malformed)
    });
    relabelled(dataset, &labels.collect::<Result<_, _>>()?)
}

fn relabelled(
    dataset: &Dataset,
    labels: &HashMap<String, String>,
) -> Result<Vec<String>, FormatError> {
    let label = |node: BlankNode| {
        let label = labels.get(node.as_str()).ok_or(FormatError::Uncanonical)?;
        BlankNode::new(label.as_str()).map_err(|_| FormatError::Malformed)
    };
    let same = |node: NamedNode| Ok(node.into());
    let line = |quad: Quad| renamed(quad, &label, &same).map(|quad| format!("{quad} .\n"));
    let mut lines =
        dataset.iter().map(|quad| line(quad.into_owned())).collect::<Result<Vec<_>, _>>()?;
    lines.sort();
    Ok(lines)
}

/// Takes the names away that [`name_all`] gave.
fn unnamed(dataset: &Dataset) -> Result<Dataset, FormatError> {
    let own = |node: NamedNode| match node.as_str().strip_prefix(NAME) {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let node = BlankNode::new(format!("n{number}"));
            node.map(NamedOrBlankNode::from).map_err(|_| FormatError::Uncanonical)
        }
        Some(_) => Err(FormatError::Uncanonical),
        None => Ok(node.into()),
    };
    let none_left = |_: BlankNode| Err(FormatError::Uncanonical);
    let mut unnamed = Dataset::new();
    for quad in dataset {
        let quad = renamed(quad.into_owned(), &none_left, &own)?;
        unnamed.insert(&quad);
    }
    Ok(unnamed)
}

/// Everything that is an object, and no value, gets a name if it has none.
fn name_all(value: &mut Value, count: &mut usize) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| name_all(value, count)),
        Value::Object(object) if !object.contains_key("@value") => {
            for (name, member) in object.iter_mut() {
                if name != CONTEXT {
                    name_all(member, count);
                }
            }
            if !object.contains_key("id") && !object.contains_key("@id") {
                object.insert("@id".to_owned(), format!("{NAME}{count}").into());
                *count += 1;
            }
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A statement, its things without a name and those with one replaced.
fn renamed(
    quad: Quad,
    blank: &impl Fn(BlankNode) -> Result<BlankNode, FormatError>,
    named: &impl Fn(NamedNode) -> Result<NamedOrBlankNode, FormatError>,
) -> Result<Quad, FormatError> {
    let subject = match quad.subject {
        NamedOrBlankNode::NamedNode(node) => named(node)?,
        NamedOrBlankNode::BlankNode(node) => blank(node)?.into(),
    };
    let object = match quad.object {
        Term::NamedNode(node) => named(node)?.into(),
        Term::BlankNode(node) => blank(node)?.into(),
        literal @ Term::Literal(_) => literal,
    };
    let graph_name = match quad.graph_name {
        GraphName::NamedNode(node) => named(node)?.into(),
        GraphName::BlankNode(node) => blank(node)?.into(),
        GraphName::DefaultGraph => GraphName::DefaultGraph,
    };
    Ok(Quad { subject, predicate: quad.predicate, object, graph_name })
}

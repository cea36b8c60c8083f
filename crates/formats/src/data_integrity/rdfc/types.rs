//! Where a thing has several types that each bring a context, the library keeps the last one's alone
//! (`docs/adr/0017-linked-data.md`). So the thing gets one more type for the time being: it means what
//! one of them means, and brings the contexts of all, in their order (JSON-LD 1.1 API, section 5.1.2, step 11).

use std::collections::BTreeMap;

use keys::json;
use serde_json::{Map, Value, json};

use super::{CONTEXT_BYTES_MAX, listed};
use crate::FormatError;
use crate::data_integrity::Contexts;
use crate::w3c::CONTEXT;

/// Begins the names of those types, and is no character of any text. It sorts behind all others: the
/// library takes the contexts in the order of the names.
const MARK: char = '\u{10FFFF}';
/// Most sets of types in a document: the library reads the contexts of each.
const SETS_MAX: usize = 16;

/// Adds such types to the document, and behind its contexts one that defines them.
pub(super) fn combine(
    document: &mut Map<String, Value>,
    contexts: &Contexts,
) -> Result<(), FormatError> {
    if document.iter().any(|(name, value)| is_marked(name) || has_marked(value)) {
        return Err(FormatError::UndefinedTerm);
    }
    if !has_several(document) {
        return Ok(());
    }
    let mut combined = Combined { scoped: Scoped::of(document, contexts), sets: Vec::new() };
    combined.add_to(document);
    if combined.sets.len() > SETS_MAX {
        return Err(FormatError::TooIntricate);
    }
    if let Some(definitions) = combined.definitions() {
        if json::text(&definitions).len() > CONTEXT_BYTES_MAX {
            return Err(FormatError::TooIntricate);
        }
        let all = [listed(document), &[definitions.into()]].concat();
        document.insert(CONTEXT.to_owned(), all.into());
    }
    Ok(())
}

fn is_marked(text: &str) -> bool {
    text.starts_with(MARK)
}

fn has_marked(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| is_marked(name) || has_marked(value))
        }
        Value::Array(values) => values.iter().any(has_marked),
        Value::String(text) => is_marked(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether anything here has more than one type.
fn has_several(members: &Map<String, Value>) -> bool {
    let is_several = |types: &Value| types.as_array().is_some_and(|types| types.len() > 1);
    members.get("type").is_some_and(is_several)
        || inside(members).any(|value| below(value).into_iter().any(has_several))
}

fn inside(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    members.iter().filter(|(name, _)| *name != CONTEXT).map(|(_, value)| value)
}

/// The objects that a value is, or lists.
fn below(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Object(members) => vec![members],
        Value::Array(values) => values.iter().flat_map(below).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The context that each name brings where it is a type, if it is defined in one way only; `None`
/// where it is defined in several.
#[derive(Default)]
struct Scoped(BTreeMap<String, Option<Vec<Value>>>);

impl Scoped {
    fn of(document: &Map<String, Value>, contexts: &Contexts) -> Self {
        let mut scoped = Self::default();
        for context in listed(document) {
            let known = context.as_str().and_then(|url| contexts.document(url));
            let known: Option<Value> = known.and_then(|text| text.parse().ok());
            let defined = known.as_ref().map_or(Some(context), |known| known.get(CONTEXT));
            if let Some(defined) = defined {
                scoped.add(defined);
            }
        }
        scoped
    }

    /// Adds what a context defines, and what those contexts define that it has inside.
    fn add(&mut self, context: &Value) {
        for definitions in below(context) {
            for (name, definition) in definitions {
                let own = definition.get(CONTEXT);
                let own = own.map_or(&[][..], |own| {
                    own.as_array().map_or(std::slice::from_ref(own), Vec::as_slice)
                });
                let contexts = own.to_vec();
                let known = self.0.entry(name.clone()).or_insert_with(|| Some(contexts.clone()));
                if known.as_ref() != Some(&contexts) {
                    *known = None;
                }
                for context in own {
                    self.add(context);
                }
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Vec<Value>> {
        self.0.get(name)?.as_ref().filter(|contexts| !contexts.is_empty())
    }
}

struct Combined {
    scoped: Scoped,
    /// The types of each set that bring contexts, in their order.
    sets: Vec<Vec<String>>,
}

impl Combined {
    fn add_to(&mut self, members: &mut Map<String, Value>) {
        if let Some(Value::Array(types)) = members.get_mut("type")
            && let Some(name) = self.name_of(types)
        {
            types.push(name.into());
        }
        for (name, value) in members {
            if name != CONTEXT {
                self.add_below(value);
            }
        }
    }

    fn add_below(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => self.add_to(members),
            Value::Array(values) => values.iter_mut().for_each(|value| self.add_below(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The type to add to these, where two or more bring contexts.
    fn name_of(&mut self, types: &[Value]) -> Option<String> {
        let names = types.iter().filter_map(Value::as_str);
        let scoping = names.filter(|name| self.scoped.get(name).is_some());
        let mut set: Vec<String> = scoping.map(str::to_owned).collect();
        set.sort();
        set.dedup();
        if set.len() < 2 {
            return None;
        }
        let at = self.sets.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        Some(format!("{MARK}{at}"))
    }

    /// The context that defines the added types.
    fn definitions(&self) -> Option<Map<String, Value>> {
        let defined = self.sets.iter().enumerate().filter_map(|(at, set)| {
            let contexts = set.iter().filter_map(|name| self.scoped.get(name)).flatten();
            let contexts: Vec<&Value> = contexts.collect();
            let definition = json!({ "@id": set.last()?, CONTEXT: contexts });
            Some((format!("{MARK}{at}"), definition))
        });
        let defined: Map<String, Value> = defined.collect();
        (!defined.is_empty()).then_some(defined)
    }
}

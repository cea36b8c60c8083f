//! Where a thing has several types that each bring a context, the library keeps the last one's alone
//! (`docs/adr/0017-linked-data.md`). So the thing gets one more type for the time being: it means what
//! one of them means, and brings the contexts of all, in their order (JSON-LD 1.1 API, section 5.1.2, step 11).

use std::collections::BTreeMap;

use keys::json;
use serde_json::{Map, Value, json};

use super::{CONTEXT_WORK_BYTES_MAX, listed};
use crate::FormatError;
use crate::data_integrity::Contexts;
use crate::w3c::CONTEXT;

/// Begins the names of those types, and is no character of any text. It sorts behind all others: the
/// library takes the contexts in the order of the names.
const MARK: char = '\u{10FFFF}';
/// Most sets of types in a document, and how long their contexts are together.
const SETS_MAX: usize = 16;
const DEFINITIONS_BYTES_MAX: usize = 16 * 1024;
/// Most types of things, the added ones among them: for each that brings a context the library copies all
/// that is defined there.
const READINGS_MAX: usize = 1024;

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
    let scoped = Scoped::of(document, contexts);
    let mut combined = Combined { scoped, sets: Vec::new(), readings: 0, bytes: 0 };
    combined.add_to(document);
    let definitions = combined.definitions();
    let is_bearable = combined.sets.len() <= SETS_MAX
        && combined.readings <= READINGS_MAX
        && combined.bytes <= CONTEXT_WORK_BYTES_MAX
        && json::text(&definitions).len() <= DEFINITIONS_BYTES_MAX;
    if !is_bearable {
        return Err(FormatError::TooIntricate);
    }
    if !definitions.is_empty() {
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

/// What each name brings where it is a type.
#[derive(Default)]
struct Scoped(BTreeMap<String, Brought>);

/// The contexts of one name; `None` where it is defined in more than one way.
struct Brought {
    contexts: Option<Vec<Value>>,
    /// Whether it means that everywhere, and not inside of some things alone.
    is_everywhere: bool,
}

impl Scoped {
    fn of(document: &Map<String, Value>, contexts: &Contexts) -> Self {
        let mut scoped = Self::default();
        for context in listed(document) {
            let known = context.as_str().and_then(|url| contexts.document(url));
            let known: Option<Value> = known.and_then(|text| text.parse().ok());
            let defined = known.as_ref().map_or(Some(context), |known| known.get(CONTEXT));
            if let Some(defined) = defined {
                scoped.add(defined, true);
            }
        }
        scoped
    }

    /// Adds what a context defines, and what those contexts define that it has inside.
    fn add(&mut self, context: &Value, is_everywhere: bool) {
        for definitions in below(context) {
            for (name, definition) in definitions {
                let own = definition.get(CONTEXT);
                let own = own.map_or(&[][..], |own| {
                    own.as_array().map_or(std::slice::from_ref(own), Vec::as_slice)
                });
                let new = || Brought { contexts: Some(own.to_vec()), is_everywhere };
                let known = self.0.entry(name.clone()).or_insert_with(new);
                known.is_everywhere |= is_everywhere;
                if known.contexts.as_deref() != Some(own) {
                    known.contexts = None;
                }
                for context in own {
                    self.add(context, false);
                }
            }
        }
    }

    fn get(&self, name: &str) -> Option<&[Value]> {
        let brought = self.0.get(name).filter(|brought| brought.is_everywhere)?;
        brought.contexts.as_deref().filter(|contexts| !contexts.is_empty())
    }
}

struct Combined {
    scoped: Scoped,
    /// The types of each set that bring contexts, in their order.
    sets: Vec<Vec<String>>,
    /// How many types there are, and how long the contexts of those that are added.
    readings: usize,
    bytes: usize,
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
        self.readings = self.readings.saturating_add(types.len() + 1);
        let names = types.iter().filter_map(Value::as_str);
        let scoping = names.filter(|name| self.scoped.get(name).is_some());
        let mut set: Vec<String> = scoping.map(str::to_owned).collect();
        set.sort();
        set.dedup();
        if set.len() < 2 {
            return None;
        }
        let contexts = set.iter().filter_map(|name| self.scoped.get(name)).flatten();
        let length: usize = contexts.map(|context| context.to_string().len()).sum();
        self.bytes = self.bytes.saturating_add(length);
        let at = self.sets.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        Some(format!("{MARK}{at}"))
    }

    /// The context that defines the added types.
    fn definitions(&self) -> Map<String, Value> {
        let defined = self.sets.iter().enumerate().filter_map(|(at, set)| {
            let contexts = set.iter().filter_map(|name| self.scoped.get(name)).flatten();
            let contexts: Vec<&Value> = contexts.collect();
            let definition = json!({ "@id": set.last()?, CONTEXT: contexts });
            Some((format!("{MARK}{at}"), definition))
        });
        defined.collect()
    }
}

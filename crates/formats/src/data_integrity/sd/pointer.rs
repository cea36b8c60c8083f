//! What JSON pointers select of a document (RFC 6901): the values, with the name and the types of
//! everything around them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::FormatError;
use crate::w3c::CONTEXT;

/// Most pointers, and the most steps of one.
const POINTERS_MAX: usize = 1024;
const STEPS_MAX: usize = 64;
/// What is shown of everything on the way.
const ALWAYS: [&str; 4] = ["@id", "@type", "id", "type"];

/// Several pointers together.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// The value as a whole.
    is_whole: bool,
    below: BTreeMap<String, Self>,
}

/// The steps of a pointer.
pub(super) fn parse(pointer: &str) -> Result<Vec<String>, FormatError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let steps = pointer.strip_prefix('/').ok_or(FormatError::Malformed)?.split('/');
    let steps: Vec<String> =
        steps.map(unescaped).collect::<Option<_>>().ok_or(FormatError::Malformed)?;
    if steps.len() <= STEPS_MAX { Ok(steps) } else { Err(FormatError::TooLong) }
}

/// RFC 6901 §4: `~1` is `/`, `~0` is `~`, and no other escape exists.
fn unescaped(step: &str) -> Option<String> {
    let rest = step.replace("~1", "").replace("~0", "");
    (!rest.contains('~')).then(|| step.replace("~1", "/").replace("~0", "~"))
}

impl Selection {
    pub(super) fn of(pointers: &[String]) -> Result<Self, FormatError> {
        if pointers.len() > POINTERS_MAX {
            return Err(FormatError::TooLong);
        }
        let mut root = Self::default();
        for pointer in pointers {
            let steps = parse(pointer)?.into_iter();
            let at = steps.fold(&mut root, |at, step| at.below.entry(step).or_default());
            at.is_whole = true;
        }
        Ok(root)
    }

    /// What is selected of a document; `None` where nothing is.
    pub(super) fn apply(
        &self,
        document: &Map<String, Value>,
    ) -> Result<Option<Map<String, Value>>, FormatError> {
        if !self.is_whole && self.below.is_empty() {
            return Ok(None);
        }
        let mut selected = self.members(document)?;
        selected.extend(document.get_key_value(CONTEXT).map(|(k, v)| (k.clone(), v.clone())));
        Ok(Some(selected))
    }

    fn members(&self, object: &Map<String, Value>) -> Result<Map<String, Value>, FormatError> {
        if self.is_whole {
            return Ok(object.clone());
        }
        if self.below.keys().any(|name| !object.contains_key(name)) {
            return Err(FormatError::Malformed); // the pointer leads nowhere
        }
        let mut selected = Map::new();
        for (name, value) in object {
            match self.below.get(name) {
                Some(below) => {
                    selected.insert(name.clone(), below.value(value)?);
                }
                None if ALWAYS.contains(&name.as_str()) => {
                    selected.insert(name.clone(), value.clone());
                }
                None => {}
            }
        }
        Ok(selected)
    }

    fn value(&self, value: &Value) -> Result<Value, FormatError> {
        match value {
            _ if self.is_whole => Ok(value.clone()),
            Value::Object(object) => self.members(object).map(Value::Object),
            Value::Array(values) => {
                let names: Vec<String> = (0..values.len()).map(|index| index.to_string()).collect();
                if self.below.keys().any(|name| !names.contains(name)) {
                    return Err(FormatError::Malformed);
                }
                let selected = names.iter().zip(values).filter_map(|(name, value)| {
                    self.below.get(name).map(|below| below.value(value))
                });
                selected.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(FormatError::Malformed)
            }
        }
    }
}

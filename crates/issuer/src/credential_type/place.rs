//! Places in given claims: the path of a claim, with the number of an element where a list is.

use formats::path::Step;
use serde_json::{Map, Value};

/// Where the path leads: one place for each element of the lists on it that are there. What has a
/// name need not be there.
pub(super) fn places(map: &Map<String, Value>, path: &[Step]) -> Vec<Vec<String>> {
    let mut places = vec![Vec::new()];
    for step in path {
        let further = |place: &Vec<String>| match step {
            Step::Name(name) => vec![[place.as_slice(), std::slice::from_ref(name)].concat()],
            Step::Every => {
                let list = find(map, place).and_then(Value::as_array);
                let numbers = 0..list.map_or(0, Vec::len);
                numbers.map(|at| [place.as_slice(), &[at.to_string()]].concat()).collect()
            }
        };
        places = places.iter().flat_map(further).collect();
    }
    places
}

/// The names of a path without lists.
pub(super) fn names(path: &[Step]) -> Option<Vec<String>> {
    path.iter().map(|step| step.name().map(str::to_owned)).collect()
}

/// The value at a place.
pub(super) fn find<'m>(map: &'m Map<String, Value>, place: &[String]) -> Option<&'m Value> {
    let (first, rest) = place.split_first()?;
    rest.iter().try_fold(map.get(first)?, |value, step| match value {
        Value::Object(object) => object.get(step),
        Value::Array(array) => array.get(step.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Puts a value at a place and makes the objects around it; elements of lists must be there.
pub(super) fn insert(map: &mut Map<String, Value>, place: &[String], value: Value) {
    let Some((first, rest)) = place.split_first() else { return };
    let mut inner = map.entry(first).or_insert(Value::Null);
    for step in rest {
        if inner.is_null() {
            *inner = Value::Object(Map::new());
        }
        let next = match inner {
            Value::Object(object) => Some(object.entry(step).or_insert(Value::Null)),
            Value::Array(array) => step.parse().ok().and_then(|at: usize| array.get_mut(at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        let Some(next) = next else { return };
        inner = next;
    }
    *inner = value;
}

/// Puts a value where a path leads and makes the objects around it, and lists of one element.
pub(super) fn insert_sample(value: &mut Value, path: &[Step], sample: Value) {
    match path.split_first() {
        None => *value = sample,
        Some((Step::Name(name), rest)) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            if let Value::Object(object) = value {
                insert_sample(object.entry(name).or_insert(Value::Null), rest, sample);
            }
        }
        Some((Step::Every, rest)) => {
            if value.is_null() {
                *value = Value::Array(vec![Value::Null]);
            }
            if let Some(element) = value.as_array_mut().and_then(|list| list.first_mut()) {
                insert_sample(element, rest, sample);
            }
        }
    }
}

/// Takes out what a path leads to, from each element of a list; elements themselves stay, as the list
/// would be another one.
pub(crate) fn remove(claims: &mut Map<String, Value>, path: &[Step]) {
    let Some((Step::Name(first), rest)) = path.split_first() else { return };
    if rest.is_empty() {
        claims.remove(first);
        return;
    }
    let Some(inner) = claims.get_mut(first) else { return };
    remove_inside(inner, rest);
}

fn remove_inside(value: &mut Value, path: &[Step]) {
    match (value, path) {
        (Value::Object(inner), _) => remove(inner, path),
        (Value::Array(elements), [Step::Every, rest @ ..]) if !rest.is_empty() => {
            for element in elements {
                remove_inside(element, rest);
            }
        }
        _ => {}
    }
}

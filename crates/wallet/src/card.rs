//! Step 20: the claims of a credential as lines that a person can read (VCI §B.3, CLAIM-07).

use serde_json::{Map, Value};

use crate::display::{ClaimLabel, clean};

/// One line of a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'c> {
    /// In the holder's language if the issuer has it, else the claim's own name.
    pub label: String,
    /// As the credential says it; a picture may be a long `data:` URL.
    pub value: &'c Value,
}

impl Line<'_> {
    /// The value in words, fit to be shown.
    #[must_use]
    pub fn text(&self) -> String {
        words(self.value)
    }
}

/// Most lines of a card: nobody reads more, and an issuer may send tens of thousands of claims.
pub const LINES_MAX: usize = 200;

/// What is shown of the claims, and how much is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines<'c> {
    /// At most [`LINES_MAX`].
    pub shown: Vec<Line<'c>>,
    /// How many more there are.
    pub more: usize,
}

/// The claims in the issuer's order, then those that it does not describe.
///
/// Objects are opened, and so are lists of them: a label for `address` stands in front of each part
/// of it, one for `degrees` with a number.
#[must_use]
pub fn lines<'c>(claims: &'c Map<String, Value>, labels: &[ClaimLabel], locale: &str) -> Lines<'c> {
    let mut leaves = Vec::new();
    for (name, value) in claims {
        collect(value, &mut vec![Step::Name(name)], &mut leaves);
    }
    leaves.sort_by_cached_key(|(path, _)| order(labels, path));
    let more = leaves.len().saturating_sub(LINES_MAX);
    leaves.truncate(LINES_MAX);
    let line = |(path, value): (Vec<Step<'c>>, &'c Value)| Line {
        label: clean(&label(labels, &path, locale)),
        value,
    };
    Lines { shown: leaves.into_iter().map(line).collect(), more }
}

/// From a value to one in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'c> {
    Name(&'c str),
    Place(usize),
}

impl Step<'_> {
    /// Whether a step of a claims path pointer leads there (VCI §C.1.1, PATH-02).
    fn fits(self, pointer: &Value) -> bool {
        match self {
            Self::Name(name) => pointer == name,
            Self::Place(place) => pointer.is_null() || pointer.as_u64() == Some(place as u64),
        }
    }
}

/// How deep it goes is bounded by whoever read the JSON.
fn collect<'c>(
    value: &'c Value,
    path: &mut Vec<Step<'c>>,
    leaves: &mut Vec<(Vec<Step<'c>>, &'c Value)>,
) {
    let inside: Vec<(Step<'c>, &'c Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, it)| (Step::Name(name), it)).collect(),
        Value::Array(array) if !array.iter().all(is_plain) => {
            array.iter().enumerate().map(|(place, it)| (Step::Place(place), it)).collect()
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return leaves.push((path.clone(), value));
        }
    };
    for (step, value) in inside {
        path.push(step);
        collect(value, path, leaves);
        path.pop();
    }
}

/// Whether it fits into a line with others.
fn is_plain(value: &Value) -> bool {
    let is_picture = value.as_str().is_some_and(|text| text.starts_with("data:"));
    !(value.is_object() || value.is_array() || is_picture)
}

/// Where the issuer wants it; what belongs to one element of a list stays together.
fn order(labels: &[ClaimLabel], path: &[Step<'_>]) -> Vec<usize> {
    let mut order = Vec::new();
    for (at, step) in path.iter().enumerate() {
        if let Step::Place(place) = step {
            order.extend([rank(labels, path.get(..at).unwrap_or_default()), *place]);
        }
    }
    order.push(rank(labels, path));
    order
}

/// The place of what describes the path or something in it, else of what is around it.
fn rank(labels: &[ClaimLabel], path: &[Step<'_>]) -> usize {
    let is_in = |label: &ClaimLabel| {
        label.path.len() >= path.len() && path.iter().zip(&label.path).all(|(s, p)| s.fits(p))
    };
    let around = || describing(labels, path).map(|(rank, _)| rank);
    labels.iter().position(is_in).or_else(around).unwrap_or(usize::MAX)
}

/// The label that describes most of the path, and its place in the issuer's order.
fn describing<'l>(labels: &'l [ClaimLabel], path: &[Step<'_>]) -> Option<(usize, &'l ClaimLabel)> {
    let fits = |(_, label): &(usize, &ClaimLabel)| {
        let pointer = pointer(label);
        pointer.len() <= path.len() && path.iter().zip(pointer).all(|(step, p)| step.fits(p))
    };
    labels.iter().enumerate().filter(fits).max_by_key(|(rank, label)| {
        // Of two equal ones the first: the order is the issuer's.
        (pointer(label).len(), std::cmp::Reverse(*rank))
    })
}

/// A label for each element of a list is one for the list.
fn pointer(label: &ClaimLabel) -> &[Value] {
    let elements = label.path.iter().rev().take_while(|step| step.is_null()).count();
    label.path.get(..label.path.len() - elements).unwrap_or_default()
}

/// The label of the list around it and its number in there, then its own label.
fn label(labels: &[ClaimLabel], path: &[Step<'_>], locale: &str) -> String {
    let described = describing(labels, path);
    let name = described.and_then(|(_, label)| Some((pointer(label).len(), label.name(locale)?)));
    let (known, name) = name.unwrap_or((0, ""));
    let list = path.iter().enumerate().rev().find_map(|(at, step)| match step {
        Step::Place(place) => Some((at, place + 1)),
        Step::Name(_) => None,
    });
    let around = list.map(|(at, number)| {
        let list = label(labels, path.get(..at).unwrap_or_default(), locale);
        (at + 1, format!("{list} {number}"))
    });
    let (named, mut steps) = match around {
        Some((inside, around)) if known <= inside => (inside, vec![around]),
        Some((_, around)) => (known, vec![around, name.to_owned()]),
        None => (known, vec![name.to_owned()]),
    };
    steps.extend(path.iter().skip(named).map(|step| match step {
        Step::Name(name) => clean(name),
        Step::Place(place) => (place + 1).to_string(),
    }));
    steps.retain(|step| !step.is_empty());
    steps.join(" › ")
}

/// A value as a person reads it.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => clean(text),
        Value::Array(values) if values.iter().all(is_plain) => {
            clean(&values.iter().map(words).collect::<Vec<_>>().join(", "))
        }
        Value::Array(_) | Value::Object(_) => clean(&value.to_string()),
    }
}

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
/// Objects are opened: a label for `address` stands in front of each part of it.
#[must_use]
pub fn lines<'c>(claims: &'c Map<String, Value>, labels: &[ClaimLabel], locale: &str) -> Lines<'c> {
    let mut leaves = Vec::new();
    collect(claims, &mut Vec::new(), &mut leaves);
    let rank = |path: &[&str]| describing(labels, path).map_or(usize::MAX, |(rank, _)| rank);
    leaves.sort_by_cached_key(|(path, _)| rank(path));
    let more = leaves.len().saturating_sub(LINES_MAX);
    leaves.truncate(LINES_MAX);
    let line = |(path, value): (Vec<&'c str>, &'c Value)| {
        let described = describing(labels, &path).map(|(_, label)| label);
        Line { label: label(described, &path, locale), value }
    };
    Lines { shown: leaves.into_iter().map(line).collect(), more }
}

/// How deep it goes is bounded by whoever read the JSON.
fn collect<'c>(
    object: &'c Map<String, Value>,
    path: &mut Vec<&'c str>,
    leaves: &mut Vec<(Vec<&'c str>, &'c Value)>,
) {
    for (name, value) in object {
        path.push(name);
        match value.as_object() {
            Some(inside) => collect(inside, path, leaves),
            None => leaves.push((path.clone(), value)),
        }
        path.pop();
    }
}

/// The label that describes most of the path, and its place in the issuer's order.
fn describing<'l>(labels: &'l [ClaimLabel], path: &[&str]) -> Option<(usize, &'l ClaimLabel)> {
    let fits = |(_, label): &(usize, &ClaimLabel)| path.starts_with(&steps(label));
    labels.iter().enumerate().filter(fits).max_by_key(|(rank, label)| {
        // Of two equal ones the first: the order is the issuer's.
        (steps(label).len(), std::cmp::Reverse(*rank))
    })
}

/// The path up to the first list; a list is one line.
fn steps(label: &ClaimLabel) -> Vec<&str> {
    label.path.iter().map_while(Value::as_str).collect()
}

fn label(described: Option<&ClaimLabel>, path: &[&str], locale: &str) -> String {
    let name = described.and_then(|label| Some((steps(label).len(), label.name(locale)?)));
    let (known, name) = name.map_or((0, None), |(known, name)| (known, Some(name)));
    let rest = path.iter().skip(known).map(|step| clean(step));
    let steps: Vec<String> = name.map(str::to_owned).into_iter().chain(rest).collect();
    clean(&steps.join(" › "))
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => clean(text),
        Value::Array(values) if !values.iter().any(|v| v.is_object() || v.is_array()) => {
            clean(&values.iter().map(words).collect::<Vec<_>>().join(", "))
        }
        Value::Array(_) | Value::Object(_) => clean(&value.to_string()),
    }
}

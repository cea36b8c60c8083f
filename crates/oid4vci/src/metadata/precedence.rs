//! Step 18: what comes with a credential counts for more than what the Issuer publishes (V11-17).

use serde_json::{Map, Value};

use super::{ReceivedConfiguration, array};

/// Most elements of a list that are merged one by one; the rest of a longer list stays as it is.
const ELEMENTS_MAX: usize = 256;

impl ReceivedConfiguration {
    /// The same with the `credential_metadata` that came with a credential, and all of those that
    /// hold for it then (V11-17).
    #[must_use]
    pub fn described_by(&self, credential_metadata: &Map<String, Value>) -> (Self, Value) {
        let listed = |list: &[Value]| Value::from(list.to_vec());
        let published = Map::from_iter([
            ("display".to_owned(), listed(&self.display)),
            ("claims".to_owned(), listed(&self.claims)),
        ]);
        let merged = merged(&published, credential_metadata);
        let described = Self {
            display: array(merged.get("display")),
            claims: array(merged.get("claims")),
            ..self.clone()
        };
        (described, merged.into())
    }
}

/// Merges two `credential_metadata` member by member: of what both say, `specific` counts. Members
/// that nobody knows are kept (V11-18).
///
/// The draft shows one example and no rule for lists. Elements that mean the same are merged: those
/// of `display` by `locale`, where one without a `locale` speaks for every language; those of
/// `claims` by `path`. Others of `specific` come behind. Any other list is replaced as a whole.
#[must_use]
pub fn merged(general: &Map<String, Value>, specific: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = general.clone();
    for (name, value) in specific {
        let value = match (general.get(name), value) {
            (Some(Value::Object(below)), Value::Object(above)) => self::merged(below, above).into(),
            (Some(Value::Array(below)), Value::Array(above)) if name == "display" => {
                merged_lists(below, above, speaks_for).into()
            }
            (Some(Value::Array(below)), Value::Array(above)) if name == "claims" => {
                merged_lists(below, above, has_path_of).into()
            }
            _ => value.clone(),
        };
        merged.insert(name.clone(), value);
    }
    merged
}

/// Whether the first element, of the specific list, is about the second one.
type IsAbout = fn(&Map<String, Value>, &Value) -> bool;

fn merged_lists(general: &[Value], specific: &[Value], is_about: IsAbout) -> Vec<Value> {
    let (near, far) = specific.split_at(specific.len().min(ELEMENTS_MAX));
    let mut near: Vec<&Value> = near.iter().collect();
    near.sort_by_key(|above| above.get("locale").is_some()); // what is said of one language counts
    let mut is_used = vec![false; near.len()];
    let mut list = Vec::new();
    for (at, below) in general.iter().enumerate() {
        let mut element = below.clone();
        for (above, is_used) in near.iter().zip(&mut is_used).filter(|_| at < ELEMENTS_MAX) {
            if let (Value::Object(from), Value::Object(above)) = (&element, *above)
                && is_about(above, below)
            {
                element = merged(from, above).into();
                *is_used = true;
            }
        }
        list.push(element);
    }
    let unused = near.into_iter().zip(is_used).filter(|(_, is_used)| !is_used);
    list.extend(unused.map(|(above, _)| above).chain(far).cloned());
    list
}

fn speaks_for(above: &Map<String, Value>, below: &Value) -> bool {
    above.get("locale").is_none_or(|locale| below.get("locale") == Some(locale))
}

fn has_path_of(above: &Map<String, Value>, below: &Value) -> bool {
    above.get("path").is_some_and(|path| below.get("path") == Some(path))
}

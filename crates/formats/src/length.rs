//! Whether JSON is too long, mostly without writing it: a credential is written once, to be signed.

use keys::json;
use serde_json::{Map, Value};

/// Longest character, as `\u001f`.
const CHARACTER_BYTES_MAX: usize = 6;
/// Longest number, as `-2.2250738585072014e-308`; also more than `false` has.
const SCALAR_BYTES_MAX: usize = 24;

/// Whether the text has at most so many bytes. What is far from it is not written to know.
pub(crate) fn is_at_most(bytes: usize, object: &Map<String, Value>) -> bool {
    of_object(object) <= bytes || json::text(object).len() <= bytes
}

/// Not more than this.
fn of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => SCALAR_BYTES_MAX,
        Value::String(text) => of_text(text),
        Value::Array(values) => 2 + values.iter().map(|value| of(value) + 1).sum::<usize>(),
        Value::Object(object) => of_object(object),
    }
}

fn of_object(object: &Map<String, Value>) -> usize {
    2 + object.iter().map(|(name, value)| of_text(name) + of(value) + 2).sum::<usize>()
}

const fn of_text(text: &str) -> usize {
    2 + CHARACTER_BYTES_MAX * text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_at_most, json, of_object};

    /// What is estimated is never shorter than what is written, and what is too long is found so.
    #[test]
    fn nothing_is_longer_than_estimated() {
        for value in [
            json!({}),
            json!({ "a": null, "b": [true, false, [], {}] }),
            json!({ "a": -2.225_073_858_507_201_4e-308, "b": u64::MAX, "c": i64::MIN }),
            json!({ "\u{1}\u{1f}\"\\": "\u{0}\u{b}\u{7f}é€😀" }),
        ] {
            let object = value.as_object().unwrap();
            let written = json::text(object).len();
            assert!(of_object(object) >= written, "{value}");
            assert!(is_at_most(written, object), "{value}");
            assert!(!is_at_most(written - 1, object), "{value}");
        }
    }
}

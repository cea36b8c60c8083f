//! Metadata in the languages that were asked for (VCI §12.2.2, RFC 4647 §3.3.1).

use serde_json::{Map, Value};

/// Most ranges of one header that are looked at.
const RANGES_MAX: usize = 32;

/// The languages of an `Accept-Language` header, those of weight 0 left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Languages {
    ranges: Vec<String>,
}

impl Languages {
    /// Reads the header (META-11); `None` where it asks for nothing in particular (no header, or
    /// `*`).
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let wanted = header.split(',').take(RANGES_MAX).filter_map(wanted_range);
        let ranges: Vec<String> = wanted.map(str::to_ascii_lowercase).collect();
        let is_narrow = !ranges.is_empty() && ranges.iter().all(|range| range != "*");
        is_narrow.then_some(Self { ranges })
    }

    /// Basic filtering: `de` is met by `de` and `de-AT` (RFC 4647 §3.3.1). `de-AT` is also met by
    /// `de`, which whoever reads one reads as well.
    fn meet(&self, tag: &str) -> bool {
        let tag = tag.to_ascii_lowercase();
        let begins = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        self.ranges.iter().any(|range| begins(&tag, range) || begins(range, &tag))
    }

    /// Leaves of every `display` only what is in these languages, or in none; of one that has
    /// nothing of them, all (META-10). Says which languages are left, for `Content-Language`.
    pub fn narrow(&self, metadata: &mut Map<String, Value>) -> Vec<String> {
        let mut left = Vec::new();
        self.narrow_object(metadata, &mut left);
        left
    }

    fn narrow_object(&self, object: &mut Map<String, Value>, left: &mut Vec<String>) {
        for (name, value) in object {
            if let ("display", Value::Array(display)) = (name.as_str(), &mut *value) {
                self.narrow_display(display, left);
            } else {
                self.narrow_value(value, left);
            }
        }
    }

    fn narrow_value(&self, value: &mut Value, left: &mut Vec<String>) {
        match value {
            Value::Object(object) => self.narrow_object(object, left),
            Value::Array(values) => values.iter_mut().for_each(|one| self.narrow_value(one, left)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn narrow_display(&self, display: &mut Vec<Value>, left: &mut Vec<String>) {
        let is_met = |one: &Value| locale(one).is_some_and(|tag| self.meet(tag));
        if display.iter().any(is_met) {
            display.retain(|one| locale(one).is_none_or(|tag| self.meet(tag)));
        }
        for tag in display.iter().filter_map(locale) {
            if !left.iter().any(|known| known == tag) {
                left.push(tag.to_owned());
            }
        }
    }
}

fn locale(display: &Value) -> Option<&str> {
    display.get("locale").and_then(Value::as_str)
}

/// One element of the header: a range and perhaps its weight (RFC 9110 §12.5.4).
fn wanted_range(element: &str) -> Option<&str> {
    let (range, parameters) = element.split_once(';').unwrap_or((element, ""));
    let weight = parameters.trim().strip_prefix("q=").map(|weight| weight.trim().parse::<f32>());
    let is_wanted = weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0));
    let range = range.trim();
    let is_range = range.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-*".contains(&byte));
    (is_wanted && is_range && !range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// META-11
    #[test]
    fn a_header_asks_for_languages_or_for_nothing_in_particular() {
        let ranges = |header| Languages::parse(header).map(|languages| languages.ranges.join(" "));
        for (header, expected) in [
            ("de", Some("de")),
            ("de-AT, de;q=0.9, en;q=0.8", Some("de-at de en")),
            ("de, en;q=0", Some("de")),
            ("de, *;q=0.1", None),
            ("*", None),
            ("", None),
            (";q=1, d/e, fr;q=x", None),
        ] {
            assert_eq!(ranges(header).as_deref(), expected, "{header}");
        }
    }

    /// META-10, META-25
    #[test]
    fn what_is_in_other_languages_is_left_out_unless_nothing_would_be_left() {
        let tagged = |tags: &[&str]| -> Vec<Value> {
            tags.iter().map(|tag| json!({ "name": "n", "locale": tag })).collect()
        };
        let mut metadata = json!({
            "display": tagged(&["en", "de"]),
            "deeper": [{ "claims": [{ "display": tagged(&["en", "de-DE"]) }] }],
            "elsewhere": { "display": tagged(&["fr", "en"]) },
            "untagged": { "display": [{ "name": "n" }, { "name": "m", "locale": "en" }] },
        });
        let Some(metadata) = metadata.as_object_mut() else { unreachable!() };
        let left = Languages::parse("de-CH,de;q=0.5").unwrap().narrow(metadata);
        assert_eq!(metadata["display"], json!(tagged(&["de"])));
        assert_eq!(metadata["deeper"][0]["claims"][0]["display"], json!(tagged(&["de-DE"])));
        assert_eq!(metadata["elsewhere"]["display"], json!(tagged(&["fr", "en"])));
        assert_eq!(metadata["untagged"]["display"].as_array().unwrap().len(), 2);
        assert_eq!(left, ["de-DE", "de", "fr", "en"]);
    }
}

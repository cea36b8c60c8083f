//! Where something stands in a JSON file: `serde_json` tells lines of its own complaints only.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

use super::source::Found;

/// The member or element that `place` leads to, keys and positions joined by dots, or the nearest
/// thing around it that was written. The text is JSON, as it was read already.
pub(super) fn find(text: &str, place: &str) -> Option<Found> {
    let mut value = past_space(text, 0);
    let mut found = None;
    for (before, part) in place.split('.').enumerate() {
        let Some((begin, inner)) = inside(text, value, part) else { break };
        found = Some(Found { begin, parts: before + 1 });
        value = inner;
    }
    found
}

/// Where a member with its name, or an element, begins in the value at `at`, and where its value does.
fn inside(text: &str, at: usize, part: &str) -> Option<(usize, usize)> {
    let is_object = match text.as_bytes().get(at)? {
        b'{' => true,
        b'[' => false,
        _ => return None,
    };
    let mut next = past_space(text, at + 1);
    for number in 0_usize.. {
        let begin = next;
        let (is_meant, value) = if is_object {
            let (name, end) = read::<String>(text, begin)?;
            let colon = past_space(text, end);
            (name == part, past_space(text, colon + 1))
        } else if text.as_bytes().get(begin) == Some(&b']') {
            return None;
        } else {
            (part.parse() == Ok(number), begin)
        };
        if is_meant {
            return Some((begin, value));
        }
        let (_, end) = read::<IgnoredAny>(text, value)?;
        let comma = past_space(text, end);
        if text.as_bytes().get(comma) != Some(&b',') {
            return None;
        }
        next = past_space(text, comma + 1);
    }
    None
}

/// The value that begins here, and where it ends.
fn read<T: DeserializeOwned>(text: &str, at: usize) -> Option<(T, usize)> {
    let mut values = Deserializer::from_str(text.get(at..)?).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, at + values.byte_offset()))
}

fn past_space(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_nearest_thing_that_is_written_is_found() {
        let text = r#" { "a":1, "li\u0073t" : [ true , {"x": [], "y":"} ,"} ], "b" : {} }"#;
        for (place, found) in [
            ("a", r#""a":1"#),
            ("list", r#""li\u0073t" :"#),
            ("list.0", "true ,"),
            ("list.1.y", r#""y":"} ,""#),
            ("list.1.x.0", r#""x": []"#),
            ("list.1.z", r#"{"x""#),
            ("list.2", r#""li\u0073t" :"#),
            ("b.c", r#""b" : {}"#),
        ] {
            let rest = find(text, place).and_then(|found| text.get(found.begin..));
            assert!(rest.is_some_and(|rest| rest.starts_with(found)), "{place}: {rest:?}");
        }
        for nowhere in ["c", "0", ""] {
            assert_eq!(find(text, nowhere), None, "{nowhere}");
        }
        assert_eq!(find("[1, 2", "5"), None);
    }
}

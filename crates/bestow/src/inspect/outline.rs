//! Parts as lines on a terminal: indented, cut where they are long, steering characters spelled out.

use std::fmt::Write as _;

use keys::outside::Timestamp;
use serde_json::Value;
use wallet::display::{is_joiner, is_unseen};

/// Most lines; scripts get all.
const LINES_MAX: usize = 2000;
/// Longest value that is written out.
const VALUE_CHARACTERS_MAX: usize = 300;
/// Longest name.
const NAME_CHARACTERS_MAX: usize = 100;
/// In front of what belongs to the line above.
const INDENT: &str = "  ";
/// Members that are seconds since the epoch (RFC 7519 §4.1).
const TIMES: [&str; 5] = ["iat", "nbf", "exp", "auth_time", "updated_at"];

/// One line for each value.
pub(crate) fn lines(parts: &[(&'static str, Value)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in parts {
        write(name, value, 0, &mut lines);
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.truncate(LINES_MAX);
        lines.push(format!("… and {more} more lines; all of it: --json"));
    }
    lines
}

fn write(name: &str, value: &Value, depth: usize, lines: &mut Vec<String>) {
    let head = format!("{}{}:", INDENT.repeat(depth), cut(name, NAME_CHARACTERS_MAX));
    match value {
        Value::Object(members) if !members.is_empty() => {
            lines.push(head);
            for (name, value) in members {
                write(name, value, depth + 1, lines);
            }
        }
        Value::Array(values) if values.iter().any(|one| one.is_object() || one.is_array()) => {
            lines.push(head);
            for (place, value) in (1..).zip(values) {
                write(&format!("{place}"), value, depth + 1, lines);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => lines.push(format!("{head} {}", shown(name, value))),
    }
}

fn shown(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) if text.starts_with("data:image/") => {
            format!("(picture, {} characters)", text.len())
        }
        Value::String(text) => cut(text, VALUE_CHARACTERS_MAX),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|one| shown("", one)).collect();
            cut(&values.join(", "), VALUE_CHARACTERS_MAX)
        }
        Value::Null => "-".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    match value.as_u64().filter(|_| TIMES.contains(&name)) {
        Some(seconds) => format!("{text} ({})", Timestamp(seconds).to_rfc3339()),
        None => text,
    }
}

/// What could steer the terminal or deceive its reader is spelled by its number (catalogue N04).
fn cut(text: &str, characters_max: usize) -> String {
    let mut cut = String::new();
    let mut characters = text.chars();
    for c in characters.by_ref().take(characters_max) {
        if is_unseen(c) && !is_joiner(c) {
            cut.extend(c.escape_unicode());
        } else {
            cut.push(c);
        }
    }
    let more = characters.count();
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(cut, "… ({more} more characters)");
    }
    cut
}

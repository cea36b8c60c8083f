//! The text of a link that carries an offer (VCI §4.1.2, OFFER-31).

use std::fmt::Write as _;

use serde_json::Value;

/// An offer as the text of a parameter.
///
/// Scanners and old Wallets decode twice or turn `+` into a space, so the decoded text holds no
/// white space, `+` or `%`: JSON strings can spell them by their numbers.
pub(crate) fn escaped(offer: &Value) -> String {
    let mut text = String::new();
    for character in offer.to_string().chars() {
        if character.is_whitespace() || matches!(character, '+' | '%') {
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
    text
}

/// A link with one parameter.
pub(crate) fn link(scheme: &str, parameter: &str, value: &str) -> String {
    format!("{scheme}://?{parameter}={}", query_value(value))
}

/// The value of a parameter, in characters that nothing on the way changes.
pub(crate) fn query_value(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => drop(write!(text, "%{byte:02X}")), // a String takes everything
        }
    }
    text
}

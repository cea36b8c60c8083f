//! `htu`: two spellings of one address are equal (RFC 9449 §4.3).

use url::Url;

/// The address without query and fragment, in its normal form (RFC 3986 §6.2.2, RFC 3986 §6.2.3);
/// `None` when it is none, or one that readers repair in different ways.
pub(super) fn normal(address: &str) -> Option<String> {
    if !address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let mut url = Url::parse(address).ok()?;
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(unescape(url.as_str()))
}

/// An escape of what needs none is the same as the character itself, and the digits of an escape
/// may be of either case (RFC 3986 §6.2.2.1, RFC 3986 §6.2.2.2).
fn unescape(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or_default();
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex).map(char::from);
        match byte {
            Some(c) if c.is_ascii_alphanumeric() || "-._~".contains(c) => normal.push(c),
            Some(_) => normal.extend(["%", &digits.to_ascii_uppercase()]),
            None => normal.extend(["%", piece]),
        }
        if byte.is_some() {
            normal.push_str(rest);
        }
    }
    normal
}

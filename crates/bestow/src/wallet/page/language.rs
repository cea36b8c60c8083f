//! In which language the person reads names and labels.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// Longest language tag that is read.
const TAG_BYTES_MAX: usize = 35;
const DEFAULT: &str = "en";

/// The browser's first wish (RFC 9110 §12.5.4); browsers list the best one first.
pub(super) fn of(headers: &HeaderMap) -> String {
    let wishes = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = wishes.and_then(|wishes| wishes.split([',', ';']).next()).map(str::trim);
    let is_tag = |tag: &&str| {
        let plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && (1..=TAG_BYTES_MAX).contains(&tag.len())
    };
    first.filter(is_tag).unwrap_or(DEFAULT).to_owned()
}

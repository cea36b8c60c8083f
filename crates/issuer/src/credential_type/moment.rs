//! A moment as text (RFC 3339 §5.6).

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// The same moment in UTC and without a fraction of a second, as mdocs have it (ISO 18013-5 §7.2).
pub(crate) fn in_utc(text: &str) -> Option<String> {
    // RFC 3339 §5.6 lets an implementation ask for capitals.
    if text.bytes().any(|b| b.is_ascii_lowercase() || b == b' ') {
        return None;
    }
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    if !(0..=9999).contains(&moment.year()) {
        return None;
    }
    let (date, (hour, minute, second)) = (moment.date(), moment.to_hms());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// What was typed: browsers ask for a moment without an offset, and the form says that it is UTC.
pub(super) fn from_form(text: &str) -> String {
    match text.len() {
        LOCAL_MINUTE => format!("{text}:00Z"),
        LOCAL_SECOND => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// What a browser gives for a moment, with and without seconds.
const LOCAL_MINUTE: usize = "2001-12-31T23:59".len();
const LOCAL_SECOND: usize = "2001-12-31T23:59:59".len();

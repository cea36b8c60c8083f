//! The languages that pages and letters speak.

use time::{Month, OffsetDateTime, UtcOffset};

/// A language with complete texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The one for everybody whose own is missing.
    #[default]
    English,
    /// German.
    German,
}

/// More entries than a browser sends are not read.
const ACCEPTED_MAX: usize = 32;

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Chooses by `Accept-Language`: the best-liked of those we have (RFC 9110 §12.5.4).
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut best = (0, Self::default());
        for entry in header.split(',').take(ACCEPTED_MAX) {
            let (range, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = thousandths(weight);
            if let Some(language) = Self::of_tag(range.trim())
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language of a tag such as `de-AT`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The tag for `lang` attributes.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// A moment in words, such as "24 November 2026, 14:05 UTC".
    #[must_use]
    pub fn date_time(self, moment: OffsetDateTime) -> String {
        let moment = moment.to_offset(UtcOffset::UTC);
        let (day, year) = (moment.day(), moment.year());
        let (hour, minute) = (moment.hour(), moment.minute());
        match self {
            Self::English => {
                format!("{day} {} {year}, {hour:02}:{minute:02} UTC", moment.month())
            }
            Self::German => {
                let month = german_month(moment.month());
                format!("{day}. {month} {year}, {hour:02}:{minute:02} Uhr (UTC)")
            }
        }
    }
}

/// A weight such as `q=0.8` in thousandths; none means the greatest (RFC 9110 §12.4.2).
fn thousandths(parameter: &str) -> u16 {
    let Some(value) = parameter.trim().strip_prefix("q=") else { return 1000 };
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    match whole {
        "1" => 1000,
        "0" => part.parse().unwrap_or(0),
        _ => 0,
    }
}

const fn german_month(month: Month) -> &'static str {
    match month {
        Month::January => "Januar",
        Month::February => "Februar",
        Month::March => "März",
        Month::April => "April",
        Month::May => "Mai",
        Month::June => "Juni",
        Month::July => "Juli",
        Month::August => "August",
        Month::September => "September",
        Month::October => "Oktober",
        Month::November => "November",
        Month::December => "Dezember",
    }
}

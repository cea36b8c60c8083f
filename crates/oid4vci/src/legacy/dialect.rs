//! The drafts that are spoken at the edge, and what distinguishes them.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A draft of OpenID4VCI that an offer is made in. Where there is a choice, `None` is 1.0 itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dialect(pub(super) Draft);

/// In the order in which they were written; 10 has the words of 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Draft {
    D8,
    D9,
    D11,
    D12,
    D13,
    D14,
    D15,
}

impl Dialect {
    /// Every one, the oldest first.
    pub const ALL: [Self; 7] = [
        Self(Draft::D8),
        Self(Draft::D9),
        Self(Draft::D11),
        Self(Draft::D12),
        Self(Draft::D13),
        Self(Draft::D14),
        Self(Draft::D15),
    ];

    /// Reads the number of a draft; `None` for one that is not spoken.
    #[must_use]
    pub fn parse(number: &str) -> Option<Self> {
        let number = if number == "10" { "11" } else { number };
        Self::ALL.into_iter().find(|dialect| dialect.name() == number)
    }

    /// The number of the draft.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Draft::D8 => "8",
            Draft::D9 => "9",
            Draft::D11 => "11",
            Draft::D12 => "12",
            Draft::D13 => "13",
            Draft::D14 => "14",
            Draft::D15 => "15",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Dialect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Dialect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Number)
    }
}

/// Reads the number of a draft, and says how it is to be written.
struct Number;

impl Visitor<'_> for Number {
    type Value = Dialect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a draft in quotes, as in \"13\"")
    }

    fn visit_str<E: Error>(self, number: &str) -> Result<Dialect, E> {
        let unknown = || E::custom("must be one of 8, 9, 10, 11, 12, 13, 14, 15");
        Dialect::parse(number).ok_or_else(unknown)
    }
}

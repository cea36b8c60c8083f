//! `[legacy] drafts`: a list, also where there is one.

use std::fmt;

use oid4vci::legacy::Dialect;
use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

/// Reads the list, and says how it is to be written.
pub(super) fn listed<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Dialect>, D::Error> {
    from.deserialize_seq(Listed)
}

struct Listed;

impl<'de> Visitor<'de> for Listed {
    type Value = Vec<Dialect>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of drafts, as in drafts = [\"13\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Dialect>, A::Error> {
        let mut drafts = Vec::new();
        while let Some(draft) = items.next_element()? {
            drafts.push(draft);
        }
        Ok(drafts)
    }
}

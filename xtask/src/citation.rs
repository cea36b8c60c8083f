//! Citations in source text: `VCI §6.3`, `RFC 7515 §4.1`, and rows such as `TOKEN-25`.

use std::collections::BTreeSet;

/// What can be cited: the groups of rows and the documents with sections.
pub(crate) struct Citable<'t> {
    groups: BTreeSet<&'t str>,
    documents: BTreeSet<&'t str>,
}

impl<'t> Citable<'t> {
    /// Learns the groups and documents from the names in the tables.
    pub(crate) fn new(names: impl Iterator<Item = &'t str>) -> Self {
        let mut citable = Self { groups: BTreeSet::new(), documents: BTreeSet::new() };
        for name in names {
            if let Some((document, _)) = name.split_once(" §") {
                citable.documents.insert(document);
            } else if let Some((group, _)) = name.split_once('-') {
                citable.groups.insert(group);
            }
        }
        citable
    }

    /// The names that a line cites, whether they exist or not.
    pub(crate) fn cited(&self, line: &str) -> Vec<String> {
        [self.rows(line), self.sections(line)].concat()
    }

    /// Words such as `TOKEN-25` or `FMT-JWT-03`; `TOKEN-like` is none.
    fn rows(&self, line: &str) -> Vec<String> {
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .filter(|word| self.groups.contains(word.split('-').next().unwrap_or_default()))
            .filter(|word| {
                word.rsplit_once('-')
                    .is_some_and(|(_, number)| number.starts_with(|c: char| c.is_ascii_digit()))
            })
            .map(str::to_owned)
            .collect()
    }

    /// A number without a known document before it becomes `? §n`, which no table knows.
    fn sections(&self, line: &str) -> Vec<String> {
        let pieces: Vec<&str> = line.split('§').collect();
        let name = |pair: &[&str]| {
            let [before, after] = pair else { return None };
            let document = self.documents.iter().find(|known| before.trim_end().ends_with(**known));
            let number = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next()?;
            Some(format!("{} §{}", document.unwrap_or(&"?"), number.trim_end_matches('.')))
        };
        pieces.windows(2).filter_map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Citable;

    #[test]
    fn citations_are_read_in_these_forms_only() {
        let citable = Citable::new(["TOKEN-01", "FMT-JWT-01", "VCI §6", "RFC 6749 §5"].into_iter());
        let cases: [(&str, &[&str]); 8] = [
            ("/// Spent once (TOKEN-32).", &["TOKEN-32"]),
            ("// FMT-JWT-03, TOKEN-1", &["FMT-JWT-03", "TOKEN-1"]),
            ("// SHA-256 and TOKEN-like", &[]),
            ("//! VCI §6.3.", &["VCI §6.3"]),
            ("/// [RFC 6749 §3.2], VCI §F.1;", &["RFC 6749 §3.2", "VCI §F.1"]),
            ("/// VCI §6.1 and §6.3", &["VCI §6.1", "? §6.3"]),
            ("/// RFC 9999 §1", &["? §1"]),
            ("nothing", &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(citable.cited(line), expected, "{line}");
        }
    }
}

//! `cargo xtask spec`: docs/SPEC-MAP.md says where each rule is kept, and tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::citation::Citable;
use crate::documents;

const MAP: &str = "docs/SPEC-MAP.md";
const ROWS: &str = "spec/vci-1.0.tsv";
const DECISIONS: &str = "spec/decisions.tsv";
const SECTIONS: &str = "spec/sections.tsv";
/// A row that is named here is not kept by us, or by others, and a line says why.
const DIVERGENCES: &str = "docs/DIVERGENCES.md";

/// Folders with source text that cites; the folders below a [`FOREIGN`] name are not ours.
const SOURCES: [&str; 3] = ["crates", "interop", "browser"];
const FOREIGN: &str = "node_modules";
const EXTENSIONS: [&str; 2] = ["rs", "mjs"];

/// Files whose folder or name says that they test.
const TEST_PLACES: [&str; 5] = ["tests", "tests.rs", "testkit", "interop", "browser"];
/// Unit tests stand at the bottom of a file, below this line.
const TESTS_BELOW: &str = "#[cfg(test)]";

/// Writes the map; a citation of something that does not exist fails, and nothing is written.
pub(crate) fn write() -> io::Result<()> {
    let map = current()?;
    println!("{}", map.lines().next().unwrap_or_default());
    fs::write(MAP, map)?;
    documents::check()
}

/// Fails where [`write()`] fails, and when the map is out of date.
pub(crate) fn check() -> io::Result<()> {
    let map = current()?;
    println!("{}", map.lines().next().unwrap_or_default());
    if fs::read_to_string(MAP).unwrap_or_default() == map {
        return documents::check();
    }
    Err(io::Error::other(format!("{MAP} is out of date: run `cargo xtask spec`")))
}

fn current() -> io::Result<String> {
    let tables = Tables {
        rows: &fs::read_to_string(ROWS)?,
        decisions: &fs::read_to_string(DECISIONS)?,
        sections: &fs::read_to_string(SECTIONS)?,
    };
    let mut sources = Vec::new();
    for folder in SOURCES.map(Path::new) {
        if folder.exists() {
            read_sources(folder, &mut sources)?;
        }
    }
    sources.push(Source { path: DIVERGENCES.into(), text: fs::read_to_string(DIVERGENCES)? });
    map(&tables, &sources).map_err(|unknown| {
        let unknown = unknown.join("\n  ");
        io::Error::other(format!("cited, but in no table of spec/:\n  {unknown}"))
    })
}

/// A file's path and its text.
struct Source {
    path: String,
    text: String,
}

fn read_sources(folder: &Path, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with(FOREIGN) {
                read_sources(&path, sources)?;
            }
        } else if EXTENSIONS.iter().any(|known| path.extension().is_some_and(|own| own == *known)) {
            let text = fs::read_to_string(&path)?;
            sources.push(Source { path: path.display().to_string(), text });
        }
    }
    Ok(())
}

/// The first column of each table is the name that is cited, the last one its text.
struct Tables<'t> {
    /// Name, who, level, section, rule.
    rows: &'t str,
    /// Name, unclear point, what we do.
    decisions: &'t str,
    /// Name, title.
    sections: &'t str,
}

/// Where a name is cited: files without lines, so that an edit does not make the map stale.
#[derive(Default)]
struct Places<'s> {
    code: BTreeSet<&'s str>,
    tests: BTreeSet<&'s str>,
    /// Named in [`DIVERGENCES`].
    diverges: bool,
}

impl Places<'_> {
    fn kind(&self) -> Kind {
        match (self.code.is_empty(), self.tests.is_empty()) {
            (false, false) => Kind::Both,
            _ if self.diverges => Kind::Divergence,
            (false, true) => Kind::OnlyCode,
            (true, false) => Kind::OnlyTest,
            (true, true) => Kind::Open,
        }
    }

    fn are_empty(&self) -> bool {
        self.code.is_empty() && self.tests.is_empty() && !self.diverges
    }
}

/// How far we are with a row. A line in [`DIVERGENCES`] explains a gap; where there is none, it only
/// adds to what code and test say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Both,
    Divergence,
    OnlyCode,
    OnlyTest,
    Open,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Both, Self::Divergence, Self::OnlyCode, Self::OnlyTest, Self::Open];

    fn name(self) -> &'static str {
        match self {
            Self::Both => "code and test",
            Self::Divergence => "divergence",
            Self::OnlyCode => "only code",
            Self::OnlyTest => "only test",
            Self::Open => "open",
        }
    }

    fn is_settled(self) -> bool {
        matches!(self, Self::Both | Self::Divergence)
    }
}

/// The text of the map; `Err` names each citation of something that does not exist.
fn map(tables: &Tables<'_>, sources: &[Source]) -> Result<String, Vec<String>> {
    let entries = [tables.rows, tables.decisions, tables.sections].map(str::lines);
    let names: BTreeSet<&str> =
        entries.into_iter().flatten().filter_map(|entry| entry.split('\t').next()).collect();
    let places = places(&Citable::new(names.iter().copied()), sources);
    let unknown: Vec<String> = places
        .iter()
        .filter(|(name, _)| !names.contains(name.as_str()))
        .map(|(name, Places { code, tests, diverges })| {
            let divergences = diverges.then_some(&DIVERGENCES);
            format!("{name} in {}", list(code.union(tests).chain(divergences)))
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut map = progress(tables.rows, &places);
    map += "\nMade by `cargo xtask spec`; spec/README.md explains the columns.\n";
    map += &section("Rules", tables.rows, &places, true);
    map +=
        &section("Decisions where the specification is unclear", tables.decisions, &places, false);
    map += &section("Sections", tables.sections, &places, false);
    Ok(map)
}

fn places<'s>(citable: &Citable<'_>, sources: &'s [Source]) -> BTreeMap<String, Places<'s>> {
    let mut places: BTreeMap<String, Places<'s>> = BTreeMap::new();
    for Source { path, text } in sources {
        let mut is_test = path.split('/').any(|part| TEST_PLACES.contains(&part));
        for line in text.lines() {
            is_test |= line == TESTS_BELOW;
            for name in citable.cited(line) {
                let Places { code, tests, diverges } = places.entry(name).or_default();
                if path == DIVERGENCES {
                    *diverges = true;
                } else {
                    if is_test { tests } else { code }.insert(path);
                }
            }
        }
    }
    places
}

/// Who is bound by the rules that we keep: an issuer, an authorization server, a wallet.
const OURS: [&str; 4] = ["I", "AS", "W", "all"];
const LEVELS: [&str; 3] = ["MUST", "SHOULD", "MAY"];

/// The head of the map: how far we are. Rows of level `INFO` are facts, other rows bind others
/// than us: neither counts, but each should be explained.
fn progress(rows: &str, places: &BTreeMap<String, Places<'_>>) -> String {
    let mut ours: BTreeMap<&str, Vec<Kind>> = BTreeMap::new();
    let mut others = Vec::new();
    for row in rows.lines() {
        let [name, who, own, ..] = row.split('\t').collect::<Vec<_>>()[..] else { continue };
        let kind = places.get(name).map_or(Kind::Open, Places::kind);
        let level = LEVELS.into_iter().find(|level| own.starts_with(level));
        match level.filter(|_| who.split('/').any(|who| OURS.contains(&who))) {
            Some(level) => ours.entry(level).or_default().push(kind),
            None => others.push(kind),
        }
    }
    let all: Vec<Kind> = ours.values().flatten().copied().collect();
    let mut head = format!(
        "{} of {} rows that bind us have code and a test; {} have that or a line in {DIVERGENCES}.\n\n",
        of_kind(&all, Kind::Both),
        all.len(),
        settled(&all)
    );
    head += "| Rows | all |";
    head.extend(Kind::ALL.map(|kind| format!(" {} |", kind.name())));
    head += "\n|-|-|-|-|-|-|-|\n";
    for level in LEVELS {
        head += &counts(level, ours.get(level).map_or(&[], Vec::as_slice));
    }
    head += &counts("that bind others, and facts", &others);
    head
}

fn of_kind(kinds: &[Kind], wanted: Kind) -> usize {
    kinds.iter().filter(|kind| **kind == wanted).count()
}

fn settled(kinds: &[Kind]) -> usize {
    kinds.iter().filter(|kind| kind.is_settled()).count()
}

/// One line of the table of kinds.
fn counts(title: &str, kinds: &[Kind]) -> String {
    let mut line = format!("| {title} | {} |", kinds.len());
    line.extend(Kind::ALL.map(|kind| format!(" {} |", of_kind(kinds, kind))));
    line + "\n"
}

/// One table of the map, with or without the names that nobody cites.
fn section(title: &str, table: &str, places: &BTreeMap<String, Places<'_>>, all: bool) -> String {
    let none = Places::default();
    let mut text = format!("\n## {title}\n\n| Name | Text | Kind | Code | Tests |\n|-|-|-|-|-|\n");
    for entry in table.lines() {
        let [name, .., rule] = entry.split('\t').collect::<Vec<_>>()[..] else { continue };
        let found = places.get(name).unwrap_or(&none);
        if all || !found.are_empty() {
            let (code, tests) = (list(&found.code), list(&found.tests));
            let kind = found.kind().name();
            let _ = writeln!(text, "| {name} | {rule} | {kind} | {code} | {tests} |");
        }
    }
    text
}

fn list<'s>(places: impl IntoIterator<Item = &'s &'s str>) -> String {
    places.into_iter().copied().collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::{Source, Tables, map};

    const TABLES: Tables<'static> = Tables {
        rows: "T-01\tI/W\tMUST\t6.1\tRule\nT-02\tI\tINFO\t6.1\tFact\nT-03\teco\tMUST\t1\tTheirs\n",
        decisions: "AMB-01\tPoint\tAnswer\n",
        sections: "VCI §6.1\tRequest\nRFC 6749 §3.2\tToken\n",
    };

    fn map_of(path: &str, text: &str) -> Result<String, Vec<String>> {
        map(&TABLES, &[Source { path: path.into(), text: text.into() }])
    }

    #[test]
    fn a_row_counts_with_code_and_a_test() {
        let both = map_of("crates/a/src/b.rs", "/// VCI §6.1 (T-01)\n#[cfg(test)]\n// T-01");
        assert!(both.unwrap().starts_with("1 of 1 rows that bind us have code and a test; 1 have"));
        for half in ["crates/a/src/b.rs", "crates/a/tests/b.rs"] {
            let head = "0 of 1 rows that bind us have code and a test; 0 have";
            assert!(map_of(half, "/// T-01").unwrap().starts_with(head), "{half}");
        }
    }

    #[test]
    fn a_line_of_the_divergences_settles_a_row_and_counts_as_its_own_kind() {
        let map = map_of("docs/DIVERGENCES.md", "| VCI §6.1 | missing (T-01) | ... |").unwrap();
        assert!(map.starts_with("0 of 1 rows that bind us have code and a test; 1 have"), "{map}");
        assert!(map.contains("\n| MUST | 1 | 0 | 1 | 0 | 0 | 0 |\n"), "{map}");
        assert!(
            map.contains("\n| that bind others, and facts | 2 | 0 | 0 | 0 | 0 | 2 |\n"),
            "{map}"
        );
        assert!(map.contains("| T-01 | Rule | divergence |  |  |"), "{map}");
        let refused = map_of("docs/DIVERGENCES.md", "| VCI §6.1 | missing (T-09) |").unwrap_err();
        assert_eq!(refused, ["T-09 in docs/DIVERGENCES.md"]);
    }

    #[test]
    fn tests_are_told_from_code_by_their_place() {
        let code = "| T-01 | Rule | only code | crates/a/src/b.rs |  |";
        assert!(map_of("crates/a/src/b.rs", "T-01").unwrap().contains(code));
        for place in ["crates/a/tests/b.rs", "crates/testkit/src/b.rs", "interop/b.mjs"] {
            let test = format!("| T-01 | Rule | only test |  | {place} |");
            assert!(map_of(place, "T-01").unwrap().contains(&test), "{place}");
        }
    }

    #[test]
    fn uncited_rows_are_listed_and_uncited_sections_are_not() {
        let map = map_of("crates/a/src/b.rs", "/// RFC 6749 §3.2, AMB-01").unwrap();
        assert!(map.contains("| T-01 | Rule | open |  |  |"), "{map}");
        assert!(map.contains("| AMB-01 | Answer | only code | crates/a/src/b.rs |  |"), "{map}");
        let section = "| RFC 6749 §3.2 | Token | only code | crates/a/src/b.rs |  |";
        assert!(map.contains(section), "{map}");
        assert!(!map.contains("VCI §6.1"), "{map}");
    }

    #[test]
    fn what_does_not_exist_cannot_be_cited() {
        for unknown in ["VCI §6.9", "§6.1", "T-04", "RFC 9999 §1"] {
            let refused = map_of("crates/a/src/b.rs", unknown).unwrap_err();
            assert!(refused.concat().ends_with(" in crates/a/src/b.rs"), "{refused:?}");
        }
    }
}

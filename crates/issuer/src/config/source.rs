//! A file that an operator wrote, and what is wrong in it: file, line and remedy.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keys::json;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::json_place;

/// The end of the name of a file that is JSON.
pub(crate) const JSON: &str = "json";
/// Longest file that is read: a type with its photographs fits many times.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// What helps when the mistake says all that we know.
const REFERENCE: &str = "docs/CONFIGURATION.md explains every key";
/// What helps when it is no JSON at all.
const JSON_REMEDY: &str = "correct the JSON there";

/// What is wrong in a configuration file, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or the folder, that it is about.
    pub file: PathBuf,
    /// The line, counted from one; `None` when it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to do next.
    pub remedy: String,
}

impl ConfigError {
    /// About a whole file or folder.
    pub(crate) fn of_file(
        file: &Path,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (problem, remedy) = (problem.into(), remedy.into());
        Self { file: file.to_owned(), line: None, problem, remedy }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}\n  {}", self.problem, self.remedy)
    }
}

impl std::error::Error for ConfigError {}

/// The text of one file, of TOML or, where its name ends so, of JSON.
#[derive(Debug)]
pub(crate) struct Source {
    file: PathBuf,
    text: String,
}

impl Source {
    /// Takes a text that was read already; `file` is for messages only.
    pub(crate) fn new(file: &Path, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.to_owned() }
    }

    /// Reads the file.
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigError> {
        let unreadable = |error: std::io::Error| {
            let remedy = "check the path and that this user may read it";
            ConfigError::of_file(file, format!("cannot be read: {error}"), remedy)
        };
        if fs::metadata(file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            let problem = format!("is longer than {FILE_BYTES_MAX} bytes");
            return Err(ConfigError::of_file(file, problem, "is it the right file?"));
        }
        let text = fs::read_to_string(file).map_err(|error| {
            if error.kind() == ErrorKind::InvalidData {
                return ConfigError::of_file(file, "is no UTF-8 text", "is it the right file?");
            }
            unreadable(error)
        })?;
        Ok(Self { file: file.to_owned(), text })
    }

    /// The text itself, for a file that is no TOML.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Reads the text into `T`, whose fields check themselves.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        if self.is_json() {
            return self.parse_json();
        }
        toml::from_str(&self.text).map_err(|error| {
            let line = error.span().and_then(|span| self.line(span.start));
            self.unread(error.message(), line)
        })
    }

    fn parse_json<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let read = serde_json::from_str(&self.text).map_err(|error| {
            let message = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = message.strip_suffix(&place).unwrap_or(&message);
            let line = Some(error.line()).filter(|line| *line > 0);
            let unread = self.unread(message, line);
            // Which key means what is of no use before the text can be read.
            if error.is_data() {
                unread
            } else {
                ConfigError { remedy: JSON_REMEDY.into(), ..unread }
            }
        })?;
        // Of two members with one name this library takes one, where it makes a map of them.
        json::parse(self.text.as_bytes())
            .map_err(|error| ConfigError::of_file(&self.file, error.to_string(), JSON_REMEDY))?;
        Ok(read)
    }

    fn unread(&self, message: &str, line: Option<usize>) -> ConfigError {
        let (problem, remedy) = split(message);
        ConfigError { file: self.file.clone(), line, problem, remedy }
    }

    fn is_json(&self) -> bool {
        self.file.extension().is_some_and(|extension| extension == JSON)
    }

    /// A mistake at `place`: keys and positions in arrays, joined by dots.
    pub(crate) fn mistake(
        &self,
        place: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        ConfigError {
            file: self.file.clone(),
            line: self.begin(place).and_then(|begin| self.line(begin)),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// Whether this key of the first level is written.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.begin(key).is_some()
    }

    /// Whether this very `place` is written, not just something around it.
    pub(crate) fn is_written(&self, place: &str) -> bool {
        self.find(place).is_some_and(|found| found.parts == place.split('.').count())
    }

    fn begin(&self, place: &str) -> Option<usize> {
        self.find(place).map(|found| found.begin)
    }

    /// Where `place` is, or the nearest thing around it that was written.
    fn find(&self, place: &str) -> Option<Found> {
        if self.is_json() { json_place::find(&self.text, place) } else { self.find_in_toml(place) }
    }

    fn find_in_toml(&self, place: &str) -> Option<Found> {
        let document = DeTable::parse(&self.text).ok()?.into_inner();
        let mut value = DeValue::Table(document);
        let mut found = None;
        for (before, part) in place.split('.').enumerate() {
            let next = match value {
                DeValue::Table(table) => {
                    let found = table.into_iter().find(|(key, _)| key.get_ref() == part);
                    found.map(|(key, value)| (key.span(), value.into_inner()))
                }
                DeValue::Array(items) => part.parse().ok().and_then(|at| {
                    items.into_iter().nth(at).map(|item| (item.span(), item.into_inner()))
                }),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => None,
            };
            let Some((span, inner)) = next else { break };
            found = Some(Found { begin: span.start, parts: before + 1 });
            value = inner;
        }
        found
    }

    fn line(&self, begin: usize) -> Option<usize> {
        let before = self.text.get(..begin)?;
        Some(before.matches('\n').count() + 1)
    }
}

/// What a place leads to, or the nearest thing around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The byte at which it begins.
    pub(super) begin: usize,
    /// How many parts of the place lead there.
    pub(super) parts: usize,
}

/// Our own messages bring the remedy on a second line; those of the parser list what it expected.
fn split(message: &str) -> (String, String) {
    let message = message.replace(" field `", " key `");
    if let Some((problem, remedy)) = message.split_once('\n') {
        return (problem.to_owned(), remedy.to_owned());
    }
    match message.split_once(", expected ") {
        Some((problem, expected)) => (problem.to_owned(), format!("expected {expected}")),
        None => (message, REFERENCE.to_owned()),
    }
}

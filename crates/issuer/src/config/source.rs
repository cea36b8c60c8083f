//! A file that an operator wrote, and what is wrong in it: file, line and remedy.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// Longest file that is read: a type with its photographs fits many times.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// What helps when the mistake says all that we know.
const REFERENCE: &str = "docs/CONFIGURATION.md explains every key";

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

/// The text of one TOML file.
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
            let remedy = "check the path and that this user may read it; \
                          `bestow issuer init DIR` makes a new one";
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
        toml::from_str(&self.text).map_err(|error| {
            let (problem, remedy) = split(error.message());
            ConfigError { file: self.file.clone(), line: self.line(error.span()), problem, remedy }
        })
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
            line: self.line(self.span(place)),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// Whether this key of the first level is written.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.span(key).is_some()
    }

    /// Whether this very `place` is written, not just something around it.
    pub(crate) fn is_written(&self, place: &str) -> bool {
        let Ok(document) = toml::from_str::<toml::Value>(&self.text) else { return false };
        let found = place.split('.').try_fold(&document, |value, part| value.get(part));
        found.is_some()
    }

    /// Where `place` is, or the nearest thing around it that was written.
    fn span(&self, place: &str) -> Option<Range<usize>> {
        let document = DeTable::parse(&self.text).ok()?.into_inner();
        let mut value = DeValue::Table(document);
        let mut span = None;
        for part in place.split('.') {
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
            let Some((found, inner)) = next else { break };
            span = Some(found);
            value = inner;
        }
        span
    }

    fn line(&self, span: Option<Range<usize>>) -> Option<usize> {
        let before = self.text.get(..span?.start)?;
        Some(before.matches('\n').count() + 1)
    }
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

//! Where a credential type is described: one file may offer it in several formats.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::place;

/// The file of a credential type, and which of its formats this is.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The Credential Configuration Identifiers of all its formats, in the order of the file.
    ids: Arc<[String]>,
    /// In `[[also]]`; `None` at the top.
    at: Option<usize>,
}

impl Origin {
    pub(super) fn new(file: &Path, ids: &Arc<[String]>, at: Option<usize>) -> Self {
        Self { file: file.to_owned(), ids: Arc::clone(ids), at }
    }

    /// The identifiers of all formats of the type, that of the file first.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Whether it is the format that the file names first, in which people see the type.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.at.is_none()
    }

    /// Where a key of this format stands in the file.
    pub(crate) fn place(&self, key: &str) -> String {
        place(self.at, key)
    }

    /// The file, as warnings name it.
    pub(crate) fn name(&self) -> String {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        format!("credentials/{}", name.unwrap_or_default())
    }
}

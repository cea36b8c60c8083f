//! The key of the admin API.

use std::fmt;

use zeroize::Zeroize;

/// Opens the admin API; lives in a file that `key_file` names.
#[derive(Clone)]
pub struct AdminKey(String);

impl AdminKey {
    /// Takes the text of the file.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For the one header that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for AdminKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(..)")
    }
}

//! Where in the claims of a credential something is (VCI §C): the paths that an issuer describes.

use std::fmt;

/// One step of a path, from the outside in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the member of an object that has this name.
    Name(String),
    /// To every element of a list; `null` in metadata (PATH-04).
    Every,
}

impl Step {
    /// The name, of a step that has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Every => None,
        }
    }
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// For people: every element is a star.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("*"))
    }
}

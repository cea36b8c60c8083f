//! A credential type that an operator named and this issuer does not have.

use std::fmt;

use crate::Issuer;

/// Its name, and what there is. The types are read once, so a file that is there may be none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType {
    id: String,
    known: Vec<String>,
}

impl UnknownType {
    pub(super) fn of(issuer: &Issuer, id: &str) -> Self {
        Self { id: id.to_owned(), known: issuer.types.keys().cloned().collect() }
    }
}

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, known) = (&self.id, self.known.join(", "));
        write!(
            f,
            "there is no credential type `{id}`; there is: {known}. Correct the name; a file "
        )?;
        f.write_str("that is new counts once the issuer was started anew")
    }
}

//! Bitstring Status List v1.0: how W3C credentials say where their status is, and the lists.
//!
//! A credential refers to one entry for each purpose ([`BitstringEntry`]); the list is a credential
//! itself ([`ListCredential`], [`UnverifiedBitstringList`]), and holds its bits highest first, other
//! than a Token Status List. `StatusList2021`, its draft, is read.

mod bits;
mod credential;
mod entry;
mod issue;

pub use bits::Bitstring;
pub use credential::{UnverifiedBitstringList, VerifiedBitstringList};
pub use entry::{BitstringEntry, Purpose};
pub use issue::ListCredential;

/// The words of the entry and of the list, in linked data of version 1.1 of the data model; version 2.0
/// has them in its own context.
pub const V1_CONTEXT: &str = "https://www.w3.org/ns/credentials/status/v1";

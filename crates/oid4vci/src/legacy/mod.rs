//! The drafts that deployed Wallets and Issuers still speak, from 8 to 15.
//!
//! They are translated here, at the edge, into the messages of 1.0 and back. Of all types in here
//! others name [`Dialect`] alone, and nobody outside distinguishes one draft from another.

mod dialect;
mod received;

pub use dialect::Dialect;

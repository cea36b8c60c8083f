//! The command line as scripts and people use it: exit codes, streams, JSON, questions.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod attested;
mod client_key;
mod contexts;
mod derive;
mod first_party;
mod haip;
mod hardware;
mod inspect;
mod issuer;
mod later;
mod pki;
mod receive;
mod sessions;
mod store;
mod stranger;
mod terminal;
mod types;
mod verdicts;
mod world;

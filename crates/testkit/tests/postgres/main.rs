//! PostgreSQL keeps the contract of the store: alone, with several nodes, and when it dies.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod away;
mod contract;
mod door;
mod forbidden;
mod migrations;
mod names;
mod nodes;
mod outcomes;
mod proxy;
mod steps;

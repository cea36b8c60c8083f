//! What tests share: a clock that stands still, randomness that repeats, and the contract that every
//! store is held to. Helpers here stop at the first surprise, as tests do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

pub mod contract;
pub mod outside;

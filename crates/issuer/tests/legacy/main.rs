//! The drafts over the router: the flow in the words of each, and that nothing of 1.0's rules is lost.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod attested;
mod cost;
mod encryption;
mod flow;
mod held;
mod later;
mod metadata;
mod refused;
mod shared;
mod sign_in;
mod speaker;

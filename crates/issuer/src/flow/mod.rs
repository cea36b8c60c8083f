//! The steps of the flow, each one load, one decision and one commit.

pub mod application;
mod cover;
pub mod credential;
pub mod metadata;
pub mod nonce;
pub mod offer;
pub mod status;
pub mod token;

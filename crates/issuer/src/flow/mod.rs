//! The steps of the flow, each one load, one decision and one commit.

pub mod application;
pub mod credential;
pub mod metadata;
pub mod nonce;
pub mod offer;
pub mod sender;
pub mod status;
pub mod token;

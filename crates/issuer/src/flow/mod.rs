//! The steps of the flow, each one load, one decision and one commit.

pub mod application;
mod cover;
pub mod credential;
pub mod deferred;
pub mod metadata;
pub mod nonce;
pub mod notification;
pub mod offer;
pub mod status;
pub mod token;

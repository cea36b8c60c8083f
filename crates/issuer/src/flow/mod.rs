//! The steps of the flow, each one load, one decision and one commit.

pub mod account;
pub mod application;
pub mod authorization;
pub mod batch;
pub mod client;
mod code;
pub mod cover;
pub mod credential;
pub mod deferred;
mod external;
pub mod introspection;
pub mod legacy;
pub mod metadata;
pub mod nonce;
pub mod notification;
pub mod offer;
mod refresh;
pub mod sender;
pub mod status;
pub mod token;
pub mod unknown_type;

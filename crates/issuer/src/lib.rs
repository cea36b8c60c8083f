//! The Issuer: the service that an organisation runs.

pub mod config;
pub mod credential_type;
pub mod init;
pub mod letter;
pub mod portal;

//! The portal, from the form to the receipt, through the router that the server runs.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod application;
mod browser;
mod form;
mod lists;
mod several;

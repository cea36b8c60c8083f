//! The portal: pages for people who apply for a credential (VCI §3.5).
//!
//! Every page is complete without JavaScript; `portal.js` only adds what is pleasant.

pub mod assets;
mod field;
pub mod language;
pub mod pages;
pub mod sign_in_pages;
mod words;

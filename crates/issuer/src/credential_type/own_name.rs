//! What each credential is called by itself: `id` for machines, `name` for people, as the data
//! model of the W3C has them.

use super::checks::check_text;
use super::entry::{Entry, WrittenEntry, place};
use super::format::{WrittenCryptosuite, WrittenFormat};
use crate::config::ConfigError;

/// A name of its own makes each copy of a credential known again wherever it is shown; so a type says
/// that it wants one, and one whose disclosures shall not be linked cannot.
pub(super) fn check(entry: &Entry<'_>) -> Result<(), ConfigError> {
    let WrittenEntry { format, credential_id, credential_name, cryptosuite, .. } = &entry.written;
    if *credential_id && !format.is_w3c() {
        let problem = "`credential_id` belongs to W3C credentials";
        return Err(entry.mistake("credential_id", problem, "remove the line"));
    }
    if *credential_id && *cryptosuite == Some(WrittenCryptosuite::Bbs2023) {
        let problem = "by its own name every disclosure of a credential could be linked";
        return Err(entry.mistake("credential_id", problem, "remove the line, or cryptosuite"));
    }
    let Some(name) = credential_name else { return Ok(()) };
    if !matches!(format, WrittenFormat::VcJwt | WrittenFormat::VcSdJwt | WrittenFormat::LdpVc) {
        let problem = "`credential_name` belongs to W3C credentials of version 2.0";
        return Err(entry.mistake("credential_name", problem, "remove the line"));
    }
    check_text(name, &place(entry.at, "credential_name"), entry.source)
}

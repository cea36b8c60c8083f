//! What the file of a credential type may not say: nobody could use it, or it contradicts itself.

use std::collections::BTreeSet;

use super::Approval;
use super::entry::Entry;
use super::format::WrittenFormat;
use super::text::is_one_visible_line;
use super::written::{WrittenChannel, WrittenType};
use crate::config::ConfigError;
use crate::config::source::Source;

/// Longest name or description for people.
const TEXT_LENGTH_MAX: usize = 500;
/// Longest validity: a hundred years.
const VALIDITY_DAYS_MAX: u32 = 36_525;
/// Shortest life of an offer.
const OFFER_SECONDS_MIN: u32 = 30;
/// Most decoys in one place: each is 43 characters of every credential.
const DECOYS_MAX: usize = 32;

pub(super) fn check_numbers(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    if !(1..=VALIDITY_DAYS_MAX).contains(&written.validity_days) {
        let remedy = format!("use 1 to {VALIDITY_DAYS_MAX}");
        return Err(source.mistake(
            "validity_days",
            "no credential can be good for so long",
            remedy,
        ));
    }
    if written.offer_seconds.is_some_and(|seconds| seconds < OFFER_SECONDS_MIN) {
        let remedy = format!("use at least {OFFER_SECONDS_MIN}: a person has to find the phone");
        return Err(source.mistake("offer_seconds", "nobody can use such a short offer", remedy));
    }
    if written.suspendable == Some(true) && !written.has_status_list() {
        let problem = "without a status list nobody would see that it is suspended";
        let remedy = "write status_list = true, or remove suspendable";
        return Err(source.mistake("suspendable", problem, remedy));
    }
    Ok(())
}

/// A list of the kind that the format has a place for.
pub(super) fn check_status(written: &WrittenType, entry: &Entry<'_>) -> Result<(), ConfigError> {
    let status = entry.written.status;
    let kinds = entry.written.format.status_kinds();
    if status.is_some_and(|kind| !kinds.contains(&kind)) {
        let problem = "credentials of this format have no place for a status list of this kind";
        let remedy = "remove the line; bitstring is for the formats of the W3C, token for all but \
                      ldp_vc";
        return Err(entry.mistake("status", problem, remedy));
    }
    if status.is_some() && !written.has_status_list() {
        let problem = "status_list = false leaves its credentials without a status";
        return Err(entry.mistake("status", problem, "remove one of the two lines"));
    }
    Ok(())
}

/// RFC 9901 §4.2.5: only where there are digests, they can hide among others.
pub(super) fn check_decoys(entry: &Entry<'_>) -> Result<(), ConfigError> {
    let Some(decoys) = entry.written.decoys else { return Ok(()) };
    if !matches!(entry.written.format, WrittenFormat::SdJwtVc | WrittenFormat::VcSdJwt) {
        let problem = "`decoys` belongs to dc+sd-jwt and vc+sd-jwt";
        return Err(entry.mistake("decoys", problem, "remove the line"));
    }
    if decoys > DECOYS_MAX {
        let remedy = format!("write 0 to {DECOYS_MAX}");
        return Err(entry.mistake("decoys", "these make a credential too long", remedy));
    }
    Ok(())
}

/// A wallet needs a name for the card, and one for each language (META-25).
pub(super) fn check_display(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    if written.display.is_empty() {
        let remedy = "add [[display]] with `name` and `locale`";
        return Err(source.mistake("display", "the type has no name for people", remedy));
    }
    let mut seen = BTreeSet::new();
    for (at, display) in written.display.iter().enumerate() {
        let texts = [
            ("name", Some(display.name.as_str())),
            ("description", display.description.as_deref()),
            ("logo", display.logo.as_ref().map(|logo| logo.alt_text.as_str())),
        ];
        for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text?))) {
            check_text(text, &format!("display.{at}.{key}"), source)?;
        }
        if !seen.insert(display.locale.folded()) {
            let problem = format!("there is a second display for `{}`", display.locale.as_str());
            let remedy = "keep one for each language";
            return Err(source.mistake(&format!("display.{at}.locale"), problem, remedy));
        }
    }
    Ok(())
}

/// RFC 6749 §3.3 for `scope`; a `vct` is compared byte by byte, so it holds nothing hidden
/// (FMT-SDJWT-03).
pub(super) fn check_names(entry: &Entry<'_>) -> Result<(), ConfigError> {
    let is_token = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(is_token);
    if !entry.written.scope.as_ref().is_none_or(is_scope) {
        let remedy = "write one word of ASCII, without spaces and quotes, or remove the line";
        return Err(entry.mistake("scope", "this is no scope", remedy));
    }
    let is_plain = |c: char| c.is_ascii_graphic() || c.is_alphanumeric();
    let is_vct = |vct: &String| !vct.is_empty() && vct.chars().all(is_plain);
    if !entry.written.vct.as_ref().is_none_or(is_vct) {
        let remedy = "write a URL that is yours, without spaces, or remove the line";
        return Err(entry.mistake("vct", "this names no type", remedy));
    }
    Ok(())
}

/// What people read on cards and forms is one line; a name for people is not empty.
pub(super) fn check_text(text: &str, place: &str, source: &Source) -> Result<(), ConfigError> {
    let is_name = !place.ends_with("logo");
    let is_short = text.chars().count() <= TEXT_LENGTH_MAX;
    if is_one_visible_line(text) && is_short && !(is_name && text.trim().is_empty()) {
        return Ok(());
    }
    let remedy = format!(
        "write one line of at most {TEXT_LENGTH_MAX} characters in which everything can be seen: no \
         line break, tab, zero-width character or direction mark"
    );
    Err(source.mistake(place, "nobody can read this text", remedy))
}

/// A Transaction Code must reach the applicant, and protect what others may read on the way.
pub(super) fn check_tx_code(written: &WrittenType, source: &Source) -> Result<(), ConfigError> {
    if written.letter == Some(true) && !written.tx_code {
        let problem = "whoever opens the letter gets the credential";
        let remedy = "set tx_code = true, or letter = false";
        return Err(source.mistake("letter", problem, remedy));
    }
    let nobody = matches!(written.approval, Approval::AtOnce | Approval::Deferred)
        && written.tx_code
        && written.tx_code_channel == WrittenChannel::Caller;
    if written.portal && nobody {
        let problem = "nobody approves, so nobody is told the transaction code";
        let remedy =
            "set tx_code_channel = \"command\", tx_code = false, or approval = \"officer\"";
        return Err(source.mistake("approval", problem, remedy));
    }
    Ok(())
}

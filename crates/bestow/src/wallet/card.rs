//! Step 20: a credential shown to its holder, as a card on the terminal and as JSON for scripts.

use formats::status_list::Status;
use keys::outside::{Clock as _, SystemClock, Timestamp};
use serde_json::{Map, Value, json};
use textwrap::core::display_width;
use textwrap::{Options, wrap};
use wallet::card::{Line, Lines, lines};
use wallet::display::Display;
use wallet::status::{Standing, word};
use wallet::store::{StoredCredential, Trust};

use crate::terminal::plain;

/// Characters of a card's line.
const WIDTH: usize = 64;
/// In front of what belongs to the line above.
const INDENT: &str = "  ";
/// Longest value that is written out; a picture is only named.
const VALUE_MAX: usize = 200;
const LOCALE: &str = "en";

/// The object that scripts get.
pub(crate) fn json(credential: &StoredCredential) -> Value {
    let key = credential.holder_key.as_ref().map(
        |key| json!({ "kid": key.kid.to_string(), "binding": key.binding.name(), "did": key.did }),
    );
    json!({
        "id": credential.id.to_string(),
        "format": credential.format,
        "credential_configuration_id": credential.credential_configuration_id,
        "issuer": credential.credential_issuer,
        "claims": credential.claims,
        "holder_key": key,
        "copies": 1 + credential.copies.len(),
        "expires_at": credential.expires_at.map(Timestamp::to_rfc3339),
        "status": status_json(credential, SystemClock.now()),
    })
}

/// `null` stands for a credential whose issuer tells no status.
fn status_json(credential: &StoredCredential, now: Timestamp) -> Option<Value> {
    let standing = credential.standing(now)?;
    let is_over = is_overtaken(credential, &standing, now);
    let Standing { status, last, copies } = standing;
    Some(json!({
        "value": if is_over { "expired" } else { word(status) },
        "last": last.as_ref().map(|last| word(Some(last.status()))),
        "checked_at": last.map(|last| last.checked_at.to_rfc3339()),
        "copies": copies,
    }))
}

/// Valid, suspended, revoked or unknown, and since when that is known.
fn status_text(Standing { status, last, copies }: &Standing, all: usize) -> String {
    let at = last.as_ref().map(|last| last.checked_at.to_rfc3339());
    let text = match (status, last, at) {
        (Some(status), _, Some(at)) => format!("{}, checked {at}", word(Some(*status))),
        (None, Some(last), Some(at)) => {
            format!("status unknown, last checked {at}: {}", word(Some(last.status())))
        }
        _ => "status not checked yet".to_owned(),
    };
    if *copies < all { format!("{text} ({copies} of {all} copies)") } else { text }
}

/// Whether "valid" would mislead, as the time of the credential is over.
fn is_overtaken(credential: &StoredCredential, standing: &Standing, now: Timestamp) -> bool {
    credential.is_expired(now) && matches!(standing.status, Some(Status::Valid) | None)
}

/// What a list says, and that in words.
pub(crate) fn status(credential: &StoredCredential, now: Timestamp) -> Option<(Standing, String)> {
    let all = 1 + credential.copies.len();
    let standing = credential.standing(now)?;
    let is_told = !is_overtaken(credential, &standing, now);
    let text = status_text(&standing, all);
    is_told.then_some((standing, text))
}

/// Until when it is good, or that it is so no more.
fn life(credential: &StoredCredential, now: Timestamp) -> Option<String> {
    let end = credential.expires_at?.to_date();
    let is_over = credential.is_expired(now);
    Some(if is_over { format!("expired on {end}") } else { format!("valid until {end}") })
}

/// The card's name in words.
pub(crate) fn name(credential: &StoredCredential) -> String {
    let name = credential.display.face(LOCALE).map(|face| face.name.as_str());
    plain(name.unwrap_or(&credential.credential_configuration_id))
}

/// One line of a list.
pub(crate) fn line(credential: &StoredCredential) -> String {
    let issuer = plain(&credential.credential_issuer);
    let now = SystemClock.now();
    let life = life(credential, now).map(|life| format!("  {life}")).unwrap_or_default();
    let copies = match credential.copies.len() {
        0 => String::new(),
        more => format!("  ({} copies)", more + 1),
    };
    let status = status(credential, now).map(|(_, status)| format!("  {status}"));
    let status = status.unwrap_or_default();
    format!("{}  {}{copies}  {issuer}{life}{status}", credential.id, name(credential))
}

/// The whole card.
pub(crate) fn card(credential: &StoredCredential) -> String {
    let issuer = credential.display.issuer_name(LOCALE);
    let issuer = plain(issuer.unwrap_or(&credential.credential_issuer));
    let mut lines = vec![name(credential), issuer, String::new()];
    lines.append(&mut claims(credential));
    lines.push(String::new());
    lines.push(plain(&credential.credential_issuer));
    lines.push(trust(&credential.trust));
    let now = SystemClock.now();
    lines.extend(life(credential, now));
    lines.extend(status(credential, now).map(|(_, status)| status));
    if !credential.copies.is_empty() {
        let count = 1 + credential.copies.len();
        lines.push(format!("{count} copies, each with a key of its own"));
    }
    lines.push(format!("{}  {}", credential.format, credential.id));
    framed(&lines)
}

/// What a card shows of a credential that nobody has got yet.
pub(crate) struct Face<'f> {
    pub(crate) id: &'f str,
    pub(crate) issuer: &'f str,
    pub(crate) display: &'f Display,
    pub(crate) claims: &'f Map<String, Value>,
}

/// The card of a credential yet to be issued, in this language.
pub(crate) fn face(face: &Face<'_>, locale: &str) -> String {
    let look = face.display.face(locale);
    let mut written = vec![plain(look.map_or(face.id, |look| &look.name))];
    written.push(plain(face.display.issuer_name(locale).unwrap_or(face.issuer)));
    written.push(String::new());
    written.append(&mut write(lines(face.claims, &face.display.claims, locale)));
    if let Some(description) = look.and_then(|look| look.description.as_deref()) {
        written.extend([String::new(), plain(description)]);
    }
    framed(&written)
}

fn claims(credential: &StoredCredential) -> Vec<String> {
    write(credential.lines(LOCALE))
}

/// An issuer may send more than a person reads; scripts get all of it.
fn write(Lines { shown, more }: Lines<'_>) -> Vec<String> {
    let words = |line: &Line<'_>| format!("{}: {}", plain(&line.label), value(line));
    let mut lines: Vec<String> = shown.iter().map(words).collect();
    if more > 0 {
        let plural = if more == 1 { "line" } else { "lines" };
        lines.push(format!("… and {more} more {plural}; all of it: --json"));
    }
    lines
}

fn value(line: &Line<'_>) -> String {
    let is_picture = line.value.as_str().is_some_and(|text| text.starts_with("data:image/"));
    if is_picture {
        return "(picture)".to_owned();
    }
    plain(&line.text()).chars().take(VALUE_MAX).collect()
}

fn trust(trust: &Trust) -> String {
    match trust {
        Trust::Anchor { subject } => {
            let subject = subject.as_deref().map(|subject| format!(" ({})", plain(subject)));
            format!("verified: certificate of a trusted authority{}", subject.unwrap_or_default())
        }
        Trust::IssuerMetadata => "verified: the issuer publishes the key that signed".to_owned(),
        Trust::Accepted => "NOT VERIFIED: accepted although nobody vouches for it".to_owned(),
    }
}

/// Long lines break between words; wide characters take two columns.
fn framed(lines: &[String]) -> String {
    let rule = "─".repeat(WIDTH + 2);
    let mut framed = vec![format!("╭{rule}╮")];
    for line in lines {
        let depth = line.len() - line.trim_start().len();
        let indent = format!("{}{INDENT}", " ".repeat(depth));
        for piece in wrap(line, Options::new(WIDTH).subsequent_indent(&indent)) {
            let padding = " ".repeat(WIDTH.saturating_sub(display_width(&piece)));
            framed.push(format!("│ {piece}{padding} │"));
        }
    }
    framed.push(format!("╰{rule}╯"));
    framed.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wallet::card::LINES_MAX;
    use wallet::store::StoredCredential;

    #[test]
    fn lists_of_objects_are_numbered() {
        let credential: StoredCredential = serde_json::from_value(json!({
            "id": "1", "format": "dc+sd-jwt", "credential_configuration_id": "card",
            "credential_issuer": "https://issuer.example", "raw": "x", "types": [],
            "claims": { "degrees": [{ "year": 2020, "type": "BSc" }, { "type": "MSc" }] },
            "display": { "issuer": [], "faces": [], "claims": [
                { "path": ["degrees"], "names": [{ "locale": "en", "text": "Degrees" }] },
                { "path": ["degrees", null, "type"], "names": [{ "locale": "en", "text": "Kind" }] },
            ] },
            "trust": { "by": "accepted" }, "holder_key": null, "received_at": 0,
            "expires_at": null,
        }))
        .unwrap();
        let lines = super::claims(&credential);
        let expected = ["Degrees 1 › year: 2020", "Degrees 1 › Kind: BSc", "Degrees 2 › Kind: MSc"];
        assert_eq!(lines, expected);
    }

    /// A list may call valid what its own end has made worthless.
    #[test]
    fn what_has_expired_is_not_called_valid() {
        let mut credential: StoredCredential = serde_json::from_value(json!({
            "id": "1", "format": "dc+sd-jwt", "credential_configuration_id": "card",
            "credential_issuer": "https://issuer.example", "raw": "cannot be read", "types": [],
            "claims": {}, "display": { "issuer": [], "faces": [], "claims": [] },
            "trust": { "by": "accepted" }, "holder_key": null, "received_at": 0,
            "expires_at": 100,
        }))
        .unwrap();
        let far = u64::from(u32::MAX);
        for (value, told) in [(0, "expired"), (1, "revoked"), (2, "suspended")] {
            credential.status = serde_json::from_value(json!({
                "value": value, "listed_at": 1, "checked_at": 1, "fresh_until": far,
            }))
            .unwrap();
            let json = super::json(&credential);
            assert_eq!(json["status"]["value"], told);
            assert_eq!(json["expires_at"], "1970-01-01T00:01:40Z");
            for shown in [super::card(&credential), super::line(&credential)] {
                assert!(shown.contains("expired on 1970-01-01"), "{shown}");
                assert!(!shown.contains("valid"), "{shown}");
                assert!(shown.contains(told), "{shown}");
            }
        }
        credential.expires_at = None;
        credential.status = None;
        assert_eq!(super::json(&credential)["status"]["value"], "unknown", "not none");
    }

    #[test]
    fn a_flood_of_claims_does_not_flood_the_terminal() {
        let claims: Value = (0..30_000).map(|n| (format!("n{n}"), json!(n))).collect();
        let credential: StoredCredential = serde_json::from_value(json!({
            "id": "1", "format": "dc+sd-jwt", "credential_configuration_id": "card",
            "credential_issuer": "https://issuer.example", "raw": "x", "types": [],
            "claims": claims, "display": { "issuer": [], "faces": [], "claims": [] },
            "trust": { "by": "accepted" }, "holder_key": null, "received_at": 0,
            "expires_at": null,
        }))
        .unwrap();
        let card = super::card(&credential);
        assert!(card.contains("… and 29800 more lines; all of it: --json"), "{card}");
        assert!(card.lines().count() < LINES_MAX + 20);
        let json = super::json(&credential);
        assert_eq!(json["claims"].as_object().unwrap().len(), 30_000);
    }
}

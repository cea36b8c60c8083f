//! Step 20: a credential shown to its holder, as a card on the terminal and as JSON for scripts.

use keys::outside::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};
use textwrap::core::display_width;
use textwrap::{Options, wrap};
use wallet::card::LINES_MAX;
use wallet::display::{ClaimLabel, Display, clean};
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
        "status": credential.standing(SystemClock.now()).map(status_json),
    })
}

/// `null` stands for a credential whose issuer tells no status.
fn status_json(Standing { status, last, copies }: Standing) -> Value {
    json!({
        "value": word(status),
        "last": last.map(|last| word(Some(last.status()))),
        "checked_at": last.map(|last| last.checked_at.to_rfc3339()),
        "copies": copies,
    })
}

/// Valid, suspended, revoked or unknown, and since when that is known.
pub(crate) fn status_text(Standing { status, last, copies }: Standing, all: usize) -> String {
    let at = last.map(|last| last.checked_at.to_rfc3339());
    let text = match (status, last, at) {
        (Some(status), _, Some(at)) => format!("{}, checked {at}", word(Some(status))),
        (None, Some(last), Some(at)) => {
            format!("status unknown, last checked {at}: {}", word(Some(last.status())))
        }
        _ => "status not checked yet".to_owned(),
    };
    if copies < all { format!("{text} ({copies} of {all} copies)") } else { text }
}

fn status(credential: &StoredCredential) -> Option<String> {
    let all = 1 + credential.copies.len();
    credential.standing(SystemClock.now()).map(|standing| status_text(standing, all))
}

/// The card's name in words.
pub(crate) fn name(credential: &StoredCredential) -> String {
    let name = credential.display.face(LOCALE).map(|face| face.name.as_str());
    plain(name.unwrap_or(&credential.credential_configuration_id))
}

/// One line of a list.
pub(crate) fn line(credential: &StoredCredential) -> String {
    let issuer = plain(&credential.credential_issuer);
    let until = credential.expires_at.map(|at| format!("  until {}", at.to_date()));
    let copies = match credential.copies.len() {
        0 => String::new(),
        more => format!("  ({} copies)", more + 1),
    };
    let until = until.unwrap_or_default();
    let status = status(credential).map(|status| format!("  {status}")).unwrap_or_default();
    format!("{}  {}{copies}  {issuer}{until}{status}", credential.id, name(credential))
}

/// The whole card.
pub(crate) fn card(credential: &StoredCredential) -> String {
    let issuer = credential.display.issuer_name(LOCALE);
    let issuer = plain(issuer.unwrap_or(&credential.credential_issuer));
    let mut lines = vec![name(credential), issuer, String::new()];
    lines.append(&mut claims((&credential.display, &credential.claims), LOCALE));
    lines.push(String::new());
    lines.push(plain(&credential.credential_issuer));
    lines.push(trust(&credential.trust));
    if let Some(expires_at) = credential.expires_at {
        lines.push(format!("valid until {}", expires_at.to_date()));
    }
    lines.extend(status(credential));
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
    let mut lines = vec![plain(look.map_or(face.id, |look| &look.name))];
    lines.push(plain(face.display.issuer_name(locale).unwrap_or(face.issuer)));
    lines.push(String::new());
    lines.append(&mut claims((face.display, face.claims), locale));
    if let Some(description) = look.and_then(|look| look.description.as_deref()) {
        lines.extend([String::new(), plain(description)]);
    }
    framed(&lines)
}

/// An issuer may send more than a person reads; scripts get all of it.
fn claims((display, claims): (&Display, &Map<String, Value>), locale: &str) -> Vec<String> {
    let mut lines = Vec::new();
    Labels::of(display, locale).write(claims, &mut Vec::new(), &mut lines);
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.truncate(LINES_MAX);
        let plural = if more == 1 { "line" } else { "lines" };
        lines.push(format!("… and {more} more {plural}; all of it: --json"));
    }
    lines
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

/// The issuer's labels: what claims are called, and in which order they stand.
struct Labels<'c> {
    /// By path below the subject, nothing for any element of a list; the place in the list is the
    /// place on the card.
    paths: Vec<(Vec<Option<&'c str>>, Option<&'c str>)>,
}

impl<'c> Labels<'c> {
    fn of(display: &'c Display, locale: &str) -> Self {
        let labels = display.claims.iter();
        let path = |label: &'c ClaimLabel| {
            let is_step = |step: &&Value| step.is_string() || step.is_null();
            let path: Vec<Option<&'c str>> =
                label.path.iter().take_while(is_step).map(Value::as_str).collect();
            // Paths of a W3C credential begin at the credential, what we keep begins at its subject.
            match path.split_first() {
                Some((&Some("credentialSubject"), below)) => below.to_vec(),
                _ => path,
            }
        };
        Self { paths: labels.map(|label| (path(label), label.name(locale))).collect() }
    }

    /// One line for each claim, those of an object below its name and further in.
    fn write<'v>(
        &self,
        claims: &'v Map<String, Value>,
        path: &mut Vec<Option<&'v str>>,
        lines: &mut Vec<String>,
    ) {
        let mut ordered: Vec<(&String, &Value)> = claims.iter().collect();
        ordered.sort_by_cached_key(|(name, _)| self.place(path, name));
        for (name, value) in ordered {
            path.push(Some(name));
            let label = plain(self.label(path).unwrap_or(name));
            self.write_value(&label, value, path, lines);
            path.pop();
        }
    }

    /// A list of objects has a number for each.
    fn write_value<'v>(
        &self,
        label: &str,
        value: &'v Value,
        path: &mut Vec<Option<&'v str>>,
        lines: &mut Vec<String>,
    ) {
        let indent = INDENT.repeat(path.len().saturating_sub(1));
        match value {
            Value::Object(inside) => {
                lines.push(format!("{indent}{label}:"));
                self.write(inside, path, lines);
            }
            Value::Array(elements) if elements.iter().any(|it| it.is_object() || it.is_array()) => {
                lines.push(format!("{indent}{label}:"));
                for (at, element) in elements.iter().enumerate() {
                    path.push(None);
                    self.write_value(&(at + 1).to_string(), element, path, lines);
                    path.pop();
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => lines.push(format!("{indent}{label}: {}", shown(value))),
        }
    }

    /// Where the issuer names it, or something inside of it, first; what it does not name is last.
    fn place(&self, above: &[Option<&str>], name: &str) -> usize {
        let below = |path: &[Option<&str>]| {
            path.strip_prefix(above).is_some_and(|rest| rest.first() == Some(&Some(name)))
        };
        self.paths.iter().position(|(path, _)| below(path)).unwrap_or(usize::MAX)
    }

    /// A label for each element of a list is one for the list.
    fn label(&self, path: &[Option<&str>]) -> Option<&'c str> {
        let is_of = |labelled: &[Option<&str>]| {
            labelled.strip_prefix(path).is_some_and(|rest| rest.iter().all(Option::is_none))
        };
        self.paths.iter().find(|(labelled, _)| is_of(labelled)).and_then(|(_, name)| *name)
    }
}

fn shown(value: &Value) -> String {
    let words = |value: &Value| match value {
        Value::String(text) if text.starts_with("data:image/") => "(picture)".to_owned(),
        Value::String(text) => clean(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let text = match value.as_array() {
        Some(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        None => words(value),
    };
    plain(&text).chars().take(VALUE_MAX).collect()
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
        let lines = super::claims((&credential.display, &credential.claims), super::LOCALE);
        let expected =
            ["Degrees:", "  1:", "    Kind: BSc", "    year: 2020", "  2:", "    Kind: MSc"];
        assert_eq!(lines, expected);
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

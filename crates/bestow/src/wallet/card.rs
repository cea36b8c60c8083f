//! Step 20: a credential shown to its holder, as a card on the terminal and as JSON for scripts.

use serde_json::{Value, json};
use wallet::display::clean;
use wallet::store::{StoredCredential, Trust};

use crate::terminal::plain;

/// Characters of a card's line.
const WIDTH: usize = 64;
/// Longest value that is written out; a picture is only named.
const VALUE_MAX: usize = 200;
const LOCALE: &str = "en";

/// The object that scripts get.
pub(crate) fn json(credential: &StoredCredential) -> Value {
    let key = credential.holder_key.as_ref().map(|key| {
        json!({ "kid": key.kid.to_string(), "binding": key.binding.name(), "did": key.did })
    });
    json!({
        "id": credential.id.to_string(),
        "format": credential.format,
        "credential_configuration_id": credential.credential_configuration_id,
        "issuer": credential.credential_issuer,
        "claims": credential.claims,
        "holder_key": key,
    })
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
    format!("{}  {}  {issuer}{}", credential.id, name(credential), until.unwrap_or_default())
}

/// The whole card.
pub(crate) fn card(credential: &StoredCredential) -> String {
    let issuer = credential.display.issuer_name(LOCALE);
    let issuer = plain(issuer.unwrap_or(&credential.credential_issuer));
    let mut lines = vec![name(credential), issuer, String::new()];
    for (label, value) in labelled(credential) {
        lines.push(format!("{label}: {value}"));
    }
    lines.push(String::new());
    lines.push(plain(&credential.credential_issuer));
    lines.push(trust(&credential.trust));
    if let Some(expires_at) = credential.expires_at {
        lines.push(format!("valid until {}", expires_at.to_date()));
    }
    lines.push(format!("{}  {}", credential.format, credential.id));
    framed(&lines)
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

/// Claims by the issuer's labels, in its order; those without a label follow under their names.
fn labelled(credential: &StoredCredential) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut named: Vec<&[Value]> = Vec::new();
    for label in &credential.display.claims {
        let path = below_subject(&label.path);
        let value = path.iter().try_fold(None, |at: Option<&Value>, part| {
            let part = part.as_str()?;
            Some(Some(at.map_or_else(|| credential.claims.get(part), |at| at.get(part))?))
        });
        if let Some(Some(value)) = value.filter(|value| value.is_some_and(|v| !v.is_object())) {
            let text = label.names.first().map(|name| plain(&name.text));
            let text = text.unwrap_or_else(|| dotted(path));
            lines.push((text, shown(value)));
            named.push(path);
        }
    }
    let mut path = Vec::new();
    rest(&Value::Object(credential.claims.clone()), &mut path, &named, &mut lines);
    lines
}

/// Paths of a W3C credential begin at the credential, what we keep begins at its subject.
fn below_subject(path: &[Value]) -> &[Value] {
    match path {
        [first, rest @ ..] if first == "credentialSubject" => rest,
        _ => path,
    }
}

fn rest(
    value: &Value,
    path: &mut Vec<Value>,
    named: &[&[Value]],
    lines: &mut Vec<(String, String)>,
) {
    if named.contains(&path.as_slice()) {
        return;
    }
    if let Value::Object(members) = value {
        for (name, value) in members {
            path.push(name.clone().into());
            rest(value, path, named, lines);
            path.pop();
        }
    } else {
        lines.push((dotted(path), shown(value)));
    }
}

fn dotted(path: &[Value]) -> String {
    let parts: Vec<String> = path.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), plain)).collect();
    parts.join(".")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with("data:image/") => "(picture)".to_owned(),
        Value::String(text) => clean(&plain(text)).chars().take(VALUE_MAX).collect(),
        _ => plain(&value.to_string()).chars().take(VALUE_MAX).collect(),
    }
}

fn framed(lines: &[String]) -> String {
    let rule = "─".repeat(WIDTH + 2);
    let mut text = format!("╭{rule}╮\n");
    for line in lines {
        let characters: Vec<char> = line.chars().collect();
        let pieces: Vec<String> = match characters.chunks(WIDTH).map(|c| c.iter().collect()).collect::<Vec<String>>() {
            pieces if pieces.is_empty() => vec![String::new()],
            pieces => pieces,
        };
        for piece in pieces {
            let padding = " ".repeat(WIDTH.saturating_sub(piece.chars().count()));
            text.push_str(&format!("│ {piece}{padding} │\n"));
        }
    }
    text.push_str(&format!("╰{rule}╯"));
    text
}

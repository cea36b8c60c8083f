//! What a credential type may say, but had better not: told by `bestow issuer credential check`.

use oid4vci::colour::Colour;

use super::{Claim, CredentialType, Disclosure, Display, Format, Revocation, ValueType};
use crate::config::ConfigError;
use crate::config::source::Source;

/// WCAG 2.2 AA asks for this ratio between text and what is behind it.
const CONTRAST_MIN: f64 = 4.5;

/// Each credential of `bbs-2023` has its things without a name (the credential, its subject, these
/// objects) in an order of its own: of so many there are 24.
const OBJECTS_MAX: usize = 2;

/// All warnings: what is about a format for each of them, in the order of the file, then what is about
/// all of them.
pub(super) fn warnings(formats: &[CredentialType], source: &Source) -> Vec<ConfigError> {
    let Some(first) = formats.first() else { return Vec::new() };
    let each = formats.iter().flat_map(|one| {
        let told = links(one, source).into_iter();
        name(one, source).into_iter().chain(told).chain(shown(one, formats, source))
    });
    let looks = first.display.iter().enumerate();
    let looks = looks.filter_map(|(at, display)| look(at, display, source));
    let claims = first.claims.iter().enumerate();
    let labels = claims.filter_map(|(at, claim)| label(first, (at, claim), source));
    each.chain(looks).chain(labels).collect()
}

/// The holder of an mdoc may leave out what other formats of the same type always show.
fn shown(
    credential_type: &CredentialType,
    formats: &[CredentialType],
    source: &Source,
) -> Option<ConfigError> {
    let Format::MsoMdoc { .. } = credential_type.format else { return None };
    let is_always = |at: usize| {
        let others = formats.iter().filter(|one| one.format.can_conceal());
        let mut claims = others.filter_map(|one| one.claims.iter().nth(at));
        claims.any(|claim| claim.disclosure == Disclosure::Always)
    };
    let mut claims = credential_type.claims.iter().enumerate();
    let (at, claim) = claims.find(|(at, _)| is_always(*at))?;
    let problem = format!(
        "claim `{}`: the holder of {} may leave it out, as every element of an mdoc",
        claim.name(),
        credential_type.id
    );
    let remedy = "verifiers must ask for it; or offer this type in no mdoc";
    Some(source.mistake(&format!("claims.{at}.disclosure"), problem, remedy))
}

/// A proof that cannot be linked is worth nothing beside what is another for each credential, and is
/// always shown.
fn links(credential_type: &CredentialType, source: &Source) -> Vec<ConfigError> {
    let told = |place, what, remedy| {
        let problem =
            format!("each disclosure shows {what}, by which all of one credential can be linked");
        source.mistake(&credential_type.origin.place(place), problem, remedy)
    };
    let has_key = credential_type.key_binding.is_some();
    let has_entry = credential_type.revocation != Revocation::Never;
    let key = has_key.then(|| {
        let remedy = "set key_binding = false, where whoever has the credential may show it";
        told("key_binding", "the DID of its holder", remedy)
    });
    let entry = has_entry.then(|| {
        let remedy = "set status_list = false, and a short validity_days instead";
        told("status_list", "its entry in the status list", remedy)
    });
    let objects = credential_type.claims.iter().filter(|one| one.value_type == ValueType::Object);
    let orders = (objects.count() > OBJECTS_MAX).then(|| {
        let remedy = "have fewer objects: claims beside each other tell nothing";
        told("claims", "part of the order in which its objects are signed", remedy)
    });
    let all = [key, entry, orders].into_iter().flatten();
    all.filter(|_| credential_type.is_unlinkable()).collect()
}

/// Whoever wants to know what an SD-JWT VC is looks at its `vct` (SD-JWT VC §6.3.1).
fn name(credential_type: &CredentialType, source: &Source) -> Option<ConfigError> {
    let Format::SdJwtVc { vct } = &credential_type.format else { return None };
    if vct.starts_with("https://") {
        return None;
    }
    let problem = "vct is no https: address, so nobody can fetch what describes the type";
    let remedy = "keep it where an ecosystem prescribes it; else write a URL that is yours";
    Some(source.mistake(&credential_type.origin.place("vct"), problem, remedy))
}

fn look(at: usize, display: &Display, source: &Source) -> Option<ConfigError> {
    let colour = |color: &Option<super::Color>| Colour::parse(color.as_ref()?.as_str());
    let (behind, text) = (colour(&display.background_color), colour(&display.text_color));
    let place = format!("display.{at}");
    match (behind, text) {
        (None, _) => {
            let problem = "the card has no colour, so each wallet takes one of its own";
            Some(source.mistake(&place, problem, "add background_color = \"#12406b\""))
        }
        (Some(behind), Some(text)) if text.contrast(behind) < CONTRAST_MIN => {
            let problem = "text_color can hardly be read on background_color";
            let place = format!("{place}.text_color");
            Some(source.mistake(&place, problem, "take a lighter and a darker one"))
        }
        _ => None,
    }
}

/// A person who reads none of its languages is shown the name of a claim, or a foreign label.
fn label(
    credential_type: &CredentialType,
    (at, claim): (usize, &Claim),
    source: &Source,
) -> Option<ConfigError> {
    let place = format!("claims.{at}.label");
    if claim.label.is_empty() && !claim.is_element() && claim.constant.is_none() {
        let problem = format!("claim `{}` has no label", claim.name());
        return Some(source.mistake(&place, problem, "add label = { en = \"…\" }"));
    }
    let tags = credential_type.display.iter().map(|display| display.locale.as_str());
    let missing: Vec<&str> = tags.filter(|tag| !claim.label.contains_key(*tag)).collect();
    if !claim.label.is_empty() && !missing.is_empty() {
        let missing = missing.join(", ");
        let problem = format!("claim `{}` has no label in {missing}", claim.name());
        return Some(source.mistake(&place, problem, "the card has that language: add the label"));
    }
    let is_displayed =
        |tag: &String| credential_type.display.iter().any(|display| display.locale.as_str() == tag);
    let strange = claim.label.keys().find(|tag| !is_displayed(tag))?;
    let problem =
        format!("claim `{}` has a label in {strange}, and the card has not", claim.name());
    Some(source.mistake(
        &format!("{place}.{strange}"),
        problem,
        "add a [[display]] in that language",
    ))
}
